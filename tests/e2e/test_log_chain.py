"""The event log is a chain: what is done to it behind Everleaf's back is found, by the program alone or by the journal."""

import concurrent.futures
import datetime
import re

import pytest

from env import Serve
from env.client import Refused, user
from env.postgres import Postgres
from env.process import wait_until

HEAD = re.compile(r"head of the event log: (\d+:[0-9a-f]{64})$", re.M)


@pytest.fixture
def logged(everleaf, name):
    """A state whose log has a request and its whole story; never asked for again, so the log stays as it is."""
    everleaf.issue(name)
    return everleaf


def verify(everleaf, *args, status=0):
    return everleaf.json("log", "--verify", *args, status=status)


def tamper(everleaf, *statements):
    for statement in statements:
        everleaf.sql(statement)


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.option("log", "--verify")
def test_an_untouched_log_is_fine(logged, name):
    everything = logged.json("log")
    assert [event["id"] for event in everything] == list(range(1, len(everything) + 1)), "numbered without a gap"
    assert {event["cert"] for event in everything} >= {name, None}, "log without a name shows all"
    assert "address" in everything[0]
    found = verify(logged)
    assert found["fine"] and found["records"] == len(everything) and found["found"] is None
    assert logged.run("log", "--verify").out.splitlines()[0].split() == ["records", str(len(everything))]
    assert f"{name}: " in logged.run("log").out


CASES = {
    "a text": (["update events set text = 'nothing happened' where id = 3"], "changed", 3),
    "a time": (["update events set at = at - 60 where id = 2"], "changed", 2),
    "who did it": (["update events set actor = 'cli:nobody' where id = 4"], "changed", 4),
    "from where": (["update events set address = '192.0.2.1' where id = 4"], "changed", 4),
    "one taken out": (["delete from events where id = 3"], "removed", 3),
    "one taken out and the rest moved up": (["delete from events where id = 3", "update events set id = id - 1 where id > 3"],
                                            "changed", 3),
    "two exchanged": (["update events set id = -1 where id = 2", "update events set id = 2 where id = 4",
                       "update events set id = 4 where id = -1"], "changed", 2),
    "the first gone": (["delete from events where id = 1"], "removed", 1),
    "the end cut off": (["delete from events where id > 3"], "cut off", 4),
    "all gone": (["delete from events"], "cut off", 1),
    "one forged at the end": (["insert into events (id, at, kind, text, actor, mac) select max(id) + 1, max(at), 'issued', 'x', "
                               "'cli:root', max(mac) from events"], "put in", "last + 1"),
    "the end cut off and its head forged": (["delete from events where id > 3", "update meta set value = (select '3:' || mac || ':' "
                                             "|| mac from events where id = 3) where name = 'chain_head'"], "head", 4),
}


@pytest.mark.parametrize("what", CASES)
def test_what_was_tampered_with_is_named(logged, what):
    statements, how, number = CASES[what]
    last = logged.sql("select max(id) from events")[0][0]
    number = last + 1 if number == "last + 1" else number
    before = {number: (kind, utc(at)) for number, kind, at in logged.sql("select id, kind, at from events")}
    tamper(logged, *statements)
    found = verify(logged, status=1)
    assert (found["fine"], found["found"], found["number"]) == (False, how, number), found
    assert found["records"] == number - 1
    error = logged.error("log", "--verify", status=1)
    assert str(number - 1 if how == "head" else number) in error
    if what == "a text":
        kind, at = before[3]
        assert f"record 3 ({at}, {kind})" in error, error
        assert found["kind"] == kind and found["at"] == at
    if what == "one taken out":
        assert before[2][0] in error and before[4][0] in error, "the records around the gap are named"


@pytest.mark.option("log", "--head")
def test_an_older_copy_is_found_by_a_head_from_the_journal(logged, name, new_name):
    """Put back whole, an older database is fine by itself: only who kept a head elsewhere can tell."""
    early = verify(logged)["head"]
    older = logged.kept()
    logged.issue(new_name())
    late = verify(logged)["head"]
    assert verify(logged, "--head", early)["fine"] and verify(logged, "--head", late)["fine"]
    logged.put_back(older)
    assert verify(logged)["fine"]
    assert verify(logged, "--head", early)["fine"]
    found = verify(logged, "--head", late, status=1)
    assert (found["found"], found["number"]) == ("cut off", int(early.split(":")[0]) + 1)
    logged.issue(new_name())  # goes on from there, with a chain that is sound and another one
    logged.issue(new_name())
    found = verify(logged, "--head", late, status=1)
    assert (found["found"], found["number"]) == ("changed", int(late.split(":")[0]))
    assert "written anew" in logged.error("log", "--verify", "--head", late, status=1)
    assert "NUMBER:MAC" in logged.error("log", "--verify", "--head", "17", status=2)
    assert "--verify" in logged.error("log", "--head", late, status=2)
    assert "no name" in logged.error("log", name, "--verify", status=2)


def test_the_chain_outlives_its_master_key(logged, new_name):
    head = verify(logged)["head"]
    logged.run("master-key", "rotate")
    logged.issue(new_name())
    assert verify(logged, "--head", head)["fine"]
    (logged.state / "master.key").rename(logged.state / "away")
    assert "master key" in logged.error("log", "--verify", status=1)
    (logged.state / "away").rename(logged.state / "master.key")
    assert verify(logged)["fine"]


def test_many_processes_write_one_chain(everleaf, new_name):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        names = [new_name() for _ in range(12)]
        list(pool.map(lambda one: everleaf.run("issue", one, "--manual"), names))
    found = verify(everleaf)
    assert found["fine"] and found["records"] >= 12


def test_the_daemon_writes_the_head_to_its_log(logged):
    """At its start, each hour, and at its end; and what it wrote is in the chain."""
    daemon = Serve(logged, "-q", "-q").start()
    wait_until(lambda: len(HEAD.findall(daemon.new_log())) == 1, "the head at the start")
    daemon.clock(3600)
    wait_until(lambda: len(HEAD.findall(daemon.new_log())) == 2, "the head of the next hour")
    daemon.stop()
    heads = HEAD.findall(daemon.new_log())
    assert len(heads) == 3
    for head in heads:
        assert verify(logged, "--head", head)["fine"]


@pytest.mark.threads
def test_over_the_network(everleaf, name):
    """Who asked, and from where, is in the record; an administrator and an auditor have it verified, nobody else."""
    everleaf.issue(name)
    with Serve(everleaf) as daemon:
        admin, auditor, carl = (user(everleaf, daemon, who, role) for who, role in
                                (("root", "admin"), ("audit", "auditor"), ("carl", "user")))
        admin.patch(f"/certificates/{name}", renew_before="20d")
        events = sorted(admin.all("/events"), key=lambda event: event["id"])
        by_root = [event for event in events if event["actor"] == "user:root"]
        assert by_root and {event["address"] for event in by_root} == {"127.0.0.1"}
        assert {event["address"] for event in events if event["actor"].startswith("cli:")} == {None}
        lines = everleaf.run("log", name).out.splitlines()
        assert lines[-1].endswith("  (user:root from 127.0.0.1)") and lines[0].endswith(f"  ({events[0]['actor']})")
        head = verify(everleaf)["head"]
        for who in (admin, auditor):
            found = who.done(who.post("/events/verify", head=head))
            assert found["fine"] and found["records"] >= int(head.split(":")[0])
        with pytest.raises(Refused) as refused:
            carl.post("/events/verify")
        assert refused.value.status in (403, 404)
        tamper(everleaf, f"update events set address = '192.0.2.66' where id = {by_root[0]['id']}")
        found = auditor.done(auditor.post("/events/verify"))
        assert (found["fine"], found["found"], found["number"]) == (False, "changed", by_root[0]["id"])
        job = admin.ended(admin.post("/events/verify", head="nonsense"))
        assert job["state"] == "failed" and "NUMBER:MAC" in str(job)


@pytest.fixture
def cluster():
    with Postgres() as server:
        yield server


def test_on_a_shared_database(bare, cluster, new_name):
    """Many nodes, one chain: numbers without a gap, and what is changed in the database is named there too."""
    url = bare.secret(cluster.make_database("chain"))
    bare.env["EVERLEAF_DATABASE"] = url
    bare.register()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: bare.run("issue", one, "--manual"), [new_name() for _ in range(18)]))
    found = verify(bare)
    assert found["fine"] and found["records"] >= 18
    assert cluster.sql("select max(id) - count(*) from events", "chain") == "0"
    bare.run("master-key", "rotate")
    bare.run("issue", new_name(), "--manual")
    assert verify(bare, "--head", found["head"])["fine"]
    cluster.sql("update events set actor = 'cli:nobody' where id = 5", "chain")
    assert (verify(bare, status=1)["found"], verify(bare, status=1)["number"]) == ("changed", 5)
    cluster.sql("delete from events where id <= 5", "chain")
    assert (verify(bare, status=1)["found"], verify(bare, status=1)["number"]) == ("removed", 1)
    cluster.sql("delete from events", "chain")
    assert (verify(bare, status=1)["found"], verify(bare, status=1)["number"]) == ("cut off", 1)
