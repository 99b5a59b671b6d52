"""Several nodes on one PostgreSQL: they share the work, each other's challenges, and nothing twice, whatever stops them."""

import collections
import concurrent.futures
import contextlib
import http.client
import json
import os
import queue
import random
import shutil
import signal
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass

import pytest

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from env import Balancer, FaultProxy, Nginx, Serve
from env.api import Api
from env.certs import load
from env.client import user
from env.everleaf import BINARY, Everleaf
from env.gate import SlowWeb
from env.ports import free_port
from env.postgres import Postgres
from env.proxy import delay
from env.process import wait_until
from env.sockets import owner_of

DAY = 86400
LEASE_S = 3
# fewer where the thread sanitizer slows each of them down
N = int(os.environ.get("EVERLEAF_TEST_NODES_CERTIFICATES", "12" if b"__tsan_init" in BINARY.read_bytes() else "40"))
# these take longer
N_FIRST = min(N, 20) if "EVERLEAF_TEST_NODES_CERTIFICATES" not in os.environ else N


@pytest.fixture
def cluster():
    """A server of the test's own, which it may stop."""
    with Postgres() as server:
        server.make_database("nodes")
        yield server


def node(cluster, lab, folder, name, first=None):
    """A state folder of its own on the shared database, with the master key that the first one made."""
    everleaf = Everleaf(folder / name, first.ca if first else None, lab)
    everleaf.use_database(cluster, "nodes")
    everleaf.env |= {"EVERLEAF_NODE": name, "EVERLEAF_LEASE_SECONDS": str(LEASE_S)}
    if first:
        everleaf.state.mkdir(mode=0o700)
        shutil.copy2(first.state / "master.key", everleaf.state)
    return everleaf


@pytest.fixture
def two(cluster, tmp_path, pebble, lab):
    first = node(cluster, lab, tmp_path, "a")
    first.ca = pebble
    first.register()
    return first, node(cluster, lab, tmp_path, "b", first)


def test_one_state_on_two_hosts(two, new_name):
    a, b = two
    name = new_name()
    assert a.issue(name)["issued"] == [name]
    assert b.names() == [name]
    assert b.show(name)["serial"] == a.show(name)["serial"]
    assert b.issue(name)["unchanged"] == [name]
    assert b.run("export", name, "--part", "key", shows_secrets=True).out == a.live(name, "privkey.pem").read_text()


@pytest.mark.threads
def test_live_is_brought_up_to_date(two, new_name):
    """On a node beside: what was there when it started, and what comes; hooks run where the turn was."""
    a, b = two
    first, second = new_name(), new_name()
    hook = a.folder / "hook"
    hook.write_text(f"#!/bin/sh\necho ran >> {a.folder}/ran\n")
    hook.chmod(0o755)
    a.issue(first)
    with Serve(b) as daemon:
        wait_until(lambda: b.live(first, "cert.pem").exists(), "the first certificate on the other node", 30)
        a.issue(second, "--deploy-hook", hook)
        wait_until(lambda: b.live(second, "cert.pem").exists(), "the second certificate on the other node", 30)
        a.run("renew", second, "--force")
        wait_until(lambda: b.live(second, "cert.pem").read_text() == a.live(second, "cert.pem").read_text(), "its renewal", 30)
        assert daemon.get("/readyz")[0] == 200
    for name in (first, second):
        for part in ("privkey.pem", "fullchain.pem", "combined.pem"):
            assert b.live(name, part).read_text() == a.live(name, part).read_text()
        assert b.live(name, "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert (a.folder / "ran").read_text().splitlines() == ["ran", "ran"]


def folders(node, name):
    return sorted(path.name for path in (node.state / "versions" / name).glob("[0-9]*"))


def is_gone(node, name):
    return not node.live(name).is_symlink() and not (node.state / "versions" / name).exists()


def test_what_is_deleted_is_taken_away(two, new_name):
    """On a node beside, at once and by one that was down meanwhile; what only the database does not have stays."""
    a, b = two
    gone, gone_meanwhile, kept = new_name(), new_name(), new_name()
    for name in (gone, gone_meanwhile, kept):
        a.issue(name)
    with Serve(b) as daemon:
        wait_until(lambda: all(b.live(name, "cert.pem").exists() for name in (gone, gone_meanwhile, kept)), "all of them", 30)
        a.run("delete", gone)
        wait_until(lambda: is_gone(b, gone), "the deleted one to be taken away", 30)
        wait_until(lambda: "deleted through another node" in daemon.log(), "the word of it")
    a.run("delete", gone_meanwhile)
    stray = b.state / "versions/stray.example.com/1"
    stray.mkdir(parents=True)
    (b.state / "live/stray.example.com").symlink_to("../versions/stray.example.com/1")
    with Serve(b):
        wait_until(lambda: is_gone(b, gone_meanwhile), "what was deleted while it was down", 30)
    assert load(b.live(kept, "cert.pem")).serial_number == int(a.show(kept)["serial"], 16)
    assert (b.state / "live/stray.example.com").is_symlink() and stray.exists()
    assert b.sql("select subject from jobs where subject not in (select name from certs) and subject not like 'account/%'") == []


def test_an_empty_database_takes_nothing_away(two, cluster, tmp_path, lab, new_name):
    """It is another one: what the daemon finds in live/ may be needed, and is nobody's to take away."""
    a, b = two
    name = new_name()
    a.issue(name)
    with Serve(b):
        wait_until(lambda: b.live(name, "cert.pem").exists(), "the certificate", 30)
    cluster.make_database("empty")
    b.use_database(cluster, "empty")
    b.register()
    beside = node(cluster, lab, tmp_path, "c", b)
    beside.use_database(cluster, "empty")
    with Serve(b):
        other = new_name()
        beside.issue(other)
        wait_until(lambda: b.live(other, "cert.pem").exists(), "a look at what there is", 30)
        beside.run("delete", other)
        wait_until(lambda: is_gone(b, other), "a look at what was deleted", 30)
    assert b.live(name, "cert.pem").exists() and folders(b, name) == ["1"]


def test_a_restored_database_takes_nothing_away(two, new_name, tmp_path):
    """What was deleted before the backup was made says nothing of what came after it; the keys may be nowhere else."""
    a, b = two
    renewed, requested, seen = new_name(), new_name(), new_name()
    for name in (renewed, requested):
        a.issue(name)
        a.run("delete", name)
    a.issue(renewed)
    a.run("backup", tmp_path / "backup")
    a.run("renew", renewed, "--force")
    a.issue(requested)
    with Serve(b):
        wait_until(lambda: folders(b, renewed)[-1:] == ["2"] and b.live(requested, "cert.pem").exists(), "all of them", 30)
    key = b.live(renewed, "privkey.pem").read_text()
    a.run("restore", tmp_path / "backup", "--force")
    with Serve(b):
        a.issue(seen)
        wait_until(lambda: b.live(seen, "cert.pem").exists(), "a look", 30)
        a.run("delete", seen)
        wait_until(lambda: is_gone(b, seen), "a look at what was deleted", 30)
    assert b.live(renewed, "privkey.pem").read_text() == key
    assert b.live(requested, "privkey.pem").exists()


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
def test_deleted_and_requested_again(two, new_name, down):
    """Its versions are counted from 1 again: what the other node has of the former one has higher numbers."""
    a, b = two
    name = new_name()
    a.issue(name)
    for _ in range(2):
        a.run("renew", name, "--force")
    with Serve(b) as daemon:
        wait_until(lambda: b.live(name, "cert.pem").exists() and load(b.live(name, "cert.pem")) == load(a.live(name, "cert.pem")),
                   "the third version", 30)
        if down:
            daemon.stop()
        a.run("delete", name)
        a.issue(name)
        if down:
            daemon.start()
        assert a.show(name)["live_version"] == 1
        wait_until(lambda: b.live(name, "cert.pem").exists() and load(b.live(name, "cert.pem")) == load(a.live(name, "cert.pem")),
                   "the new certificate", 30)
        assert b.live(name, "privkey.pem").read_text() == a.live(name, "privkey.pem").read_text()
        assert folders(b, name) == ["1"]
        a.run("renew", name, "--force")
        wait_until(lambda: load(b.live(name, "cert.pem")) == load(a.live(name, "cert.pem")), "its renewal", 30)
        assert folders(b, name) == ["1", "2"]


def test_a_turn_over_a_deleted_ones_folders(two, new_name, proxy):
    """The version is stored by a node that is killed, and made live by one that has a folder of that number already."""
    a, b = two
    name = new_name()
    assert b.issue(name)["issued"] == [name]
    former = load(b.live(name, "cert.pem"))
    a.run("delete", name)
    a.issue(name)
    a.sql("update certs set live_version = 0, unfinished = 1 where name = ?", name)
    assert b.issue(name)["failed"] == []
    assert load(b.live(name, "cert.pem")) != former
    assert load(b.live(name, "cert.pem")).serial_number == int(b.show(name)["serial"], 16)
    assert b.live(name, "privkey.pem").read_text() == b.run("export", name, "--part", "key", shows_secrets=True).out


def test_what_cannot_be_written_is_tried_again(two, new_name):
    """A disk that is full for a moment leaves no node with an old certificate until the next renewal."""
    a, b = two
    first, second = new_name(), new_name()
    a.issue(first)
    with Serve(b) as daemon:
        wait_until(lambda: b.live(first, "cert.pem").exists(), "the first certificate", 30)
        in_the_way = b.state / "versions" / second
        in_the_way.write_text("a file")  # root writes wherever it likes, but not through a file
        a.issue(second)
        wait_until(lambda: f"{second} is not as it ought to be here" in daemon.log(), "the failure", 30)
        in_the_way.unlink()
        wait_until(lambda: b.live(second, "cert.pem").exists(), "the second attempt", 30)
        assert daemon.log().count("is not as it ought to be here yet") == 1, "told once"


# If-Match


def counted(kind, n):
    """A change that says how many there were, and how it is read back."""
    return {"certificates": ({"organization": f"n{n}"}, lambda x: int((x["organization"] or "n0")[1:])),
            "users": ({"email": f"n{n}@example.org"}, lambda x: int((x["email"] or "n0@").split("@")[0][1:])),
            "dns-accounts": ({"zones": [f"n{n}.example.org"]}, lambda x: int((x["zones"] or ["n0."])[0].split(".")[0][1:]))}[kind]


@pytest.mark.threads
@pytest.mark.parametrize("kind", ["certificates", "users", "dns-accounts"])
def test_no_change_is_lost_between_nodes(two, kind, new_name):
    """Eight clients of two nodes add one to the same thing, each only if it is still as they saw it."""
    a, b = two
    name = new_name() if kind == "certificates" else "thing"
    with Serve(a) as one, Serve(b) as other:
        token = user(a, one, "root", "admin").token
        nodes = [Api(one, token), Api(other, token)]
        if kind == "certificates":
            a.issue(name)
        elif kind == "users":
            nodes[0].post("/users", {"name": name, "role": "user"}, status=201)
        else:
            nodes[0].post("/dns-accounts", {"name": name, "provider": "duckdns", "settings": {"token": str(uuid.uuid4())}}, status=201)

        def add(i):
            done = 0
            while done < 4:
                node = nodes[i % 2]
                seen = node.get(f"/{kind}/{name}")
                change, _ = counted(kind, counted(kind, 0)[1](seen.json) + 1)
                # 409: another node is at it
                answer = node.patch(f"/{kind}/{name}", change, status=(200, 409, 412), headers={"If-Match": seen.headers["ETag"]})
                done += answer.status == 200

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(8)))
        assert counted(kind, 0)[1](nodes[0].get(f"/{kind}/{name}").json) == 8 * 4


def test_settings_changed_in_part_through_two_nodes(two):
    """Each changes one of them, without looking: both are kept."""
    a, b = two
    with Serve(a) as one, Serve(b) as other:
        token = user(a, one, "root", "admin").token
        nodes = [Api(one, token), Api(other, token)]
        nodes[0].post("/dns-accounts", {"name": "thing", "provider": "route53", "settings": {
            "access_key_id": "AKIA", "secret_access_key": "x"}}, status=201)
        members = ("region", "role_session_name")

        def change(i):
            for n in range(12):
                settings = {members[i]: f"v{n}"}
                nodes[i].patch("/dns-accounts/thing", {"settings": settings}, status=200)
                assert nodes[i].get("/dns-accounts/thing").json["settings"][members[i]] == f"v{n}"

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(change, range(2)))


def test_another_master_key_is_told(two, new_name, tmp_path, cluster, lab):
    a, _ = two
    name = new_name()
    a.issue(name)
    stranger = node(cluster, lab, tmp_path, "stranger")
    line = stranger.error("export", name, "--part", "key", status=1)
    assert "master key" in line and "missing" in line
    stranger.state.mkdir(mode=0o700, exist_ok=True)
    (stranger.state / "master.key").write_text(os.urandom(32).hex() + "\n")
    (stranger.state / "master.key").chmod(0o600)
    line = stranger.error("export", name, "--part", "key", status=1)
    assert "master key" in line


@pytest.mark.threads
def test_answers_what_another_node_made(two, pebble, new_name):
    """The CA asks node A, whose responder never heard of the token that node B made."""
    a, b = two
    port = pebble.http_address.rsplit(":", 1)[1]
    tls_port = pebble.tls_address.rsplit(":", 1)[1]
    with Serve(a, "--http", pebble.http_address, "--alpn", pebble.tls_address) as daemon:
        name = new_name()
        assert b.json("issue", name, "--standalone", f"127.0.0.2:{port}", "--no-preflight")["issued"] == [name]
        name = new_name()
        assert b.json("issue", name, "--alpn", f"127.0.0.2:{tls_port}", "--no-preflight")["issued"] == [name]
        assert daemon.everleaf.names() == b.names()


def test_answers_for_an_address_what_another_node_made(two, pebble):
    """An address is asked for by its reverse name."""
    a, b = two
    port = pebble.tls_address.rsplit(":", 1)[1]
    with Serve(a, "--alpn", pebble.tls_address):
        assert b.json("issue", "127.0.0.1", "--alpn", f"127.0.0.2:{port}", "--no-preflight")["issued"] == ["127.0.0.1"]


def test_many_nodes_make_one_schema(cluster, tmp_path, lab):
    """Started at once on an empty database with one key: one makes it, the others find it."""
    nodes = [node(cluster, lab, tmp_path, f"n{i}") for i in range(4)]
    for one in nodes:
        one.state.mkdir(mode=0o700)
        one.env["EVERLEAF_MASTER_KEY_FILE"] = str(tmp_path / "key")
    running = [one.start("ca", "add", f"ca{i}", f"https://ca{i}.example.org/dir") for i, one in enumerate(nodes)]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert cluster.sql("select count(*) from meta where name = 'schema'", "nodes") == "1"
    assert cluster.sql("select count(*) from cas", "nodes") == "4"


@pytest.mark.threads
def test_database_goes_away(two, cluster, new_name):
    """It is waited for, readiness says so, and the daemon ends when told to meanwhile."""
    a, b = two
    with Serve(a) as daemon:
        admin = user(a, daemon, "root", "admin")
        cluster.stop()
        started = time.monotonic()  # the first call may be the one that finds out
        for path in ("certificates", "events"):
            status, headers, _ = daemon.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {admin.token}"}, timeout=60)
            assert status == 503 and int(headers["Retry-After"]) > 0
        assert time.monotonic() - started < 15
        wait_until(lambda: daemon.get("/readyz")[0] == 503, "readiness to end")
        assert "database" in daemon.get("/readyz")[2]
        assert daemon.get("/healthz")[0] == 200
        cluster.start()
        wait_until(lambda: daemon.get("/readyz")[0] == 200, "readiness to come back", 30)
        assert admin.get("/certificates")["items"] == []
        assert a.issue(new_name())["issued"]
        cluster.stop(signal.SIGQUIT)
        wait_until(lambda: daemon.get("/readyz")[0] == 503, "readiness to end")
        started = time.monotonic()
        daemon.stop()
        assert time.monotonic() - started < 30
    line = b.error("list", status=(1, 2, 75), env={"PGCONNECT_TIMEOUT": "2"}, timeout=60)
    assert "database" in line
    cluster.start()


@pytest.mark.threads
def test_taken_over_after_a_forced_renewal(two, pebble, name):
    """The job is done anew, and not forced anew."""
    a, _ = two
    gate, ran, hook = a.folder / "gate", a.folder / "ran", a.folder / "hook"
    hook.write_text(f"#!/bin/sh\necho ran >> {ran}\nuntil [ -e {gate} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    gate.touch()
    a.issue(name, "--deploy-hook", hook)
    gate.unlink()
    orders = pebble.orders()
    with Serve(a) as daemon:
        admin = user(a, daemon, "root", "admin")
        job = admin.post(f"/certificates/{name}/renew", force=True)
        wait_until(lambda: len(ran.read_text().splitlines()) == 2, "its hook")
        # what another node that took it over leaves behind
        a.sql("update jobs set fence = fence + 1, lease = 'elsewhere|b|1|1|everleaf renew|1', lease_until = 1 where subject = ?", name)
        gate.touch()
        assert admin.done(job)["renewed"] == [name]
    assert a.show(name)["live_version"] == 2
    assert pebble.orders() == orders + 1


def test_what_another_node_goes_on_with_is_left_to_it(two, pebble, name, tmp_path, request):
    """A node that stood still comes back, and ends, while the CA looks at what the other one has published by now: the same."""
    a, b = two
    root = tmp_path / "www"
    root.mkdir()
    a.issue(name)
    a.run("set", name, "--webroot", root, "--no-preflight")
    orders, answers = pebble.orders(), pebble.log().count("POST /chalZ/")
    one, other = daemons = Serve(a), Serve(b)
    request.addfinalizer(lambda: [daemon.kill() for daemon in daemons if daemon.process])
    for daemon in daemons:
        daemon.clock(75 * DAY)
    with SlowWeb(pebble.http_port, root) as web:
        one.start()
        wait_until(lambda: web.held > 0, "the CA to look")
        one.process.send_signal(signal.SIGSTOP)
        other.start()
        wait_until(lambda: pebble.log().count("POST /chalZ/") > answers + 1, "the other node to go on")
        one.process.send_signal(signal.SIGCONT)
        one.process.terminate()
        wait_until(lambda: "stopping" in one.log(), "the first word")
        one.stop()
        assert len(list(root.rglob("acme-challenge/*"))) == 1
        web.open()
        wait_until(lambda: b.show(name)["live_version"] == 2, "the renewal")
        other.stop()
    assert pebble.orders() == orders + 1
    assert list(root.iterdir()) == []


def test_password_never_shows(two, cluster, new_name):
    a, _ = two
    cluster.sql("create role guarded login superuser password 'geheim-1'")
    a.secret("geheim-")
    a.env["EVERLEAF_DATABASE"] = cluster.tcp_url("nodes", "guarded", "geheim-1")
    assert a.run("-v", "-v", "list").status == 0
    a.env["EVERLEAF_DATABASE"] = cluster.tcp_url("nodes", "guarded", "geheim-2")
    assert "password" in a.error("list", status=2)
    a.env["EVERLEAF_DATABASE"] = f"postgresql://guarded:geheim-%zz@127.0.0.1:{cluster.port}/nodes"
    assert "cannot be read" in a.error("list", status=2)


# the nodes under fire


@dataclass
class Blow:
    """What was done, to which process (None: the database), from when until when, by the clock of the proxy."""

    what: str
    pid: int
    begins: float
    ends: float = None

    def hits(self, pid, since, until):
        return self.pid in (None, pid) and self.begins < until and (self.ends or time.monotonic()) > since


class Chaos:
    """Stops things at random moments; what it did, and when. senders: which process sent a newOrder, by its exchange."""

    def __init__(self, seed, cluster, daemons, proxy):
        self.random, self.cluster, self.daemons = random.Random(seed), cluster, daemons
        self.proxy, self.seed, self.done, self.senders = proxy, seed, [], {}

    def __str__(self):
        return f"seed {self.seed}: {self.done}"

    @contextlib.contextmanager
    def blow(self, what, daemon=None):
        self.done.append(Blow(what, daemon and daemon.process.pid, time.monotonic()))
        yield self.done[-1]
        self.done[-1].ends = time.monotonic()

    def kill(self):
        daemon = self.random.choice(self.daemons)
        with self.blow("kill", daemon):
            daemon.kill()
        daemon.start()

    def pause(self):
        """Past the end of its lease, so that the other takes over, and back."""
        daemon = self.random.choice(self.daemons)
        with self.blow("pause", daemon):
            daemon.process.send_signal(signal.SIGSTOP)
            time.sleep(LEASE_S + 1 + self.random.random())
            daemon.process.send_signal(signal.SIGCONT)

    def restart_database(self):
        with self.blow("database"):
            self.cluster.restart(self.random.choice([signal.SIGINT, signal.SIGQUIT]))

    def act(self):
        self.random.choice([self.kill, self.pause, self.restart_database])()
        time.sleep(self.random.uniform(0.05, 0.8))

    def slow(self, seconds):
        """Each request takes so long, that something may happen to its sender; of an order it is noted who that is."""
        def act(handler, exchange):
            if "/order-plz" in exchange.path:
                pids = [daemon.process.pid for daemon in self.daemons if daemon.process]
                self.senders[id(exchange)] = owner_of(exchange.client, self.proxy.port, pids)
            delay(seconds)(handler, exchange)

        self.proxy.on("/", act)


def orders_made(proxy):
    """Names to the requests by which an order for them was made, one after the other."""
    made = collections.defaultdict(list)
    for exchange in proxy.seen("/order-plz", "POST"):
        if exchange.status == 201:
            made[exchange.payload["identifiers"][0]["value"]].append(exchange)
    return made


def seed():
    value = int(os.environ.get("EVERLEAF_TEST_SEED", random.randrange(1 << 32)))
    print(f"seed {value}")
    return value


def await_rest(node, names):
    """All turns end; one of a daemon that was killed stands there until somebody has to do with that certificate."""
    held = "select subject from jobs where lease is not null and lease_until > extract(epoch from now())"
    wait_until(lambda: not [1 for (subject,) in node.sql(held) if subject in names], "all turns to end", 60)


def check_certificates(node, names, n_versions, chaos):
    """Every one exactly once, its key with it, and nothing left behind."""
    versions = node.sql("select cert, count(*) n, count(key) keys, count(distinct serial) serials from versions group by cert")
    assert sorted(versions) == sorted((name, *3 * [n_versions]) for name in names), chaos
    assert node.names() == sorted(names), chaos
    assert node.sql("select cert from orders where state in ('new', 'open')") == [], chaos
    assert node.sql("select id from challenges") == [], chaos
    for name in names:
        exported = node.run("export", name, "--part", "all", shows_secrets=True).out
        certificate = x509.load_pem_x509_certificate(exported[exported.index("-----BEGIN CERT"):].encode())
        key = load_pem_private_key(exported.encode(), None)
        story = node.run("log", name).out
        assert key.public_key().public_numbers() == certificate.public_key().public_numbers(), f"{name}: {chaos}\n{story}"


def was_used(proxy, order):
    """Whether anybody asked for the order, or for what its answer names."""
    made = json.loads(order.answer)
    paths = {urllib.parse.urlsplit(url).path for url in [order.location, made["finalize"], *made["authorizations"]]}
    return [exchange.path for exchange in proxy.seen("/") if exchange.path in paths]


def was_struck(chaos, order):
    """Whether its sender was gone, killed or stopped, or the database away, when the answer was to be written down. The sender
    itself writes it down at once, or as soon as the database is back; and a lease may have been lost while it was away."""
    sender, until = chaos.senders[id(order)], (order.ended_at or order.at) + LEASE_S
    if sender is None:  # whoever sent it was gone when it came
        return True
    return any(blow.hits(sender, order.at - (LEASE_S if blow.pid is None else 0), until) for blow in chaos.done)


def check_orders(node, pebble, proxy, n, before, chaos):
    """None is repeated but where its answer was lost: it was never written down, nobody went on with it, and something had
    been done to who was to write it; or where the CA itself had closed it, having looked while nobody answered."""
    written = {text.removeprefix("ordered: ") for (text,) in node.sql("select text from events where kind = 'order'")}
    lost = closed = 0
    for name, orders in orders_made(proxy).items():
        for order in orders[:-1]:
            story = f"{name}: {order.location} at {order.at}, by {chaos.senders[id(order)]}: {chaos}"
            if f"order {order.location.rsplit('/', 1)[1]} set INVALID" in pebble.log():
                closed += 1
                continue
            lost += 1
            assert order.location not in written, f"it was written down, {story}"
            assert not (used := was_used(proxy, order)), f"it was gone on with, {used}, {story}"
            assert was_struck(chaos, order), f"nothing had happened to its sender, {story}"
    assert pebble.orders() - before == n + lost + closed, chaos
    assert pebble.certificates() - before <= n + lost, chaos
    print(f"{len(chaos.done)} blows, {lost} orders repeated, {closed} closed by the CA")
    return closed


def test_an_order_that_is_repeated_is_found(cluster, tmp_path, pebble, lab, name):
    """What check_orders is there for: nothing was lost, and there are two."""
    before = pebble.orders()
    with FaultProxy(pebble, lab) as proxy:
        a = node(cluster, lab, tmp_path, "a")
        a.ca = proxy
        a.register()
        chaos = Chaos(0, cluster, [], proxy)
        chaos.slow(0)
        a.issue(name)
        a.run("renew", name, "--force")
        with pytest.raises(AssertionError, match="it was written down"):
            check_orders(a, pebble, proxy, 1, before, chaos)
        a.sql("delete from events where kind = 'order'")
        with pytest.raises(AssertionError, match="it was gone on with"):
            check_orders(a, pebble, proxy, 1, before, chaos)


@pytest.mark.random
@pytest.mark.threads
def test_nodes_under_fire(cluster, tmp_path, make_pebble, lab, request):
    pebble = make_pebble()
    names = [f"chaos-{i}.example.com" for i in range(N)]
    with FaultProxy(pebble, lab) as proxy, Nginx(tmp_path / "nginx", http_port=pebble.http_port) as nginx:
        www = nginx.web_root
        a = node(cluster, lab, tmp_path, "a")
        a.ca = proxy
        a.register()
        b = node(cluster, lab, tmp_path, "b", a)
        (tmp_path / "names").write_text("".join(f"{name}\n" for name in names))
        a.run("issue", "--from", tmp_path / "names", "--webroot", www, "--no-preflight", "--jobs", "8", timeout=300)
        before = {row["name"]: row["serial"] for row in a.json("list")}
        assert len(before) == N and pebble.orders() == N
        proxy.clear()
        daemons = [Serve(one, "--jobs", "2") for one in (a, b)]
        request.addfinalizer(lambda: [daemon.kill() for daemon in daemons if daemon.process])
        chaos = Chaos(seed(), cluster, daemons, proxy)
        chaos.slow(0.15)
        for daemon in daemons:
            daemon.clock(75 * DAY)
            daemon.start()
        clock = daemons[0].clock_env

        def left():
            return [row["name"] for row in a.json("list", env=clock) if row["serial"] == before[row["name"]]]

        limit = time.monotonic() + 60 + 6 * N
        while left():
            assert time.monotonic() < limit, f"left {left()}\n{chaos}\n{daemons[0].log()[-3000:]}"
            chaos.act()
        await_rest(a, names)
        for daemon in daemons:
            daemon.stop()
        check_certificates(a, names, 2, chaos)
        assert not list((www / ".well-known/acme-challenge").glob("*")), chaos
        assert check_orders(a, pebble, proxy, N, N, chaos) == 0, f"the web server answers all the time: {chaos}"


class Customer(threading.Thread):
    """Asks for certificates, one after another, of whichever node answers, until each was promised; then until it is there."""

    def __init__(self, names, daemons, token, stop):
        super().__init__(daemon=True)
        self.names, self.stop, self.failure, self.promised = names, stop, None, {}
        self.nodes = [Api(daemon, token) for daemon in daemons]
        self.sent = collections.Counter()

    def run(self):
        try:
            while (name := next_of(self.names)) and not self.stop.is_set():
                job = self.ask_for(name)
                self.promised[name] = job
                self.await_end(name, job)
        except BaseException as failure:  # told by the test's own thread
            self.failure = failure

    def answered(self, method, path, body=None, headers=None):
        """None: no answer, or one that says to come again."""
        try:
            answer = random.choice(self.nodes).ask(method, path, body, status=range(200, 600), headers=headers, timeout=4)
        except (OSError, http.client.HTTPException):
            return None
        return None if answer.status in (429, 503) else answer

    def ask_for(self, name):
        """With one key as long as it is not known what became of the first request."""
        body = {"domains": [name], "method": "alpn" if name.startswith("alpn") else "standalone", "preflight": False}
        key = str(uuid.uuid4())
        while not self.stop.is_set():
            self.sent[name] += 1
            answer = self.answered("POST", "/certificates", body, {"Idempotency-Key": key})
            if answer and answer.status == 202:
                return answer.json["id"]
            if answer and answer.status == 409 and "use a new key" in answer.text:
                key = str(uuid.uuid4())
            else:
                assert not answer or answer.status == 409, f"{name}: {answer}"
            time.sleep(0.2)

    def await_end(self, name, job):
        while not self.stop.is_set():
            answer = self.answered("GET", f"/jobs/{job}")
            assert not answer or answer.status == 200, f"{name}: {answer}"
            if answer and answer.json["state"] in ("done", "failed"):
                assert answer.json["state"] == "done", f"{name}: {answer.json}"
                return
            time.sleep(0.2)


def at_work(node):
    """What keeps everybody waiting."""
    return (node.sql("select id, subject, state, started_at, lease, lease_until from tasks where ended_at = 0"),
            node.sql("select subject, run_at, lease, lease_until from jobs where lease is not null or run_at < extract(epoch from now()) + 300"),
            node.sql("select cert, at, kind, text from events order by id desc limit 60"), time.time(), time.monotonic())


def next_of(names):
    try:
        return names.get_nowait()
    except queue.Empty:
        return None


@pytest.mark.random
@pytest.mark.threads
def test_first_issuances_under_fire(cluster, tmp_path, make_pebble, lab, request):
    """Asked for over both nodes, and proved by the responder of whichever is asked: the token may be the other's."""
    pebble = make_pebble()
    names = [f"{'alpn' if i % 3 == 0 else 'http'}-{i}.example.com" for i in range(N_FIRST)]
    responders = [[("127.0.0.1", free_port()), ("127.0.0.1", free_port())] for _ in range(2)]
    with FaultProxy(pebble, lab) as proxy, Balancer(pebble.http_port, [r[0] for r in responders]), \
            Balancer(pebble.tls_port, [r[1] for r in responders]):
        a = node(cluster, lab, tmp_path, "a")
        a.ca = proxy
        a.register()
        b = node(cluster, lab, tmp_path, "b", a)
        daemons = [Serve(one, "--jobs", "3", "--http", "{}:{}".format(*http), "--alpn", "{}:{}".format(*tls))
                   for one, (http, tls) in zip((a, b), responders)]
        request.addfinalizer(lambda: [daemon.kill() for daemon in daemons if daemon.process])
        chaos = Chaos(seed(), cluster, daemons, proxy)
        chaos.slow(0.1)
        for daemon in daemons:
            daemon.start()
        token = user(a, daemons[0], "root", "admin").token
        wanted, stop = queue.Queue(), threading.Event()
        for name in names:
            wanted.put(name)
        customers = [Customer(wanted, daemons, token, stop) for _ in range(6)]
        for customer in customers:
            customer.start()
        limit = time.monotonic() + 120 + 6 * N_FIRST
        while any(customer.is_alive() for customer in customers):
            chaos.act()
            failures = [customer.failure for customer in customers if customer.failure]
            if failures or time.monotonic() > limit:
                stop.set()
            assert not failures, f"{failures}\n{chaos}\n{at_work(a)}"
            assert time.monotonic() < limit, f"{wanted.qsize()} not asked for yet, at work: {at_work(a)}\n{chaos}"
        failures = [customer.failure for customer in customers if customer.failure]
        assert not failures, f"{failures}\n{chaos}"
        await_rest(a, names)
        for one in (a, b):
            wait_until(lambda: all(one.is_live(name) for name in names), "all of them on each node", 60, 0.5)
        for daemon in daemons:
            daemon.stop()
        check_certificates(a, names, 1, chaos)
        check_orders(a, pebble, proxy, N_FIRST, 0, chaos)
        assert a.sql("select id from tasks where state in ('queued', 'running')") == [], chaos
        assert set().union(*(customer.promised for customer in customers)) == set(names), chaos
