"""A client of the daemon's REST API: as somebody, or as nobody; what was said is kept for the description's test."""

import http.client
import json
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

PREFIX = "/api/v1"


@dataclass
class Answer:
    status: int
    headers: object
    text: str

    @property
    def json(self):
        return json.loads(self.text) if self.text else None

    @property
    def problem(self):
        assert self.headers["Content-Type"] == "application/problem+json", self
        document = self.json
        assert document["status"] == self.status and document["title"] and document["type"], document
        return document


@dataclass
class Exchange:
    """A request as it was sent and the answer that came, for what compares them with the description. Paths are below /api/v1."""

    method: str
    path: str
    query: list  # of (name, value)
    sent: dict   # headers
    body: object
    answer: Answer

    @property
    def kind(self):
        return (self.answer.headers.get("Content-Type") or "").split(";")[0]

    @property
    def value(self):
        """What stands in the answer: a JSON value, text, or None where there is nothing."""
        return self.answer.json if "json" in self.kind else self.answer.text or None


@dataclass
class Api:
    """Api(daemon) asks as nobody, Api(daemon, token) as the token's user. Paths are below /api/v1."""

    daemon: object
    token: str = None
    headers: dict = field(default_factory=dict)
    exchanges: list = field(default_factory=list)

    def ask(self, method, path, body=None, status=None, headers=None, raw=None, query=None, timeout=30):
        """body: an object to be sent as JSON; raw: bytes to be sent as they are."""
        head = {**self.headers, **(headers or {})}
        if self.token:
            head.setdefault("Authorization", f"Bearer {self.token}")
        data = raw
        if body is not None:
            data = json.dumps(body)
        if data is not None:
            head.setdefault("Content-Type", "application/json")
        where = PREFIX + path + ("?" + urlencode(query, doseq=True) if query else "")
        code, got, text = self.daemon.get(where, method, data, head, timeout)
        answer = Answer(code, got, text)
        if raw is None and method != "HEAD":
            where = urlsplit(where)
            self.exchanges.append(Exchange(method, where.path.removeprefix(PREFIX), parse_qsl(where.query, True), head, body, answer))
        if status is not None:
            allowed = (status,) if isinstance(status, int) else status
            assert code in allowed, f"{method} {path}: expected {status}\n{code} {text[:2000]}\n{self.daemon.log()[-1500:]}"
        elif code >= 400:
            raise AssertionError(f"{method} {path}: {code} {text[:2000]}")
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def patch(self, path, body, **options):
        return self.ask("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.ask("DELETE", path, **options)

    def all(self, path, **query):
        """Every item of a list, page by page."""
        while True:
            page = self.get(path, query=query).json
            yield from page["items"]
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    def job(self, answer, timeout_s=60):
        """What became of a 202: the job when it has ended."""
        assert answer.status == 202, answer
        end = time.monotonic() + timeout_s
        while True:
            job = self.get(answer.headers["Location"].removeprefix(PREFIX)).json
            if job["state"] in ("done", "failed"):
                return job
            assert time.monotonic() < end, f"it does not end: {job}"
            time.sleep(0.05)

    def events(self, path="/events", **headers):
        return Events(self, path, headers)


class Events:
    """An open stream: next() waits for an event, as {"id", "event", "data"}; "" ids are comments."""

    def __init__(self, api, path, headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", api.daemon.port, timeout=40)
        head = {"Accept": "text/event-stream", "Authorization": f"Bearer {api.token}", **api.headers, **headers}
        self.connection.request("GET", PREFIX + path, headers=head)
        self.answer = self.connection.getresponse()
        self.noted = Exchange("GET", path.split("?")[0], parse_qsl(urlsplit(path).query, True), head, None,
                              Answer(self.answer.status, self.answer.headers, ""))
        api.exchanges.append(self.noted)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self, timeout_s=20):
        """None: the stream has ended."""
        if self.connection.sock:
            self.connection.sock.settimeout(timeout_s)
        event, end = {}, time.monotonic() + timeout_s
        while True:
            if time.monotonic() > end:
                raise TimeoutError("comments alone have come")
            line = self.answer.readline().decode()
            if not line:
                return None
            self.noted.answer.text += line
            line = line.rstrip("\n")
            if not line:
                if "data" in event:
                    event["data"] = json.loads(event["data"])
                    return event
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value

    def silent(self, seconds):
        """Nothing comes for so long."""
        try:
            event = self.next(seconds)
        except (TimeoutError, socket.timeout):
            return True
        raise AssertionError(f"an event came: {event}")


ROLES = ("admin", "operator", "user", "auditor")


class People:
    """Users of each role with a token, made by the command line: people.admin, .operator, .user, .auditor are clients,
    .nobody has no token."""

    def __init__(self, everleaf, daemon):
        self.everleaf, self.daemon = everleaf, daemon
        self.nobody = Api(daemon)
        for role in ROLES:
            setattr(self, role, self.add(role, role))

    def add(self, name, role):
        password = self.everleaf.secret_file(f"password-{name}", password_of(name))
        self.everleaf.run("user", "add", name, "--role", role, "--password-file", password)
        return self.client(name)

    def client(self, name, token="t", *args):
        out = self.everleaf.run("token", "create", f"{token}-{name}", "--user", name, *args, shows_secrets=True).out
        return Api(self.daemon, out.split()[-1])

    @property
    def exchanges(self):
        return [one for client in vars(self).values() if isinstance(client, Api) for one in client.exchanges]


def password_of(name):
    return f"long enough for {name} 4711"


def path_of(template, **parts):
    for name, value in parts.items():
        template = template.replace("{" + name + "}", quote(value, safe=""))
    return template
