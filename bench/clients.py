"""
The clients that are compared: how each registers, issues one certificate, issues many in its own way of doing so, and looks
through what it holds. A method gives the command, and prepares what the command reads; running it is the caller's.
"""

import shlex
import shutil
import sqlite3
import subprocess
from pathlib import Path

EMAIL = "admin@example.org"
AT_ONCE = 4  # processes of one client: Pebble can deadlock with more orders than that at work


def loop(folder, commands, at_once=1):
    """A shell command that runs the commands one after the other, or several at once; it fails if one fails."""
    script = Path(folder) / "loop.sh"
    lines = [shlex.join(str(word) for word in command) for command in commands]
    if at_once == 1:
        script.write_text("set -e\n" + "\n".join(lines) + "\n")
        return ["/bin/sh", script]
    script.write_text("\0".join(lines))
    return ["/usr/bin/xargs", "-0", "-P", str(at_once), "-n", "1", "-a", script, "/bin/sh", "-c", 'eval "$0"']


class Client:
    """State in a folder of its own. batch: how it does many."""

    name, older_pebble, batch = "", False, "one after the other"
    waits_at_random = False  # so that one run says nothing of what another takes

    def __init__(self, folder, directory, web_root):
        self.folder, self.directory, self.web_root = Path(folder), directory, web_root
        self.folder.mkdir(parents=True)
        self.env = {"HOME": self.folder, "LC_ALL": "C.UTF-8"}
        self.prepare()

    def prepare(self):
        """Writes configuration."""

    def many(self, names):
        return loop(self.folder, [self.issue([name]) for name in names])


class Everleaf(Client):
    name, batch = "everleaf", "issue --from"
    program = None

    def command(self, *words):
        return [self.program, "--state", self.folder / "state", *words]

    def register(self):
        return self.command("account", "register", "--ca", self.directory, "--email", EMAIL, "--agree-tos")

    def how(self):
        return ["--webroot", self.web_root, "--ca", self.directory]

    def issue(self, names):
        return self.command("issue", *names, *self.how())

    def many(self, names):
        file = self.folder / "names.txt"
        file.write_text("".join(f"{name}\n" for name in names))
        return self.command("issue", "--from", file, *self.how())

    def version(self):
        return [self.program, "--version"]

    def forge(self, name, n):
        """n copies of what is stored of one certificate, none due, and no renewal information due to be asked for."""
        db = sqlite3.connect(self.folder / "state/everleaf.db", isolation_level=None)
        db.execute("begin")
        for table, key in (("certs", "name"), ("jobs", "subject"), ("versions", "cert")):
            columns = [row[1] for row in db.execute(f"pragma table_info({table})") if row[1] != "id"]
            row = dict(zip(columns, db.execute(f"select {','.join(columns)} from {table} where {key} = ?", [name]).fetchone()))
            marks = ",".join("?" * len(columns))
            for i in range(1, n):
                row[key] = f"copy{i}.example.org"
                db.execute(f"insert into {table} ({','.join(columns)}) values ({marks})", list(row.values()))
        db.execute("update certs set ari_check_at = renew_at - 86400")
        db.execute("update jobs set run_at = (select ari_check_at from certs where name = subject)")
        db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)")
        db.close()

    def renew_all(self, n):
        return self.command("renew")


class EverleafStandalone(Everleaf):
    """The same with a listener of its own, so without the web server that all others are measured with."""
    name = "everleaf --standalone"
    listen = None

    def how(self):
        return ["--standalone", self.listen, "--ca", self.directory]


class EverleafCheck(Everleaf):
    """Reads every certificate's record, which a pass need not."""
    name = "everleaf check"

    def renew_all(self, n):
        return self.command("check")


class Lego(Client):
    name, batch, waits_at_random = "lego", f"{AT_ONCE} processes at a time", True

    def command(self, names, *words):
        domains = [word for name in names for word in ("-d", name)]
        return ["lego", "--path", self.folder, "--server", self.directory, "--email", EMAIL, "--accept-tos", "--http",
                "--http.webroot", self.web_root, *domains, *words]

    def register(self):
        """It registers with its first certificate only."""
        return self.command(["first.lego.example.org"], "run")

    def issue(self, names):
        return self.command(names, "run")

    def many(self, names):
        return loop(self.folder, [self.issue([name]) for name in names], AT_ONCE)

    def version(self):
        return ["lego", "--version"]

    def forge(self, name, n):
        """Each of its processes looks at one certificate, so the same one n times costs the same."""
        self.one = name

    def renew_all(self, n):
        return loop(self.folder, [self.command([self.one], "renew", "--no-random-sleep")] * n)


class EverleafDns(Everleaf):
    """All values in one update, one wait for all of them."""
    server = key = None

    def register(self):
        credentials = self.folder / "home.yaml"
        credentials.write_text(f"server: '{self.server}'\nservers: ['{self.server}']\nresolvers: ['{self.server}']\n"
                               f"key_name: {self.key.name}\nkey_secret: {self.key.secret}\n")
        add = self.command("dns", "add", "rfc2136", "home", "--credentials", credentials)
        return loop(self.folder, [add, super().register()])

    def how(self):
        return ["--dns", "home", "--ca", self.directory]


class LegoDns(Lego):
    """One name after the other, with the shortest pause between two that it takes (its default is a minute); its own wait for
    propagation is off, since that wants port 53."""
    server = key = None

    def prepare(self):
        self.env.update({"RFC2136_NAMESERVER": self.server, "RFC2136_TSIG_KEY": f"{self.key.name}.",
                         "RFC2136_TSIG_SECRET": self.key.secret, "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
                         "RFC2136_SEQUENCE_INTERVAL": "1", "RFC2136_POLLING_INTERVAL": "1"})

    def command(self, names, *words):
        domains = [word for name in names for word in ("-d", name)]
        return ["lego", "--path", self.folder, "--server", self.directory, "--email", EMAIL, "--accept-tos",
                "--dns", "rfc2136", "--dns.disable-cp", "--dns.resolvers", self.server, *domains, *words]


class Dehydrated(Client):
    name, batch = "dehydrated", "-c with domains.txt"

    def prepare(self):
        self.config = self.folder / "config"
        challenges = self.web_root / ".well-known/acme-challenge"
        challenges.mkdir(parents=True, exist_ok=True)
        self.config.write_text(f"CA={self.directory}\nBASEDIR={self.folder}\nWELLKNOWN={challenges}\n"
                               f"CONTACT_EMAIL={EMAIL}\nKEY_ALGO=prime256v1\nCHALLENGETYPE=http-01\n"
                               f"DOMAINS_TXT={self.folder}/domains.txt\n")

    def command(self, *words):
        return ["dehydrated", "-f", self.config, *words]

    def register(self):
        return self.command("--register", "--accept-terms")

    def issue(self, names):
        return self.command("-c", *[word for name in names for word in ("-d", name)])

    def many(self, names):
        (self.folder / "domains.txt").write_text("".join(f"{name}\n" for name in names))
        return self.command("-c")

    def version(self):
        return self.command("--version")

    def forge(self, name, n):
        for i in range(n):
            copy = self.folder / f"certs/copy{i}.example.org"
            shutil.copytree(self.folder / "certs" / name, copy, symlinks=True)
        self.one = name

    def renew_all(self, n):
        (self.folder / "domains.txt").write_text("".join(f"{self.one} > copy{i}.example.org\n" for i in range(n)))
        return self.command("-c")


HOOK = """#!/bin/sh
case $1 in
begin) [ "$2" = http-01 ] || exit 1; printf %s "$5" >{challenges}/"$4" ;;
done|failed) rm -f {challenges}/"$4" ;;
esac
"""


class Uacme(Client):
    name, older_pebble = "uacme", True

    def prepare(self):
        self.hook = self.folder / "hook"
        challenges = self.web_root / ".well-known/acme-challenge"
        challenges.mkdir(parents=True, exist_ok=True)
        self.hook.write_text(HOOK.format(challenges=challenges))
        self.hook.chmod(0o755)

    def command(self, *words):
        return ["uacme", "-c", self.folder / "uacme", "-a", self.directory, "-y", "-t", "EC", "-h", self.hook, *words]

    def register(self):
        return self.command("new", EMAIL)

    def issue(self, names):
        return self.command("issue", *names)

    def version(self):
        return ["uacme", "--version"]

    def forge(self, name, n):
        """Each of its processes looks at one certificate, so the same one n times costs the same."""
        self.one = name

    def renew_all(self, n):
        """Status 1 is its word for "not due"."""
        script = self.folder / "loop.sh"
        script.write_text(f"{shlex.join(str(word) for word in self.issue([self.one]))} || [ $? = 1 ] || exit 2\n" * n)
        return ["/bin/sh", script]


class Certbot(Client):
    name = "certbot"

    def command(self, *words):
        folders = [word for kind in ("config", "work", "logs") for word in (f"--{kind}-dir", self.folder / kind)]
        return ["certbot", *words, *folders, "-n", "--server", self.directory]

    def register(self):
        return self.command("register", "--agree-tos", "-m", EMAIL, "--no-eff-email")

    def issue(self, names):
        return self.command("certonly", "--webroot", "-w", self.web_root, "--key-type", "ecdsa",
                            *[word for name in names for word in ("-d", name)])

    def version(self):
        return ["certbot", "--version"]

    def forge(self, name, n):
        config = self.folder / "config"
        text = (config / f"renewal/{name}.conf").read_text()
        for i in range(1, n):
            copy = f"copy{i}.example.org"
            shutil.copytree(config / "archive" / name, config / "archive" / copy)
            (config / "live" / copy).mkdir()
            for part in ("cert", "chain", "fullchain", "privkey"):
                (config / "live" / copy / f"{part}.pem").symlink_to(f"../../archive/{copy}/{part}1.pem")
            (config / f"renewal/{copy}.conf").write_text(text.replace(name, copy))

    def renew_all(self, n):
        return self.command("renew", "--no-random-sleep-on-renew")


ALL = [Everleaf, EverleafStandalone, Uacme, Certbot, Dehydrated, Lego]


def versions():
    """What is installed, as the package manager has it."""
    wanted = ["lego", "dehydrated", "uacme", "certbot", "nginx", "openssl", "libcurl4", "libsqlite3-0"]
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n", *wanted],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 3 and row[2] == "installed"}
