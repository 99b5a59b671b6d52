"""Free loopback ports, below the range that outgoing connections take theirs from."""

import os
import socket
import threading

FIRST, LAST = 20000, 31999
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _workers > 1:  # processes that run tests side by side have a part each
    _part = (LAST + 1 - FIRST) // _workers
    FIRST += _part * int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    LAST = FIRST + _part - 1
_next = FIRST + (os.getpid() * 131) % (LAST - FIRST)
_lock = threading.Lock()  # tests ask from several threads at once


def is_free(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def free_port():
    """A port nobody listens on; never the same twice in one process."""
    global _next
    with _lock:
        for _ in range(LAST - FIRST):
            _next = FIRST if _next >= LAST else _next + 1
            if is_free(_next):
                return _next
    raise RuntimeError("no free port")
