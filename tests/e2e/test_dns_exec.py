"""exec and httpreq: lego's two contracts for programs and services of one's own. lego, from Debian, is the reference:
it drives the same program and the same service, and what reaches them must be the same from us."""

import json
import os
import pwd
import re
import shutil
import subprocess
import time

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Faults
from env import Everleaf, made
from env.debs import fetched
from env.dnsapi_lab import open_folder  # noqa: F401
from env.httpreq_fake import PASSWORD, USER, HttpreqFake

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user of a child")

ZONE_PROGRAM = """#!/bin/sh
# A zone in a file: one "name value" a line.
set -eu
zone=$(dirname "$0")/zone
printf '%s\\n' "$# $*" >>"$(dirname "$0")/calls"
env >"$(dirname "$0")/env"
touch "$zone"
case $1 in
present) grep -qxF -- "$2 $3" "$zone" || printf '%s\\n' "$2 $3" >>"$zone" ;;
cleanup) { grep -vxF -- "$2 $3" "$zone" || :; } >"$zone.new"; mv "$zone.new" "$zone" ;;
*) exit 9 ;;
esac
"""


def lego_program():
    found = shutil.which("lego")
    if found:
        return found
    try:
        return fetched("lego") / "usr/bin/lego"
    except RuntimeError:
        pytest.skip("Debian's package lego cannot be fetched")


def lego(folder, pebble, lab, provider, name, env):
    """A certificate for name and its wildcard by lego through this provider."""
    done = subprocess.run(
        [lego_program(), "--server", pebble.directory, "--email", "admin@example.org", "--accept-tos", "--path", folder / "lego",
         "--dns", provider, "--dns.disable-cp", "--dns.resolvers", pebble.dns, "--domains", name, "--domains", f"*.{name}", "run"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LEGO_CA_CERTIFICATES": str(lab.root), **env},
        capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]


# ---- httpreq

@pytest.fixture(scope="module")
def fake():
    with HttpreqFake() as server:
        yield server


class Httpreq(Acts, Faults):
    provider = "httpreq"
    settings = {"username": USER, "password": PASSWORD}
    public = ("username",)
    wrong = {"password": "wrong-password-0123456789"}
    wrong_words = "user name or password"
    denied = (403, {}, {"error": "not in your zone"})
    denied_words = "not in your zone"
    write = ("POST", "/present")
    remove = ("POST", "/cleanup")
    read = None


class TestHttpreq(Httpreq):
    # a service has no zones, and its answers have no shape beyond their status
    test_no_such_zone = None

    def test_a_page_in_html_is_told(self, account, fake):
        fake.spoil((400, {"Content-Type": "text/html"}, "<html><body>Maintenance\x1b[31m</body></html>"), times=None)
        self.names_all(account.error("dns", "present", "acct", self.name, ONE, status=(1, 75), timeout=120))

    def test_another_shape_is_an_error_and_no_crash(self, account, fake):
        for body in ("{}", "[]", '{"a":', "[" * 500, ""):
            fake.spoil((200, {"Content-Type": "application/json"}, body))
            account.run("dns", "present", "acct", self.name, ONE)

    def test_a_missing_right_is_named(self, account, fake):
        fake.spoil(self.denied, *self.write, times=None)
        self.names_all(account.error("dns", "present", "acct", self.name, ONE, status=1), self.denied_words)

    def test_a_wrong_address_is_named(self, account, fake):
        fake.spoil((404, {}, "no such page"), times=None)
        self.names_all(account.error("dns", "present", "acct", self.name, ONE, status=1), "base_url")

    def test_without_a_password(self, box, fake):
        fake.password = None
        try:
            path = box.folder / "open"
            path.write_text(f"base_url={fake.url}/below/here/\npropagation=none\n")
            path.chmod(0o600)
            box.run("dns", "add", "httpreq", "open", "--credentials", path)
            box.run("dns", "present", "open", NAME, ONE)
            assert "authorization" not in fake.requests[-1].headers and fake.requests[-1].path == "/below/here/present"
        finally:
            fake.password = PASSWORD

    @pytest.mark.parametrize("lines,words", [
        ("base_url=http://127.0.0.1:1/\nmode=raw", "RAW mode"), ("username=a\npassword=b", "base_url is needed"),
        ("base_url=http://127.0.0.1:1/\nusername=a", "go together"), ("base_url=http://127.0.0.1:1/\npassword=a", "go together"),
        ("endpoint=http://127.0.0.1:1/", '"endpoint"'),
    ])
    def test_wrong_settings(self, box, lines, words):
        path = box.folder / "wrong"
        path.write_text(lines + "\n")
        path.chmod(0o600)
        assert words in box.error("dns", "add", "httpreq", "x", "--credentials", path, status=2)


def test_lego_and_we_call_the_service_alike(pebble, lab, dns, tmp_path, new_name):
    """lego proves the fake, and that a service written for it gets the very same from us."""
    name = new_name()
    box = Everleaf(tmp_path / "everleaf")
    with HttpreqFake() as fake:
        fake.dns = dns
        lego(tmp_path, pebble, lab, "httpreq", name,
             {"HTTPREQ_ENDPOINT": fake.url, "HTTPREQ_USERNAME": USER, "HTTPREQ_PASSWORD": PASSWORD,
              "HTTPREQ_POLLING_INTERVAL": "1", "HTTPREQ_PROPAGATION_TIMEOUT": "10"})
        theirs = list(fake.requests)
        fake.reset()
        path = box.folder / "credentials"
        path.write_text(f"base_url={fake.url}\nusername={USER}\npassword={PASSWORD}\npropagation=none\n")
        path.chmod(0o600)
        box.secret(PASSWORD)
        box.run("dns", "add", "httpreq", "acct", "--credentials", path)
        for request in theirs:  # the same values again, by us
            action = {"/present": "present", "/cleanup": "cleanup"}[request.path]
            box.run("dns", action, "acct", request.json["fqdn"], request.json["value"])
        ours = list(fake.requests)
    assert {request.path for request in theirs} == {"/present", "/cleanup"} and len(theirs) >= 4

    def shape(request):
        return (request.method, request.target, request.json, request.headers["content-type"], request.headers["authorization"],
                request.status)
    assert [shape(request) for request in ours] == [shape(request) for request in theirs]


# ---- exec

class Program:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.path = folder / "program"
        self.write(ZONE_PROGRAM)

    def write(self, text):
        self.path.write_text(text)
        self.path.chmod(0o755)
        return self

    @property
    def zone(self):
        path = self.folder / "zone"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    @property
    def env(self):
        return dict(line.split("=", 1) for line in (self.folder / "env").read_text().splitlines())


@pytest.fixture
def box(tmp_path):
    return Everleaf(tmp_path / "everleaf", like=made())


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "program")


def make(box, program, **settings):
    lines = {"program": str(program.path), "propagation": "none", **settings}
    path = box.folder / "exec.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items()))
    path.chmod(0o600)
    box.run("dns", "add", "exec", "acct", "--credentials", path)
    return box


def test_values_come_and_go(box, program):
    make(box, program)
    (program.folder / "zone").write_text(f"{NAME}. neighbour\n")
    box.run("dns", "present", "acct", NAME, ONE, TWO)
    assert program.zone == [f"{NAME}. neighbour", f"{NAME}. {ONE}", f"{NAME}. {TWO}"]
    box.run("dns", "present", "acct", NAME, ONE)
    assert len(program.zone) == 3
    box.run("dns", "cleanup", "acct", NAME.upper() + ".", ONE)
    assert program.zone == [f"{NAME}. neighbour", f"{NAME}. {TWO}"]
    box.run("dns", "cleanup", "acct", NAME, TWO)
    box.run("dns", "cleanup", "acct", NAME, TWO)
    assert program.zone == [f"{NAME}. neighbour"]
    box.run("dns", "test", "acct", "www.example.org")
    assert program.zone == [f"{NAME}. neighbour"]


def test_lego_and_we_call_the_program_alike(pebble, lab, dns, box, program, tmp_path, new_name):
    name = new_name()
    program.write(ZONE_PROGRAM + f"""
curl -sS -d "{{\\"host\\": \\"$2\\", \\"value\\": \\"$3\\"}}" {dns.url}/$([ $1 = present ] && echo set-txt || echo clear-txt)
""")
    lego(tmp_path, pebble, lab, "exec", name, {"EXEC_PATH": str(program.path), "EXEC_POLLING_INTERVAL": "1",
                                               "EXEC_PROPAGATION_TIMEOUT": "10", "EXEC_SEQUENCE_INTERVAL": "1"})
    theirs = program.calls
    assert len(theirs) >= 4 and program.zone == []
    (program.folder / "calls").unlink()
    make(box, program)
    for call in theirs:
        _, action, fqdn, value = call.split(" ")
        box.run("dns", action, "acct", fqdn, value)
    assert program.calls == theirs
    assert re.fullmatch(rf"3 present _acme-challenge\.{re.escape(name)}\. [\w-]{{43}}", theirs[0])


def test_its_environment_is_clean_but_for_its_settings(box, program):
    box.env["OF_OURS"] = box.secret("of-our-own-environment")
    make(box, program, environment={"TOKEN": box.secret("token-for-the-program"), "OTHER": "two words"})
    box.run("dns", "present", "acct", NAME, ONE)
    assert program.env["TOKEN"] == "token-for-the-program" and program.env["OTHER"] == "two words"
    assert set(program.env) <= {"TOKEN", "OTHER", "PATH", "HOME", "LANG", "TZ", "PWD", "OLDPWD", "SHLVL", "_"}


def test_what_it_says_is_logged_without_secrets(box, program):
    make(box, program, environment={"TOKEN": box.secret("token-for-the-program")})
    program.write('#!/bin/sh\necho "out $TOKEN"; echo "err $TOKEN" >&2; [ "$1" = cleanup ]\n')
    result = box.run("-v", "dns", "present", "acct", NAME, ONE, status=1)
    assert "out *****" in result.err and "err *****" in result.err
    assert "DNS account acct (exec)" in result.err and "ended with status 1: err *****" in result.err.splitlines()[-1]


def test_killed_at_its_limit(box, program):
    make(box, program, timeout=1)
    program.write("#!/bin/sh\n[ $1 = cleanup ] || sleep 600\n")
    started = time.monotonic()
    line = box.error("dns", "present", "acct", NAME, ONE, status=1)
    assert "did not end within 1 s and was killed" in line and time.monotonic() - started < 20


@pytest.mark.parametrize("settings,words", [
    ({"program": "relative/program"}, "whole path"), ({"mode": "raw"}, "RAW mode"), ({"mode": "RAW"}, "RAW mode"),
    ({"timeout": -1}, "timeout"), ({"user": "no-such-user"}, "no-such-user"), ({"environment": ["x"]}, "NAME=VALUE"), ({"command": "x"}, "command"),
])
def test_wrong_settings(box, program, settings, words):
    path = box.folder / "wrong.yaml"
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in {"program": str(program.path), **settings}.items()))
    path.chmod(0o600)
    assert words in box.error("dns", "add", "exec", "acct", "--credentials", path, status=2)


def test_the_default_mode_may_be_said(box, program):
    make(box, program, mode="default").run("dns", "present", "acct", NAME, ONE)
    assert program.zone == [f"{NAME}. {ONE}"]


@pytest.mark.parametrize("spoil,words", [(lambda p: p.path.unlink(), "No such file"), (lambda p: p.path.chmod(0o644), "chmod +x"),
                                         (lambda p: p.write("#!/no/such/interpreter\n"), "cannot start")])
def test_a_program_that_cannot_run_is_told(box, program, spoil, words):
    make(box, program)
    spoil(program)
    line = box.error("dns", "present", "acct", NAME, ONE, status=1)
    assert words in line and str(program.path) in line


@as_root
def test_another_user(box, open_folder):
    daemon = pwd.getpwnam("daemon")
    program = Program(open_folder / "program")
    os.chown(program.folder, daemon.pw_uid, daemon.pw_gid)
    program.write(ZONE_PROGRAM + 'id -un >"$(dirname "$0")/id"; id -G >>"$(dirname "$0")/id"\n')
    make(box, program, user="daemon").run("dns", "present", "acct", NAME, ONE)
    assert (program.folder / "id").read_text().split() == ["daemon", str(daemon.pw_gid)]
