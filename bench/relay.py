#!/usr/bin/python3
"""
A TCP relay that makes the network longer, not narrower: every byte arrives a fixed time after it was sent, however many are
on the way. Making a connection costs its round trip too: what the client says first is held back until a handshake over
such a network would have been over.

    relay.py LISTEN_PORT TARGET_PORT ROUND_TRIP_MS
"""

import queue
import socket
import sys
import threading
import time


def carry(source, target, one_way_s, not_before):
    """Copies one direction until it ends. A thread reads at once, another writes each piece when it is due."""
    pieces = queue.SimpleQueue()

    def read():
        data = b"-"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            pieces.put((max(time.monotonic(), not_before) + one_way_s, data))

    threading.Thread(target=read, daemon=True).start()
    while True:
        due, data = pieces.get()
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
        except OSError:
            return


def serve(client, target_port, one_way_s):
    accepted = time.monotonic()
    try:
        server = socket.create_connection(("127.0.0.1", target_port))
    except OSError:
        client.close()
        return
    for side in (client, server):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    back = threading.Thread(target=carry, args=(server, client, one_way_s, 0.0), daemon=True)
    back.start()
    carry(client, server, one_way_s, accepted + 2 * one_way_s)
    back.join()
    client.close()
    server.close()


def main():
    listen_port, target_port, round_trip_ms = (int(word) for word in sys.argv[1:4])
    listener = socket.create_server(("127.0.0.1", listen_port), backlog=128)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, target_port, round_trip_ms / 2000), daemon=True).start()


if __name__ == "__main__":
    main()
