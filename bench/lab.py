"""
What all clients are measured against: one CA, one DNS server, one web server, and one trust store. The classes are those of the
end-to-end tests. The CA's own root is put into the system's trust store, in a mount namespace that ends with the bench:
so every client finds it in its own way and pays for the system's roots as it would in life.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(HERE))

TRUST = Path("/etc/ssl/certs")
CLIENTS = ["lego", "dehydrated", "uacme", "certbot"]
NEEDED = {"lego": "/usr/bin/lego", "dehydrated": "/usr/bin/dehydrated", "uacme": "/usr/bin/uacme",
          "certbot": "/usr/bin/certbot", "wrk": "/usr/bin/wrk",
          "python3-cryptography": "/usr/lib/python3/dist-packages/cryptography"}
# No Retry-After; the challenge type without a token and the shuffled list stay as Pebble has them.
CONFIG = {"retryAfter": {"authz": 0, "order": 0}}
INSIDE = "EVERLEAF_BENCH_INSIDE"


def install_missing():
    missing = [package for package, file in NEEDED.items() if not Path(file).exists()]
    if missing:
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*sudo, "apt-get", "-qq", "update"], check=True)
        subprocess.run([*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install", "-y",
                        "--no-install-recommends", *missing], check=True, stdout=subprocess.DEVNULL)


def enter_namespace():
    """Goes on in a mount namespace of its own; returns inside it."""
    if os.environ.get(INSIDE):
        return
    options = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    if subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit("bench: no mount namespace can be made here, which putting the CA's root into the trust store needs: "
                 "run it as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", *options, "/usr/bin/python3", *sys.argv])


def trust_root(folder, root):
    """Puts a root into the system's trust store as update-ca-certificates would, seen from this namespace only."""
    copy = Path(folder) / "trust"
    shutil.copytree(TRUST, copy, symlinks=True)
    bundle = copy / "ca-certificates.crt"
    text = bundle.read_text() + root.read_text()
    bundle.unlink()
    bundle.write_text(text)
    shutil.copy(root, copy / "everleaf-bench.pem")
    subject = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", root], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.strip()
    (copy / f"{subject}.0").symlink_to("everleaf-bench.pem")
    subprocess.run(["mount", "--bind", copy, TRUST], check=True)


def package_version(folder, package):
    """The version of an unpacked package, from its changelog."""
    with gzip.open(folder / f"usr/share/doc/{package}/changelog.Debian.gz", "rt") as text:
        return re.search(r"\(([^)]*)\)", text.readline())[1]


class Lab:
    """The servers that last for the whole bench, and fresh CAs from it."""

    def __init__(self, folder):
        import env
        from env import debs
        self.env, self.folder, self.n = env, Path(folder), 0
        self.newer = debs.pebble_folder()
        self.older = debs.fetched("pebble") / "usr/bin"
        self.lab = env.Lab(self.folder / "lab")
        trust_root(self.folder, self.lab.root)
        self.dns = env.ChallTestSrv(self.folder / "dns").start()
        self.web = env.Nginx(self.folder / "nginx").start()
        self.versions = {"Pebble": package_version(self.newer.parents[1], "pebble"),
                         "Pebble for uacme": package_version(self.older.parents[1], "pebble")}

    def pebble(self, older=False, dns=None):
        """A CA that has issued nothing yet. The older one is the machine's own release. dns: where it looks, else
        the server that knows every name."""
        from env import pebble
        self.n += 1
        ca = self.env.Pebble(self.folder / f"ca-{self.n}", self.lab, dns or self.dns.dns, config=CONFIG)
        ca.http_port = self.web.http_port
        pebble.pebble_folder = lambda: self.older if older else self.newer
        return ca.start()

    def relay(self, ca, round_trip_ms):
        from env.ports import free_port
        from env.process import Daemon
        import socket

        relay = Daemon("relay", self.folder / f"relay-{self.n}")
        relay.port = free_port()
        relay.directory = ca.directory.replace(f":{ca.port}/", f":{relay.port}/")
        relay.spawn([HERE / "relay.py", str(relay.port), str(ca.port), str(round_trip_ms)])
        relay.await_ready(lambda: socket.create_connection(("127.0.0.1", relay.port), 1).close() is None)
        return relay

    def stop(self):
        self.web.stop()
        self.dns.stop()
