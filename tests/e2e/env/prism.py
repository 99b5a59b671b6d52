"""
Prism between Everleaf and a fake: `prism proxy --errors` holds our requests and the fake's answers to the vendor's own
description of the service, and refuses what is not in it with 4xx or 500 and a list of violations.

It is installed by npm, once, into tests/.cache from the lock file in tests/e2e/prism; the registry is the one of the
machine's own configuration. The descriptions are in the test data, which may be absent: then the test is skipped, and
only then. What Prism does not notice: unknown query parameters, unknown members, oauth2, and any meaning.
"""

import fcntl
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from env.debs import ROOT
from env.ports import free_port
from env.process import Daemon, wait_until

SOURCE = ROOT / "tests/e2e/prism"
CACHE = ROOT / "tests/.cache"


def data_folder(part):
    """The folder of third-party test data, or skips the test."""
    folder = Path(os.environ.get("EVERLEAF_TEST_DATA") or ROOT.parent / "shared/data") / part
    if not folder.is_dir():
        pytest.skip(f"test data are absent: {folder} (EVERLEAF_TEST_DATA names the folder)", allow_module_level=True)
    return folder


def description(name):
    """The file of a description: "azure-dns-2018-05-01"; with the edits that Prism needs where there are any."""
    folder = data_folder("openapi")
    for file in (folder / f"{name}.overlaid.json", folder / f"{name}.json"):
        if file.exists():
            return file
    raise FileNotFoundError(f"{folder}/{name}.json")


def program():
    """Prism, installed when it is not yet there."""
    files = [SOURCE / name for name in ("package.json", "package-lock.json", ".npmrc")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder = CACHE / f"prism-{digest}"
    found = folder / "node_modules/.bin/prism"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "prism.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            install(files, folder)
    return found


def install(files, folder):
    assert shutil.which("npm"), "npm is not installed: run `make deps`"
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="npm-") as place:
        for file in files:
            shutil.copy(file, place)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
                              cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=400)
        assert done.returncode == 0, f"npm could not install Prism:\n{done.stdout[-3000:]}"
        shutil.rmtree(folder, ignore_errors=True)
        os.chmod(place, 0o755)
        os.rename(place, folder)
        os.mkdir(place)  # for the context manager to remove


class Prism(Daemon):
    """`with Prism(description("…"), fake.url, folder) as prism:`; prism.url is what Everleaf is given. Start it once a
    module or session; it outlives fakes that are emptied by reset()."""

    def __init__(self, description_file, upstream_url, folder):
        super().__init__("prism", folder)
        self.description_file, self.upstream_url = description_file, upstream_url
        self.port = free_port()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.spawn([program(), "proxy", "--errors", "--host", "127.0.0.1", "--port", str(self.port),
                    self.description_file, self.upstream_url], env=env)
        wait_until(self.is_ready, "Prism to listen", limit_s=120, step_s=0.1)
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"Prism ended with {self.process.returncode}:\n{self.log()[-2000:]}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def ask(self, method, path, body=None, headers=None):
        """What Prism answers to a request of the test's own: (status, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()
