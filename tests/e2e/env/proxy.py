"""
What stands between Everleaf and the CA: FaultProxy, a TLS reverse proxy that notes every request and spoils chosen
answers, and ForwardProxy, an ordinary HTTP proxy. Pebble builds its URLs from the Host header, so all of a run
goes through the FaultProxy once its directory is asked for there.
"""

import base64
import contextlib
import http.client
import json
import re
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from env.ports import free_port
from env.tcp import TcpServer, read_head

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Exchange:
    """One request as it came, with the answer it got (None: none); client: the port from which it came; ended_at: when that
    was passed on, or could not be."""

    method: str
    path: str
    headers: dict
    body: bytes
    at: float
    status: int = None
    answer: bytes = b""
    answer_headers: list = field(default_factory=list)
    client: int = None
    ended_at: float = None

    @property
    def jws(self):
        return json.loads(self.body)

    @property
    def protected(self):
        return json.loads(unbase64(self.jws["protected"]))

    @property
    def location(self):
        """What the answer says was made."""
        return next((value for key, value in self.answer_headers if key.lower() == "location"), None)

    @property
    def payload(self):
        """The signed payload: a value, or "" for POST-as-GET."""
        raw = unbase64(self.jws["payload"])
        return json.loads(raw) if raw else ""


@dataclass
class Rule:
    pattern: str
    action: callable
    nth: set        # which matching requests, from 1; empty: all
    method: str
    seen: int = 0


# The actions. Each takes the handler and the exchange; what it does not do itself it asks of handler.forward().

def answer(status, body=b"", headers=None, times=None):
    """Answers itself, without asking the CA."""
    body = body.encode() if isinstance(body, str) else body

    def act(handler, exchange):
        handler.reply(exchange, status, list((headers or {}).items()), body)

    return act


def problem(status, kind, detail="made up by the test", headers=None, **members):
    document = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status, **members}
    return answer(status, json.dumps(document), {"Content-Type": "application/problem+json", **(headers or {})})


def html(status, text="<html><body><h1>Sorry, upstream is away</h1></body></html>"):
    return answer(status, text, {"Content-Type": "text/html"})


def redirect(location, status=302):
    return answer(status, b"", {"Location": location})


def garbage(data=b"\x00\xff\x16\x03 this is no HTTP\r\n\r\n"):
    def act(handler, exchange):
        handler.raw(data)

    return act


def cut_request():
    """Cuts the connection; the CA never sees the request."""
    return lambda handler, exchange: handler.hang_up()


def lose_answer():
    """The CA gets the request and answers; the answer is lost."""

    def act(handler, exchange):
        handler.forward(exchange)
        handler.hang_up()

    return act


def cut_answer(n_bytes):
    """Sends the head and n bytes of the body of the CA's answer, then cuts."""

    def act(handler, exchange):
        handler.forward(exchange)
        handler.reply(exchange, exchange.status, exchange.answer_headers, exchange.answer, send_only=n_bytes)
        handler.hang_up()

    return act


def delay(seconds):
    def act(handler, exchange):
        handler.server.proxy.closing.wait(seconds)
        handler.forward(exchange)
        handler.pass_on(exchange)

    return act


def never():
    """No answer until the proxy is stopped or the client leaves."""

    def act(handler, exchange):
        while not handler.server.proxy.closing.wait(0.1):
            if handler.client_left():
                break
        handler.hang_up()

    return act


def rewrite(change):
    """Lets change(dict) alter the CA's JSON answer; what it returns is sent."""

    def act(handler, exchange):
        handler.forward(exchange)
        exchange.answer = json.dumps(change(json.loads(exchange.answer))).encode()
        handler.pass_on(exchange)

    return act


def add_headers(headers):
    def act(handler, exchange):
        handler.forward(exchange)
        exchange.answer_headers += list(headers.items())
        handler.pass_on(exchange)

    return act


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.upstream = None

    def finish(self):
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        pass

    def do(self):
        proxy = self.server.proxy
        length = int(self.headers.get("Content-Length") or 0)
        exchange = Exchange(self.command, self.path, {k.lower(): v for k, v in self.headers.items()},
                            self.rfile.read(length), time.monotonic(), client=self.client_address[1])
        action = proxy.note(exchange)
        with proxy.under_way():
            if action:
                action(self, exchange)
            else:
                self.forward(exchange)
                self.pass_on(exchange)

    do_GET = do_POST = do_HEAD = do

    def forward(self, exchange):
        """Asks the CA and keeps its answer in the exchange."""
        proxy = self.server.proxy
        headers = {k: v for k, v in exchange.headers.items() if k not in HOP_BY_HOP}
        for attempt in (1, 2):
            if self.upstream is None:
                self.upstream = http.client.HTTPSConnection("127.0.0.1", proxy.upstream_port, timeout=30,
                                                            context=proxy.upstream_tls)
            try:
                self.upstream.putrequest(exchange.method, exchange.path, skip_host=True, skip_accept_encoding=True)
                for key, value in headers.items():
                    self.upstream.putheader(key, value)
                if exchange.method == "POST":
                    self.upstream.putheader("Content-Length", str(len(exchange.body)))
                self.upstream.endheaders(exchange.body if exchange.method == "POST" else None)
                answer = self.upstream.getresponse()
                exchange.answer = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self.upstream.close()
                self.upstream = None
                if attempt == 2:
                    raise
        exchange.status = answer.status
        exchange.answer_headers = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP_BY_HOP]

    def pass_on(self, exchange):
        self.reply(exchange, exchange.status, exchange.answer_headers, exchange.answer)

    def reply(self, exchange, status, headers, body, send_only=None):
        exchange.status = status
        try:
            self.send_response_only(status)
            for key, value in headers:
                self.send_header(key, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if exchange.method != "HEAD":
                self.wfile.write(body if send_only is None else body[:send_only])
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        exchange.ended_at = time.monotonic()

    def raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()
        self.hang_up()

    def client_left(self):
        readable, _, _ = select.select([self.connection], [], [], 0)
        if not readable:
            return False
        try:
            return self.connection.recv(1) == b""
        except OSError:
            return True

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass

    def get_request(self):
        connection, address = super().get_request()
        # The handshake is made by the first read, in the connection's own thread.
        return self.proxy.server_tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


class FaultProxy:
    """on(PATTERN, ACTION) spoils answers; `exchanges` is all that passed. Usable where a Pebble is expected."""

    def __init__(self, pebble, lab):
        self.pebble, self.lab = pebble, lab
        self.port = free_port()
        self.upstream_port = pebble.port
        self.server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_tls.load_cert_chain(lab.certificate, lab.key)
        self.upstream_tls = ssl.create_default_context(cafile=str(lab.root))
        self.lock = threading.Lock()
        self.rules, self.exchanges = [], []
        self.closing = threading.Event()
        self.n_under_way = self.most_under_way = 0

    def __getattr__(self, name):
        return getattr(self.pebble, name)

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/dir"

    def on(self, pattern, action, nth=None, method=None):
        """Spoils requests whose path matches: nth=None all, nth=k or a set of k only those, counted from 1."""
        chosen = set() if nth is None else {nth} if isinstance(nth, int) else set(nth)
        self.rules.append(Rule(pattern, action, chosen, method))
        return self

    @contextlib.contextmanager
    def spoiling(self, *rule, **options):
        """As on(), for the time of a with statement."""
        self.on(*rule, **options)
        rule = self.rules[-1]
        try:
            yield rule
        finally:
            with self.lock:
                self.rules = [other for other in self.rules if other is not rule]

    def clear(self):
        with self.lock:
            self.rules, self.exchanges, self.most_under_way = [], [], 0
            self.most_under_way = 0

    @contextlib.contextmanager
    def under_way(self):
        with self.lock:
            self.n_under_way += 1
            self.most_under_way = max(self.most_under_way, self.n_under_way)
        try:
            yield
        finally:
            with self.lock:
                self.n_under_way -= 1

    def note(self, exchange):
        with self.lock:
            self.exchanges.append(exchange)
            for rule in self.rules:
                if re.search(rule.pattern, exchange.path) and rule.method in (None, exchange.method):
                    rule.seen += 1
                    if not rule.nth or rule.seen in rule.nth:
                        return rule.action
        return None

    def seen(self, pattern, method=None):
        return [e for e in self.exchanges if re.search(pattern, e.path) and method in (None, e.method)]

    def __enter__(self):
        self.server = _Server(("127.0.0.1", self.port), _Handler, bind_and_activate=True)
        self.server.proxy = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class ForwardProxy(TcpServer):
    """An HTTP proxy that understands CONNECT, and notes whom it was asked for."""

    def __init__(self):
        super().__init__(free_port())
        self.connects = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def serve(self, client):
        with client:
            head = read_head(client)
            if head is None:
                return
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 Only CONNECT\r\nContent-Length: 0\r\n\r\n")
                return
            self.connects.append(target)
            host, port = target.rsplit(":", 1)
            with socket.create_connection((host.strip("[]"), int(port)), 10) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self.relay(client, server)

    @staticmethod
    def relay(client, server):
        peer = {client: server, server: client}
        while True:
            readable, _, _ = select.select([client, server], [], [], 60)
            if not readable:
                return
            for side in readable:
                try:
                    data = side.recv(65536)
                    if not data:
                        return
                    peer[side].sendall(data)
                except OSError:
                    return
