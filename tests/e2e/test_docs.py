"""docs/operations.md: every command, option, configuration key, metric and path in it is one that there is."""

import re
import socket
import ssl
import subprocess

import pytest

from env import Serve, TlsServe
from env.debs import ROOT
from env.process import wait_until

PAGE = ROOT / "docs/operations.md"


class LoopbackTls(TlsServe):
    address = Serve.address


def blocks(kind):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```", PAGE.read_text())


def commands():
    """The words of each `everleaf …` in indented lines and between back quotes."""
    text = re.sub(r"(?ms)^```.*?^```", "", PAGE.read_text())
    found = re.findall(r"^    everleaf ([^#\n]*)", text, re.M) + re.findall(r"`everleaf ([^`]*)`", text)
    return [line.split() for line in found]


@pytest.fixture
def table(bare):
    return bare.json("commands")


def understand(table, words):
    """What is wrong with a command's words, or None."""
    rows = {row["command"]: row for row in table["commands"]}
    shared = {option["name"].lstrip("-"): option for option in table["global_options"]}
    plain, options, i = [], [], 0
    named = {name: option for row in rows.values() for name, option in
             ((option["name"].lstrip("-"), option) for option in row["options"])}
    while i < len(words):
        if words[i].startswith("-") and len(words[i]) > 1:
            name = words[i].lstrip("-")
            options.append((words[i], name))
            option = shared.get(name) or named.get(name)
            if words[i] == "-o" or (option and option["value"] and not option["value_optional"]):
                i += 1
        else:
            plain.append(words[i])
        i += 1
    command = next((" ".join(plain[:n]) for n in (2, 1) if " ".join(plain[:n]) in rows), None)
    if not command:
        return f"no such command: {' '.join(words)}"
    known = {option["name"].lstrip("-") for option in rows[command]["options"]} | set(shared) | {"o", "v", "q"}
    wrong = [word for word, name in options if name not in known]
    return f"{command}: no such option: {', '.join(wrong)}" if wrong else None


def test_commands(table):
    found = commands()
    assert len(found) > 30
    wrong = [problem for problem in (understand(table, words) for words in found) if problem]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("words", [["nonsense"], ["user", "nonsense"], ["list", "--nonsense"], ["--nonsense", "list"]])
def test_what_is_not_there_is_found_out(table, words):
    assert understand(table, words)


def test_configuration(bare, tmp_path):
    """The blocks that are ours are read; keys named in the text are ones that there are."""
    ours = [block for block in blocks("yaml") if not block.startswith("groups:")]
    assert ours
    for block in ours:
        path = tmp_path / "everleaf.yaml"
        path.write_text(block)
        bare.run("--config", path, "list")
    manual = (ROOT / "docs/man/everleaf.txt").read_text()
    source = (ROOT / "src/flow/config.c").read_text()
    for key in ("ping_url", "allow_private", "webroots", "hooks", "deploy_hooks", "tls_name", "http", "listen"):
        assert f"`{key}" in PAGE.read_text() or f"\n{key}: " in PAGE.read_text()
        assert re.search(rf"struct config, {key},", source), f"no such key: {key}"
    assert "tls_name" in manual


def test_metrics_and_paths(everleaf):
    text = PAGE.read_text()
    with Serve(everleaf) as daemon:
        given = {re.sub(r"\{.*", "", name) for name in daemon.metrics()}
        named = set(re.findall(r"\beverleaf_[a-z_]+[a-z]\b(?!\*)", text)) - {"everleaf_VERSION_ARCH"}
        assert named and not named - given, named - given
        for path in ("/healthz", "/readyz", "/metrics"):
            assert path in text and daemon.get(path)[0] == 200
        assert daemon.get("/api/v1/certificates")[0] == 401


@pytest.mark.option("", "--server-ca-bundle")
def test_first_start(everleaf, pebble, name):
    """As the page has it: TLS with a stand-in, a user, a token, and the real certificate asked for through it."""
    with LoopbackTls(everleaf, "--tls-name", name, "--http", pebble.http_address) as daemon:
        everleaf.run("user", "add", "alice", "--role", "admin", "--email", "alice@example.org")
        token = everleaf.json("token", "create", "laptop", "--user", "alice", "--expires", "90d", shows_secrets=True)["token"]
        trusted = everleaf.folder / "stand-in.pem"
        subprocess.run(["openssl", "x509", "-in", everleaf.state / "stand-in.pem", "-out", trusted], check=True)
        remote = ["--server", f"https://127.0.0.1:{daemon.port}", "--token-file", everleaf.secret_file("token", token)]
        assert "127.0.0.1" in everleaf.error(*remote, "--server-ca-bundle", pebble.root_file(), "list", status=(1, 75))
        remote += ["--server-ca-bundle", trusted]
        assert everleaf.json(*remote, "list") == []
        everleaf.run(*remote, "issue", name, "--standalone")
        wait_until(lambda: f"TLS: {name}" in daemon.new_log(), "the real one to serve")
        context = ssl.create_default_context(cafile=pebble.root_file())
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname=name) as tls:
            assert tls.version() == "TLSv1.3"


def test_targets_of_make():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    (?:sudo )?make ([a-z-]+)", PAGE.read_text(), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
