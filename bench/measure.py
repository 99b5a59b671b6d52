"""Runs one command with a time limit and says what it cost. Nothing here knows which command it is."""

import marshal
import os
import select
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path


class CommandFailed(Exception):
    """It ended with another status than 0."""


class TimeIsUp(Exception):
    """It was ended because it took too long."""


@dataclass
class Sample:
    wall: float   # seconds, from fork to reaped
    cpu: float    # seconds, all processes of the command
    peak: float   # MiB, of the largest process

    def scaled(self, wall, cpu):
        return Sample(wall, cpu, self.peak)


class Spawner:
    """The small process that starts the commands; see spawner.py."""

    def __init__(self, folder):
        self.output = Path(folder) / "output"
        self.process = subprocess.Popen(["/usr/bin/python3", "-I", "-S", Path(__file__).parent / "spawner.py"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def answer(self, limit_s):
        if not select.select([self.process.stdout], [], [], limit_s)[0]:
            raise TimeIsUp
        return marshal.load(self.process.stdout)

    def run(self, argv, env=None, folder="/", limit_s=60.0, good=(0,)):
        """The Sample of one run; CommandFailed with the end of its output, TimeIsUp."""
        argv = [str(word) for word in argv]
        argv[0] = shutil.which(argv[0]) or argv[0]
        environment = {**os.environ, **{key: str(value) for key, value in (env or {}).items()}}
        self.process.stdin.write(marshal.dumps((argv, environment, str(folder), str(self.output))))
        pid = self.answer(10)
        try:
            status, wall, user, system, peak = self.answer(limit_s)
        except TimeIsUp:
            os.killpg(pid, signal.SIGKILL)
            self.answer(10)
            raise TimeIsUp(f"{Path(argv[0]).name} was still running after {limit_s:.0f} s:\n{self.tail()}") from None
        if status not in good:
            raise CommandFailed(f"{' '.join(argv)[:200]}: status {status}:\n{self.tail()}")
        return Sample(wall, user + system, peak / 1024)

    def tail(self):
        return self.output.read_text(errors="replace")[-1500:] if self.output.exists() else ""

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
