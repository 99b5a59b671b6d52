"""
Many certificates: finding what is due costs what is due, memory does not grow with what is held, and a CA that has all
of them replaced at once is obeyed as fast as its limits allow. EVERLEAF_TEST_HELD: how many are held (`make soak`).
"""

import collections
import os
import time

import pytest

from env import Serve, large
from env.client import user
from env.everleaf import BINARY
from env.limits import LimitedCA
from env.process import wait_until

SANITIZED = b"__asan_init" in BINARY.read_bytes()
HELD = int(os.environ.get("EVERLEAF_TEST_HELD", "60000" if SANITIZED else "100000"))
DUE = 100
MOST_KB = 1 << 30 if SANITIZED else 64 << 10  # the sanitizer keeps what was freed
MINUTE, HOUR = 60, 3600
LOOKS = 4  # of the scheduler while what it reads is counted
PAST = {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}


def of_process(daemon, file, key):
    with open(f"/proc/{daemon.process.pid}/{file}") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def cpu_s(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def rows_read(everleaf):
    """{what: so many}, by all who asked PostgreSQL so far: rows of tables that were read whole, and entries of indexes."""
    return collections.Counter(dict(everleaf.sql(
        "select relname, seq_tup_read from pg_stat_user_tables union all select indexrelname, idx_tup_read from pg_stat_user_indexes")))


def settled_rows_read(everleaf):
    """A process tells what it read a little later; one that only looks every two seconds, with its next look."""
    time.sleep(2.5)
    return rows_read(everleaf)


def has_walked(everleaf):
    """A node that starts on a shared database reads all certificates once, to see whose files it lacks."""
    before = rows_read(everleaf)
    return (settled_rows_read(everleaf) - before).total() < HELD / 100


def costs_of_looking(everleaf, daemon, due):
    """The scheduler looks three times, and nothing else is done: what is held is not read, however much it is."""
    before = settled_rows_read(everleaf) if everleaf.database else None
    read = of_process(daemon, "io", "rchar")
    time.sleep(6)
    assert of_process(daemon, "io", "rchar") - read < 256 << 10  # whatever tells of a daemon reads more than it does
    if everleaf.database:
        rows = settled_rows_read(everleaf) - before
        del rows["events"]  # hundreds: read whole, which is cheaper than by an index
        print(f"rows read by looks with {due} due: {dict(rows)}")
        assert LOOKS / 2 * due <= rows.total() < 2 * LOOKS * (3 * due + 60)


def refreshed(everleaf, daemon, admin):
    """All CAs are asked anew about all: each certificate is read twice, however many rounds that takes."""
    before, began = rows_read(everleaf) if everleaf.database else None, cpu_s(daemon)
    everleaf.sql("update certs set ari_id = 'x' where name = 'h1.c1.example.org'")
    assert admin.post("/renewal-information/refresh")["certificates"] == 2 + DUE
    spent = cpu_s(daemon) - began
    print(f"asking again about {HELD}: {spent} s of processor time")
    assert spent < 1 + HELD / 50000
    if everleaf.database:
        assert (settled_rows_read(everleaf) - before).total() < 6 * HELD


def pages_read_little(everleaf, admin):
    """PostgreSQL plans the first five times for what is asked, and then for all that may be: what many match is read until the
    page is full, and not whole."""
    asked = [{"ca": "other", "q": "example.org"}, {"status": "issued", "q": "example.org"}, {"owner": "big", "status": "issued"}]
    times = 8
    before = settled_rows_read(everleaf)
    for query in asked * times:
        assert len(admin.get("/certificates", limit=50, sort="not_after", **query)["items"]) == 50
    assert (settled_rows_read(everleaf) - before).total() < times * len(asked) * 10000


@pytest.mark.slow
def test_what_is_due_of_very_many(everleaf, pebble, nginx):
    first = "first.example.org"
    everleaf.run("issue", first, "--webroot", nginx.web_root)
    large.forge(everleaf, first, HELD)
    everleaf.sql("update certs set live_version = 0 where name != ?", first)  # no node is behind with what was never there
    orders, held = pebble.orders(), HELD + DUE + 1
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        if everleaf.database:
            wait_until(lambda: has_walked(everleaf), "the node to have seen what is there", 120)
        daemon.clock(HOUR)  # so that all that is due is looked at, and nothing of it is begun
        wait_until(lambda: daemon.metrics()["everleaf_clock_jumps_total"] == 1, "the jump to be seen")
        due = large.request(everleaf, first, DUE)
        costs_of_looking(everleaf, daemon, DUE)
        assert pebble.orders() == orders
        daemon.clock(HOUR + 5 * MINUTE)
        issued = "select count(*) from certs where name >= 'due' and name < 'duf' and status = 'issued' and live_version = 1"
        wait_until(lambda: everleaf.sql(issued) == [(DUE,)], "all that is due", 180, step_s=0.2)
        assert all(everleaf.live(name, "cert.pem").exists() for name in due)
        wait_until(lambda: daemon.metrics()["everleaf_jobs_running"] == 0, "the last turn", 60)
        assert daemon.turns("issued") == DUE
        assert sum(daemon.turns(outcome) for outcome in ("renewed", "pending", "failed")) == 0
        assert pebble.orders() == orders + DUE
        assert everleaf.sql("select count(*) from versions") == [(DUE + 1,)], "nothing else was touched"

        costs_of_looking(everleaf, daemon, 0)
        assert daemon.get("/readyz")[0] == 200

        # fifty times as long as it took are counts kept
        wait_until(lambda: daemon.metrics()['everleaf_certificates{status="issued"}'] == held, "counts of now", 300)
        wait_until(lambda: admin.get("/overview")["total"] == held, "an overview of now", 300)
        for sort in ("name", "not_after", "renew_at", "created_at"):
            for order in ("asc", "desc"):
                for asked in ({}, {"q": "example.org"}, {"q": "h7"}, {"q": "c5.example.org"}, {"status": "issued"}, {"owner": "big"},
                              {"ca": "other"}, {"owner": "big", "q": "example.org"}):
                    page = admin.get("/certificates", limit=50, sort=sort, order=order, **asked)
                    assert len(page["items"]) == 50 and page["next"], (sort, order, asked)
        if everleaf.database:
            pages_read_little(everleaf, admin)
        refreshed(everleaf, daemon, admin)
        assert len(admin.get("/events", limit=50)["items"]) == 50
        peak = of_process(daemon, "status", "VmHWM")
        print(f"{held} held: {peak} kB at the most")
        assert peak < MOST_KB


# all at once


SETS, OF_A_SET, FIT = 30, 2, 3  # two certificates for each set of names; the CA gives three of a set in three hours


class Replaced:
    """Certificates that a daemon obtained from a CA with limits; both clocks move together, in steps that are no jump."""

    def __init__(self, everleaf, proxy, pebble):
        self.everleaf, self.pebble, self.model = everleaf, pebble, LimitedCA(exact_set=(FIT, f"{FIT}h"))
        config = everleaf.folder / "everleaf.yaml"
        config.write_text(self.model.config())
        everleaf.env["EVERLEAF_CONFIG"] = str(config)
        everleaf.register(ca=proxy)
        self.model.watch(proxy)
        self.daemon = Serve(everleaf, "--http", pebble.http_address)

    def obtain(self, admin, new_name):
        for name in (new_name() for _ in range(SETS)):
            for of in range(OF_A_SET):
                admin.post("/certificates", domains=[name], name=f"{of}.{name}", method="standalone", ca="lab")
        wait_until(lambda: self.of_version(1) == SETS * OF_A_SET, "all certificates", 120, step_s=0.1)

    def revoke_windows(self):
        for (chain,) in self.everleaf.sql("select fullchain from versions where n = 1"):
            self.pebble.set_renewal_info(chain[:chain.index("-----END CERTIFICATE-----") + 26], PAST)

    def of_version(self, n):
        return self.everleaf.sql("select count(*) from certs where live_version = ?", n)[0][0]

    def move(self, by):
        self.model.move(by)
        self.daemon.clock(self.model.offset)

    def waiting(self):
        """[(names, retry_at)] of those that are not replaced yet."""
        return self.everleaf.sql("select name, retry_at from certs where live_version = 1")


@pytest.mark.slow
def test_all_are_replaced_as_fast_as_the_limits_allow(bare, proxy, pebble, new_name):
    lab = Replaced(bare, proxy, pebble)
    with lab.daemon as daemon:
        admin = user(bare, daemon, "root", "admin")
        lab.obtain(admin, new_name)
        lab.revoke_windows()
        assert admin.post("/renewal-information/refresh")["certificates"] == SETS * OF_A_SET
        # while orders of its set are under way, what waits looks again soon: their places may yet be given back
        wait_until(lambda: lab.of_version(2) == SETS * (FIT - OF_A_SET)
                   and len([1 for _, at in lab.waiting() if at and at > lab.model.now() + 10 * MINUTE]) == SETS,
                   "those that fit", 120, step_s=0.1)
        sets = collections.Counter(name.split(".", 1)[1] for name, _ in lab.waiting())
        assert set(sets.values()) == {OF_A_SET - (FIT - OF_A_SET)}, "one of each set fits"
        for name, retry_at in lab.waiting():
            wait, limit, _ = lab.model.wait([name.split(".", 1)[1]], None)
            assert limit == "exact-set" and abs(retry_at - lab.model.now() - wait) < MINUTE, "the rest goes when it fits, and not later"
        opens = max(at for _, at in lab.waiting())
        while lab.model.now() <= opens:
            assert lab.of_version(2) == SETS or lab.model.offset > HOUR - 15 * MINUTE
            lab.move(10 * MINUTE)
            wait_until(lambda: daemon.metrics()["everleaf_last_look_timestamp_seconds"] >= lab.model.now() - MINUTE, "a look", 60)
        wait_until(lambda: lab.of_version(2) == SETS * OF_A_SET, "all to be replaced", 120, step_s=0.1)
        assert not lab.model.refusals
        assert not daemon.metrics()["everleaf_clock_jumps_total"]
