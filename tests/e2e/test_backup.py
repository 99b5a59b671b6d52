"""Everything out and in: backups, and from one database into another."""

import json
import os
import threading

import pytest

from env.everleaf import Everleaf
from env.postgres import fresh_database
from env.serve import Serve

# what a restored state has of its own: who works there now, and since when
OWN = {"jobs": ("lease", "lease_until"), "tasks": ("lease", "lease_until")}
# what tells that it came
BUT = {"events": "where kind not in ('restored', 'copied')", "meta": "where name <> 'chain_head'"}


@pytest.fixture
def other(tmp_path, lab):
    """other(key=PATH) gives another, empty place; with postgres=True on PostgreSQL."""
    count = iter(range(100))

    def make(key=None, postgres=False):
        place = Everleaf(tmp_path / f"other{next(count)}", None, lab)
        place.database = None
        place.env.pop("EVERLEAF_DATABASE", None)
        if postgres:
            place.use_database(*fresh_database())
        if key:
            place.env["EVERLEAF_MASTER_KEY_FILE"] = str(key)
        return place

    return make


def tables(everleaf):
    if everleaf.database:
        return sorted(row[0] for row in everleaf.sql("select tablename from pg_tables where schemaname = 'public' and "
                                                     "tablename <> 'everleaf_commits'"))
    return sorted(row[0] for row in everleaf.sql("select name from sqlite_schema where type = 'table' and name not like "
                                                 "'sqlite%'"))


def told(place, kind):
    """That it came to be there is the last thing in its log."""
    event = place.json("log")[-1]
    assert event["kind"] == kind and event["actor"].startswith("cli:"), event
    assert place.run("log", "--verify").status == 0


def everything(everleaf):
    """{table: rows}, as text, without what a copy does not keep, and what it adds."""
    out = {}
    for table in tables(everleaf):
        if table == "locks":
            continue
        names = sorted(name for name in everleaf.columns(table) if name not in OWN.get(table, ()))
        rows = everleaf.sql(f"select {', '.join(names)} from {table} {BUT.get(table, '')}")
        out[table] = sorted((tuple(None if value is None else str(value) for value in row) for row in rows), key=repr)
    return out


@pytest.fixture
def full(everleaf, new_name):
    """Something in every corner."""
    everleaf.issue(new_name())
    everleaf.issue(new_name(), "--country", "DE", "--city", "M\u00fcnchen \"\\ '", status=(0, 1, 2))
    everleaf.issue(new_name())
    everleaf.run("dns", "add", "exec", "home", "--credentials", everleaf.secret_file("dns.yaml", "program: /bin/true"),
                 status=(0, 1, 2))
    everleaf.run("user", "add", "root", "--role", "admin")
    everleaf.run("token", "create", "deploy", "--scope", "export", "--certificate", "web-*", "--domain", "example.org", shows_secrets=True)
    return everleaf


@pytest.mark.option("backup", "--with-master-key")
@pytest.mark.option("restore", "--force")
def test_there_and_back(full, other, tmp_path, name):
    file = tmp_path / "b"
    full.run("backup", file)
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert (full.state / "master.key").read_text().strip() not in text
    assert "PRIVATE KEY" not in text
    before = everything(full)
    # without its key nothing is made of it
    place = other()
    assert "master key" in place.error("restore", file, status=1)
    assert not (place.state / "master.key").exists()
    # beside its key, on either engine
    for postgres in (False, True):
        place = other(full.state / "master.key", postgres)
        assert place.run("restore", file).status == 0
        assert everything(place) == before
        told(place, "restored")
        assert place.json("token", "list") == full.json("token", "list")
        one = place.names()[0]
        assert place.run("export", one, "--part", "key", shows_secrets=True).out == full.live(one, "privkey.pem").read_text()
        assert place.run("log", "--verify").status == 0
        # numbers go on behind those that came
        place.run("ca", "add", "another", "https://127.0.0.1:1/dir")
        # a state that holds something is replaced only when that is asked for
        line = place.error("restore", file, status=1)
        assert "not empty" in line and "--force" in line
        assert place.run("restore", file, "--force").status == 0
        assert everything(place) == before
        told(place, "restored")
    # with the key in it, it is all that is needed
    full.run("backup", file, "--with-master-key")
    place = other()
    place.run("restore", file)
    assert (place.state / "master.key").read_text().strip() == (full.state / "master.key").read_text().strip()
    assert (place.state / "master.key").stat().st_mode & 0o777 == 0o600
    assert everything(place) == before


@pytest.mark.parametrize("spoil", [
    lambda lines: lines[:-1],
    lambda lines: lines[:-2] + lines[-1:],
    lambda lines: [line.replace('"pending"', '"issued"').replace('"issued"', '"revoked"') for line in lines],
    lambda lines: lines + ['{"table": "certs", "row": {"id": "9"}}'],
    lambda lines: [lines[0].replace('"everleaf_backup": 1', '"everleaf_backup": 2').replace(':1,', ':2,', 1)] + lines[1:],
    lambda lines: ["hello"],
    lambda lines: [],
], ids=["cut off", "a line gone", "changed", "more", "another form", "no backup", "empty"])
def test_damaged_backup_changes_nothing(full, other, tmp_path, spoil):
    file = tmp_path / "b"
    full.run("backup", file)
    lines = file.read_text().splitlines()
    file.write_text("".join(f"{line}\n" for line in spoil(lines)))
    before = everything(full)
    assert str(file) in full.error("restore", file, "--force", status=1)
    assert everything(full) == before
    place = other(full.state / "master.key")
    place.error("restore", file, status=1)
    assert not (place.state / "everleaf.db").exists()


def test_another_key_changes_nothing(full, other, tmp_path):
    """A backup whose key is another than the one in place."""
    file = tmp_path / "b"
    full.run("backup", file)
    place = other()
    place.run("ca", "add", "mine", "https://127.0.0.1:1/dir")
    before = everything(place)
    assert "master key" in place.error("restore", file, "--force", status=1)
    assert everything(place) == before


def test_in_use(everleaf, tmp_path, other, new_name):
    """While others write: each backup is a state that was there, with as many versions as certificates say."""
    names = [new_name() for _ in range(6)]
    everleaf.issue(names[0])

    def work():
        for one in names[1:]:
            everleaf.issue(one)

    worker = threading.Thread(target=work)
    worker.start()
    taken = []
    while worker.is_alive() or not taken:
        taken.append(tmp_path / f"b{len(taken)}")
        everleaf.run("backup", taken[-1])
    worker.join()
    for file in taken[:3] + taken[-3:]:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        live = {row["row"]["name"]: row["row"]["live_version"] for row in rows if row.get("table") == "certs"}
        versions = {(row["row"]["cert"], row["row"]["n"]) for row in rows if row.get("table") == "versions"}
        assert all((cert, n) in versions for cert, n in live.items() if n != "0")
        place = other(everleaf.state / "master.key")
        place.run("restore", file)
        assert place.run("log", "--verify").status == 0


@pytest.mark.option("database copy", "--to")
def test_from_one_engine_to_the_other_and_back(full, other, tmp_path, name):
    before = everything(full)
    moved = other(full.state / "master.key", postgres=True)
    full.run("database", "copy", "--to", moved.env["EVERLEAF_DATABASE"])
    assert everything(full) == before
    assert everything(moved) == before
    told(moved, "copied")
    line = full.error("database", "copy", "--to", moved.env["EVERLEAF_DATABASE"], status=1)
    assert "not empty" in line
    assert everything(moved) == before
    # work goes on there
    one = moved.names()[0]
    assert moved.run("export", one, "--part", "key", shows_secrets=True).out == full.live(one, "privkey.pem").read_text()
    moved.run("ca", "add", "another", "https://127.0.0.1:1/dir")
    there = everything(moved)
    back = other(full.state / "master.key")
    back.state.mkdir(mode=0o700)
    moved.run("database", "copy", "--to", f"sqlite:{back.state}/everleaf.db")
    assert everything(back) == there
    assert os.stat(back.state / "everleaf.db").st_mode & 0o777 == 0o600
    assert back.names() == full.names()


def test_nothing_is_copied_from_under_a_daemon(full, other):
    """What it wrote after the copy began would be lost."""
    moved = other(full.state / "master.key", postgres=True)
    with Serve(full):
        line = full.error("database", "copy", "--to", moved.env["EVERLEAF_DATABASE"], status=75)
        assert "has a daemon" in line
    full.run("database", "copy", "--to", moved.env["EVERLEAF_DATABASE"])
    assert moved.names() == full.names()
