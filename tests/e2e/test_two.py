"""Two processes on one state folder."""

import contextlib
import functools
import http.server
import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from env.certs import assert_good
from env.process import wait_until

pytestmark = pytest.mark.threads


@pytest.fixture
def slow(make_pebble):
    return make_pebble(env={"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "3"})


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_one_certificate_two_processes(make_everleaf, slow, name):
    """The second waits or says who holds it; there is one order and one certificate."""
    everleaf = make_everleaf(slow)
    command = ["--json", "issue", name, "--standalone", slow.http_address]
    processes = [everleaf.start(*command), everleaf.start(*command)]
    results = [finish(process) for process in processes]
    assert 0 in [status for status, _, _ in results]
    for status, out, err in results:
        assert status in (0, 75), err
        if status == 75:
            assert name in err and any(str(process.pid) in err for process in processes)
    assert sum(len(json.loads(out)["issued"]) for status, out, _ in results if status == 0) == 1
    assert slow.orders() == 1 and slow.certificates() == 1
    assert_good(everleaf.live(name), slow.root_file())


def test_different_certificates_two_processes(everleaf, pebble, tmp_path, new_name):
    """Each with a listener of its own address would collide: they prove by alpn and by http."""
    one, two = new_name(), new_name()
    processes = [everleaf.start("issue", one, *everleaf.standalone()),
                 everleaf.start("issue", two, "--alpn", pebble.tls_address)]
    for process in processes:
        status, _, err = finish(process)
        assert status == 0, err
    assert everleaf.names() == sorted([one, two])


class Patient(http.server.SimpleHTTPRequestHandler):
    """Waits for what is not there: a token that was left is taken away and published again, and the CA may look in between."""

    def do_GET(self):
        with contextlib.suppress(AssertionError):
            wait_until(Path(self.translate_path(self.path)).exists, "the file", 5)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def web_root(slow, tmp_path):
    root = tmp_path / "www"
    root.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", slow.http_port), functools.partial(Patient, directory=root)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield root
        server.shutdown()


def test_killed_process_holds_nothing(make_everleaf, slow, web_root, name):
    everleaf = make_everleaf(slow)
    process = everleaf.start("issue", name, "--webroot", web_root)
    wait_until(lambda: "Pulled a task" in slow.log(), "the CA to begin validating")
    process.send_signal(signal.SIGKILL)
    finish(process)
    everleaf.run("issue", name, "--webroot", web_root)
    assert slow.orders() == 1
    assert_good(everleaf.live(name), slow.root_file())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_process_cleans_up(make_everleaf, slow, tmp_path, name, number):
    everleaf = make_everleaf(slow)
    www = tmp_path / "www"
    www.mkdir()
    with socket.create_server(("127.0.0.1", slow.http_port)):  # the CA looks, and waits for an answer
        process = everleaf.start("issue", name, "--webroot", www)
        wait_until(lambda: list(www.rglob("acme-challenge/*")) or process.poll() is not None, "the challenge file")
        process.send_signal(number)
        status, _, err = finish(process)
    assert status in (75, 128 + number, -number, 130, 143), err
    assert not list(www.rglob("*")), "what was published is taken away"
    row = everleaf.show(name)
    assert row["status"] in ("pending", "failed")


def test_readers_are_not_held_up(make_everleaf, slow, tmp_path, name):
    everleaf = make_everleaf(slow)
    www = tmp_path / "www"
    www.mkdir()
    with socket.create_server(("127.0.0.1", slow.http_port)):  # the CA looks, and waits for an answer
        process = everleaf.start("issue", name, "--webroot", www)
        wait_until(lambda: list(www.rglob("acme-challenge/*")) or process.poll() is not None, "the challenge file")
        assert [row["status"] for row in everleaf.json("list", timeout=10)] == ["pending"]
        assert everleaf.show(name)["status"] == "pending"
        process.terminate()
        finish(process)


def test_two_passes(everleaf, nginx, pebble, new_name):
    names = [new_name() for _ in range(4)]
    for name in names:
        everleaf.run("issue", name, "--webroot", nginx.web_root)
    orders = pebble.orders()
    processes = [everleaf.start("--json", "renew", "--days", "1000", "--jobs", "2") for _ in range(2)]
    results = [finish(process) for process in processes]
    assert all(status in (0, 3, 75) for status, _, _ in results), results
    assert pebble.orders() - orders <= 2 * len(names)
    for name in names:
        assert_good(everleaf.live(name), pebble.root_file())
