"""Nodes that are killed, stopped past their leases and cut off from the database at random moments: nothing is lost, nothing twice."""

import collections
import contextlib
import http.client
import json
import os
import queue
import random
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
from env.client import user
from env.everleaf import BINARY
from env.lot import drawn_seed
from env.ports import free_port
from env.proxy import delay
from env.process import wait_until
from env.sockets import owner_of

from test_nodes import DAY, LEASE_S, cluster, node  # noqa: F401

# fewer where the thread sanitizer slows each of them down
N = int(os.environ.get("EVERLEAF_TEST_NODES_CERTIFICATES", "12" if b"__tsan_init" in BINARY.read_bytes() else "40"))
# these take longer
N_FIRST = min(N, 20) if "EVERLEAF_TEST_NODES_CERTIFICATES" not in os.environ else N


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
        chaos = Chaos(drawn_seed(), cluster, daemons, proxy)
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
        self.names, self.stop, self.failure, self.promised, self.in_vain = names, stop, None, {}, 0
        self.nodes = [Api(daemon, token) for daemon in daemons]
        self.sent = collections.Counter()

    def run(self):
        try:
            while (name := next_of(self.names)) and not self.stop.is_set():
                while not self.stop.is_set():
                    self.promised[name] = self.ask_for(name)
                    if self.is_there(name, self.promised[name]):
                        break
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

    def is_there(self, name, job):
        """How the job ended. False: the CA looked while nobody answered, as when one node is stopped while it writes, for which
        the other waits; no answer is all that it may have met with, and it is asked for again."""
        while not self.stop.is_set():
            answer = self.answered("GET", f"/jobs/{job}")
            assert not answer or answer.status == 200, f"{name}: {answer}"
            if answer and answer.json["state"] == "done":
                return True
            if answer and answer.json["state"] == "failed":
                error = answer.json["error"]
                assert error.get("problem") == "connection" or "Failed to connect" in error["detail"], f"{name}: {answer.json}"
                self.in_vain += 1
                return False
            time.sleep(0.2)
        return False


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
        chaos = Chaos(drawn_seed(), cluster, daemons, proxy)
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
        closed = check_orders(a, pebble, proxy, N_FIRST, 0, chaos)
        assert sum(customer.in_vain for customer in customers) <= min(closed, max(2, N_FIRST / 20)), chaos
        assert a.sql("select id from tasks where state in ('queued', 'running')") == [], chaos
        assert set().union(*(customer.promised for customer in customers)) == set(names), chaos
