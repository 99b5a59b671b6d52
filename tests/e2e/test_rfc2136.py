"""RFC 2136 against BIND, Knot and PowerDNS: what is written, what is left alone, and what each one's refusals become."""

import json
import re
import time
from pathlib import Path

import pytest

from env import Everleaf, made
from env.bind import Bind
from env.dns_proxy import DnsProxy, unsigned
from env.knot import Knot
from env.nameserver import ALGORITHMS, Key
from env.powerdns import PowerDns

SERVERS = {"bind": Bind, "knot": Knot, "powerdns": PowerDns}
NAME = "_acme-challenge.example.test"
ZONES = ("example.test", "other.test", "sub.example.test")


@pytest.fixture(scope="module")
def keys():
    return {algorithm: Key.new(algorithm.replace("hmac", "key"), algorithm) for algorithm in ALGORITHMS}


@pytest.fixture(scope="module")
def started(tmp_path_factory, keys):
    """One of each kind, when first asked for."""
    running = {}

    def get(kind):
        if kind not in running:
            running[kind] = SERVERS[kind](tmp_path_factory.mktemp(kind), keys.values(), ZONES).start()
        return running[kind]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture(params=SERVERS)
def server(request, started):
    """Whatever a test does to it, its zones are afterwards what they were."""
    server = started(request.param)
    server.kind = request.param
    before = [server.whole(zone) for zone in ZONES]
    yield server
    assert [server.whole(zone) for zone in ZONES] == before


@pytest.fixture
def bind(started):
    before = [started("bind").whole(zone) for zone in ZONES]
    yield started("bind")
    assert [started("bind").whole(zone) for zone in ZONES] == before


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path / "everleaf", like=made())


class Client(Everleaf):
    """An Everleaf with accounts of rfc2136."""

    def account(self, name, server=None, key=None, status=0, **settings):
        lines = {"server": getattr(server, "server", server), "propagation": "none", **settings}
        if isinstance(key, str):
            lines["key"] = key
        elif key:
            self.secret(key.secret)
            lines |= {"key_name": key.name, "key_algorithm": key.algorithm, "key_secret": key.secret}
        path = self.folder / f"{name}.yaml"
        path.write_text("".join(f"{name}: {json.dumps(str(value) if isinstance(value, Path) else value)}\n"
                                for name, value in lines.items()))
        return self.run("dns", "add", "rfc2136", name, "--credentials", path, status=status)

    def refusal(self, *args, status=1):
        return self.error("dns", "present", "home", NAME, "v", *args, status=status)


# what is written

@pytest.mark.option("dns present")
@pytest.mark.option("dns cleanup")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_adds_and_removes_exactly_its_values(server, client, keys, algorithm):
    client.account("home", server, keys[algorithm])
    before = server.txt(NAME)
    client.run("dns", "present", "home", NAME, "apex", "wildcard")
    assert server.txt(NAME) == sorted([*before, "apex", "wildcard"])
    client.run("dns", "cleanup", "home", NAME, "apex")
    assert server.txt(NAME) == sorted([*before, "wildcard"])
    client.run("dns", "cleanup", "home", NAME, "wildcard")


def test_neighbours_keep_values_and_ttl(server, client, keys):
    """The set's TTL is 120 there; an addition with another one would change the neighbours' too."""
    client.account("home", server, keys["hmac-sha256"], ttl=30)
    before = set(server.whole())
    client.run("dns", "present", "home", NAME, "mine")
    assert set(server.whole()) == before | {f'{NAME}. 120 IN TXT "mine"'}
    client.run("dns", "cleanup", "home", NAME, "mine")


def test_the_account_says_the_ttl_of_a_new_set(server, client, keys):
    client.account("home", server, keys["hmac-sha256"], ttl=33)
    before = set(server.whole())
    client.run("dns", "present", "home", "_acme-challenge.new.example.test", "mine")
    assert set(server.whole()) == before | {'_acme-challenge.new.example.test. 33 IN TXT "mine"'}
    client.run("dns", "cleanup", "home", "_acme-challenge.new.example.test", "mine")


def test_there_already_and_gone_already_are_fine(server, client, keys):
    client.account("home", server, keys["hmac-sha256"])
    for _ in range(2):
        client.run("dns", "present", "home", NAME, "twice")
    assert server.txt(NAME).count("twice") == 1
    for _ in range(2):
        client.run("dns", "cleanup", "home", NAME, "twice")


def test_long_values_and_odd_ones(server, client, keys):
    values = ["z" * 300, "with \"quotes\" and \\", "with blanks  and ;"]
    client.account("home", server, keys["hmac-sha512"])
    before = len(server.txt(NAME))
    client.run("dns", "present", "home", NAME, *values)
    assert len(server.txt(NAME)) == before + 3 and "z" * 300 in server.txt(NAME)
    client.run("dns", "cleanup", "home", NAME, *values)


def test_more_than_one_message_holds(bind, client, keys):
    """70 values of 400 bytes are 28 kB."""
    values = [f"{i:03}" + "v" * 397 for i in range(70)]
    client.account("home", bind, keys["hmac-sha256"])
    client.run("dns", "present", "home", "many.example.test", *values)
    assert bind.txt("many.example.test") == values
    client.run("dns", "cleanup", "home", "many.example.test", *values)


def test_two_processes_at_one_name(server, client, keys, tmp_path):
    clients = [Client(tmp_path / f"client{i}") for i in range(4)]
    for one in clients:
        one.account("home", server, keys["hmac-sha256"])
    before = server.txt(NAME)
    for verb, want in ("present", before + [f"from{i}" for i in range(4)]), ("cleanup", before):
        running = [one.start("dns", verb, "home", NAME, f"from{i}") for i, one in enumerate(clients)]
        for process in running:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
        assert server.txt(NAME) == sorted(want)


# which zone, which server, which key

def test_the_zone_is_found_by_asking_that_server(server, client, keys):
    """www.example.test is in example.test, a.sub.example.test in sub.example.test; no other DNS knows them."""
    client.account("home", server, keys["hmac-sha256"])
    for name in "_acme-challenge.a.b.www.example.test", "_acme-challenge.a.sub.example.test":
        client.run("dns", "present", "home", name, "v")
        assert server.txt(name) == ["v"]
        client.run("dns", "cleanup", "home", name, "v")


def test_a_name_in_no_zone_of_the_server(server, client, keys):
    client.account("home", server, keys["hmac-sha256"])
    line = client.error("dns", "present", "home", "_acme-challenge.example.org", "v", status=1)
    assert "home" in line and "no zone for _acme-challenge.example.org" in line


def test_the_zones_mapping_takes_the_longest_domain(bind, client, keys):
    """Each domain has a key of its own; the account has none. Names without an entry are refused."""
    a, b = keys["hmac-sha224"], keys["hmac-sha384"]
    entries = [{"domain": "example.test", "zone": "example.test", "key_name": a.name, "key_algorithm": a.algorithm,
                "key_secret": client.secret(a.secret)},
               {"domain": "sub.example.test", "key_name": b.name, "key_algorithm": b.algorithm,
                "key_secret": client.secret(b.secret)}]
    client.account("home", bind, zones=entries)
    for name in "_acme-challenge.example.test", "_acme-challenge.x.sub.example.test":
        client.run("dns", "present", "home", name, "mapped")
        assert "mapped" in bind.txt(name)
        client.run("dns", "cleanup", "home", name, "mapped")
    line = client.error("dns", "present", "home", "_acme-challenge.other.test", "v", status=1)
    assert "REFUSED" in line or "no zone" in line


def test_a_key_file_as_tsig_keygen_prints_it(bind, client, keys, tmp_path):
    path = tmp_path / "home.key"
    path.write_text("// several\n" + keys["hmac-sha1"].bind + keys["hmac-sha512"].bind)
    client.secret(keys["hmac-sha1"].secret)
    client.secret(keys["hmac-sha512"].secret)
    client.account("home", bind, key_file=path, key_name="key-sha512")
    path.unlink()  # its content is what is kept
    client.run("dns", "present", "home", NAME, "by file")
    assert "by file" in bind.txt(NAME)
    client.run("dns", "cleanup", "home", NAME, "by file")


def test_udp(bind, client, keys):
    client.account("home", bind, keys["hmac-sha256"], transport="udp")
    client.run("dns", "present", "home", NAME, "udp")
    assert "udp" in bind.txt(NAME)
    client.run("dns", "cleanup", "home", NAME, "udp")


@pytest.mark.parametrize("address, server", [("::1", "[::1]:{}"), ("127.0.0.1", "localhost:{}")])
def test_addresses_of_both_kinds_and_host_names(tmp_path, client, address, server):
    key = Key.new("home")
    with Bind(tmp_path / "bind", [key], address=address) as bind:
        client.account("home", server.format(bind.port), key)
        before = bind.whole()
        client.run("dns", "present", "home", NAME, "six")
        assert "six" in bind.txt(NAME)
        client.run("dns", "cleanup", "home", NAME, "six")
        assert bind.whole() == before


def test_a_server_that_looks_at_addresses_needs_no_key(tmp_path, client):
    with Bind(tmp_path / "bind", policy=lambda zone: "allow-update { 127.0.0.1; };") as bind:
        client.account("home", bind)
        client.run("dns", "present", "home", NAME, "keyless")
        assert "keyless" in bind.txt(NAME)
        client.run("dns", "cleanup", "home", NAME, "keyless")
    with Bind(tmp_path / "closed", policy=lambda zone: "allow-update { none; };") as bind:
        client.account("closed", bind)
        line = client.error("dns", "present", "closed", NAME, "v", status=1)
        assert "REFUSED" in line and "give a key" in line
        assert "v" not in bind.txt(NAME)


# refusals; the table of what each server says is in the research that this was built from

# Knot before 3.4 says BADKEY, later ones nothing more than NOTAUTH.
REFUSALS = {
    "wrong secret": {"bind": "unsigned: NOTAUTH, BADSIG", "knot": "unsigned: NOTAUTH, BADSIG", "powerdns": "unsigned: "},
    "unknown key": {"bind": "unsigned: NOTAUTH, BADKEY", "knot": "unsigned: NOTAUTH", "powerdns": "unsigned: "},
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_key_that_is_not_the_servers(server, client, keys, case):
    good = keys["hmac-sha256"]
    key = Key.new(good.name) if case == "wrong secret" else Key.new("stranger")
    client.account("home", server, key)
    line = client.refusal()
    assert "DNS account home (rfc2136)" in line and REFUSALS[case][server.kind] in line, line
    assert key.name in line
    if "BADKEY" in line:
        assert "unknown there" in line and "not allowed for this name" in line


@pytest.mark.parametrize("case", REFUSALS)
def test_a_key_that_is_not_the_servers_for_a_fixed_zone(server, client, keys, case):
    """Nothing is asked before the update itself."""
    key = Key.new(keys["hmac-sha256"].name) if case == "wrong secret" else Key.new("stranger")
    client.account("home", server, key, zone="example.test")
    line = client.refusal()
    assert "example.test" in line and key.name in line and REFUSALS[case][server.kind] in line, line


@pytest.mark.parametrize("offset, word", [(4000, "ahead of"), (-4000, "behind")])
def test_clocks_that_differ(server, client, keys, offset, word):
    client.account("home", server, keys["hmac-sha256"], zone="example.test")
    line = client.error("dns", "present", "home", NAME, "v", status=1, env={"EVERLEAF_CLOCK_OFFSET_S": str(offset)})
    if server.kind == "powerdns":
        assert "unsigned: " in line
    else:
        seconds = int(re.search(r"BADTIME: this machine's clock is (\d+) s " + word, line)[1])
        assert abs(seconds - 4000) < 30, line


def test_a_zone_that_is_not_served_there(server, client, keys):
    client.account("home", server, keys["hmac-sha256"], zone="elsewhere.test")
    line = client.error("dns", "present", "home", "_acme-challenge.elsewhere.test", "v", status=1)
    assert "NOTAUTH" in line and "elsewhere.test" in line


def test_a_name_outside_the_zone_never_leaves_this_machine(server, client, keys):
    client.account("home", server, keys["hmac-sha256"], zone="other.test")
    assert "not in other.test" in client.refusal()


def test_bind_policy_that_does_not_allow_the_name(tmp_path, client):
    key = Key.new("narrow")
    allowed = "_acme-challenge.www.example.test"
    with Bind(tmp_path / "bind", [key], policy=lambda zone: f"update-policy {{ grant narrow. name {allowed}. TXT; }};") as bind:
        client.account("home", bind, key)
        before = bind.whole()
        line = client.refusal()
        assert "says: REFUSED: the key narrow is not allowed for this name" in line and "update-policy" in line
        # a value that it could not write needs no taking away, one that somebody else wrote does
        client.run("dns", "cleanup", "home", NAME, "v")
        long = next(value for value in bind.txt(NAME) if value.startswith("x"))
        assert "REFUSED" in client.error("dns", "cleanup", "home", NAME, long, status=1)
        # one of two names is not allowed: nothing of the message is done
        client.run("dns", "present", "home", allowed, "v")
        client.run("dns", "cleanup", "home", allowed, "v")
        assert bind.whole() == before


def test_knot_rules_that_do_not_allow_the_name(tmp_path, client):
    key = Key.new("narrow")
    with Knot(tmp_path / "knot", [key], owner_names=["_acme-challenge.www"]) as knot:
        client.account("home", knot, key)
        before = knot.whole()
        line = client.refusal()
        assert "unsigned: NOTAUTH" in line and "not allowed for this name" in line
        client.run("dns", "present", "home", "_acme-challenge.www.example.test", "v")
        client.run("dns", "cleanup", "home", "_acme-challenge.www.example.test", "v")
        assert knot.whole() == before


def test_a_zone_that_is_delegated_away(tmp_path, client):
    key = Key.new("home")
    bind = Bind(tmp_path / "bind", [key], zones=())
    bind.write_zone("example.test", "$TTL 60\n@ IN SOA ns1 h 1 1 1 1 1\n@ IN NS ns1\nns1 IN A 127.0.0.1\n"
                                    "sub IN NS ns.elsewhere.example.\n")
    bind.config = 'zone "example.test" { type primary; file "example.test.db"; update-policy { grant home. zonesub TXT; }; };'
    with bind:
        client.account("home", bind, key)
        line = client.error("dns", "present", "home", "_acme-challenge.sub.example.test", "v", status=1)
        assert "delegates to other servers" in line


# answers that lie, lines that are cut

@pytest.fixture
def proxy(bind):
    with DnsProxy(bind) as proxy:
        yield proxy


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def cut_after(message, forward):
    forward(message)


@pytest.mark.parametrize("action", [lambda message, forward: None, cut_after,
                                    lambda message, forward: unsigned(message, 2)],
                         ids=["cut before", "cut after", "SERVFAIL"])
def test_what_may_be_retried_is(bind, client, keys, proxy, action):
    client.account("home", proxy.address, keys["hmac-sha256"], zone="example.test")
    for verb, count in ("present", 1), ("cleanup", 0):
        proxy.spoil(action)
        client.run("dns", verb, "home", NAME, "v")
        assert proxy.updates == 2
        assert bind.txt(NAME).count("v") == count


@pytest.mark.parametrize("action, words", [
    (lambda message, forward: unsigned(message, 0), "answers NOERROR unsigned: that is no proof"),
    (lambda message, forward: unsigned(message, 5), "says, unsigned: REFUSED"),
    (lambda message, forward: flip(forward(message), -30), "not right"),
    (lambda message, forward: b"HTTP/1.1 400 Bad Request\r\n\r\n", "something else than was asked"),
    (lambda message, forward: flip(forward(message), 1), "something else than was asked"),
], ids=["forged success", "forged refusal", "one byte changed", "not DNS", "wrong number"])
def test_what_is_not_proved_is_not_believed(bind, client, keys, proxy, action, words):
    client.account("home", proxy.address, keys["hmac-sha256"], zone="example.test")
    proxy.spoil(action, times=4)
    line = client.refusal()
    assert words in line, line
    proxy.spoil(None, times=0)
    client.run("dns", "cleanup", "home", NAME, "v")


def test_a_server_that_stays_broken(bind, client, keys, proxy):
    client.account("home", proxy.address, keys["hmac-sha256"], zone="example.test")
    proxy.spoil(lambda message, forward: unsigned(message, 2), times=9)
    assert "SERVFAIL" in client.refusal(status=75)
    assert proxy.updates == 8  # four times to add, and four to take away what may have got there


def test_a_slow_answer_is_waited_for(bind, client, keys, proxy):
    def slow(message, forward):
        time.sleep(2)
        return forward(message)

    client.account("home", proxy.address, keys["hmac-sha256"], zone="example.test")
    proxy.spoil(slow)
    client.run("dns", "present", "home", NAME, "v")
    assert proxy.updates == 1
    client.run("dns", "cleanup", "home", NAME, "v")


def test_a_server_that_is_not_there(client, bind):
    client.account("home", "127.0.0.1:9", Key.new("k"), zone="example.test")
    assert "127.0.0.1:9 cannot be reached: Connection refused" in client.refusal(status=75)
    client.account("lost", "no-such-host.invalid", Key.new("k"), zone="example.test")
    assert "no-such-host.invalid" in client.error("dns", "present", "lost", NAME, "v", status=75)


# settings

@pytest.mark.parametrize("settings, words", [
    ({"server": ""}, "server"),
    ({"server": "ns1.example.test:99999"}, "HOST:PORT"),
    ({"server": "http://ns1"}, "HOST:PORT"),
    ({"server": "[::1"}, "HOST"),
    ({"server": "ns1", "key_name": "home"}, "key_secret is missing"),
    ({"server": "ns1", "key_secret": "AQID"}, "key_name is missing"),
    ({"server": "ns1", "key_name": "home", "key_secret": "top*secret"}, "not base64"),
    ({"server": "ns1", "key_name": "home", "key_secret": "AQID", "key_algorithm": "hmac-sha3"}, "no TSIG algorithm"),
    ({"server": "ns1", "key": "options { };"}, "no \"key\""),
    ({"server": "ns1", "transport": "tls"}, "tcp or udp"),
    ({"server": "ns1", "zones": [{"zone": "example.test"}]}, "domain"),
    ({"server": "ns1", "zones": [{"domain": "example.test", "zone": "other.test"}]}, "not in its zone"),
    ({"server": "ns1", "keyname": "home"}, "keyname"),
])
def test_settings_that_do_not_fit(client, settings, words):
    client.secret("top*secret")
    result = client.account("home", status=2, **settings)
    assert words in result.err, result
