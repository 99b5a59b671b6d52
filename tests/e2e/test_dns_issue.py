"""Names proved through DNS accounts, against BIND with keys and a Pebble that asks it; the zones are afterwards what they were."""

import os
import re
import signal
import subprocess

import pytest

from env import Everleaf, FaultProxy, Pebble
from env.bind import Bind
from env.certs import assert_good, dns_names, load
from env.everleaf import BINARY
from env.nameserver import Key, dig, zone_text
from test_renew import PAST

ALIASES = """
_acme-challenge.alias.example.test. IN CNAME alias.proofs.other.test.
_acme-challenge.far.example.test. IN CNAME far.one.example.test.
one.example.test. IN DNAME two.other.test.
branch.example.test. IN DNAME branch.other.test.
_acme-challenge.round.example.test. IN CNAME _acme-challenge.about.example.test.
_acme-challenge.about.example.test. IN CNAME _acme-challenge.round.example.test.
"""
ZONES = ("example.test", "deep.example.test", "other.test", "test")
ROOM = "tcp-clients 2000; tcp-listen-queue 1000; "  # Pebble asks by TCP, three times for each name, all at once
UP = "test. 300 IN SOA ns1.test. hostmaster.test. 1 3600 600 86400 5\ntest. IN NS ns1.test.\nns1.test. IN A 127.0.0.1\n"


class LabBind(Bind):
    """`home` may write example.test and other.test, `deep` only deep.example.test."""

    def write_zone(self, zone, text=None):
        return super().write_zone(zone, {"example.test": zone_text(zone) + ALIASES, "test": "$TTL 300\n" + UP}.get(zone))

    def all_keys(self, zone):
        key = {"deep.example.test": "deep", "test": "none"}.get(zone, "home")
        if key == "none":
            return ""
        third = "grant third. zonesub TXT; " if key == "home" else ""
        return f"update-policy {{ grant {key}. zonesub TXT; {third}}};"


@pytest.fixture(scope="module")
def keys():
    return {name: Key.new(name) for name in ("home", "deep", "third")}


@pytest.fixture(scope="module")
def bind(tmp_path_factory, keys):
    with LabBind(tmp_path_factory.mktemp("bind"), keys.values(), ZONES, options=ROOM + "querylog yes; ") as server:
        yield server


@pytest.fixture(scope="module")
def resolver(tmp_path_factory, bind):
    """What the CA asks: it follows aliases from zone to zone, and remembers nothing."""
    config = f'zone "test" {{ type forward; forward only; forwarders {{ {bind.address} port {bind.port}; }}; }};\n'
    with Bind(tmp_path_factory.mktemp("resolver"), zones=(), recursion=True, config=config, name="resolver",
              options=ROOM + "max-cache-ttl 0; max-ncache-ttl 0;") as server:
        yield server


@pytest.fixture(scope="module")
def ca(tmp_path_factory, lab, resolver):
    with Pebble(tmp_path_factory.mktemp("pebble"), lab, resolver.server) as server:
        yield server


@pytest.fixture
def before(bind):
    """All zones as they are before a test; after it they are the same."""
    zones = {zone: bind.whole(zone) for zone in ZONES}
    yield zones
    assert {zone: bind.whole(zone) for zone in ZONES} == zones


@pytest.fixture
def box(tmp_path, ca, lab, before):
    return Everleaf(tmp_path / "everleaf", ca, lab).register()


@pytest.fixture
def add(box, bind, keys):
    """add("home", zone=…, …) makes the account of that key; everybody is asked where BIND is."""

    def make(key="home", *options, name=None, everleaf=None, **over):
        name, everleaf = name or key, everleaf or box
        lines = {"server": bind.server, "key_name": key, "key_secret": everleaf.secret(keys[key].secret), "servers": f"[{bind.server}]",
                 "resolvers": f"[{bind.server}]", **over}
        path = everleaf.folder / f"{name}.yaml"
        path.write_text("".join(f"{k}: {v if str(v).startswith('[') else repr(v)}\n" for k, v in lines.items()))
        path.chmod(0o600)
        everleaf.run("dns", "add", "rfc2136", name, "--credentials", path, *options)
        return everleaf

    return make


@pytest.fixture
def home(add):
    return add("home")


@pytest.fixture
def updates(bind):
    """updates() -> (key, action, name) of each record that was written since the test began."""
    start = len(bind.log())

    def look():
        return [(key, action, name.rstrip(".")) for key, action, name in
                re.findall(r"/key (\S+): updating zone '\S+/IN': (adding|deleting) an RR at '?([^' ]+)'?", bind.log()[start:])]

    return look


def leftovers(everleaf):
    return everleaf.sql("select count(*) from challenges")[0][0] + everleaf.sql("select count(*) from locks")[0][0]


@pytest.mark.option("issue", "--dns")
def test_apex_and_wildcard(home, ca, bind, before):
    assert home.json("issue", "example.test", "*.example.test", "--dns", "home")["issued"] == ["example.test"]
    assert_good(home.live("example.test"), ca.root_file())
    assert sorted(dns_names(load(home.live("example.test", "cert.pem")))) == ["*.example.test", "example.test"]
    assert {zone: bind.whole(zone) for zone in ZONES} == before
    assert leftovers(home) == 0
    shown = home.show("example.test")
    assert shown["method"] == "dns" and shown["challenge"] == "dns-01" and shown["dns"] == ["home"]


def test_the_ca_sees_both_values_at_once(tmp_path, lab, ca, bind, add):
    seen = []
    with FaultProxy(ca, lab) as proxy:
        box = add("home", everleaf=Everleaf(tmp_path / "proxied", proxy, lab).register())

        def look(handler, exchange):
            seen.append(len(bind.txt("_acme-challenge.example.test")))
            handler.forward(exchange)
            handler.pass_on(exchange)

        proxy.on("chalZ", look, method="POST")
        box.run("issue", "example.test", "*.example.test", "--dns", "home")
    assert seen and set(seen) == {4}, "two neighbours and two of ours, whenever the CA is asked to look"


def test_many_names_over_one_zone(tmp_path, lab, bind, add, before, updates):
    names = [f"n{i}.example.test" for i in range(100)]
    start = len(bind.log())
    with Pebble(tmp_path / "direct", lab, bind.server) as direct:
        box = add("home", everleaf=Everleaf(tmp_path / "many", direct, lab).register())
        box.run("issue", *names, "--dns", "home", "--name", "many", timeout=60)
        assert sorted(dns_names(load(box.live("many", "cert.pem")))) == sorted(names)
    assert len([action for _, action, _ in updates() if action == "adding"]) == 100
    asked = re.findall(r"query: (\S+) IN SOA (\S+)", bind.log()[start:])
    signed = [name for name, flags in asked if "S" in flags]
    assert len(signed) == 1, "one question shows that the key is known; the others go out side by side"
    assert len({name for name, _ in asked if name.startswith("_acme")}) == 100
    assert leftovers(box) == 0


def test_through_an_alias_into_another_zone(home, bind, updates):
    home.run("issue", "alias.example.test", "--dns", "home")
    assert {name for _, _, name in updates()} == {"alias.proofs.other.test"}


def test_through_a_dname(home, updates):
    home.run("issue", "host.branch.example.test", "far.example.test", "--dns", "home")
    assert {name for _, _, name in updates()} == {"_acme-challenge.host.branch.other.test", "far.two.other.test"}


def test_a_circle_of_aliases_is_told(home, ca):
    orders = ca.orders()
    line = home.error("issue", "round.example.test", "--dns", "home", status=1)
    assert "_acme-challenge.round.example.test" in line and "circle" in line
    assert ca.orders() == orders


def test_each_name_takes_the_account_with_the_longest_zone(add, updates):
    box = add("home", zone="example.test")
    add("deep", zone="deep.example.test")
    box.run("issue", "a.example.test", "a.deep.example.test", "--dns", "home", "--dns", "deep")
    assert {(key, name) for key, _, name in updates()} == {("home", "_acme-challenge.a.example.test"),
                                                           ("deep", "_acme-challenge.a.deep.example.test")}


def test_an_account_is_named_for_one_name(add, updates):
    box = add("home")
    add("third")
    box.run("issue", "a.example.test", "*.b.example.test", "--dns", "home", "--dns", "b.example.test=third")
    assert {(key, name) for key, _, name in updates()} == {("home", "_acme-challenge.a.example.test"),
                                                           ("third", "_acme-challenge.b.example.test")}
    box.run("set", "a.example.test", "--dns", "third")
    assert box.show("a.example.test")["dns"] == ["third"]


def test_a_file_of_certificates_shares_the_accounts(add, updates):
    box = add("home")
    add("third")
    (box.folder / "names").write_text("from-a.example.test\nfrom-b.example.test *.from-b.example.test > b\n")
    box.run("issue", "--from", box.folder / "names", "--dns", "home", "--dns", "from-b.example.test=third")
    assert box.show("from-a.example.test")["dns"] == ["home"]
    assert box.show("b")["dns"] == ["home", "from-b.example.test=third"]
    assert {(key, name) for key, _, name in updates()} == {("home", "_acme-challenge.from-a.example.test"),
                                                           ("third", "_acme-challenge.from-b.example.test")}


def test_a_value_that_never_arrives_keeps_the_order_open(add, bind, ca):
    box, orders = add("home"), ca.orders()
    with Bind(box.folder / "stale", (), ("example.test",)) as stale:
        add("home", name="lagging", servers=f"[{bind.server}, {stale.server}]", propagation_timeout=2)
        assert stale.server in box.error("issue", "lag.example.test", "--dns", "lagging", status=1)
    assert leftovers(box) == 0
    box.run("issue", "lag.example.test", "--dns", "home")
    assert ca.orders() - orders == 1


def test_a_bound_account_keeps_to_its_zones(add, ca):
    box, orders = add("home", "--zone", "other.test"), ca.orders()
    line = box.error("issue", "a.example.test", "--dns", "home", status=1)
    assert "home (rfc2136) is bound to other.test" in line and "dns update home --zone" in line and ca.orders() == orders
    box.run("issue", "alias.example.test", "--dns", "home")


def test_renewal(home, ca):
    home.run("issue", "renewed.example.test", "--dns", "home")
    first = load(home.live("renewed.example.test", "cert.pem")).serial_number
    ca.set_renewal_info(home.live("renewed.example.test", "cert.pem").read_text(), PAST)
    assert home.json("renew", "renewed.example.test")["renewed"] == ["renewed.example.test"]
    assert load(home.live("renewed.example.test", "cert.pem")).serial_number != first
    home.run("dns", "disable", "home")
    assert "disabled" in home.error("renew", "--force", "renewed.example.test", status=1)
    assert "disabled" in home.error("issue", "renewed.example.test", "--dns", "home", "--force", status=1)
    home.run("set", "renewed.example.test", "--renew-before", "20d")
    home.run("dns", "enable", "home")
    home.run("renew", "--force", "renewed.example.test")


@pytest.mark.option("issue", "--challenge")
def test_dns_account_01(home, updates):
    home.run("issue", "own.example.test", "*.own.example.test", "--dns", "home", "--challenge", "dns-account-01")
    names = {name for _, _, name in updates()}
    assert len(names) == 1 and re.fullmatch(r"_[a-z2-7]{16}\._acme-challenge\.own\.example\.test", names.pop())
    assert home.show("own.example.test")["challenge"] == "dns-account-01"
    home.run("issue", "own.example.test", "*.own.example.test", "--dns", "home", "--force")
    assert "http-01" in home.error("issue", "x.example.test", "--dns", "home", "--challenge", "http-01", status=2)


def test_dns_account_01_by_hand(home, bind):
    waiting = home.json("issue", "hand.example.test", "--manual", "--challenge", "dns-account-01")["pending"][0]["challenges"][0]
    assert waiting["type"] == "dns-account-01" and re.match(r"_[a-z2-7]{16}\._acme-challenge\.hand", waiting["name"])
    home.run("dns", "present", "home", waiting["name"], "--", waiting["value"])  # which may begin with a dash
    home.run("verify", "hand.example.test")
    home.run("dns", "cleanup", "home", waiting["name"], "--", waiting["value"])


def test_dry_run(tmp_path, lab, ca, bind, add, before):
    box = Everleaf(tmp_path / "dry", ca, lab)
    with Pebble(tmp_path / "staging", lab, ca.dns) as staging:
        box.run("ca", "add", "lab", ca.directory, "--ca-bundle", lab.root, "--staging", staging.directory, "--resolver", ca.dns)
        box.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos")
        add("home", everleaf=box)
        box.run("issue", "dry.example.test", "*.dry.example.test", "--dry-run", "--dns", "home")
        assert staging.certificates() == 1
        assert box.names() == [] and leftovers(box) == 0


def test_a_wrong_key_never_makes_an_order(add, ca, keys, bind):
    orders = ca.orders()
    box = add("home", name="bad", key_name="nobody")
    line = box.error("issue", "a.example.test", "--dns", "bad", status=1)
    assert "bad" in line and "rfc2136" in line and "nobody" in line
    box = add("home", name="forged", key_secret=box.secret(Key.new("home").secret))
    line = box.error("issue", "b.example.test", "--dns", "forged", status=1)
    assert "forged" in line and "home" in line
    assert leftovers(box) == 0 or ca.orders() == orders


def test_a_key_that_may_not_write_leaves_nothing_to_sweep(add, bind, updates):
    """What was refused is not asked to be taken away at every later run, and the refusal is told once."""
    box = add("home")
    add("deep", name="reader")
    result = box.run("issue", "r.example.test", "*.r.example.test", "--dns", "reader", status=1)
    assert result.err.count("REFUSED") == 1 and "the key deep is not allowed" in result.err
    assert leftovers(box) == 0
    assert "warning" not in box.run("issue", "r.example.test", "*.r.example.test", "--dns", "home").err


def test_a_server_that_is_down_is_to_be_tried_later(add, ca):
    orders = ca.orders()
    box = add("home", name="down", server="127.0.0.1:9")
    assert "down" in box.error("issue", "a.example.test", "--dns", "down", status=75)
    assert ca.orders() == orders, "the zone is asked for before the order is made"
    add("home", name="late", server="127.0.0.1:9", zone="example.test")
    assert "late" in box.error("issue", "a.example.test", "--dns", "late", status=75)
    add("home", name="up")
    box.run("issue", "a.example.test", "--dns", "up")
    assert ca.orders() - orders == 1, "the order that was open is gone on with"


def test_usage(home, ca):
    orders = ca.orders()
    for args, words in [(["a.example.test", "192.0.2.7", "--dns", "home"], "192.0.2.7"),
                        (["a.example.test", "--dns", "nobody"], "nobody"),
                        (["a.example.test", "--dns", "b.example.test=home"], "b.example.test"),
                        (["a.example.test", "b.example.test", "--dns", "a.example.test=home"], "b.example.test"),
                        (["a.example.test", "--dns", "home", "--manual"], "exclude")]:
        assert words in home.error("issue", *args, status=(1, 2))
    assert home.names() == [] and ca.orders() == orders


def test_an_account_in_use_cannot_be_deleted(home):
    home.run("issue", "kept.example.test", "--dns", "kept.example.test=home")
    assert home.json("dns", "show", "home")["certificates"] == ["kept.example.test"]
    assert "kept.example.test" in home.error("dns", "delete", "home", status=1)
    home.run("delete", "kept.example.test")
    home.run("dns", "delete", "home")


def test_no_preflight_publishes_all_the_same(home):
    home.run("issue", "quick.example.test", "--dns", "home", "--no-preflight")


def test_what_a_killed_run_left_goes_when_its_account_is_gone(tmp_path, lab, ca, bind, add, keys):
    """The value stays, since nobody can reach it any more; that is told, and not told for ever."""
    with FaultProxy(ca, lab) as proxy:
        box = add("home", everleaf=Everleaf(tmp_path / "proxied", proxy, lab).register())
        box.run_killed(proxy, "chalZ", "issue", "gone.example.test", "--dns", "home")
        name = "_acme-challenge.gone.example.test"
        (value,) = bind.txt(name)
        box.sql("delete from dns_accounts")
        result = box.run("set", "gone.example.test", *box.standalone()) and box.run("delete", "gone.example.test")
        assert "home" in result.err and name in result.err
        add("home", everleaf=box)
        box.run("dns", "cleanup", "home", name, value)


def test_a_killed_run_is_swept_by_the_next(tmp_path, lab, ca, bind, add):
    with FaultProxy(ca, lab) as proxy:
        box = add("home", everleaf=Everleaf(tmp_path / "proxied", proxy, lab).register())
        box.run_killed(proxy, "chalZ", "issue", "swept.example.test", "--dns", "home")
        assert bind.txt("_acme-challenge.swept.example.test") and leftovers(box) == 1
        box.run("dns", "disable", "home")
        box.run("renew", "swept.example.test", status=1)
        assert not bind.txt("_acme-challenge.swept.example.test"), "a disabled account still takes away"
        assert leftovers(box) == 0


def test_the_account_is_tried(home, bind):
    tried = home.json("dns", "test", "home", "alias.example.test")
    assert tried["ok"] and tried["name"] == "alias.proofs.other.test" and tried["zone"] == "other.test"
    assert [server["state"] for server in tried["servers"]] == ["has it"] * len(tried["servers"]) and tried["servers"]
    assert bind.server in home.run("dns", "test", "home", "www.example.test").out


def test_a_value_that_does_not_arrive_is_told(add, bind):
    other = [key for key in ("127.0.0.1:9",)]
    box = add("home", servers=f"[{bind.server}, {other[0]}]", propagation_timeout=2)
    box.run("dns", "test", "home", "a.example.test")  # one that is silent is named, and does not hold it up
    with Bind(box.folder / "stale", (), ("example.test",)) as stale:
        path = box.folder / "stale.yaml"
        path.write_text(f"servers: [{bind.server}, {stale.server}]\n")
        box.run("dns", "update", "home", "--credentials", path)
        result = box.run("--json", "dns", "test", "home", "a.example.test", status=1)
        states = {server["address"]: server["state"] for server in result.json["servers"]}
        assert states == {bind.server: "has it", stale.server: "has not"}
        assert stale.server in result.json["error"] and result.json["removed"]


@pytest.mark.option("dns watch", "--once", "--account")
def test_watching(tmp_path, lab, ca, bind, add):
    with FaultProxy(ca, lab) as proxy:
        box = add("home", everleaf=Everleaf(tmp_path / "proxied", proxy, lab).register())
        assert "nothing is published" in box.error("dns", "watch", "watched.example.test", status=1)
        looks = []

        def look(handler, exchange):
            looks.append(box.json("dns", "watch", "watched.example.test", "--once"))
            looks.append(box.run("dns", "watch", "watched.example.test").out)
            handler.forward(exchange)
            handler.pass_on(exchange)

        proxy.on("chalZ", look, nth=1, method="POST")
        box.run("issue", "watched.example.test", "--dns", "home")
    assert [(row["address"], row["state"]) for row in looks[0]] == [(bind.server, "has it")]
    assert bind.server in looks[1]


def test_watching_until_it_is_there(home, bind):
    name = "_acme-challenge.later.example.test"
    watch = ["dns", "watch", "later.example.test", "soon", "--account", "home"]
    seen = home.run(*watch, "--once", status=1)
    assert bind.server in seen.out and "has not" in seen.out
    assert "--account" in home.error("dns", "watch", "later.example.test", "--account", "home", status=2)
    process = home.start(*watch)
    try:
        line = process.stdout.readline()
        assert "has not" in line and bind.server in line
        home.run("dns", "present", "home", name, "soon")
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0 and out.startswith("has it") and out.count("\n") == 1, (out, err)
    finally:
        process.kill()
        home.run("dns", "cleanup", "home", name, "soon")


def test_watching_on_a_terminal_redraws_in_place(home, bind):
    """One line for each server, drawn again each second, until a person stops it."""
    master, terminal = os.openpty()
    process = subprocess.Popen([BINARY, "dns", "watch", "never.example.test", "soon", "--account", "home"],
                               env={**home.env, "TERM": "xterm"}, stdin=subprocess.DEVNULL, stdout=terminal,
                               stderr=subprocess.PIPE)
    os.close(terminal)
    seen = b""
    try:
        while seen.count(b"has not") < 2:
            seen += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 75 and process.stderr.read() == b"everleaf: interrupted\n"
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert seen.count(b"\x1b[1A") >= 1 and bind.server.encode() in seen


def test_two_commands_at_one_name(home, bind):
    """Apex and wildcard, as two certificates at the same time: neither takes the other's value away."""
    one = home.start("issue", "pair.example.test", "--dns", "home", "--name", "one")
    two = home.start("issue", "*.pair.example.test", "--dns", "home", "--name", "two")
    for process in (one, two):
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert dig(bind.address, bind.port, "+short", "_acme-challenge.pair.example.test", "TXT") == ""
