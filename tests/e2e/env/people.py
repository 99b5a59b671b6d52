"""Who asks a daemon over the network: people, by their tokens and sessions."""

import base64
import hashlib
import hmac
import http.client
import json
import struct

import pytest

from env.serve import Serve

PASSWORD = "correct horse battery"


class Caller:
    """Asks a daemon as one person: by a token, by a session, or as nobody."""

    def __init__(self, daemon, token=None, source=None):
        self.daemon, self.token, self.source = daemon, token, source
        self.cookie = self.csrf = None

    def ask(self, method, path, body=None, csrf=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60,
                                                source_address=(self.source, 0) if self.source else None)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf and csrf:
            headers["X-CSRF-Token"] = self.csrf
        try:
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            self.headers = answer.headers
            return answer.status, json.loads(text) if text and "json" in (answer.headers["Content-Type"] or "") else text
        finally:
            connection.close()

    def ok(self, *args, **options):
        status, body = self.ask(*args, **options)
        assert status < 300, (args, status, body)
        return body

    def fails(self, want, *args, **options):
        status, body = self.ask(*args, **options)
        assert status == want, (args, status, body)
        return body

    def sign_in(self, user, password=PASSWORD, **more):
        """The status; a session is kept."""
        status, body = self.ask("POST", "/session", {"user": user, "password": password, **more})
        if status < 300:
            self.cookie = self.headers["Set-Cookie"].split(";")[0]
            self.csrf = body["csrf"]
        self.said = body
        return status


def add(everleaf, name, role, *more, password=PASSWORD):
    everleaf.run("user", "add", name, "--role", role, "--password-file", everleaf.secret_file(f"{name}.password", password), *more)


def token(everleaf, user, *more):
    return everleaf.json("token", "create", f"of-{user}", "--user", user, *more)["token"]


def code(secret, at):
    """RFC 6238, on its own."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    place = mac[19] & 15
    return f"{(struct.unpack('>I', mac[place:place + 4])[0] & 0x7fffffff) % 10 ** 6:06}"


@pytest.fixture
def make_daemon(bare):
    """make_daemon(EVERLEAF) serves that state."""
    started = []

    def make(everleaf):
        started.append(Serve(everleaf).start())
        return started[-1]

    yield make
    for daemon in started:
        daemon.stop()


@pytest.fixture
def daemon(bare, make_daemon):
    """A daemon with one administrator, root."""
    add(bare, "root", "admin")
    return make_daemon(bare)
