"""The daemon: what is due is done, once, whoever else works, however it is stopped, whatever is sent to it."""

import concurrent.futures
import random
import signal
import socket
import time

import pytest

from env import Serve
from env.certs import assert_good, load
from env.everleaf import Everleaf
from env.ports import free_port
from env.process import wait_until

DAY = 86400
pytestmark = pytest.mark.threads


@pytest.fixture
def serve(everleaf):
    """serve(*options) starts the daemon of the test's state folder."""
    started = []

    def start(*args, on=everleaf, **options):
        started.append(Serve(on, *args, **options).start())
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


def serial(everleaf, name):
    return load(everleaf.live(name, "cert.pem")).serial_number


def kinds(everleaf, name):
    return [event["kind"] for event in everleaf.json("log", name)]


def failing(everleaf, name, *args):
    """A request whose first attempt fails, since nobody answers where the CA looks; gives the web root."""
    www = everleaf.folder / "www"
    www.mkdir(exist_ok=True)
    everleaf.run("issue", name, "--webroot", www, "--no-preflight", *args, status=1)
    return www


# what is due


@pytest.mark.option("serve", "--http", "--listen", "--jobs")
def test_renews_what_is_due(everleaf, pebble, serve, new_name):
    """By its own responder, which stays open; nothing before its time."""
    names = [new_name() for _ in range(5)]
    for name in names:
        everleaf.issue(name)
    before = {name: serial(everleaf, name) for name in names}
    orders = pebble.orders()
    daemon = serve("--http", pebble.http_address, "--jobs", "3")
    assert daemon.metrics()["everleaf_workers"] == 3
    assert daemon.metrics()['everleaf_certificates{status="issued"}'] == 5
    time.sleep(0.5)
    assert pebble.orders() == orders, "nothing is due yet"
    daemon.stop()
    moved = Serve(everleaf, "--http", pebble.http_address)
    moved.clock(75 * DAY)
    with moved:
        wait_until(lambda: all(serial(everleaf, name) != before[name] for name in names), "all to be renewed")
        wait_until(lambda: moved.turns("renewed") == 5, "the counts")
        assert pebble.orders() == orders + 5
        with socket.create_connection(("127.0.0.1", pebble.http_port)):
            pass  # the responder is there between the orders too
    for name in names:
        assert_good(everleaf.live(name), pebble.root_file())


def test_takes_up_what_a_command_line_left(everleaf, pebble, serve, nginx, new_name):
    """A request that failed on the command line, and one whose process was killed."""
    failed, killed = new_name(), new_name()
    daemon = serve()
    www = everleaf.folder / "www"
    www.mkdir()
    everleaf.run("issue", failed, "--webroot", www, status=1)
    assert everleaf.show(failed)["status"] == "failed"
    everleaf.run("set", failed, "--webroot", nginx.web_root)
    process = everleaf.start("issue", killed, "--webroot", nginx.web_root)
    wait_until(lambda: everleaf.sql("select 1 from orders where cert = ?", killed) or process.poll() is not None,
               "its order", step_s=0.001)
    process.kill()
    process.communicate()
    wait_until(lambda: everleaf.is_live(killed), "the killed one to be finished")
    daemon.clock(310)
    wait_until(lambda: everleaf.is_live(failed), "the mended one to be issued")
    assert_good(everleaf.live(failed), pebble.root_file())


def test_first_attempts_end_after_a_day(everleaf, pebble, serve, name):
    """One every five minutes; the stand-in serves meanwhile; after 24 hours none; a person begins another day."""
    www = failing(everleaf, name, "--self-signed-first")
    stand_in = serial(everleaf, name)
    daemon = serve()
    for attempt in range(1, 4):
        assert everleaf.show(name)["failures"] == attempt
        daemon.clock(attempt * 300 - 30)
        time.sleep(0.3)
        assert everleaf.show(name)["failures"] == attempt, "not before five minutes are over"
        daemon.clock(attempt * 300 + 5)
        wait_until(lambda: everleaf.show(name)["failures"] == attempt + 1, f"attempt {attempt + 1}")
    assert "given-up" not in kinds(everleaf, name)
    daemon.stop()
    daemon.clock(DAY - 200)
    daemon.start()
    wait_until(lambda: "given-up" in kinds(everleaf, name), "the last attempt")
    failures = everleaf.show(name)["failures"]
    daemon.stop()
    daemon.clock(3 * DAY)
    daemon.start()
    time.sleep(2.5)
    assert everleaf.show(name)["failures"] == failures, "no more attempts"
    assert kinds(everleaf, name).count("given-up") == 1
    assert serial(everleaf, name) == stand_in
    assert "24 hours" in everleaf.run("show", name, env=daemon.clock_env).out
    everleaf.run("renew", name, status=1, env=daemon.clock_env)
    row = everleaf.show(name)
    assert row["failures"] == 1 and row["retry_at"], "asked for again, it is attempted again"
    daemon.clock(3 * DAY + 310)
    wait_until(lambda: everleaf.show(name)["failures"] == 2, "the daemon to go on with it")
    assert www.is_dir()


def test_a_request_that_waits_for_a_person_is_left_alone(everleaf, pebble, serve, name):
    everleaf.run("issue", name, "--manual", "--challenge", "http-01", "--no-preflight")
    daemon = serve()
    wait_until(lambda: daemon.turns("pending") == 1, "one look")
    time.sleep(2.5)
    assert daemon.turns("pending") == 1
    assert everleaf.show(name)["status"] == "pending"


def test_people_are_told(everleaf, pebble, serve, name):
    """By the daemon itself, right after what happened; a pass that ran is written down for `check`."""
    everleaf.issue(name)
    heard = everleaf.folder / "heard"
    program = everleaf.folder / "tell"
    program.write_text(f'#!/bin/sh\necho "$EVERLEAF_EVENT $EVERLEAF_CERTIFICATE" >>{heard}\n')
    program.chmod(0o755)
    settings = everleaf.folder / "settings.json"
    settings.write_text(f'{{"program": "{program}"}}')
    settings.chmod(0o600)
    everleaf.run("notify", "add", "command", "people", "--settings", settings, "--event", "renewed")
    daemon = Serve(everleaf, "--http", pebble.http_address)
    daemon.clock(75 * DAY)
    with daemon:
        wait_until(heard.exists, "the program to be run")
    assert heard.read_text() == f"renewed {name}\n"


# responders


@pytest.mark.option("serve", "--alpn")
def test_responders_stay_open(everleaf, pebble, serve, new_name):
    by_http, by_alpn = new_name(), new_name()
    everleaf.issue(by_http)
    everleaf.run("issue", by_alpn, "--alpn", pebble.tls_address)
    # all of the host's addresses at that port: the certificate's own is one of them
    daemon = Serve(everleaf, "--http", f":{pebble.http_port}", "--alpn", pebble.tls_address)
    daemon.clock(75 * DAY)
    with daemon:
        wait_until(lambda: daemon.turns("renewed") == 2, "both renewals")
        line = everleaf.error("issue", new_name(), *everleaf.standalone(), status=1)
        assert "daemon" in line and str(daemon.process.pid) in line and pebble.http_address in line
    everleaf.issue(new_name())
    assert_good(everleaf.live(by_alpn), pebble.root_file())


def test_a_responder_whose_port_is_taken_ends_it(everleaf, pebble):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = everleaf.error("serve", "--listen", f"127.0.0.1:{free_port()}", "--http", address, status=1)
        assert address in line
        assert address in everleaf.error("serve", "--listen", address, status=1)


# one daemon, stopped and killed


def test_two_daemons(everleaf, serve):
    daemon = serve()
    line = everleaf.error("serve", "--listen", f"127.0.0.1:{free_port()}", status=75)
    assert str(daemon.process.pid) in line and "daemon" in line
    daemon.kill()
    daemon.start()


@pytest.fixture
def slow(make_pebble):
    return make_pebble(env={"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "3"})


def test_stopped_in_the_middle_of_an_order(make_everleaf, slow, serve, name):
    """It finishes what runs, within its bound, and begins nothing more."""
    everleaf = make_everleaf(slow)
    failing(everleaf, name)
    everleaf.run("set", name, *["--standalone", slow.http_address])
    daemon = serve("--http", slow.http_address, on=everleaf)
    orders = slow.orders()
    daemon.clock(310)
    wait_until(lambda: slow.orders() == orders + 1, "the order")
    daemon.stop()
    assert slow.certificates() == 1 and everleaf.is_live(name)
    daemon.start()
    wait_until(lambda: daemon.metrics()["everleaf_jobs_running"] == 0, "it to be at rest")
    assert slow.orders() == orders + 1


def test_a_second_signal_cancels_and_the_next_start_goes_on(make_everleaf, slow, serve, name):
    everleaf = make_everleaf(slow)
    failing(everleaf, name)
    everleaf.run("set", name, *["--standalone", slow.http_address])
    daemon = serve("--http", slow.http_address, on=everleaf)
    daemon.clock(310)
    orders = slow.orders()
    wait_until(lambda: slow.orders() == orders + 1, "the order")
    daemon.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in daemon.new_log(), "it to say so")
    daemon.stop()
    failures = everleaf.show(name)["failures"]
    assert failures <= 1, "being stopped is no failure"
    daemon.start()
    wait_until(lambda: everleaf.is_live(name), "the certificate")
    assert slow.certificates() == 1


@pytest.mark.random
@pytest.mark.pebble_says("http2: server: error reading preface")  # of one killed in the middle of a handshake
def test_killed_at_random(everleaf, pebble, serve, new_name):
    """Twenty certificates, a daemon killed again and again: each exists once, and no order was made in vain."""
    names = [new_name() for _ in range(20)]
    for name in names:
        failing(everleaf, name)
    orders, certificates = pebble.orders(), pebble.certificates()
    for name in names:
        everleaf.run("set", name, *everleaf.standalone())
    daemon = Serve(everleaf, "--http", pebble.http_address, "--jobs", "4")
    daemon.clock(310)
    rounds = 0
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    while not all(status == "issued" for (status,) in everleaf.sql("select status from certs")):
        rounds += 1
        assert rounds < 60, daemon.log()[-3000:]
        daemon.start()
        time.sleep(dice.uniform(0.02, 0.3) * (1 + rounds / 10))
        daemon.kill()
    with daemon:
        wait_until(lambda: all(everleaf.is_live(name) for name in names), "all to be live")
    for name in names:
        assert_good(everleaf.live(name), pebble.root_file())
        assert everleaf.sql("select count(*) from versions where cert = ?", name) == [(1,)]
    assert pebble.certificates() == certificates + 20, "issued once each"
    assert pebble.orders() - orders <= 20 + rounds * 4, "an order is repeated only where its answer was lost"
    assert everleaf.sql("select count(*) from challenges") == [(0,)]
    print(f"{rounds} kills, {pebble.orders() - orders} orders for 20 certificates")


def test_reload(everleaf, pebble, name):
    config = everleaf.folder / "everleaf.yaml"
    config.write_text("jobs: 2\n")
    daemon = Serve(everleaf, env={"EVERLEAF_CONFIG": str(config)})
    with daemon:
        assert daemon.metrics()["everleaf_workers"] == 2
        config.write_text("jobs: 5\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.metrics()["everleaf_workers"] == 5, "the new number")
        config.write_text("jobs: many\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "stays as it was" in daemon.new_log(), "the mistake to be told")
        assert daemon.metrics()["everleaf_workers"] == 5 and daemon.get("/readyz")[0] == 200


def test_the_service_manager_is_told(everleaf, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        told = []

        def until(word):
            while not any(word in one for one in told):
                told.append(manager.recv(4096).decode())

        daemon = Serve(everleaf, env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1500000"}).start()
        until("READY=1")
        until("WATCHDOG=1")
        daemon.process.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        daemon.stop()
        until("STOPPING=1")


# the HTTP side


def test_health_and_metrics(everleaf, serve, name):
    everleaf.issue(name)
    daemon = serve()
    assert daemon.get("/healthz")[0] == 200 and daemon.get("/readyz")[0] == 200
    wait_until(lambda: daemon.metrics()["everleaf_last_look_timestamp_seconds"] > 0, "a pass")
    values = daemon.metrics()
    assert values['everleaf_certificates{status="issued"}'] == 1
    assert values['everleaf_certificates_expiring{days="30"}'] == 0
    assert values["everleaf_ready"] == 1 and values["everleaf_failures_total"] == 0
    daemon.clock(89.5 * DAY)
    assert daemon.metrics()['everleaf_certificates_expiring{days="1"}'] == 1
    daemon.clock(91 * DAY)
    assert daemon.metrics()['everleaf_certificates{status="expired"}'] == 1
    daemon.clock(0)
    print(f"resident {daemon.memory_kb()} kB")


def test_what_is_not_there_is_a_problem_document(serve):
    daemon = serve()
    assert daemon.problem("/")["status"] == 404
    assert daemon.problem("/metrics/..%2f")["status"] == 404
    assert daemon.problem("/healthz", method="DELETE")["status"] == 405
    assert daemon.get("/healthz", method="PUT")[1]["Allow"] == "GET"
    assert daemon.problem("/healthz", method="GET", body="x" * 10)["status"] == 413
    assert daemon.get("/healthz", method="HEAD")[2] == ""


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=60)


def test_idle_connections_shut_nobody_out(serve):
    daemon = serve()
    idle = [connect(daemon) for _ in range(200)]
    assert daemon.get("/readyz")[0] == 200
    kept = connect(daemon)
    kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200 OK" in kept.recv(4096)
    print(f"resident with 200 idle connections {daemon.memory_kb()} kB")
    for one in [*idle, kept]:
        one.close()


def test_malformed_requests(serve):
    daemon = serve()
    for text in [b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x00\xff\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET /healthz HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                 b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
                 b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n"]:
        with connect(daemon) as client:
            try:
                client.sendall(text)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass  # cut off already
        assert daemon.get("/healthz")[0] == 200, text[:40]


@pytest.mark.parametrize("head", [b"Content-Length: 1073741824", b"Transfer-Encoding: chunked"])
def test_a_gigabyte_is_not_read(serve, head):
    daemon = serve()
    before = daemon.memory_kb()
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with connect(daemon) as client:
        client.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        try:
            while sent < 1 << 30:
                sent += client.send(piece)
        except ConnectionError:
            pass
    assert sent < 64 << 20
    assert daemon.memory_kb() - before < 8 << 10
    assert daemon.get("/readyz")[0] == 200


@pytest.mark.slow
def test_slow_client(serve):
    """A byte now and then: it is cut off after half a minute, and the others are answered meanwhile."""
    daemon = serve()
    start = time.monotonic()
    with connect(daemon) as client:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            def drip():
                try:
                    for byte in b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"y" * 200:
                        client.send(bytes([byte]))
                        time.sleep(0.5)
                except OSError:
                    return time.monotonic() - start

            cut = pool.submit(drip)
            while not cut.done():
                assert daemon.get("/healthz")[0] == 200
                time.sleep(0.5)
            assert cut.result() and 20 < cut.result() < 60


def test_a_new_state(tmp_path, pebble, lab, serve):
    """A new state folder: the daemon makes it, and the command line finds it."""
    bare = Everleaf(tmp_path / "new", pebble, lab)
    serve(on=bare)
    assert bare.json("list") == []


def test_what_the_daemon_does_of_itself_is_done_by_the_daemon(everleaf, name):
    """Not by the person at the shell, whose rights it has."""
    everleaf.issue(name)
    before = everleaf.json("log", name)
    daemon = Serve(everleaf)
    daemon.clock(85 * DAY)
    with daemon:
        wait_until(lambda: daemon.turns("renewed") == 1, "its renewal")
    events = everleaf.json("log", name)[len(before):]
    assert "issued" in [event["kind"] for event in events]
    assert {event["actor"] for event in events} == {"daemon"} and {event["actor"] for event in before} != {"daemon"}
