"""What the CA looks at takes its time: a web server and a name server that hold what they are asked until the gate is opened."""

import socket
import threading
from pathlib import Path

from env.dns_proxy import read_message
from env.ports import free_port
from env.tcp import TcpServer, read_head

LABEL = b"\x0f_acme-challenge"


class Gate:
    """held: how many have asked so far. open(): those who wait, and all who come after, are answered at once."""

    def __init__(self):
        self.opened, self.lock, self.held = threading.Event(), threading.Lock(), 0

    def open(self):
        self.opened.set()

    def hold(self):
        with self.lock:
            self.held += 1
        self.opened.wait(60)


class SlowWeb(Gate, TcpServer):
    """Serves the files below root; slow: the only name that has to wait."""

    def __init__(self, port, root, slow=""):
        Gate.__init__(self)
        TcpServer.__init__(self, port)
        self.root, self.slow = Path(root), slow.encode()

    def serve(self, client):
        with client:
            head = read_head(client)
            if head is None:
                return
            if self.slow in head:
                self.hold()
            file = self.root / head.split(b" ", 2)[1].decode().lstrip("/")
            status, body = ("200 OK", file.read_bytes()) if file.is_file() else ("404 Not Found", b"")
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)


class SlowDns(Gate, TcpServer):
    """Stands before a name server, over TCP as Pebble asks, and holds what is asked of challenges."""

    def __init__(self, server):
        Gate.__init__(self)
        TcpServer.__init__(self, free_port())
        self.server = server

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def serve(self, client):
        with client:
            while (question := read_message(client)) is not None:
                if LABEL in question:
                    self.hold()
                with socket.create_connection((self.server.address, self.server.port), 10) as upstream:
                    upstream.sendall(len(question).to_bytes(2, "big") + question)
                    answer = read_message(upstream)
                client.sendall(len(answer).to_bytes(2, "big") + answer)
