"""A server started and stopped by its process id, its output kept in a file; and waiting for states."""

import subprocess
import time
from pathlib import Path


def wait_until(condition, what, limit_s=20.0, step_s=0.02):
    """Waits until condition() is truthy and returns what it gave; fails after limit_s."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s} s in vain for {what}")
        time.sleep(step_s)


class Daemon:
    """Base of the servers: subclasses build the command and say when it is ready."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / f"{name}.log"
        self.process = None

    def spawn(self, command, env=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                            cwd=self.folder)

    def await_ready(self, is_ready):
        def ready_or_dead():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            try:
                return is_ready()
            except OSError:
                return False

        wait_until(ready_or_dead, f"{self.name} to be ready")

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
