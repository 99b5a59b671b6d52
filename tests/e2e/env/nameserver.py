"""What the three real name servers have in common: keys, a zone to start with, and a look at the whole of it."""

import base64
import os
import subprocess
from dataclasses import dataclass

from env.ports import free_port
from env.process import Daemon

ALGORITHMS = {"hmac-md5": 16, "hmac-sha1": 20, "hmac-sha224": 28, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64}

# What must be the same before and after: an address, a neighbour's TXT values at the name that is written to, others.
ZONE = """\
$TTL 300
{zone}. IN SOA ns1.{zone}. hostmaster.{zone}. 1 3600 600 86400 5
{zone}. IN NS ns1.{zone}.
ns1.{zone}. IN A 127.0.0.1
www.{zone}. IN A 192.0.2.1
_acme-challenge.{zone}. 120 IN TXT "a neighbour's \\"quoted\\" value"
_acme-challenge.{zone}. 120 IN TXT "{long_a}" "{long_b}"
_acme-challenge.www.{zone}. 77 IN TXT "left alone"
"""


def zone_text(zone):
    return ZONE.format(zone=zone, long_a="x" * 255, long_b="y" * 45)


@dataclass(frozen=True)
class Key:
    name: str
    algorithm: str
    secret: str

    @classmethod
    def new(cls, name, algorithm="hmac-sha256"):
        return cls(name, algorithm, base64.b64encode(os.urandom(ALGORITHMS[algorithm])).decode())

    @property
    def bind(self):
        return f'key "{self.name}" {{\n\talgorithm {self.algorithm};\n\tsecret "{self.secret}";\n}};\n'


def dig(address, port, *words, prefix=()):
    done = subprocess.run([*prefix, "dig", f"@{address}", "-p", str(port), "+tries=1", "+time=2", *words],
                          stdout=subprocess.PIPE, text=True, timeout=30)
    return done.stdout


class NameServer(Daemon):
    """The primary of `zones`; `keys` are known there. Subclasses write the configuration."""

    def __init__(self, name, folder, keys=(), zones=("example.test",), address="127.0.0.1", port=None):
        super().__init__(name, folder)
        self.keys, self.zones, self.address = list(keys), list(zones), address
        self.port = port or free_port()
        self.prefix = ()  # of every command: enters the network namespace that the server is in

    @property
    def server(self):
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def dig(self, *words):
        return dig(self.address, self.port, *words, prefix=self.prefix)

    def answers(self, zone=None):
        return "NOERROR" in self.dig(zone or self.zones[0], "SOA")

    def txt(self, name):
        """The values at a name, each as one text."""
        values = []
        for line in self.dig("+short", "+tcp", name, "TXT").splitlines():
            values.append("".join(line.split('"')[1::2]))
        return sorted(values)

    def whole(self, zone=None):
        """Every record of a zone; of the SOA record all but the serial number."""
        records = []
        for line in self.dig("+noall", "+answer", "+onesoa", "AXFR", zone or self.zones[0]).splitlines():
            words = line.split(None, 4)
            if len(words) == 5 and words[3] == "SOA":
                fields = words[4].split()
                fields[2] = "-"
                words[4] = " ".join(fields)
            records.append(" ".join(words))
        assert records, f"no transfer of {zone or self.zones[0]}"
        return sorted(records)
