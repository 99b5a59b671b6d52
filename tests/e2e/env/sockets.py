"""Whose a TCP connection on loopback is, from /proc."""

import os


def inode_of(port, to):
    """The socket that is connected from a port of loopback to another; None if there is none (any more)."""
    ends = [f"0100007F:{p:04X}" for p in (port, to)]
    with open("/proc/net/tcp") as table:
        for line in table:
            words = line.split()
            if words[1:3] == ends:
                return words[9]
    return None


def has_socket(pid, inode):
    try:
        return any(os.readlink(entry.path) == f"socket:[{inode}]" for entry in os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def owner_of(port, to, pids):
    """Which of these processes has that connection; None if none has."""
    inode = inode_of(port, to)
    return next((pid for pid in pids if inode and has_socket(pid, inode)), None)
