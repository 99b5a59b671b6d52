"""PowerDNS with its SQLite backend: a primary that takes updates, and the HTTP API."""

import sqlite3
import subprocess
import urllib.error
import urllib.request

from env.nameserver import NameServer, zone_text
from env.ports import free_port
from env.unpacked import unpacked


class PowerDns(NameServer):
    def __init__(self, folder, keys=(), zones=("example.test",), address="127.0.0.1", port=None, api_key="api-secret"):
        super().__init__("pdns_server", folder, keys, zones, address, port)
        self.api_port, self.api_key = free_port(), api_key

    @property
    def url(self):
        return f"http://127.0.0.1:{self.api_port}"

    def write_config(self):
        program, _ = unpacked("pdns-server", "usr/sbin/pdns_server", "pdns-backend-sqlite3")
        modules = next(program.parents[2].parent.glob("pdns-backend-sqlite3/usr/lib/*/pdns"))
        settings = {"launch": "gsqlite3", "module-dir": modules, "gsqlite3-database": self.folder / "pdns.sqlite3",
                    "local-address": self.address, "local-port": self.port, "socket-dir": self.folder, "setuid": "",
                    "setgid": "", "daemon": "no", "guardian": "no", "api": "yes", "api-key": self.api_key,
                    "webserver": "yes", "webserver-address": "127.0.0.1", "webserver-port": self.api_port,
                    "dnsupdate": "yes", "allow-dnsupdate-from": "127.0.0.0/8,::1", "allow-axfr-ips": "127.0.0.0/8,::1",
                    "query-cache-ttl": 0, "cache-ttl": 0, "zone-cache-refresh-interval": 0, "disable-axfr": "no",
                    "default-soa-edit": ""}
        (self.folder / "pdns.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        schema = next(program.parents[2].parent.glob("pdns-backend-sqlite3/usr/share/**/schema.sqlite3.sql"))
        with sqlite3.connect(self.folder / "pdns.sqlite3") as database:
            database.executescript(schema.read_text())

    def pdnsutil(self, *words):
        program, env = unpacked("pdns-server", "usr/bin/pdnsutil", "pdns-backend-sqlite3")
        done = subprocess.run([program, f"--config-dir={self.folder}", *map(str, words)], env=env, cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        assert done.returncode == 0, f"pdnsutil {words}: {done.stdout}"

    def answers_api(self):
        request = urllib.request.Request(f"{self.url}/api/v1/servers/localhost", headers={"X-API-Key": self.api_key})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status == 200

    def start(self):
        program, env = unpacked("pdns-server", "usr/sbin/pdns_server", "pdns-backend-sqlite3")
        self.write_config()
        for zone in self.zones:
            text = self.folder / f"{zone}.db"
            text.write_text(zone_text(zone))
            self.pdnsutil("load-zone", zone, text)
        for key in self.keys:
            self.pdnsutil("import-tsig-key", key.name, key.algorithm, key.secret)
        for zone in self.zones if self.keys else ():
            self.pdnsutil("set-meta", zone, "TSIG-ALLOW-DNSUPDATE", *[key.name for key in self.keys])
        self.spawn([program, f"--config-dir={self.folder}"], env=env)
        self.await_ready(lambda: self.answers() and self.answers_api())
        return self
