"""What nobody ought to send to the daemon: it stays up, within its memory, and answers the others."""

import concurrent.futures
import json
import random
import resource
import socket
import time

import pytest

from env import Serve
from env.api import Api, People
from env.everleaf import BINARY
from env.people import Caller
from env.process import wait_until

pytestmark = pytest.mark.threads
# What a sanitizer keeps for itself is not the daemon's.
SANITIZED = any(word in BINARY.read_bytes() for word in (b"__asan_init", b"__tsan_init"))


@pytest.fixture
def daemon(everleaf):
    with Serve(everleaf) as running:
        yield running


@pytest.fixture
def admin(everleaf, daemon):
    return People(everleaf, daemon).admin


def connect(daemon, timeout=60, source=None):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=timeout, source_address=(source, 0) if source else None)


def exchange(daemon, text):
    """What comes back for these bytes, until the connection ends."""
    got = b""
    with connect(daemon) as client:
        try:
            client.sendall(text)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                got += piece
        except OSError:
            pass  # cut off already
    return got


def is_well(admin):
    return admin.get("/version").json["user"] == "admin" and admin.daemon.get("/healthz")[0] == 200


@pytest.fixture
def many_files():
    """As many as this process may open at all, while a test runs."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (former[1], former[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, former)


def accepted_from(daemon, *sources):
    """How many connections of theirs the daemon has taken: those that only wait to be are nobody's yet."""
    there = [socket.inet_aton(source)[::-1].hex().upper() for source in sources]
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table]
    return sum(row[1] == f"0100007F:{daemon.port:04X}" and row[2].split(":")[0] in there and row[3] == "01" and row[9] != "0"
               for row in rows[1:])


def test_a_thousand_idle_connections(daemon, admin, many_files):
    """Open all at once, from two addresses, half of them amid a request; whoever comes from a third one is answered meanwhile."""
    before, sources, began = daemon.memory_kb(), ("127.0.0.1", "127.0.0.2"), time.monotonic()
    idle = [connect(daemon, source=sources[n % 2]) for n in range(1000)]
    for client in idle[:500]:  # of either address
        client.sendall(b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    wait_until(lambda: accepted_from(daemon, *sources) == 1000, "a thousand connections to be taken")
    used = daemon.memory_kb() - before
    print(f"{used} kB for {len(idle)} connections")
    assert SANITIZED or used < 64 << 10
    start, elsewhere = time.monotonic(), Caller(daemon, admin.token, "127.0.0.3")
    assert elsewhere.ok("GET", "/version")["user"] == "admin"
    elsewhere.ok("POST", "/users", {"name": "meanwhile", "role": "user"})
    assert "meanwhile" in [row["name"] for row in elsewhere.ok("GET", "/users")["items"]]
    assert time.monotonic() - start < (15 if SANITIZED else 5)
    if time.monotonic() - began < 15:  # not yet so long idle that they are closed
        assert accepted_from(daemon, *sources) == 1000, "they are open still"
    more = []
    for _ in range(300):  # more than one address, and all together, may have
        try:
            more.append(connect(daemon, 5))
        except OSError:
            break
    assert SANITIZED or daemon.memory_kb() - before < 64 << 10
    for client in idle + more:
        client.close()
    end = time.monotonic() + 20
    while True:
        try:
            assert is_well(admin)
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.slow
def test_a_slow_body(daemon, admin):
    """A byte now and then: cut off after half a minute, with the others answered meanwhile."""
    start = time.monotonic()
    with connect(daemon) as client, concurrent.futures.ThreadPoolExecutor() as pool:
        client.sendall(f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.token}\r\n"
                       "Content-Length: 100000\r\n\r\n".encode())

        def drip():
            try:
                while time.monotonic() - start < 90:
                    client.send(b" ")
                    time.sleep(0.3)
            except OSError:
                pass
            return time.monotonic() - start

        cut = pool.submit(drip)
        while not cut.done():
            assert is_well(admin)
            time.sleep(0.5)
        assert 20 < cut.result() < 60


@pytest.mark.parametrize("head", ["Content-Length: 1073741824", "Transfer-Encoding: chunked"])
def test_a_gigabyte(daemon, admin, head):
    before, sent = daemon.memory_kb(), 0
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connect(daemon) as client:
        client.sendall(f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.token}\r\n"
                       f"Content-Type: application/json\r\n{head}\r\n\r\n".encode())
        try:
            while sent < 1 << 30:
                sent += client.send(piece)
        except OSError:
            pass
    assert sent < 64 << 20
    assert SANITIZED or daemon.memory_kb() - before < 16 << 10
    assert is_well(admin)


def test_many_large_bodies_at_once(daemon, admin):
    """All bodies together are bounded, and the memory comes back."""
    before = daemon.memory_kb()
    body = json.dumps({"name": "x" * (1000 << 10), "role": "user"}).encode()

    def send(_):
        try:
            return daemon.get("/api/v1/users", "POST", body, {"Authorization": f"Bearer {admin.token}",
                                                              "Content-Type": "application/json"}, timeout=60)[0]
        except OSError:
            return 0

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        statuses = list(pool.map(send, range(256)))
    assert set(statuses) <= {400, 0} and 400 in statuses, set(statuses)
    print(f"{daemon.memory_kb() - before} kB more after {statuses.count(400)} large bodies")
    assert SANITIZED or daemon.memory_kb() - before < 192 << 10
    assert is_well(admin)


def test_nobody_gets_little_memory(daemon):
    """Who shows no token may send what signing in takes, and no more."""
    answer = exchange(daemon, b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    assert b" 413 " in answer.split(b"\r\n")[0]


MALFORMED = [
    b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n",
    b"GET /api/v1/users HTTP/1.1\r\n\r\n", b"G" * 70000, b"GET /api/v1/" + b"a/" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/users?" + b"a=b&" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/users HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"GET /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"z" * 60000 + b"\r\n\r\n",
    b"GET /api/v1/users HTTP/1.1\r\nHost: x\r\nCookie: " + b"everleaf_session=a; " * 1000 + b"\r\n\r\n",
    b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
    b"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x00" * 1000, b"GET /api/v1/users/\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://elsewhere/api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n", b"TRACE /api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/users HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"]


def test_malformed_http(daemon, admin):
    for text in MALFORMED:
        answer = exchange(daemon, text)
        assert not answer.startswith(b"HTTP/1.1 2"), (text[:60], answer[:200])
        assert is_well(admin), text[:60]


def test_json_of_every_wrong_kind(admin):
    """Wrong types in every member of every body: refused, never a failure of ours."""
    document = admin.get("/openapi.json").json
    values = [5, -1, 1 << 70, 1.5, True, None, "x", "", "\u0000", "\u202e", [], ["x"], [[]], [None], {}, {"a": {}}, "y" * 70000,
              ["z"] * 1500]
    count = 0
    for path, methods in document["paths"].items():
        where = path.replace("{name}", "nobody-has-it").replace("{domain}", "example.org").replace("{id}", "1")
        for method, row in methods.items():
            content = row.get("requestBody", {}).get("content", {}).get("application/json")
            if not content or path.startswith("/session"):
                continue
            schema = document["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[1]]
            for member in schema["properties"]:
                value = values[count % len(values)]
                count += 1
                answer = admin.ask(method.upper(), where, {member: value}, status=range(200, 600))
                assert answer.status < 500, f"{method} {where} {member}={value!r}: {answer.text}"
    assert count > 60 and is_well(admin)


def test_deep_and_doubled(admin):
    for raw in (b'{"a":' * 40 + b"1" + b"}" * 40, b"[" * 500000, b'{"name":"a","name":"b","role":"user"}',
                b'{"a":[' + b"1," * 300000 + b"1]}", b'{"name":"' + b"\\ud800" + b'"}', b'{"name":"\\u0000"}', b"\xef\xbb\xbf{}",
                b'{"name":"a\xc0\xaf"}', b'{"' + b"k" * 200000 + b'":1}'):
        assert admin.ask("POST", "/users", raw=raw, status=400).problem, raw[:40]
    assert is_well(admin)


def test_noise(daemon, admin):
    """Requests with a few bytes changed at random: an answer or a closed connection, nothing else."""
    dice = random.Random(11)
    body = b'{"name": "noise", "role": "user"}'
    plain = (f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.token[:-1]}\r\nContent-Type: "
             f"application/json\r\nIdempotency-Key: 1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body
    for _ in range(300):
        noisy = bytearray(plain)
        for _ in range(dice.randint(1, 6)):
            noisy[dice.randrange(len(noisy))] = dice.randrange(256)
        answer = exchange(daemon, bytes(noisy))
        assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:100]
    assert is_well(admin)


def test_clients_that_go_away(daemon, admin):
    """Streams and requests whose client closes at any moment."""
    dice = random.Random(5)
    head = f"Host: x\r\nAuthorization: Bearer {admin.token}\r\n"
    for turn in range(200):
        path = ("/events", "/users", "/certificates", "/openapi.json")[turn % 4]
        accept = "Accept: text/event-stream\r\n" if path == "/events" else ""
        with connect(daemon) as client:
            client.sendall(f"GET /api/v1{path} HTTP/1.1\r\n{head}{accept}\r\n".encode())
            if dice.random() < 0.5:
                client.recv(dice.randint(1, 2000))
    assert is_well(admin)


def test_a_stream_nobody_reads(daemon, admin):
    """What is not read is not kept without bound, and holds nobody up."""
    with connect(daemon) as client:
        client.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.token}\r\n"
                       "Accept: text/event-stream\r\nLast-Event-ID: 1\r\n\r\n".encode())
        for n in range(100):
            admin.post("/users", {"name": f"n{n}", "role": "user"}, status=201)
        assert is_well(admin)
    assert Api(daemon).get("/version", status=401)
