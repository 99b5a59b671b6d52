"""What people and scripts see: progress on a terminal, plain lines without one, one JSON document, help, completion, man pages."""

import errno
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import time

import pytest

from env.debs import ROOT
from env.everleaf import BINARY


def on_a_terminal(everleaf, *args, limit_s=40, columns=80):
    """Runs with standard error on a terminal; returns the status and what the terminal got."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *map(str, args)], env={**everleaf.env, "TERM": "xterm"}, stdin=subprocess.DEVNULL,
                               stdout=follower, stderr=follower)
    os.close(follower)
    text, deadline = b"", time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            data = os.read(leader, 4096)
        except OSError as error:
            assert error.errno == errno.EIO
            break
        if not data:
            break
        text += data
    os.close(leader)
    return process.wait(10), text.decode(errors="replace")


def test_progress_on_a_terminal(make_pebble, make_everleaf, new_name):
    slow = make_pebble(env={"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "3"})
    everleaf = make_everleaf(slow)
    for _ in range(6):  # now and then it sleeps for nothing, and nothing is to be waited for
        name = new_name()
        status, text = on_a_terminal(everleaf, "issue", name, "--standalone", slow.http_address)
        assert status == 0 and name in text, text
        if "wait" in text.lower():
            break
    assert "wait" in text.lower(), "says what is being waited for"
    assert "\x1b[" in text or "\r" in text


def test_internationalised_names_on_a_terminal(everleaf, name):
    """As they are read, behind what the certificate holds; not where letters of two scripts pretend to be one."""
    tail = name.split(".", 1)[1]
    mixed = f"xn--pypal-4ve.{tail}"  # a Cyrillic letter among Latin ones
    everleaf.run("issue", f"bücher.{tail}", f"*.例え.{tail}", mixed, "--name", "books", "--manual", "--challenge", "dns-01", "--no-preflight")
    read = [f"xn--bcher-kva.{tail} (bücher.{tail})", f"*.xn--r8jz45g.{tail} (*.例え.{tail})"]
    everleaf.env.update(LC_ALL="", LC_CTYPE="", LANG="de_DE.UTF-8")
    text = on_a_terminal(everleaf, "show", "books")[1]
    assert all(words in text for words in read) and mixed in text and f"{mixed} (" not in text
    assert read[0] in on_a_terminal(everleaf, "list", columns=120)[1]
    everleaf.env["LC_ALL"] = "C"
    assert "ü" not in on_a_terminal(everleaf, "show", "books")[1], "a terminal that may not have the letter"
    everleaf.env["LC_ALL"] = ""
    assert "(" not in everleaf.run("list").out and "ü" not in everleaf.run("show", "books").out, "scripts read the names alone"
    assert everleaf.show("books")["domains"][0] == f"xn--bcher-kva.{tail}"


def test_plain_lines_without_a_terminal(everleaf, name):
    result = everleaf.run("issue", name, *everleaf.standalone())
    assert "\x1b" not in result.out + result.err and "\r" not in result.out + result.err
    assert name in result.out + result.err


@pytest.mark.option("", "--quiet", "--verbose")
def test_less_and_more(everleaf, new_name):
    lines = {}
    for option in ("-qq", "-q", None, "-v", "-vv"):
        result = everleaf.run(*([option] if option else []), "issue", new_name(), *everleaf.standalone())
        lines[option] = len(result.err.splitlines())
    assert lines["-q"] == lines["-qq"] == 0
    assert lines["-q"] <= lines[None] <= lines["-v"] <= lines["-vv"] and lines["-vv"] > lines[None]


def test_verbose_shows_no_secrets(everleaf, tmp_path, name):
    result = everleaf.run("-vv", "issue", name, *everleaf.standalone())
    everleaf.run("account", "export", everleaf.json("account", "list")[0]["name"], "-o", tmp_path / "key.pem")
    for line in (tmp_path / "key.pem").read_text().splitlines():
        assert line.startswith("-----") or line not in result.err
    assert '"signature"' not in result.err and '"payload"' not in result.err


@pytest.mark.option("", "--json")
def test_json_is_one_document_and_nothing_else(everleaf, dns, name):
    for command in (["issue", name, *everleaf.standalone()], ["renew", name, "--force"], ["renew"], ["list"], ["show", name],
                    ["log", name], ["check"], ["account", "list"], ["ca", "list"], ["set", name, "--key-policy", "same"],
                    ["revoke", name], ["delete", name]):
        result = everleaf.run("--json", *command)
        if result.out.strip() or command[0] in ("list", "issue", "renew", "show", "log"):
            json.loads(result.out)
    assert everleaf.run("list", "--json").out.strip() == "[]", "global options may stand behind the command too"


def test_times_are_rfc_3339_in_utc(everleaf, name):
    everleaf.issue(name)
    row = everleaf.show(name)
    for key in ("not_before", "not_after", "renew_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[key])


@pytest.mark.option("", "--help")
@pytest.mark.option("help")
def test_help_everywhere(bare):
    text = bare.run("--help").out
    assert "issue" in text and "renew" in text
    commands = [row["command"] for row in bare.json("commands")["commands"]]
    assert {"issue", "renew", "account register", "ca add"} <= set(commands)
    for command in commands:
        assert command in bare.run(*command.split(), "--help").out
        assert command in bare.run("help", *command.split()).out
    assert not bare.state.exists()


def test_help_names_every_option(bare):
    for row in bare.json("commands")["commands"]:
        text = bare.run(*row["command"].split(), "--help").out
        for option in row["options"]:
            assert f"--{option['name'].lstrip('-')}" in text, f"{row['command']} {option}"


@pytest.mark.option("", "--version")
@pytest.mark.option("version")
def test_version(bare):
    assert re.search(r"\d+\.\d+\.\d+", bare.run("--version").out)
    assert bare.run("version").out == bare.run("--version").out


def test_words_that_begin_with_a_dash(bare):
    """One in 64 of the values that a CA asks for does."""
    words = ["dns", "present", "home", "_acme-challenge.example.org"]
    assert "goes after `--`" in bare.error(*words, "-Qx", status=2)
    assert "-Qx" not in bare.error(*words, "--", "-Qx", status=1)


@pytest.mark.option("completion")
@pytest.mark.option("names")
def test_completion(everleaf, tmp_path, name):
    everleaf.issue(name)
    assert name in everleaf.run("names", "certificates").out
    bash, zsh = tmp_path / "everleaf.bash", tmp_path / "_everleaf"
    bash.write_text(everleaf.run("completion", "bash").out)
    zsh.write_text(everleaf.run("completion", "zsh").out)
    subprocess.run(["zsh", "-n", zsh], check=True)
    everleaf.env["PATH"] = f"{BINARY.parent}:{everleaf.env['PATH']}"
    for words, wanted in ((["iss"], "issue"), (["issue", "--web"], "--webroot"), (["account", "reg"], "register"),
                          (["show", name[:5]], name)):
        script = (f'. "{bash}"; COMP_WORDS=(everleaf {" ".join(words)}); COMP_CWORD={len(words)}; '
                  'COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; '
                  'complete -p everleaf | grep -o -- "-F [^ ]*" | { read _ f; $f everleaf "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; '
                  'printf "%s\\n" "${COMPREPLY[@]}"; }')
        out = subprocess.run(["bash", "-c", script], env=everleaf.env, capture_output=True, text=True)
        assert wanted in out.stdout, (words, out)


@pytest.mark.option("man", "--prose")
@pytest.mark.option("commands")
def test_manual_pages(bare, tmp_path):
    page = tmp_path / "everleaf.1"
    for words in ([], ["issue"]):
        page.write_text(bare.run("man", *words).out)
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                              env={"MANWIDTH": "100", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and "everleaf" in done.stdout and not done.stderr, done.stderr


def test_an_error_is_one_line_with_the_words_of_the_ca(everleaf):
    error = everleaf.error("issue", "blocked.example.com", *everleaf.standalone(), status=1)
    assert error.startswith("everleaf: ") and "blocked.example.com" in error


def test_the_page_of_dns_providers_says_what_the_program_says():
    done = subprocess.run([ROOT / "tools/dns_page", "--check", BINARY], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
