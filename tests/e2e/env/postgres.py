"""A PostgreSQL cluster of its own on a socket and a loopback port: from the machine's package, or unpacked privately."""

import atexit
import contextlib
import functools
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from .debs import ROOT, fetched
from .ports import free_port
from .process import wait_until

CACHE = ROOT / "tests/.cache"
# Nothing here has to outlive the machine's end; all of it a killed server.
SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "unix_socket_permissions": "0777", "max_connections": "100",
    "listen_addresses": "'127.0.0.1'", "shared_buffers": "32MB", "autovacuum_naptime": "1h",
    "max_wal_size": "128MB", "logging_collector": "off", "timezone": "'Pacific/Auckland'",  # nothing may depend on it
}


def programs():
    """The folder of initdb and postgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        meta = subprocess.run(["apt-cache", "depends", "postgresql"], stdout=subprocess.PIPE, text=True).stdout
        package = next((word.split()[-1] for word in meta.splitlines() if "Depends: postgresql-1" in word), None)
        assert package, "no PostgreSQL server is known to this machine's package lists"
        server, client = fetched(package), fetched(package.replace("postgresql-", "postgresql-client-"))
        found = sorted(server.glob("usr/lib/postgresql/*/bin/initdb"))
        for program in sorted(client.glob("usr/lib/postgresql/*/bin/*")):
            beside = found[-1].parent / program.name
            if not beside.exists():
                shutil.copy2(program, beside)
    return found[-1].parent


def place():
    """Memory, if there is enough: what a database writes and never syncs is waited for by others that do."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 << 30 else Path("/tmp")


def reached_by(user, programs, folder):
    """The programs where the user, setpriv and its options, can run them: in the folder if not where they are, as below /root."""
    if subprocess.run([*user, "test", "-x", programs / "postgres"]).returncode == 0:
        return programs
    unpacked = programs.parents[4]  # of usr/lib/postgresql/VERSION/bin
    for part in ("lib/postgresql", "share/postgresql"):
        shutil.copytree(unpacked / "usr" / part, folder / "usr" / part, symlinks=True)
    return folder / programs.relative_to(unpacked)


class Postgres:
    """PostgreSQL does not run as root: then it is nobody's."""

    def __init__(self):
        self.bin = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="everleaf-pg-", dir=place()))
        self.port = free_port()
        self.process = None
        self.as_nobody = []
        if os.getuid() == 0:
            self.as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            os.chown(self.folder, 65534, 65534)
        self.folder.chmod(0o755)
        self.bin = reached_by(self.as_nobody, self.bin, self.folder)

    def make_data(self):
        """What initdb makes, which takes it a second of a processor: copied, if it was made before for the same user."""
        options = ["-U", "everleaf", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        version = subprocess.run([self.bin / "initdb", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
        digest = hashlib.sha256(f"{version}{options}".encode()).hexdigest()
        kept = CACHE / f"postgresql-data-{digest[:12]}-{os.getuid()}"
        if kept.exists():
            subprocess.run(["cp", "-a", kept, self.folder / "data"], check=True)
            return
        subprocess.run([*self.as_nobody, self.bin / "initdb", "-D", self.folder / "data", *options], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.folder)
        CACHE.mkdir(parents=True, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix="postgresql-", dir=CACHE))
        subprocess.run(["cp", "-a", self.folder / "data", copy], check=True)
        with contextlib.suppress(OSError):  # another process was quicker
            (copy / "data").rename(kept)
        shutil.rmtree(copy)

    def make(self):
        self.make_data()
        with open(self.folder / "data/postgresql.conf", "a") as conf:
            conf.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
            conf.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
        hba = self.folder / "data/pg_hba.conf"
        hba.write_text("local all guarded scram-sha-256\nlocal all all trust\n"
                       "host all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
        return self

    def start(self, wait=True):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([*self.as_nobody, self.bin / "postgres", "-D", self.folder / "data"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        if wait:
            wait_until(self.is_ready, "PostgreSQL to be ready", 60)
        return self

    def is_ready(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]).returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: connections are ended at once. SIGQUIT: as a crash, with recovery at the next start."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        return self.start()

    def url(self, database="postgres", more=""):
        return f"postgresql://everleaf@/{database}?host={quote(str(self.folder), safe='')}&port={self.port}{more}"

    def tcp_url(self, database, user="everleaf", password=None):
        return f"postgresql://{user}{':' + password if password else ''}@127.0.0.1:{self.port}/{database}"

    def sql(self, text, database="postgres"):
        done = subprocess.run([self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)],
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def make_database(self, name, template="template0", instead_of=()):
        drops = [f'drop database if exists "{former}" with (force);' for former in instead_of]
        # a copy of files takes half the time of the other way
        self.sql("\n".join([*drops, f'create database "{name}" template "{template}" strategy file_copy;']))
        return self.url(name)

    def drop_databases(self, *names):
        self.sql("".join(f'drop database if exists "{name}" with (force);\n' for name in names))

    def dump(self, name):
        """All rows of a database, as bytes: text as it is, but for doubled quotes."""
        return subprocess.run([self.bin / "pg_dump", "--data-only", "--inserts", "-d", self.url(name)], check=True,
                              stdout=subprocess.PIPE).stdout

    def __enter__(self):
        return self.make().start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


_count = itertools.count(1)
_made, _over = [], []
_making = threading.Lock()  # tests ask from several threads at once


@functools.lru_cache(None)
def one_cluster():
    server = Postgres().make().start()
    atexit.register(server.__exit__)
    return server


def shared():
    """The cluster of this process that runs tests; gone with it."""
    with _making:
        return one_cluster()


def fresh_database(template="template0"):
    """A database for one state folder, as another is now, which nobody may use meanwhile: its server and its name."""
    name = f"everleaf{next(_count)}"
    _made.append(name)
    with _making:
        over = _over.copy()
        _over.clear()
    shared().make_database(name, template, over)
    return shared(), name


@contextlib.contextmanager
def swept():
    """The databases that are made meanwhile go when the next one is made: a cluster that grows gets slow."""
    before = set(_made)
    yield
    _over.extend(name for name in _made if name not in before)
    _made[:] = [name for name in _made if name in before]


def forget(*names):
    """Drops databases that fresh_database() made."""
    shared().drop_databases(*names)
    for name in names:
        _made.remove(name)


def keep(name):
    """A database that fresh_database() made stays until its server ends."""
    _made.remove(name)


def copy_database(source, target):
    """The target, a name, becomes what the source, a name, is now; nobody may use either meanwhile."""
    shared().drop_databases(target)
    shared().make_database(target, source)


def literal(value):
    return "null" if value is None else str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def rows(server, database, statement, values=()):
    """A statement with ? for its values; the rows that it gives."""
    given = iter(values)
    text = re.sub(r"\?", lambda _: literal(next(given)), statement)
    if not text.lstrip().lower().startswith("select"):
        server.sql(text, database)
        return []
    lines = server.sql(f"select row_to_json(x) from ({text}) x", database).splitlines()
    return [tuple(value for _, value in json.loads(line, object_pairs_hook=list)) for line in lines]
