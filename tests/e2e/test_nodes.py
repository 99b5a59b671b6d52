"""Several nodes on one PostgreSQL: they share the work, each other's challenges, and nothing twice, whatever stops them."""

import concurrent.futures
import os
import shutil
import signal
import time
import uuid

import pytest

from env import Serve
from env.api import Api
from env.certs import load
from env.client import Client, user
from env.everleaf import Everleaf
from env.gate import SlowWeb
from env.ports import free_port
from env.postgres import Postgres
from env.process import wait_until

DAY = 86400
LEASE_S = 3


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


def test_a_daemon_without_the_right_master_key_does_not_start(everleaf, name):
    """It could renew nothing, and would be ready for a balancer."""
    everleaf.issue(name)
    key = everleaf.state / "master.key"
    for spoil, words in ((key.unlink, "is missing"), (lambda: key.write_text(os.urandom(32).hex() + "\n"), "not the one that sealed")):
        spoil()
        key.exists() and key.chmod(0o600)
        line = everleaf.error("serve", "--listen", f"127.0.0.1:{free_port()}", status=1)
        assert words in line and "put" in line


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


def test_a_job_of_a_host_that_is_gone(two, pebble, name):
    """Another takes it up, and does not wait for what the dead one held of the certificate."""
    a, b = two
    gate, ran, hook = a.folder / "gate", a.folder / "ran", a.folder / "hook"
    hook.write_text(f"#!/bin/sh\necho ran >> {ran}\nuntil [ -e {gate} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    gate.touch()
    a.issue(name, "--deploy-hook", hook)
    gate.unlink()
    orders = pebble.orders()
    daemon = Serve(a).start()
    admin = user(a, daemon, "root", "admin")
    job = admin.post(f"/certificates/{name}/renew", force=True)
    wait_until(lambda: len(ran.read_text().splitlines()) == 2, "its hook")
    daemon.kill()
    gate.touch()
    a.sql("update tasks set lease_until = 0")  # minutes later
    with Serve(b) as other:
        assert Client(other, admin.token).done(job)["renewed"] == [name]
    assert b.show(name)["live_version"] == 2
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
