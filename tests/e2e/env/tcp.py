"""A TCP server of the tests' own: what each connection gets is its subclass's affair."""

import socket
import threading

from env.ports import free_port


class TcpServer:
    """On 127.0.0.1:port while it is entered; serve(client) runs in a thread for each connection."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)  # closed alone, it would listen until the next one comes
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()


def read_head(client):
    """What a client sends until the empty line after its headers; None if it leaves before."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(4096)
        if not data:
            return None
        head += data
    return head


class Inside(TcpServer):
    """Something on this machine that ought not to be reached; n says how often it was."""

    def __init__(self):
        super().__init__(free_port())
        self.n = 0

    def serve(self, client):
        self.n += 1
        client.close()
