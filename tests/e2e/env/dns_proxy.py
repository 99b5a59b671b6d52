"""Stands before a name server and spoils chosen exchanges over TCP: whole DNS messages, with their length before."""

import contextlib
import socket
import threading

from env.ports import free_port


def read_message(connection):
    """One message, or None when the other side is done."""
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    return data[2:]


def is_update(message):
    return message[2] >> 3 & 15 == 5


def unsigned(message, rcode):
    """An answer to the message with this result and nothing else in it."""
    end = message.index(b"\0", 12) + 5
    flags = bytes([message[2] | 0x80, rcode])
    return message[:2] + flags + b"\0\1" + b"\0" * 6 + message[12:end]


class DnsProxy:
    """spoil(action, times): for the next updates; action(message, forward) gives the answer, or None to hang up."""

    def __init__(self, server):
        self.server = server
        self.port = free_port()
        self.actions, self.updates = [], 0

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def spoil(self, action, times=1):
        self.actions = [action] * times
        self.updates = 0

    def forward(self, message):
        with socket.create_connection((self.server.address, self.server.port), 10) as connection:
            connection.sendall(len(message).to_bytes(2, "big") + message)
            return read_message(connection)

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            message = read_message(connection)
            if message is None:
                return
            action = None
            if is_update(message):
                self.updates += 1
                action = self.actions.pop(0) if self.actions else None
            answer = action(message, self.forward) if action else self.forward(message)
            if answer is not None:
                connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
