"""`everleaf --server`: what is refused before a daemon is asked, and what a daemon that is none is told as."""

import http.server
import json
import threading

import pytest

from env.ports import free_port


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
