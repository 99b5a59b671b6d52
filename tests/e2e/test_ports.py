"""The ports that tests listen on: no two sessions on one machine are given the same one."""

import subprocess
import sys
from pathlib import Path

from env.ports import free_port

ASKS = "from env.ports import free_port\nprint([free_port() for _ in range(300)], flush=True)\ninput()"


def test_sessions_side_by_side(monkeypatch):
    monkeypatch.chdir(Path(__file__).parent)
    others = [subprocess.Popen([sys.executable, "-c", ASKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
              for _ in range(3)]
    ports = [free_port() for _ in range(30)]
    for other in others:
        ports += eval(other.stdout.readline())
    for other in others:
        other.communicate("\n", timeout=30)
    assert len(ports) == len(set(ports)) == 930
