"""DNSSEC: a tree of zones below "test", served by BIND and signed by its own tools, each right or wrong in one way."""

import datetime
import subprocess

from env.bind import Bind
from env.unpacked import unpacked

DAY = datetime.timedelta(days=1)
HEAD = """\
$TTL 60
{zone}. IN SOA {ns}. hostmaster.test. 1 3600 600 86400 5
{zone}. IN NS {ns}.
"""


def tool(name, *args):
    program, env = unpacked("bind9-utils", f"usr/bin/{name}")
    done = subprocess.run([program, *map(str, args)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout


def stamp(at):
    return at.strftime("%Y%m%d%H%M%S")


class Signed(Bind):
    """Is ns.test, or at 127.0.0.2 ns2.test. how: {zone: what is wrong with it}, children first: "" = nothing, "unsigned": and
    the parent knows it, "bare": it does not, "other key": the parent has one's DS record, "expired" and "early": signatures of
    another time, "forged": the address 127.0.0.77 was another when it was signed. records: what is in each of them;
    delegations: {zone: records} of those elsewhere."""

    TOP = "test"

    def __init__(self, folder, how, records, delegations=(), prefix=(), **options):
        self.how, self.records = how, records
        self.delegations = dict(delegations)
        super().__init__(folder, zones=[*how, self.TOP], policy=lambda zone: "", **options)
        self.prefix = prefix
        self.ns = "ns2.test" if self.address == "127.0.0.2" else "ns.test"
        self.keys_folder = self.folder / "keys"
        self.keys_folder.mkdir(exist_ok=True)

    def key(self, zone):
        """The name of a new key's files, in the keys' folder."""
        return tool("dnssec-keygen", "-q", "-K", self.keys_folder, "-a", "ECDSAP256SHA256", "-f", "KSK", zone).split()[-1]

    def ds(self, key):
        return tool("dnssec-dsfromkey", "-2", self.keys_folder / key)

    def sign(self, zone, key, how):
        now = datetime.datetime.now(datetime.timezone.utc)
        # validators forgive a clock that is wrong by up to a day
        times = {"expired": (now - 20 * DAY, now - 5 * DAY), "early": (now + 10 * DAY, now + 20 * DAY)}
        begin, end = times.get(how, (now - DAY, now + 20 * DAY))
        path = self.folder / f"{zone}.db"
        path.write_text(path.read_text() + (self.keys_folder / f"{key}.key").read_text())
        tool("dnssec-signzone", "-P", "-q", "-z", "-d", self.keys_folder, "-s", stamp(begin), "-e", stamp(end), "-o", zone,
             "-f", self.folder / f"{zone}.signed", path, self.keys_folder / key)
        return self.folder / f"{zone}.signed"

    def delegate(self, zone, text):
        parent = max((other for other in self.zones if zone.endswith(f".{other}")), key=len)
        self.delegations[parent] = self.delegations.get(parent, "") + text

    def write_zone(self, zone, text=None):
        """A parent knows its children's keys when its turn comes."""
        how = self.how.get(zone, "")
        records = "ns.test. IN A 127.0.0.1\nns2.test. IN A 127.0.0.2\n" if zone == self.TOP else self.records.format(zone=zone)
        path = super().write_zone(zone, HEAD.format(zone=zone, ns=self.ns) + records + self.delegations.get(zone, ""))
        if zone != self.TOP:
            self.delegate(zone, f"{zone}. IN NS {self.ns}.\n")
        if how == "unsigned":
            return path
        key = self.key(zone)
        if zone == self.TOP:
            self.anchor_key = (self.keys_folder / f"{key}.key").read_text().splitlines()[-1]
            self.anchor = self.ds(key).strip()
        else:
            self.delegate(zone, self.ds(self.key(zone) if how == "other key" else key))
        if how == "bare":
            return path
        signed = self.sign(zone, key, how)
        if how == "forged":
            text = signed.read_text()
            assert text.count("127.0.0.77") == 1
            signed.write_text(text.replace("127.0.0.77", "127.0.0.78"))
        return signed

    def delv(self, *words, server=None):
        """What ISC's own validator makes of what is served here, or what the other server says, with the same trust anchor."""
        address, port = (server or self.server).rsplit(":", 1)
        anchors = self.folder / "anchors"
        flags, protocol, algorithm, *key = self.anchor_key.split("DNSKEY")[1].split()
        anchors.write_text(f'trust-anchors {{ {self.TOP}. static-key {flags} {protocol} {algorithm} "{"".join(key)}"; }};\n')
        done = subprocess.run([*self.prefix, "delv", f"@{address}", "-p", port, "-a", anchors, f"+root={self.TOP}", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        return done.stdout
