"""
The wait for propagation, in a network of its own with everything on port 53: a root, a hidden primary that takes the
updates, its public secondaries, and a resolver. What a lagging, silent, closed or lame server does to the wait.
"""

import json
import re
import signal
import subprocess
import time

import pytest

from env import Everleaf, made
from env.bind import Bind
from env.everleaf import BINARY, SANITIZER
from env.namespace import Namespace
from env.nameserver import Key
from env.process import wait_until

NAME = "_acme-challenge.example.test"
ROOT, PRIMARY, NS1, NS2, RESOLVER, NS3 = (f"127.0.0.{i}" for i in range(11, 17))
NS1_SIX = "fd00::13"
NOWHERE_SIX = "2001:db8::53"  # no route there
QUICK = "min-refresh-time 1; max-refresh-time 1; min-retry-time 1; max-retry-time 1;"

ROOT_ZONE = f"""$TTL 60
. IN SOA root. h. 1 60 60 60 5
. IN NS root.
root. IN A {ROOT}
example.test. IN NS ns1.example.test.
example.test. IN NS ns2.example.test.
ns1.example.test. IN A {NS1}
ns1.example.test. IN AAAA {NS1_SIX}
ns2.example.test. IN A {NS2}
"""
CHILD_ZONE = f"""$TTL 60
example.test. IN SOA ns1.example.test. h.example.test. 1 3600 60 86400 3
example.test. IN NS ns1.example.test.
example.test. IN NS ns2.example.test.
ns1.example.test. IN A {NS1}
ns1.example.test. IN AAAA {NS1_SIX}
ns1.example.test. IN AAAA {NOWHERE_SIX}
ns2.example.test. IN A {NS2}
ns3.example.test. IN A {NS3}
{NAME}. 60 IN TXT "neighbour"
"""


class Network:
    """The servers by what they are; started with their own text of zones and ways of hearing of changes."""

    def __init__(self, folder):
        self.folder, self.namespace, self.servers = folder, Namespace(), {}
        self.key = Key.new("home")

    def start(self):
        self.namespace.start(ROOT, PRIMARY, NS1, NS2, RESOLVER, NS3, NS1_SIX)
        return self

    def add(self, role, address, more=(), **options):
        server = Bind(self.folder / role, keys=[self.key], zones=(), address=address, port=53, more=more, **options)
        server.zones = []
        server.prefix = self.namespace.prefix
        self.servers[role] = server
        return server

    def serve(self, root_zone=ROOT_ZONE, child_zone=CHILD_ZONE, notify=(NS1, NS2), ns2=QUICK, ns3=None):
        root = self.add("root", ROOT, config='zone "." { type primary; file "root.db"; };')
        root.write_zone("", root_zone)
        told = " ".join(f"{address};" for address in notify)
        primary = self.add("primary", PRIMARY, config='zone "example.test" { type primary; file "example.test.db"; '
                           f'update-policy {{ grant home. zonesub TXT; }}; also-notify {{ {told} }}; }};')
        primary.write_zone("example.test", child_zone)
        self.secondary("ns1", NS1, QUICK, [NS1_SIX])
        self.secondary("ns2", NS2, ns2)
        if ns3 is not None:
            self.secondary("ns3", NS3, ns3) if ns3 else self.add("ns3", NS3)
        resolver = self.add("resolver", RESOLVER, recursion=True, config='zone "." { type hint; file "hint.db"; };')
        resolver.write_zone("hint", f". 60 IN NS root.\nroot. 60 IN A {ROOT}\n").rename(resolver.folder / "hint.db")
        for server in self.servers.values():
            server.start()
        for role in ("primary", "ns1", "ns2", "ns3") if ns3 else ("primary", "ns1", "ns2"):
            wait_until(lambda: self.servers[role].txt(NAME) == ["neighbour"], f"{role} to serve the zone")
        return self

    def secondary(self, role, address, options, more=()):
        self.add(role, address, more, config='zone "example.test" { type secondary; file "z.db"; '
                 f'masterfile-format text; primaries {{ {PRIMARY}; }}; {options} }};')

    def __getattr__(self, role):
        return self.servers[role]

    def stop(self):
        for server in self.servers.values():
            if server.process and server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)
            server.stop()
        self.namespace.stop()


class Client(Everleaf):
    """Runs inside the network."""

    def __init__(self, folder, network):
        super().__init__(folder, like=made())
        self.network = network

    def account(self, **settings):
        key = self.network.key
        self.secret(key.secret)
        lines = {"server": PRIMARY, "key_name": key.name, "key_secret": key.secret, "resolvers": [RESOLVER], **settings}
        path = self.folder / "home.yaml"
        path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in lines.items() if value is not None))
        self.run("dns", "add", "rfc2136", "home", "--credentials", path)
        return self

    def start(self, *args, **options):
        return subprocess.Popen([*self.network.namespace.prefix, BINARY, *map(str, args)], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

    def inside(self, *args, status=0, limit_s=60):
        """run() in the network; its standard error."""
        process = self.start(*args)
        out, err = process.communicate(timeout=limit_s)
        assert self.network.key.secret not in out + err and not SANITIZER.search(err)
        assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
        self.out = out
        return err


@pytest.fixture
def network(tmp_path_factory):
    if not Namespace.is_possible():
        pytest.skip("this kernel has no network namespace for us: propagation on port 53 is not tested")
    network = Network(tmp_path_factory.mktemp("network")).start()
    try:
        yield network
        for role in "primary", "ns1":
            wait_until(lambda: network.servers[role].txt(NAME) == ["neighbour"], f"{role} to have the zone as it was")
    finally:
        network.stop()


@pytest.fixture
def client(tmp_path, network):
    return Client(tmp_path / "everleaf", network)


def servers_of(client):
    told = json.loads(client.out)
    return {row["address"]: row for row in (told["servers"] if isinstance(told, dict) else told)}


@pytest.mark.option("dns test")
def test_every_server_of_parent_and_child_is_asked_over_both_families(network, client):
    network.serve()
    client.account()
    err = client.inside("--json", "dns", "test", "home", "example.test")
    seen = servers_of(client)
    assert set(seen) == {f"{PRIMARY}:53", f"{NS1}:53", f"{NS2}:53", f"[{NS1_SIX}]:53"}
    assert {row["state"] for row in seen.values()} == {"has it"}
    assert seen[f"[{NS1_SIX}]:53"]["name"] == "ns1.example.test" and seen[f"{PRIMARY}:53"]["own"]
    assert NOWHERE_SIX not in err  # no way there from here: that is not the server's fault


def test_a_server_that_lags_is_waited_for(network, client):
    """ns2 is not notified; it looks by itself once a second, and may do so only when we say."""
    network.serve(notify=[NS1])
    client.account()
    network.ns2.process.send_signal(signal.SIGSTOP)
    process = client.start("dns", "present", "home", NAME, "late")
    wait_until(lambda: "late" in network.ns1.txt(NAME), "ns1 to have the value")
    assert process.poll() is None
    network.ns2.process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "late" in network.ns2.txt(NAME)
    assert "does not answer" not in err
    client.inside("dns", "cleanup", "home", NAME, "late")


def test_a_server_that_answers_without_the_value_is_named_when_time_is_up(network, client):
    network.serve(notify=[NS1], ns2="min-refresh-time 3600;")
    client.account(propagation_timeout=3)
    began = time.monotonic()
    err = client.inside("dns", "present", "home", NAME, "never", status=1)
    assert 3 <= time.monotonic() - began < 15
    assert re.search(rf"not at all name servers after [34] s: ns2.example.test \({NS2}:53\) has it not$", err.strip())
    assert "never" not in network.primary.txt(NAME)  # taken away again


def test_a_silent_server_is_named_and_not_waited_for_long(network, client):
    network.serve()
    client.account()
    network.ns2.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    err = client.inside("dns", "present", "home", NAME, "a", "b")
    assert 9 < time.monotonic() - began < 25
    assert err.count(f"ns2.example.test ({NS2}:53) does not answer") == 1, err
    assert {"a", "b"} <= set(network.ns1.txt(NAME))
    network.ns2.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "a" in network.ns2.txt(NAME), "ns2 to catch up")
    client.inside("dns", "cleanup", "home", NAME, "a", "b")


def test_a_closed_port_is_named_and_hardly_waited_for(network, client):
    network.serve()
    client.account()
    network.ns2.stop()
    began = time.monotonic()
    err = client.inside("dns", "present", "home", NAME, "a")
    assert time.monotonic() - began < 8
    assert f"ns2.example.test ({NS2}:53) does not answer: its port is closed" in err
    client.inside("dns", "cleanup", "home", NAME, "a")


def test_servers_that_only_one_side_lists(network, client):
    """The parent has ns3 too, which is a good secondary; it must have the value like all others."""
    listed = ROOT_ZONE + f"example.test. IN NS ns3.example.test.\nns3.example.test. IN A {NS3}\n"
    network.serve(root_zone=listed, notify=[NS1, NS2, NS3], ns3=QUICK)
    client.account()
    client.inside("--json", "dns", "test", "home", "example.test")
    assert servers_of(client)[f"{NS3}:53"]["state"] == "has it"


def test_a_server_that_only_the_child_lists(network, client):
    network.serve(child_zone=CHILD_ZONE + "example.test. IN NS ns3.example.test.\n", notify=[NS1, NS2, NS3], ns3=QUICK)
    client.account()
    client.inside("--json", "dns", "test", "home", "example.test")
    assert servers_of(client)[f"{NS3}:53"]["state"] == "has it"


def test_a_lame_server_is_named(network, client):
    """The parent lists ns3, which does not serve the zone."""
    listed = ROOT_ZONE + f"example.test. IN NS ns3.example.test.\nns3.example.test. IN A {NS3}\n"
    network.serve(root_zone=listed, ns3="")
    client.account()
    err = client.inside("dns", "present", "home", NAME, "a")
    assert f"ns3.example.test ({NS3}:53) REFUSED" in err
    client.inside("dns", "cleanup", "home", NAME, "a")


def test_many_long_values_are_seen_over_tcp(network, client):
    values = [f"{i:02}" + "w" * 250 for i in range(12)]
    network.serve()
    client.account()
    client.inside("dns", "present", "home", NAME, *values)
    assert set(values) <= set(network.ns2.txt(NAME))
    client.inside("dns", "cleanup", "home", NAME, *values)


def test_a_resolver_that_remembers_an_absence_is_waited_for(network, client):
    network.serve()
    client.account(propagation="recursive")
    fresh = "_acme-challenge.fresh.example.test"
    assert network.resolver.txt(fresh) == []
    client.inside("dns", "present", "home", fresh, "seen")
    assert network.resolver.txt(fresh) == ["seen"]
    client.inside("dns", "cleanup", "home", fresh, "seen")


def test_without_a_resolver_the_accounts_own_servers_are_asked(network, client):
    network.serve()
    client.account(resolvers=["127.0.0.99"])
    err = client.inside("--json", "dns", "test", "home", "example.test")
    assert set(servers_of(client)) == {f"{PRIMARY}:53"}
    assert "the name servers of example.test cannot be found (127.0.0.99:53 cannot be reached" in err


def test_servers_named_by_the_account_stand_for_the_zones(network, client):
    network.serve()
    client.account(resolvers=["127.0.0.99"], servers=[NS2])
    client.inside("--json", "dns", "test", "home", "example.test")
    assert set(servers_of(client)) == {f"{PRIMARY}:53", f"{NS2}:53"}


@pytest.mark.option("dns watch")
def test_watch_tells_who_has_it_and_who_does_not(network, client):
    network.serve(notify=[NS1], ns2="min-refresh-time 3600;")
    client.account(propagation="none")
    client.inside("dns", "present", "home", NAME, "half")
    wait_until(lambda: "half" in network.ns1.txt(NAME), "ns1 to have the value")
    client.inside("--json", "dns", "watch", "example.test", "half", "--account", "home", "--once", status=1)
    states = {address: row["state"] for address, row in servers_of(client).items()}
    assert states == {f"{PRIMARY}:53": "has it", f"{NS1}:53": "has it", f"[{NS1_SIX}]:53": "has it", f"{NS2}:53": "has not"}
    client.inside("dns", "cleanup", "home", NAME, "half")


def test_a_resolver_is_never_asked_for_what_is_not_there_yet(network, client):
    """Not for aliases either: it would remember for a minute that there is nothing, and the CA that asks it would believe it."""
    network.serve(child_zone=CHILD_ZONE.replace("86400 3", "86400 60"))
    key, program, settings = client.folder / "key", client.folder / "program", client.folder / "own.yaml"
    key.write_text(network.key.bind)
    program.write_text(f"""#!/bin/sh
        case $1 in present) act=add ;; *) act=delete ;; esac
        echo "server {PRIMARY}\nupdate $act $2 60 TXT $3\nsend" | nsupdate -k {key}
        """)
    program.chmod(0o755)
    settings.write_text(f"program: {program}\nzone: example.test\npropagation: recursive\npropagation_timeout: 10\nresolvers: [{RESOLVER}]\n")
    settings.chmod(0o600)
    client.run("dns", "add", "exec", "own", "--credentials", settings)
    client.inside("dns", "test", "own", "new.example.test")
    assert f"{RESOLVER}:53" in client.out
