"""
Base of the small fakes of vendors' HTTP services: a threaded HTTP/1.1 server on loopback that a subclass answers for
in answer(request). It keeps a log of all requests, spoils chosen ones, and lets a test act while one is under way.
One fake may serve a whole session: reset() between tests empties it.

A fake proves nothing by itself: something not written by us must hold it to account (prism.py, recorded traffic).
"""

import json
import re
import socket
import sys
import threading
import traceback
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from env.ports import free_port

BODY_MAX = 4 << 20


@dataclass
class Request:
    """One request as it came. path has no query, and is not unescaped; headers have lower-case names."""

    method: str
    path: str
    query: dict         # name to list of values
    headers: dict
    body: bytes
    target: str         # path and query as sent
    status: int = None  # of the answer given; None: none was

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        """A form's fields; one that comes twice fails."""
        fields = urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)
        assert len(dict(fields)) == len(fields), f"a field comes twice: {fields}"
        return dict(fields)

    def arg(self, name, default=None):
        return self.query.get(name, [default])[-1]

    @property
    def parts(self):
        """The path's segments, unescaped: /a/b%2Fc is ["a", "b/c"]."""
        return [urllib.parse.unquote(part) for part in self.path.strip("/").split("/")]

    def __str__(self):
        return f"{self.method} {self.target} {self.body[:300]!r} -> {self.status}"


@dataclass
class Answer:
    """body: bytes, text, or what is sent as JSON (None: nothing)."""

    status: int = 200
    body: object = None
    headers: dict = field(default_factory=dict)

    def wire(self):
        headers = dict(self.headers)
        if self.body is None:
            return headers, b""
        if isinstance(self.body, (bytes, str)):
            return headers, self.body.encode() if isinstance(self.body, str) else self.body
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
        return headers, json.dumps(self.body).encode()


@dataclass
class Fault:
    """What is done with the next matching requests instead of a plain answer."""

    action: object  # (status, headers, body) | Answer | "cut-before" | "cut-after" | "cut-middle" | seconds | function
    method: str = None
    path: str = ""
    times: int = 1  # None: for ever
    n: int = 0      # how often it was done


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    server_version = sys_version = ""

    def log_message(self, *_):
        pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def read_body(self):
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_MAX))
        body = b""
        while len(body) < BODY_MAX:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline(100)
            if size == 0:
                break
        return body

    def do(self):
        url = urllib.parse.urlsplit(self.path)
        request = Request(self.command, url.path, urllib.parse.parse_qs(url.query, keep_blank_values=True),
                          {name.lower(): value for name, value in self.headers.items()}, self.read_body(), self.path)
        self.server.fake.serve(request, self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do

    def reply(self, request, answer, middle=False):
        headers, body = answer.wire()
        request.status = answer.status
        try:
            self.send_response_only(answer.status)
            self.send_header("Date", self.date_time_string())
            for name, value in headers.items():
                self.send_header(name, value)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and answer.status not in (204, 304):
                self.wfile.write(body[: len(body) // 2] if middle else body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        connection, address = super().get_request()
        self.fake.connections.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.fake.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that was killed is no fault of the fake
            self.fake.errors.append(traceback.format_exc())


class Fake:
    """A subclass has reset_state() and answer(request), which returns an Answer (or (status, body), or a body alone).
    answer() runs under self.lock, so that what it does to self is one step. What goes wrong in the fake itself is
    kept in `errors` and told by stop(). TLS: give a server context."""

    def __init__(self, tls=None, port=None):
        self.tls = tls
        self.port = port or free_port()
        self.lock = threading.RLock()
        self.connections, self.errors = set(), []
        self.reset()

    def reset(self):
        """As newly made: no requests, no faults, the state of reset_state()."""
        with self.lock:
            self.requests, self.faults, self.hooks = [], [], []
            self.closing = threading.Event()
            self.reset_state()

    def reset_state(self):
        pass

    def answer(self, request):
        raise NotImplementedError

    # --- what a test may do

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def spoil(self, action, method=None, path="", times=1):
        """Spoils the next `times` requests of this method whose target matches. action: (status, headers, body), an
        Answer, "cut-before" (never acted on), "cut-after" (acted on, no answer), "cut-middle" (half of the answer),
        seconds to wait before it is served, or function(request, serve) that gives an Answer; serve() acts."""
        with self.lock:
            self.faults.append(Fault(action, method, path, times))
            return self.faults[-1]

    def before(self, act, method=None, path="", nth=None):
        """Calls act(request) before each (or the nth, from 1) matching request is served; not under the lock."""
        with self.lock:
            self.hooks.append([act, method, path, nth, 0])

    def seen(self, method=None, path=""):
        with self.lock:
            return [r for r in self.requests if method in (None, r.method) and re.search(path, r.target, re.I)]

    def forget(self):
        """Empties the log of requests."""
        with self.lock:
            self.requests.clear()

    # --- serving

    def next_fault(self, request):
        for fault in self.faults:
            if fault.times != 0 and fault.method in (None, request.method) and re.search(fault.path, request.target, re.I):
                fault.times = None if fault.times is None else fault.times - 1
                fault.n += 1
                return fault.action
        return None

    def note(self, request):
        with self.lock:
            self.requests.append(request)
            hooks = []
            for hook in self.hooks:
                act, method, path, nth, _ = hook
                if method in (None, request.method) and re.search(path, request.target, re.I):
                    hook[4] += 1
                    if nth in (None, hook[4]):
                        hooks.append(act)
            return self.next_fault(request), hooks

    def act(self, request):
        with self.lock:
            given = self.answer(request)
        if isinstance(given, Answer):
            return given
        return Answer(*given) if isinstance(given, tuple) else Answer(200, given)

    def serve(self, request, handler):
        fault, hooks = self.note(request)
        for act in hooks:
            act(request)
        if fault == "cut-before":
            return handler.hang_up()
        if isinstance(fault, (int, float)):
            self.closing.wait(fault)
            fault = None
        if callable(fault):
            return handler.reply(request, fault(request, lambda: self.act(request)))
        if isinstance(fault, tuple):
            status, headers, body = fault
            return handler.reply(request, Answer(status, body, headers or {}))
        if isinstance(fault, Answer):
            return handler.reply(request, fault)
        answer = self.act(request)
        if fault == "cut-after":
            return handler.hang_up()
        handler.reply(request, answer, middle=fault == "cut-middle")
        if fault == "cut-middle":
            handler.hang_up()

    def start(self):
        self.server = _Server(("127.0.0.1", self.port), _Handler)
        self.server.fake = self
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(10)
        assert not self.errors, f"{type(self).__name__} failed:\n{self.errors[0]}"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Together:
    """A hook that holds requests until n of them have come (at most limit_s): fake.before(Together(2), "GET", "TXT")
    makes two programs read before either writes."""

    def __init__(self, n, limit_s=20):
        self.barrier = threading.Barrier(n)
        self.limit_s = limit_s

    def __call__(self, request):
        if self.barrier.broken:
            return
        try:
            self.barrier.wait(self.limit_s)
        except threading.BrokenBarrierError:
            pass
        else:
            self.barrier.abort()  # only the first n are held
