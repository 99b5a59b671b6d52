"""Free loopback ports, below the range that outgoing connections take theirs from."""

import socket
import threading

FIRST, LAST, PART = 20000, 31999, 200
PARTS = (LAST + 1 - FIRST) // PART
_held = {}  # the parts that are this process's: each is bound to a name, which the kernel frees when it ends
_left = []  # ports of them that were not given out yet
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


def _take_part():
    """A part that no other process of this machine has, whoever started it; all of ours again when there is none left."""
    for part in range(PARTS):
        if part in _held:
            continue
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0everleaf-test-ports-{part}")
        except OSError:
            name.close()
            continue
        _held[part] = name
        return [part]
    return list(_held)


def free_port():
    """A port nobody listens on, and no other process that runs tests is given; not the same twice while there are others."""
    with _lock:
        for _ in range(LAST + 1 - FIRST):
            if not _left:
                _left.extend(FIRST + part * PART + i for part in _take_part() for i in range(PART))
            if not _left:
                break
            port = _left.pop(0)
            if is_free(port):
                return port
    raise RuntimeError("no free port")
