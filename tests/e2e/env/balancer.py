"""What stands before several nodes where the CA asks: a connection goes to one of them, and to another if that one does not answer."""

import random
import select
import socket

from env.tcp import TcpServer

PATIENCE_S = 1.5


class Balancer(TcpServer):
    """Of TCP connections on 127.0.0.1:port, for HTTP and TLS alike: what a client sends first is sent again to the next."""

    def __init__(self, port, behind, seed=None):
        super().__init__(port)
        self.behind = behind
        self.random = random.Random(seed)

    def serve(self, client):
        with client:
            try:
                first = client.recv(65536)
                for address in self.random.sample(self.behind, len(self.behind)):
                    if first and self.relay(client, first, address):
                        return
            except OSError:
                return

    @staticmethod
    def relay(client, first, address):
        """Whether the server answered."""
        try:
            server = socket.create_connection(address, PATIENCE_S)
        except OSError:
            return False
        with server:
            try:
                server.settimeout(PATIENCE_S)
                server.sendall(first)
                answer = server.recv(65536)
            except OSError:
                return False
            if not answer:
                return False
            server.settimeout(10)
            client.sendall(answer)
            peer = {client: server, server: client}
            while True:
                readable, _, _ = select.select([client, server], [], [], 10)
                if not readable:
                    return True
                for side in readable:
                    data = side.recv(65536)
                    if not data:
                        return True
                    peer[side].sendall(data)
