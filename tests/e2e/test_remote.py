"""`everleaf --server`: what is refused before a daemon is asked, and what a daemon that is none is told as."""

import fcntl
import http.server
import json
import re
import select
import signal
import socket
import socketserver
import subprocess
import threading

import pytest

from env import Serve
from env.certs import load, openssl, public_key
from env.client import user
from env.httpreq_fake import HttpreqFake
from env.ports import free_port
from env.process import wait_until


class Stranger:
    """An HTTP server that is no daemon: answers as it is told, and notes what it was asked."""

    def __init__(self, status=200, body=b"{}", headers=()):
        self.seen = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do(self):
                length = int(self.headers.get("content-length") or 0)
                outer.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = do

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def token(bare):
    return bare.secret_file("token", "evl_0123456789abcdefghijklmnopqrstuvwxyz")


@pytest.mark.option("", "--server", "--token-file", "--server-ca-bundle")
def test_the_token_goes_in_a_header_and_nowhere_else(bare, token):
    with Stranger(body=b'{"items": [], "next": null}') as stranger:
        assert bare.json("--server", stranger.url, "--token-file", token, "-vv", "dns", "list") == []
        (method, path, headers, body), = stranger.seen
    assert (method, path.split("?")[0], body) == ("GET", "/api/v1/dns-accounts", b"")
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == f"Bearer {token.read_text().strip()}"


def test_the_token_from_the_environment(bare):
    with Stranger(body=b'{"items": [], "next": null}') as stranger:
        env = {"EVERLEAF_SERVER": stranger.url, "EVERLEAF_TOKEN": bare.secret("evl_from_the_environment")}
        assert bare.json("dns", "list", env=env) == []
        assert stranger.seen[0][2]["authorization"] == "Bearer evl_from_the_environment"


@pytest.mark.parametrize("url", ["certs.example.org", "ftp://certs.example.org", "https://", "https://me@certs.example.org",
                                 "https://certs.example.org/?x=1"])
def test_what_is_no_address(bare, token, url):
    assert "--server takes the daemon's address" in bare.error("--server", url, "--token-file", token, "list", status=2)


@pytest.mark.parametrize("url", ["http://certs.example.org", "http://127.0.0.1.example.org:8470", "http://192.0.2.1"])
def test_a_token_is_not_sent_in_the_clear(bare, token, url):
    assert "not encrypted" in bare.error("--server", url, "--token-file", token, "list", status=2)


def test_without_a_token(bare):
    assert "--token-file" in bare.error("--server", "https://certs.example.org", "list", status=2)


def test_a_token_file_that_is_not_there(bare):
    assert "no-such-file" in bare.error("--server", "https://certs.example.org", "--token-file", "no-such-file", "list", status=1)


@pytest.mark.parametrize("words", [["serve"], ["master-key", "rotate"]])
def test_what_is_for_the_host_alone(bare, token, words):
    assert "host of the state itself" in bare.error("--server", "http://127.0.0.1:1", "--token-file", token, *words, status=2)


def test_a_daemon_that_is_not_there(bare, token):
    line = bare.error("--server", f"http://127.0.0.1:{free_port()}", "--token-file", token, "dns", "list", status=75)
    assert "the daemon at http://127.0.0.1:" in line


@pytest.mark.parametrize("status, body, words, exit_status", [
    (500, b"<html>oops</html>", "answers with status 500", 1),
    (302, b"", "redirects are not followed", 1),
    (200, b"<html>", "what the daemon at", 1),
    (200, b'{"items": 5}', "what the daemon at", 1),
    (401, b'{"status": 401, "code": "unauthenticated", "detail": "the token is none"}', "the token is none", 1),
    (404, b'{"status": 404, "code": "not-found", "detail": "there is none"}', "there is none", 1),
    (400, b'{"status": 400, "code": "usage", "detail": "that is wrong", "member": "limit"}', "that is wrong", 2),
    (503, b'{"status": 503, "code": "again", "detail": "later", "retry_after": 7}', "it asks to wait 7 s", 75),
    (429, b"", "answers with status 429", 75),
    (200, b"[" * 100, "what the daemon at", 1),
])
def test_what_a_daemon_may_say(bare, token, status, body, words, exit_status):
    headers = [("location", "https://certs.example.org/")] if status == 302 else []
    with Stranger(status, body, headers) as stranger:
        line = bare.error("--server", stranger.url, "--token-file", token, "dns", "list", status=exit_status)
        assert words in line, line
        assert len(stranger.seen) == 1


def test_control_characters_do_not_reach_a_terminal(bare, token):
    body = json.dumps({"status": 404, "code": "not-found", "detail": "\x1b[31mred\x07"}).encode()
    with Stranger(404, body) as stranger:
        assert "\x1b" not in bare.error("--server", stranger.url, "--token-file", token, "dns", "list", status=1)


def test_what_makes_something_is_sent_again_under_its_key(bare, token):
    """A daemon that hangs up: the same request comes again, and the daemon can know it by its key."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.headers["idempotency-key"])
            if len(seen) < 3:
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        bare.run("--server", url, "--token-file", token, "dns", "enable", "home")
        bare.run("--server", url, "--token-file", token, "dns", "enable", "home")
    finally:
        server.shutdown()
        server.server_close()
    assert len(seen) == 4 and seen[0] == seen[1] == seen[2] != seen[3] and len(seen[0]) >= 16


# the same commands, asked of the state folder and of a daemon on it


VOLATILE = re.compile(r'"(?:created_at|updated_at|last_test_at|last_sent_at|issued_at|not_before|not_after|renew_at|serial|fingerprint|'
                      r'spki_sha256|ari_id|ari_start|ari_end|ari_renew_at|ari_check_at|issued_identity|certificate_url|order_url|url|value|'
                      r'seconds|expires_at|last_used_at|token|link|link_file|data|at|id|mac|records|head|actor|address|used|left|full_at|'
                      r'text|last_login_at|why|next_at|ask_ca_at|values|window_start|window_end|renewal_reason|used_at|opens_at)": '
                      r'(?:"(?:[^"\\]|\\.)*"|\d+|null|\[[^]]*\])')
TOKEN = re.compile(r"[\w-]{43}")
HOSTS_OWN = re.compile(r'"(?:live_path|link_file)": (?:"[^"]*"|null)')


class World:
    """A state folder, a daemon on it, and files as a client has them."""

    def __init__(self, everleaf, daemon, client, lab):
        self.everleaf, self.daemon, self.client, self.lab = everleaf, daemon, client, lab
        self.token = everleaf.secret_file("token", client.token)
        self.there = ["--server", f"http://{daemon.address}", "--token-file", self.token]

    def file(self, name, text):
        path = self.everleaf.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def shape(self, result):
        out = HOSTS_OWN.sub("", result.out)
        text = re.sub(r"\b(here|there)\b", "{x}", TOKEN.sub("", VOLATILE.sub("", out)))
        error = re.sub(r"\b(here|there)\b", "{x}", TOKEN.sub("", result.err).strip().splitlines()[-1] if result.err.strip() and result.status else "")
        return result.status, text, error


@pytest.fixture
def world(everleaf, nginx, lab):
    everleaf.env["EVERLEAF_CONFIG"] = str(everleaf.folder / "everleaf.yaml")
    (everleaf.folder / "everleaf.yaml").write_text(f"allow_private: true\nwebroots:\n  - {{name: main, path: {nginx.web_root}}}\n")
    with Serve(everleaf) as daemon:
        world = World(everleaf, daemon, user(everleaf, daemon, "root", "admin"), lab)
        world.webroot = nginx.web_root
        yield world


DNS_FILE = "base_url={url}\nusername=everleaf\npassword=right-password-0123456789\npropagation=none\n"

# command: what to prepare, and the rows that are asked of both; {x} is "here" or "there".
ROWS = {
    "issue": [["issue", "issue-{x}.example.com", "--webroot", "{webroot}"],
              ["issue", "issue-{x}.example.com", "--webroot", "{webroot}"],
              ["issue", "own-{x}.example.com", "--webroot", "{webroot}", "--key", "{key-{x}}", "--keystore", "pkcs12",
               "--keystore-password-file", "{password}"],
              ["issue", "--from", "{from-{x}}", "--webroot", "{webroot}"],
              ["issue", "issue-{x}.example.com", "--webroot", "{webroot}", "--key-type", "ec999"],
              ["issue", "bad_name!", "--webroot", "{webroot}"],
              ["issue", "dry-{x}.example.com", "--webroot", "{webroot}", "--ca", "nobody"]],
    "renew": [["renew", "cert-{x}"], ["renew", "cert-{x}", "--force"], ["renew", "cert-{x}", "--days", "36500"], ["renew"], ["renew", "--owner", "root"],
              ["renew", "nobody.example.com"]],
    "set": [["set", "cert-{x}", "--renew-before", "20d"], ["set", "cert-{x}", "--no-preflight"], ["set", "nobody", "--no-preflight"]],
    "list": [["list"], ["list", "--status", "issued"], ["list", "--expiring", "1"], ["list", "--expiring", "36500"]],
    "show": [["show", "cert-{x}"], ["show", "waits-{x}"], ["show", "nobody"]],
    "log": [["log", "cert-{x}"], ["log", "nobody"], ["log", "--verify"]],
    "export": [["export", "cert-both"], ["export", "cert-both", "--part", "chain"], ["export", "cert-both", "--format", "der"],
               ["export", "cert-both", "-o", "{out}"], ["export", "nobody"]],
    "revoke": [["revoke", "cert-{x}", "--reason", "superseded"], ["revoke", "nobody"]],
    "delete": [["delete", "cert-{x}"], ["delete", "nobody"]],
    "verify": [["verify", "waits-{x}"], ["verify", "waits-{x}", "--new"], ["verify", "nobody"]],
    "preflight": [["preflight", "cert-{x}"], ["preflight", "look-{x}.example.com", "--webroot", "{webroot}", "--ca", "lab"],
                  ["preflight", "nobody.example.com"], ["preflight", "look.example.com", "--ca", "lab"]],
    "check": [["check"], ["check", "--days", "36500"]],
    "explain": [["explain", "cert-{x}"], ["explain", "nobody"]],
    "limits": [["limits"], ["limits", "cert-{x}"], ["limits", "--ca", "lab"], ["limits", "--unpaused"], ["limits", "--unpaused", "cert-{x}"]],
    "account register": [["account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--name", "more-{x}"],
                         ["account", "register", "--ca", "nobody", "--email", "a@example.org", "--agree-tos"]],
    "account list": [["account", "list"]],
    "account show": [["account", "show", "lab"], ["account", "show", "nobody"]],
    "account update": [["account", "update", "lab", "--email", "b@example.org"], ["account", "update", "nobody", "--email", "b@example.org"]],
    "account rollover": [["account", "rollover", "lab"], ["account", "rollover", "nobody"]],
    "account export": [["account", "export", "lab"], ["account", "export", "lab", "--format", "jwk"], ["account", "export", "nobody"]],
    "account import": [["account", "import", "{account-{x}}", "--ca", "lab", "--name", "back-{x}"]],
    "account deactivate": [["account", "deactivate", "spare-{x}", "--yes"], ["account", "deactivate", "nobody", "--yes"]],
    "account delete": [["account", "delete", "spare-{x}", "--yes"], ["account", "delete", "nobody", "--yes"]],
    "account default": [["account", "default", "lab"], ["account", "default", "nobody"]],
    "ca list": [["ca", "list"]],
    "ca show": [["ca", "show", "letsencrypt"], ["ca", "show", "lab"]],
    "ca add": [["ca", "add", "ca-{x}", "https://ca.example.org/directory", "--ca-bundle", "{bundle}", "--http-port", "5002",
                "--resolver", "127.0.0.1:8053"], ["ca", "add", "letsencrypt", "https://ca.example.org/directory"],
               ["ca", "add", "ca-http", "http://ca.example.org/directory"]],
    "ca delete": [["ca", "delete", "spare-{x}"], ["ca", "delete", "letsencrypt"]],
    "dns add": [["dns", "add", "httpreq", "dns-{x}", "--credentials", "{dns}", "--zone", "example.org"],
                ["dns", "add", "httpreq", "dns-{x}", "--credentials", "{dns}"],
                ["dns", "add", "nobody", "dns-{x}", "--credentials", "{dns}"]],
    "dns list": [["dns", "list"]],
    "dns show": [["dns", "show", "home"], ["dns", "show", "nobody"]],
    "dns update": [["dns", "update", "home", "--zone", "example.net"], ["dns", "update", "home", "--all-zones"],
                   ["dns", "update", "home", "--credentials", "{dns}"], ["dns", "update", "home", "--propagation", "none"],
                   ["dns", "update", "nobody", "--all-zones"]],
    "dns enable": [["dns", "enable", "home"], ["dns", "enable", "nobody"]],
    "dns disable": [["dns", "disable", "home"], ["dns", "disable", "nobody"], ["dns", "test", "home", "example.org"]],
    "dns delete": [["dns", "delete", "spare-{x}"], ["dns", "delete", "nobody"]],
    "dns test": [["dns", "test", "home", "example.org"], ["dns", "test", "nobody", "example.org"]],
    "dns present": [["dns", "present", "home", "_acme-challenge.example.org", "v" * 43]],
    "dns cleanup": [["dns", "cleanup", "home", "_acme-challenge.example.org", "v" * 43]],
    "dns watch": [["dns", "watch", "nobody", "--once"]],
    "dns persist": [["dns", "persist", "show", "example.org"], ["dns", "persist", "show", "nobody.invalid", "--until", "1d"]],
    "dns providers": [["dns", "providers"]],
    "dns help": [["dns", "help", "rfc2136"], ["dns", "help", "nobody"]],
    "settings show": [["settings", "show"]],
    "settings set": [["settings", "set", "wait_s=100", "email=a@example.org", "email=b@example.org", "agree_tos=true"],
                     ["settings", "set", "ca=nobody"], ["settings", "set", "wait_s=-1"], ["settings", "set", "nothing=1"]],
    "settings reset": [["settings", "reset", "wait_s", "email"], ["settings", "reset", "nothing"]],
    "notify add": [["notify", "add", "webhook", "hook-{x}", "--settings", "{webhook}", "--event", "issued"],
                   ["notify", "add", "webhook", "hook-{x}", "--settings", "{webhook}"],
                   ["notify", "add", "webhook", "hook2-{x}", "--settings", "{webhook}", "--event", "nothing"]],
    "notify list": [["notify", "list"]],
    "notify show": [["notify", "show", "people"], ["notify", "show", "nobody"]],
    "notify update": [["notify", "update", "people", "--digest", "daily"], ["notify", "update", "people", "--settings", "{webhook}"],
                      ["notify", "update", "people", "--event", "issued"], ["notify", "update", "people", "--usual-events"]],
    "notify enable": [["notify", "enable", "people"]],
    "notify disable": [["notify", "disable", "people"]],
    "notify delete": [["notify", "delete", "spare-{x}"], ["notify", "delete", "nobody"]],
    "notify test": [["notify", "test", "people"], ["notify", "test", "nobody"]],
    "notify help": [["notify", "help", "mail"]],
    "user add": [["user", "add", "user-{x}", "--role", "user", "--password-file", "{password}"]],
    "user list": [["user", "list"]],
    "user show": [["user", "show", "root"], ["user", "show", "nobody"]],
    "user update": [["user", "update", "alice", "--email", "a@example.org"]],
    "user enable": [["user", "enable", "alice"]],
    "user disable": [["user", "disable", "alice"]],
    "user delete": [["user", "delete", "spare-{x}", "--yes"]],
    "user password": [["user", "password", "alice", "--password-file", "{password}"]],
    "user bind": [["user", "bind", "alice", "bound-{x}.example.org"]],
    "user unbind": [["user", "unbind", "alice", "{x}.example.net"]],
    "token create": [["token", "create", "token-{x}", "--role", "auditor"]],
    "token list": [["token", "list"]],
    "token revoke": [["token", "revoke", "root-spare-{x}"]],
    "names": [["names", what] for what in ("certificates", "accounts", "cas", "dns", "providers", "channels")],
    "version": [["version"]],
}
# What is said without a state, or of the program itself.
ALONE = {"help", "completion", "commands", "man", "openapi"}
ON_THE_HOST = {"backup": ["backup", "x"], "restore": ["restore", "x"], "database copy": ["database", "copy", "--to", "sqlite:x"],
               "serve": ["serve"], "master-key rotate": ["master-key", "rotate"], "snippet": ["snippet", "nginx"]}
SHOWS = {"export", "account export", "token create"}


def prepare(world, command, nginx):
    """What the rows of a command are about; only that, since each takes its time."""
    box, run = world.everleaf, world.everleaf.run
    env = {"env": world.daemon.clock_env}
    used = json.dumps(ROWS[command])
    webroot = ["--webroot", nginx.web_root]
    files = {"bundle": world.lab.root, "out": box.folder / "out.pem",
             "dns": world.file("dns.conf", DNS_FILE.format(url=world.fake.url)),
             "webhook": world.file("hook.yaml", f"url: {world.hook.url}/hook\nsecret: 0123456789abcdefghij\nallow_http: true\n"),
             "password": world.file("password", "a long enough Passw0rd for all\n")}
    for x in ("here", "there"):
        files[f"from-{x}"] = world.file(f"from-{x}", f"one-{x}.example.com\ntwo-{x}.example.com > two-{x}\n")
        if f"{{key-{{x}}}}" in used:
            run("issue", f"key-{x}.example.com", *webroot, **env)
            files[f"key-{x}"] = box.live(f"key-{x}.example.com", "privkey.pem")
            run("delete", f"key-{x}.example.com", **env)
            files[f"key-{x}"] = world.file(f"key-{x}.pem", subprocess.run(
                ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], capture_output=True, text=True, check=True).stdout)
        if "cert-{x}" in used:
            run("issue", f"cert-{x}.example.com", "--name", f"cert-{x}", *webroot, **env)
        if "waits-{x}" in used:
            run("issue", f"waits-{x}.example.com", "--name", f"waits-{x}", "--manual", "--no-preflight", **env)
        if "spare-{x}" in used and command.startswith("account"):
            run("account", "register", "--ca", "lab", "--email", "s@example.org", "--agree-tos", "--name", f"spare-{x}", **env)
        if "{account-{x}}" in used:
            run("account", "register", "--ca", "lab", "--email", "s@example.org", "--agree-tos", "--name", f"old-{x}", **env)
            run("account", "export", f"old-{x}", "-o", box.folder / f"account-{x}", **env)
            run("account", "delete", f"old-{x}", "--yes", **env)
            files[f"account-{x}"] = box.folder / f"account-{x}"
        if command == "ca delete":
            run("ca", "add", f"spare-{x}", "https://ca.example.org/directory", **env)
        if command == "dns delete":
            run("dns", "add", "httpreq", f"spare-{x}", "--credentials", files["dns"], **env)
        if command == "notify delete":
            run("notify", "add", "webhook", f"spare-{x}", "--settings", files["webhook"], **env)
        if command == "user delete":
            run("user", "add", f"spare-{x}", "--role", "user", "--password-file", files["password"], **env)
        if command == "token revoke":
            run("token", "create", f"root-spare-{x}", "--user", "root", shows_secrets=True, **env)
    if "cert-both" in used:
        run("issue", "cert-both.example.com", "--name", "cert-both", *webroot, **env)
    if command.startswith("dns"):
        run("dns", "add", "httpreq", "home", "--credentials", files["dns"], **env)
    if command.startswith("notify"):
        run("notify", "add", "webhook", "people", "--settings", files["webhook"], **env)
    if '"alice"' in used:
        run("user", "add", "alice", "--role", "user", "--password-file", files["password"], **env)
        for x in ("here", "there"):
            run("user", "bind", "alice", f"{x}.example.net", **env)
    return files


@pytest.fixture
def whole_world(world):
    with HttpreqFake() as world.fake, Stranger() as world.hook:
        yield world


@pytest.mark.parametrize("command", sorted(ROWS))
def test_a_daemon_says_what_the_state_says(whole_world, nginx, command):
    world = whole_world
    files = prepare(world, command, nginx)
    for row in ROWS[command]:
        def words(where):
            filled = [str(word).replace("{x}", where) for word in row]
            return [str(nginx.web_root) if word == "{webroot}" and where == "here" else "main" if word == "{webroot}"
                    else str(files[word[1:-1]]) if word[:1] == "{" else word for word in filled]

        here = world.everleaf.run("--json", *words("here"), status=None, shows_secrets=command in SHOWS, env=world.daemon.clock_env)
        there = world.everleaf.run(*world.there, "--json", *words("there"), status=None, shows_secrets=command in SHOWS)
        shape = [world.shape(result) for result in (here, there)]
        same_place = [(s, text.replace(str(nginx.web_root), "main"), error.replace(str(nginx.web_root), "main")) for s, text, error in shape]
        assert same_place[0] == same_place[1], f"{here}\n\n{there}"


@pytest.mark.parametrize("command", sorted(ON_THE_HOST))
def test_commands_of_the_host_alone(world, command):
    assert "host of the state itself" in world.everleaf.error(*world.there, *ON_THE_HOST[command], status=2)


def test_every_command_has_its_row(bare):
    commands = {row["command"] for row in bare.json("commands")["commands"]}
    assert commands == set(ROWS) | ALONE | set(ON_THE_HOST)


# what only shows over the network


def test_files_travel_as_content(world, pebble, name, new_name):
    """Key, request and password are read here, where the daemon could not read them."""
    box, there = world.everleaf, world.there
    key = world.file("own.pem", openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
    box.run(*there, "issue", name, "--webroot", "main", "--key", key, "--keystore", "pkcs12", "--keystore-password-file",
            box.secret_file("password", "a-password-of-the-store"))
    assert public_key(box.live(name, "cert.pem")) == public_key(key, "pkey")
    store = box.folder / "out.p12"
    box.run(*there, "export", name, "--format", "pkcs12", "-o", store, "--keystore-password-file", box.secret_file("other", "another-password"))
    assert "BEGIN CERTIFICATE" in openssl("pkcs12", "-in", store, "-nokeys", "-passin", "pass:another-password")
    assert store.stat().st_mode & 0o777 == 0o600
    own = new_name()
    request = world.file("own.csr", openssl("req", "-new", "-key", key, "-subj", f"/CN={own}", "-addext", f"subjectAltName=DNS:{own}"))
    box.run(*there, "issue", "--csr", request, "--webroot", "main", "--name", "signed")
    assert public_key(box.live("signed", "cert.pem")) == public_key(key, "pkey")
    other = new_name()
    box.run("issue", other, "--webroot", world.webroot)
    certificate, own_key = (box.folder / part for part in ("old.pem", "old-key.pem"))
    certificate.write_text(box.live(other, "cert.pem").read_text())
    own_key.write_text(box.live(other, "privkey.pem").read_text())
    box.run(*there, "revoke", "--cert", certificate, "--key", own_key, "--ca", "lab")
    assert pebble.certificate_status(f"{load(certificate).serial_number:x}")["Status"] == "Revoked"
    assert "PEM" in box.error(*there, "revoke", "--cert", store, "--key", own_key, "--ca", "lab", status=1)


@pytest.mark.parametrize("words", [["--webroot", "/var/www"], ["--webroot", "nobody"], ["--hook", "./hook.sh"], ["--deploy-hook", "/bin/true", "--webroot", "main"]])
def test_nobody_names_a_path_of_the_daemons_host(world, name, words):
    line = world.everleaf.error(*world.there, "issue", name, *words, status=2)
    assert "the daemon's configuration names them" in line


@pytest.mark.parametrize("words", [["--jobs", "2"], ["--email", "a@example.org", "--agree-tos"]])
def test_what_is_the_daemons_own_setting(world, name, words):
    assert "daemon" in world.everleaf.error(*world.there, "issue", name, "--webroot", "main", *words, status=2)


@pytest.mark.threads
def test_interrupted_the_job_goes_on(world, nginx, name):
    box = world.everleaf
    gate = box.folder / "gate"
    hook = box.folder / "wait.sh"
    hook.write_text(f"#!/bin/sh\nuntil [ -e {gate} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    config = box.folder / "everleaf.yaml"
    config.write_text(config.read_text() + f"jobs: 5\ndeploy_hooks:\n  - {{name: wait, path: {hook}}}\n")
    world.daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: world.daemon.metrics()["everleaf_workers"] == 5, "the configuration to be read")
    process = box.start(*world.there, "issue", name, "--webroot", "main", "--deploy-hook", "wait")
    wait_until(lambda: [job["state"] for job in world.client.get("/jobs")["items"]] == ["running"], "the job")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    job, = world.client.get("/jobs")["items"]
    assert process.returncode == 75 and f"job {job['id']} goes on" in err, err
    gate.touch()
    assert world.client.done(job)["issued"] == [name]


class Cut:
    """Between client and daemon: the first request reaches the daemon, and its connection is cut once `now` is set."""

    def __init__(self, daemon):
        self.daemon, self.now, self.n = daemon, threading.Event(), 0
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.n += 1
                first = outer.n == 1
                with socket.create_connection(("127.0.0.1", outer.daemon.port)) as server:
                    while not (first and outer.now.is_set()):
                        readable, _, _ = select.select([self.request, server], [], [], 0.05)
                        for side in readable:
                            data = side.recv(65536)
                            if not data:
                                return
                            (server if side is self.request else self.request).sendall(data)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def slow_request(world, name):
    """A client whose connection was cut while the daemon did what it asked, and who has asked again and been told so; and what
    lets the daemon go on."""
    box = world.everleaf
    with open(box.state / "live.lock", "a") as lock, Cut(world.daemon) as way:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # nothing goes live until then, nor the stand-in
        process = box.start("--server", way.url, "--token-file", world.token, "-v", "issue", name, "--webroot", "main",
                            "--self-signed-first")
        wait_until(lambda: name in [row["name"] for row in world.client.get("/certificates")["items"]], "the request to be worked on")
        late = threading.Timer(60, process.kill)  # the end of what it says, should it never say it
        late.start()
        way.now.set()
        for line in process.stderr:
            if "still at it" in line:
                break
        else:
            raise AssertionError("it did not wait")
        late.cancel()
        yield process, lambda: fcntl.lockf(lock, fcntl.LOCK_UN)
        process.kill()
        process.communicate()


def test_a_request_whose_answer_was_lost_is_waited_for(slow_request, world, name):
    """It is done once, and its answer is had in the end."""
    process, go_on = slow_request
    go_on()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and f"{name}: issued" in out, err
    assert len(world.client.get("/jobs")["items"]) == 1


def test_waiting_for_a_lost_answer_ends_when_interrupted(slow_request):
    process, _ = slow_request
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 75 and "interrupted" in err


def test_following_a_log(world, name):
    box = world.everleaf
    box.run("issue", name, "--webroot", world.webroot)
    process = box.start(*world.there, "log", name, "-f")
    try:
        assert "requested" in process.stdout.readline()
        box.run("set", name, "--renew-before", "20d")
        line = ""
        while "renew_before" not in line:
            line = process.stdout.readline()
            assert line, "it ended"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def test_lists_of_several_pages(world):
    """1,001 rows are two pages."""
    box = world.everleaf
    box.run("issue", "pages.example.com", "--name", "page-0", "--manual", "--no-preflight")
    columns = ", ".join(column for column in box.columns("certs") if column not in ("id", "name"))
    box.sql(f"with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) insert into certs (name, {columns}) "
            f"select 'page-' || i, {columns} from certs, n where name = 'page-0'")
    names = [row["name"] for row in box.json(*world.there, "list")]
    assert len(names) == len(set(names)) == 1001 and names == [row["name"] for row in box.json("list")]


def test_a_daemon_that_ends_while_a_job_is_waited_for(world, nginx, name):
    """It comes back, and the job with it, unless its own turn has finished the certificate before."""
    box = world.everleaf
    process = box.start(*world.there, "issue", name, "--webroot", "main")
    assert name in process.stderr.readline(), "the client knows of the job, and tells its state"
    world.daemon.kill()
    world.daemon.start()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"{name}: issued" in out or f"{name}: unchanged" in out
    assert box.show(name)["status"] == "issued" and box.live(name, "cert.pem").exists()


def test_less_rights_are_told(world, name):
    auditor = user(world.everleaf, world.daemon, "looks", "auditor")
    there = ["--server", f"http://{world.daemon.address}", "--token-file", world.everleaf.secret_file("auditor", auditor.token)]
    assert world.everleaf.json(*there, "list") == []
    world.everleaf.error(*there, "issue", name, "--webroot", "main", status=1)
    world.everleaf.error(*there, "account", "export", "lab", status=1)
    world.everleaf.run("token", "revoke", "looks-token", "--user", "looks")
    world.everleaf.error(*there, "list", status=1)
