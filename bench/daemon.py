"""
The daemon's rows: certificates asked for over REST beside what the CA can do at all and beside Caddy, memory at rest, lists and
searches over many certificates, requests a second with TLS, and a mass replacement. Each adds a table, and aims, to the bench.
"""

import concurrent.futures
import http.client
import json
import re
import socket
import sqlite3
import ssl
import statistics
import subprocess
import time
from dataclasses import dataclass, field

import ceiling
from clients import EMAIL

PER_ZONE = 997  # certificates are spread over so many domains
OWNER = "owner"  # of every tenth certificate
EVENTS_BEGAN = 1_600_000_000
AT_REST_S = 3
POSTS_AT_ONCE = 4


@dataclass
class Table:
    """lines: a cell for each word of the head."""
    title: str
    head: list
    lines: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    aims: list = field(default_factory=list)  # (what, wanted, reached, met)


class Daemon:
    """`everleaf serve` on a state folder of its own, with an administrator and a token."""

    def __init__(self, bench, folder, http=None, tls_name=None, jobs=8):
        from env.ports import free_port
        from env.process import Daemon as Process

        self.bench, self.folder, self.state = bench, folder, folder / "state"
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.tls = free_port(), tls_name is not None
        self.args = [*(["--http", http] if http else []), *(["--tls-name", tls_name] if tls_name else []), "--jobs", str(jobs)]
        self.process = Process("serve", folder)
        self.token = self.owners_token = None

    def command(self, *words, **options):
        done = subprocess.run([self.bench.binary, "--state", self.state, *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"everleaf {' '.join(map(str, words))}: {done.stderr}")
        return done.stdout

    def people(self):
        password = self.folder / "password"
        password.write_text("only for the bench 1\n")
        password.chmod(0o600)
        self.command("user", "add", "bench", "--role", "admin", "--password-file", password)
        self.token = json.loads(self.command("--json", "token", "create", "bench"))["token"]
        self.command("user", "add", OWNER, "--role", "user", "--password-file", password)
        self.owners_token = json.loads(self.command("--json", "token", "create", "theirs", "--user", OWNER))["token"]

    def account(self, ca):
        """The CA as `bench`, which looks where it is said to, and an account there."""
        self.command("ca", "add", "bench", ca.directory, "--resolver", ca.dns, "--http-port", str(ca.http_port))
        self.command("account", "register", "--ca", "bench", "--email", EMAIL, "--agree-tos")

    def start(self):
        self.process.spawn([self.bench.binary, "--state", self.state, "serve", "--listen", f"127.0.0.1:{self.port}", *self.args])
        self.process.await_ready(lambda: self.ask("GET", "/readyz")[0] == 200)
        return self

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def connection(self):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=120, context=context)

    def ask(self, method, path, document=None, connection=None):
        own = connection or self.connection()
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        body = json.dumps(document) if document is not None else None
        if body is not None:
            headers["Content-Type"] = "application/json"
        if own.sock is None:
            own.connect()
            own.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own.request(method, path, body, headers)
        answer = own.getresponse()
        data = answer.read()
        if not connection:
            own.close()
        return answer.status, data

    def api(self, method, path, document=None, connection=None):
        status, data = self.ask(method, f"/api/v1{path}", document, connection)
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {data[:300]}")
        return json.loads(data) if data.strip() else None

    def memory_mib(self):
        with open(f"/proc/{self.process.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024

    def rows(self, sql, *args):
        db = sqlite3.connect(f"file:{self.state}/everleaf.db?mode=ro", uri=True, timeout=60)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()


def forge(state, one, n):
    """n - 1 copies of what is stored of a certificate, each with a name and a domain of its own, none due."""
    db = sqlite3.connect(state / "everleaf.db", isolation_level=None)
    db.execute("pragma synchronous=off")
    db.execute("begin")
    names = [f"h{i}.c{i % PER_ZONE}.example.org" for i in range(1, n)]
    for table, key in (("certs", "name"), ("jobs", "subject"), ("versions", "cert")):
        columns = [row[1] for row in db.execute(f"pragma table_info({table})") if row[1] != "id"]
        row = db.execute(f"select {','.join(columns)} from {table} where {key} = ?", [one]).fetchone()
        at = columns.index(key)
        named = columns.index("domains") if "domains" in columns else at
        rows = ([name if j == at else str(value).replace(one, name) if j == named else value for j, value in enumerate(row)]
                for name in names)
        db.executemany(f"insert into {table} ({','.join(columns)}) values ({','.join('?' * len(columns))})", rows)
    for up in range(3):  # its name, its domain, and the one above
        db.executemany("insert or ignore into cert_names (cert, domain, whole) values (?, ?, 0)",
                       ((name, name.split(".", up)[-1]) for name in names))
    db.execute("update certs set ari_check_at = renew_at - 86400")
    db.execute(f"update certs set created_at = {EVENTS_BEGAN}, owner = case when id % 10 = 0 then '{OWNER}' end")
    db.execute("update jobs set run_at = (select ari_check_at from certs where name = subject) where subject in "
               "(select name from certs)")
    db.execute("commit")
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()


def forge_events(state, n):
    """n events of the certificates h1, h2, …, ten of each, with numbers far above those that are still to come."""
    db = sqlite3.connect(state / "everleaf.db", isolation_level=None)
    db.execute("pragma synchronous=off")
    db.execute(f"""
        with recursive n(i) as (select 1 union all select i + 1 from n where i < {n})
        insert into events (id, at, cert, kind, text, actor)
        select 1000000000 + i, {EVENTS_BEGAN} + i * 60, 'h' || (i / 10 + 1) || '.c' || ((i / 10 + 1) % {PER_ZONE}) || '.example.org',
            case when i % 1000 = 7 then 'failed' when i % 10 < 5 then 'issued' else 'order' end,
            'what happened, as it does, number ' || i, case when i % 4 then 'daemon' else 'user:bench' end from n""")
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()


def holding(bench, n, **options):
    """A daemon, not started, that holds n certificates."""
    daemon = Daemon(bench, bench.folder / f"daemon-{next(bench.numbers)}", **options)
    ca = bench.lab.pebble()
    try:
        daemon.account(ca)
        if n:
            daemon.command("issue", "first.example.org", "--webroot", bench.lab.web.web_root, "--ca", "bench")
            forge(daemon.state, "first.example.org", n)
    finally:
        ca.stop()
    daemon.people()
    return daemon


def ca_for_listener(bench, port):
    """A fresh CA that looks for http-01 at the port."""
    usual, bench.lab.web.http_port = bench.lab.web.http_port, port
    try:
        return bench.lab.pebble()
    finally:
        bench.lab.web.http_port = usual


def until(condition, limit_s, what):
    """Looks seldom: what it looks with is taken from those who are measured."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {limit_s} s in vain for {what}")
        time.sleep(0.1)


# certificates over REST

def asked_for(daemon, names):
    """Seconds until all are issued, from the first request."""
    connections = [daemon.connection() for _ in range(POSTS_AT_ONCE)]

    def some(k):
        for name in names[k::POSTS_AT_ONCE]:
            daemon.api("POST", "/certificates", {"domains": [name], "method": "standalone", "ca": "bench"}, connections[k])

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(POSTS_AT_ONCE) as pool:
        list(pool.map(some, range(POSTS_AT_ONCE)))
    until(lambda: daemon.rows("select count(*) from certs where live_version >= 1")[0][0] >= len(names), 600, "the certificates")
    return time.monotonic() - began


def everleaf_rate(bench, n):
    from env.ports import free_port

    port = free_port()
    daemon = Daemon(bench, bench.folder / f"daemon-{next(bench.numbers)}", http=f"127.0.0.1:{port}")
    ca = ca_for_listener(bench, port)
    try:
        daemon.account(ca)
        daemon.people()
        with daemon:
            took = asked_for(daemon, bench.names(n))
        if ca.certificates() != n:
            raise RuntimeError(f"the CA issued {ca.certificates()} and not {n}")
        return n / took
    finally:
        ca.stop()


def ceiling_rate(bench, n):
    from env.ports import free_port

    port = free_port()
    ca = ca_for_listener(bench, port)
    try:
        took = ceiling.run(ca.port, bench.lab.lab.root, port, bench.names(n))
        if ca.certificates() != n:
            raise RuntimeError(f"the CA issued {ca.certificates()} and not {n}")
        return n / took
    finally:
        ca.stop()


def caddy_rate(bench, n):
    """From its start until the CA has issued all that its configuration names."""
    from env import debs
    from env.ports import free_port
    from env.process import Daemon as Process

    port = free_port()
    ca = ca_for_listener(bench, port)
    folder = bench.folder / f"caddy-{next(bench.numbers)}"
    folder.mkdir()
    issuer = {"module": "acme", "ca": ca.directory, "email": EMAIL, "trusted_roots_pem_files": [str(bench.lab.lab.root)],
              "challenges": {"http": {"alternate_port": port}, "tls-alpn": {"disabled": True}}}
    names = bench.names(n)
    config = {"admin": {"disabled": True}, "storage": {"module": "file_system", "root": str(folder / "data")},
              "apps": {"tls": {"certificates": {"automate": names}, "automation": {"policies": [{"issuers": [issuer]}]}}}}
    (folder / "caddy.json").write_text(json.dumps(config))
    caddy = Process("caddy", folder)
    try:
        began = time.monotonic()
        caddy.spawn([debs.fetched("caddy") / "usr/bin/caddy", "run", "--config", folder / "caddy.json"],
                    env={"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)})
        until(lambda: ca.certificates() >= n, 300, "Caddy's certificates")
        return n / (time.monotonic() - began)
    finally:
        caddy.stop()
        ca.stop()


def daemon(bench):
    n, caddy_n = bench.plan.asked, bench.plan.caddy
    table = Table(f"{n} certificates by the daemon", ["who", "certificates", "certificates/s", "of what the CA can do"])
    most, own = ceiling_rate(bench, n), everleaf_rate(bench, n)
    table.lines = [["the least possible work", n, f"{most:.1f}", "100 %"],
                   ["everleaf serve, over REST", n, f"{own:.1f}", f"{100 * own / most:.0f} %"]]
    try:
        caddy = caddy_rate(bench, caddy_n)
        table.lines.append(["Caddy, from its configuration", caddy_n, f"{caddy:.1f}", f"{100 * caddy / most:.0f} %"])
        table.notes.append(f"Caddy was given {caddy_n} names: it holds itself back after a number of certificates.")
    except RuntimeError as failure:
        table.notes.append(f"Caddy: {failure}.")
    table.aims.append(("certificates by the daemon, of what the CA can do", "90 %", f"{100 * own / most:.0f} %",
                       own >= 0.9 * most))
    bench.tables.append(table)


# memory at rest

def memory(bench):
    table = Table("Memory of the daemon at rest", ["certificates held", "resident MiB"])
    for n in bench.plan.resident:
        with holding(bench, n) as daemon:
            time.sleep(AT_REST_S)
            mib = daemon.memory_mib()
        table.lines.append([n, f"{mib:.1f}"])
        if n == 1000:
            table.aims.append(("resident at rest with 1,000 certificates", "below 20 MiB", f"{mib:.1f} MiB", mib < 20))
    bench.tables.append(table)


# lists and searches

def pages_of(n):
    """(what, paths): paths are asked for one after the other."""
    some = [(i * 7919) % max(1, n - 1) + 1 for i in range(1000)]
    return [("a page of 50, somewhere", [f"/certificates?limit=50&q=h{i % 99 + 1}" for i in some]),
            ("the first page, by renewal", ["/certificates?limit=50&sort=renew_at"] * 1000),
            ("search by prefix", [f"/certificates?limit=50&q=h{i}." for i in some]),
            ("search by domain suffix", [f"/certificates?limit=50&q=c{i % PER_ZONE}.example.org" for i in some])]


def filtered_pages(n):
    """The same of what an administrator filters and a user has."""
    some = [(i * 7919) % max(1, n - 1) + 1 for i in range(1000)]
    theirs = ["/certificates?limit=50", "/certificates?limit=50&sort=not_after&order=desc", "/certificates?limit=50&status=issued",
              "/certificates?limit=50&q=example.org"]
    filtered = [f"/certificates?limit=50&status=issued&owner={OWNER}", "/certificates?limit=50&status=issued&sort=renew_at",
                "/certificates?limit=50&ca=bench&q=c5.example.org", f"/certificates?limit=50&owner={OWNER}&q=example.org&sort=created_at"]
    return [("pages with filters", False, filtered * 250), ("a user's pages", True, theirs * 250),
            ("a user's search by domain suffix", True, [f"/certificates?limit=50&q=c{i % PER_ZONE}.example.org" for i in some])]


def event_pages(n):
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EVENTS_BEGAN + n * 30))
    return [("events, the newest", False, ["/events?limit=50"] * 1000),
            ("events of a kind", False, ["/events?limit=50&kind=failed"] * 1000),
            ("events of a kind, an actor and a time", False, [f"/events?limit=50&kind=order&actor=daemon&since={since}"] * 1000),
            ("events with a word in them", False, ["/events?limit=50&q=number%2099&order=asc", "/events?limit=50&q=happened"] * 500),
            ("a user's events", True, ["/events?limit=50"] * 1000)]


def timed(daemon, paths, token=None):
    """Milliseconds of each; an answer without anything found is a failure of the bench."""
    own, daemon.token = daemon.token, token or daemon.token
    try:
        return timed_pages(daemon, paths)
    finally:
        daemon.token = own


def timed_pages(daemon, paths):
    connection, times = daemon.connection(), []
    for path in paths:
        began = time.perf_counter()
        found = daemon.api("GET", path, connection=connection)
        times.append((time.perf_counter() - began) * 1000)
        if not found["items"]:
            raise RuntimeError(f"{path} finds nothing")
    return times


def p99(times):
    return sorted(times)[max(0, -(-len(times) * 99 // 100) - 1)]


def lists(bench):
    table = Table("Lists and searches over REST", ["certificates held, and events", "what", "requests", "median ms", "p99 ms"])
    for n in bench.plan.listed:
        daemon = holding(bench, n)
        forge_events(daemon.state, n)
        with daemon:
            walk(daemon, table, n, bench.plan.asks)
            for what, paths in pages_of(n):
                add_times(table, n, what, timed(daemon, paths[:bench.plan.asks]))
            for what, is_owners, paths in filtered_pages(n) + event_pages(n):
                add_times(table, n, what, timed(daemon, paths[:bench.plan.asks], daemon.owners_token if is_owners else None))
    bench.tables.append(table)


def walk(daemon, table, n, asks):
    """Page after page by the cursor, from the first."""
    connection, times, cursor = daemon.connection(), [], None
    while len(times) < asks:
        began = time.perf_counter()
        page = daemon.api("GET", f"/certificates?limit=50{f'&cursor={cursor}' if cursor else ''}", connection=connection)
        times.append((time.perf_counter() - began) * 1000)
        cursor = page["next"]
        if not cursor:
            break
    add_times(table, n, "page after page", times)


def add_times(table, n, what, times):
    table.lines.append([n, what, len(times), f"{statistics.median(times):.2f}", f"{p99(times):.2f}"])
    if n >= 1_000_000 and "events" not in what:
        table.aims.append((f"p99, {what}, 1,000,000 certificates", "below 20 ms", f"{p99(times):.1f} ms", p99(times) < 20))


# requests a second

def requests(bench):
    table = Table("GET /api/v1/certificates/{name}, TLS, kept connections",
                  ["connections", "requests/s", "median", "p99", "not 2xx"])
    with holding(bench, 1000, tls_name="first.example.org") as daemon:
        for connections in (1, 16):
            done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{bench.plan.wrk_s}s", "--latency", "-H",
                                   f"Authorization: Bearer {daemon.token}",
                                   f"https://127.0.0.1:{daemon.port}/api/v1/certificates/first.example.org"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
            rate, refused = re.search(r"Requests/sec:\s+([\d.]+)", done), re.search(r"Non-2xx or 3xx responses: (\d+)", done)
            latency = {share: re.search(rf"{share}%\s+(\S+)", done) for share in (50, 99)}
            if not rate:
                raise RuntimeError(f"wrk: {done}")
            table.lines.append([connections, rate[1], latency[50][1], latency[99][1], refused[1] if refused else 0])
            time.sleep(bench.plan.wrk_s)  # the bound on requests from one address fills up again
    bench.tables.append(table)


# a mass replacement

def ari(bench):
    """All certificates' windows are moved into the past at the CA; until the last is replaced."""
    from env.ports import free_port

    n, port = bench.plan.replaced, free_port()
    daemon = Daemon(bench, bench.folder / f"daemon-{next(bench.numbers)}", http=f"127.0.0.1:{port}")
    ca = ca_for_listener(bench, port)
    table = Table("Renewal information moved into the past", ["certificates", "seconds to the last replaced", "certificates/s"])
    past = {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}
    try:
        daemon.account(ca)
        daemon.people()
        with daemon:
            asked_for(daemon, bench.names(n))
            for (chain,) in daemon.rows("select fullchain from versions"):
                ca.set_renewal_info(chain[:chain.index("-----END CERTIFICATE-----") + 26], past)
            began = time.monotonic()
            daemon.api("POST", "/renewal-information/refresh", {})
            until(lambda: daemon.rows("select count(*) from certs where live_version >= 2")[0][0] >= n, 900, "the replacements")
            took = time.monotonic() - began
        if ca.certificates() != 2 * n:
            raise RuntimeError(f"the CA issued {ca.certificates()} and not {2 * n}")
    finally:
        ca.stop()
    table.lines.append([n, f"{took:.1f}", f"{n / took:.1f}"])
    bench.tables.append(table)


SERIES = {"daemon": daemon, "memory": memory, "list": lists, "requests": requests, "ari": ari}
