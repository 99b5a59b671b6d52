"""The program under test: runs it on a state folder of its own, and watches what must never happen on the way."""

import atexit
import contextlib
import functools
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from env import postgres
from env.certs import load
from env.debs import ROOT

BINARY = Path(os.environ.get("EVERLEAF_BINARY", ROOT / "build-check/everleaf"))
SANITIZER = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|runtime error:")
_kept = itertools.count(1)
PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)-----END", re.S)


@dataclass
class Result:
    args: list
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"everleaf {' '.join(map(str, self.args))}\nstatus {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


class Everleaf:
    """One state folder. run() expects status 0 unless told otherwise; secrets given to secret() must never show.
    like: another of these, of which this is a copy."""

    prefix = ()  # of run()'s command: enters a network namespace

    def __init__(self, folder, ca=None, lab=None, like=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / "state"
        self.ca, self.lab = ca, lab
        self.known = like.known if like else None  # the CA that `lab` is already
        self.env = {key: value for key, value in os.environ.items()
                    if not key.startswith("EVERLEAF_") and not key.lower().endswith("_proxy")}
        self.env["EVERLEAF_STATE"] = str(self.state)
        self.env["HOME"] = str(self.folder)
        self.env.setdefault("ASAN_OPTIONS", "detect_leaks=1")
        self.database = None  # (server, name): PostgreSQL
        if os.environ.get("EVERLEAF_TEST_DATABASE") == "postgresql":
            self.use_database(*postgres.fresh_database(*([like.database[1]] if like else [])))
        if like:
            shutil.copytree(like.state, self.state, symlinks=True)
        if lab:
            self.env["EVERLEAF_CA_BUNDLE"] = str(lab.root)
        self.secrets = set()

    def use_database(self, server, name):
        self.database = server, name
        self.env["EVERLEAF_DATABASE"] = server.url(name)

    def secret(self, text):
        self.secrets.add(text)
        return text

    def secret_file(self, name, text):
        path = self.folder / name
        path.write_text(self.secret(text) + "\n")
        path.chmod(0o600)
        return path

    def start(self, *args, env=None, **options):
        """Starts the program without waiting for its end."""
        return subprocess.Popen([BINARY, *map(str, args)], env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def run(self, *args, status=0, env=None, stdin=None, timeout=60, shows_secrets=False, binary=False, **options):
        done = subprocess.run([*self.prefix, BINARY, *map(str, args)], env={**self.env, **(env or {})}, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}), **options)
        result = Result(list(args), done.returncode, done.stdout if binary else done.stdout.decode(errors="replace"),
                        done.stderr.decode(errors="replace"))
        self.check(result, shows_secrets or binary)
        allowed = status if isinstance(status, (tuple, set, list)) else (status,)
        assert status is None or result.status in allowed, f"expected status {status}\n{result}"
        return result

    def check(self, result, shows_secrets=False):
        assert not SANITIZER.search(result.err), f"a sanitizer complains\n{result}"
        assert result.status >= 0, f"ended by signal {-result.status}\n{result}"
        if shows_secrets:
            return
        for secret in self.secrets | self.private_lines():
            assert secret not in result.out and secret not in result.err, f"a secret shows\n{result}"

    def private_lines(self):
        lines = set()
        for path in self.state.glob("versions/*/*/privkey.pem"):
            for body in PRIVATE.findall(path.read_text()):
                lines.update(line for line in body.split() if len(line) > 16)
        return lines

    def json(self, *args, **options):
        """Runs with --json; standard output must be one JSON document."""
        return self.run("--json", *args, **options).json

    def error(self, *args, status, **options):
        """Runs what must fail with this status and one line of error; returns the line."""
        result = self.run(*args, status=status, **options)
        lines = [line for line in result.err.splitlines() if line.strip()]
        assert lines, f"no error told\n{result}"
        assert result.out == "" or "--json" in args, f"a failure prints results\n{result}"
        return lines[-1]

    def run_killed(self, proxy, pattern, *args, ca_acts=False):
        """Kills the program while it waits for the answer to the first POST whose path matches; ca_acts: the CA gets that request."""
        def kill(handler, exchange):
            if ca_acts:
                handler.forward(exchange)
            process.kill()
            process.wait(10)
            handler.hang_up()

        with proxy.spoiling(pattern, kill, nth=1, method="POST"):
            process = self.start(*args)
            _, err = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, f"it ended by itself, with {process.returncode}\n{err}"

    def sql(self, statement, *values):
        """What only time, damage or a look inside can do: a statement on the database itself; its rows."""
        if self.database:
            return postgres.rows(*self.database, statement, values)
        with contextlib.closing(sqlite3.connect(self.state / "everleaf.db", timeout=10)) as database, database:
            return database.execute(statement, values).fetchall()

    def columns(self, table):
        """The names of a table's columns, in their order."""
        if self.database:
            return [row[0] for row in self.sql("select column_name from information_schema.columns where table_name = ? "
                                               "order by ordinal_position", table)]
        return [row[1] for row in self.sql(f"pragma table_info({table})")]

    def plan(self, statement):
        """How the database would come by the rows of a query, if the tables were large."""
        if self.database:
            server, name = self.database
            return server.sql(f"set enable_seqscan = off; set enable_sort = off; explain {statement}", name)
        return "\n".join(str(row) for row in self.sql(f"explain query plan {statement}"))

    def stored(self):
        """All that the store holds, as the bytes in which a secret must not be found."""
        if self.database:
            server, name = self.database
            return server.dump(name)
        return b"".join(path.read_bytes() for path in [self.state / "everleaf.db", *self.state.glob("everleaf.db-*")])

    def kept(self):
        """A copy of what the store holds now, for put_back() here or in another of these."""
        if self.database:
            _, name = postgres.fresh_database(self.database[1])
            return name
        copy = self.folder / f"kept{next(_kept)}.db"
        with contextlib.closing(sqlite3.connect(self.state / "everleaf.db")) as database, \
                contextlib.closing(sqlite3.connect(copy)) as backup:
            database.backup(backup)
        return copy

    def forget(self):
        """It is gone, for tests that make many."""
        shutil.rmtree(self.folder)
        if self.database:
            postgres.forget(self.database[1])

    def put_back(self, kept):
        if self.database:
            postgres.copy_database(kept, self.database[1])
            return
        for path in self.state.glob("everleaf.db*"):
            path.unlink()
        shutil.copy(kept, self.state / "everleaf.db")

    def add_ca(self, ca):
        """Makes the laboratory's CA known as `lab`."""
        self.run("ca", "add", "lab", ca.directory, "--ca-bundle", self.lab.root, "--resolver", ca.dns,
                 "--http-port", ca.http_port, "--tls-port", ca.tls_port)

    def register(self, *extra, ca=None, name=None, email="admin@example.org"):
        """Registers an account at the laboratory's CA, known from then on as `lab`."""
        ca = ca or self.ca
        if ca is not self.known:
            self.add_ca(ca)
        self.known = None
        self.run("account", "register", "--ca", "lab", "--email", email, "--agree-tos",
                 *(["--name", name] if name else []), *extra)
        return self

    def standalone(self):
        return ["--standalone", self.ca.http_address]

    def issue(self, *args, **options):
        """Issues over an own listener; args as of `issue` without HOW."""
        return self.json("issue", *args, *self.standalone(), **options)

    def live(self, name, part=None):
        folder = self.state / "live" / name
        return folder / part if part else folder

    def show(self, name):
        return self.json("show", name)

    def is_live(self, name):
        """Its newest version is in live/NAME, which is a moment after it is "issued"."""
        row, live = self.show(name), self.live(name, "cert.pem")
        return row["status"] == "issued" and live.exists() and load(live).serial_number == int(row["serial"], 16)

    def names(self):
        return sorted(row["name"] for row in self.json("list"))

    def dump(self):
        """Every row, as text, but of events and of what the driver keeps."""
        tables = [row[0] for row in self.sql("select table_name from information_schema.tables where table_schema = 'public' "
                                             "and table_name not in ('events', 'everleaf_commits')")]
        every = " union all ".join(f"select '{table} ' || row_to_json(x) from {table} x" for table in tables)
        return sorted(row for (row,) in self.sql(every)) if tables else []

    def snapshot(self):
        """Everything that a refused command must leave as it was: every file, and every row but of events and leases."""
        files = {str(path.relative_to(self.state)): path.read_bytes() if path.is_file() and not path.is_symlink()
                 else os.readlink(path) if path.is_symlink() else None
                 for path in sorted(self.state.rglob("*")) if not path.name.startswith("everleaf.db")}
        if self.database:
            return files, self.dump()
        with contextlib.closing(sqlite3.connect(self.state / "everleaf.db")) as database:
            rows = [line for line in database.iterdump() if not re.match(r'INSERT INTO "(events|leases|sqlite_sequence)"', line)]
        return files, rows


@functools.lru_cache(None)
def made(ca=None, lab=None):
    """A state as a first command makes it, to be like; with a CA, that is known as `lab`. Made once by each process that runs
    tests: all the steps to the newest schema take longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="everleaf-made-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    everleaf = Everleaf(folder, ca, lab)
    if everleaf.database:
        postgres.keep(everleaf.database[1])
    if ca:
        everleaf.add_ca(ca)
        everleaf.known = ca
    else:
        everleaf.run("ca", "add", "none", "none", status=2)  # refused, but the state is made by then
    return everleaf
