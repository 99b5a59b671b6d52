"""
Looking first: zones and servers broken in each way. For each, `preflight` says what the CA would, an attempt makes no order,
and Pebble, asked anyway, refuses. Set-ups that are fine have no finding that fails.
"""

import json
import signal
import socket
import time

import pytest

from env import FaultProxy, Nginx, Pebble
from env.bind import Bind
from env.namespace import Namespace
from env.ports import free_port
from env.process import wait_until
from env.proxy import rewrite
from env.unbound import Unbound
from test_propagation import CHILD_ZONE, NS3, RESOLVER, Client, Network

IDENTITY = "pebble.letsencrypt.org"
ACME = "/.well-known/acme-challenge/"


class Web(Nginx):
    """A web server with more to say than a web root."""

    def serve(self, locations="", listen=""):
        """locations: put into its server; listen: further addresses of it."""
        self.locations, self.listen = locations, listen
        self.configure()
        self.reload()

    def configure(self):
        super().configure()
        path = self.folder / "nginx.conf"
        text = path.read_text().replace(f"root {self.web_root}; }}",
                                        f"root {self.web_root}; {getattr(self, 'locations', '')} {getattr(self, 'listen', '')} }}", 1)
        path.write_text(text)


@pytest.fixture
def web(tmp_path, pebble):
    with Web(tmp_path / "web", http_port=pebble.http_port) as server:
        yield server


def findings(everleaf, *args, status=(0, 1)):
    """{(name, check): finding}"""
    return {(row["name"], row["check"]): row for row in everleaf.json("preflight", *args, status=status)}


def failing(rows):
    return {key: row for key, row in rows.items() if row["verdict"] == "fails"}


def leftovers(folder):
    return [path for path in folder.rglob("*") if ".well-known" in path.parts]


def assert_stopped(everleaf, pebble, name, how, check, problem, words, refuses=True, of=None):
    """The look says so (of the name, or of="" of the whole), and an attempt stops before the CA hears of it; which, asked
    anyway, refuses."""
    rows = failing(findings(everleaf, name, *how, "--ca", "lab", status=1))
    of = name if of is None else of or None
    assert list(rows) == [(of, check)], rows
    row = rows[of, check]
    assert row["problem"] == problem and words in row["text"] and row["mend"], row

    before, asked = pebble.orders(), pebble.orders_asked_for()
    line = everleaf.error("issue", name, *how, status=1)
    assert name in line and words in line and row["mend"][:30] in line and "nothing was asked of the CA" in line
    assert pebble.orders_asked_for() == asked, "an order was asked for"
    events = [event for event in everleaf.json("log", name) if event["kind"] == "preflight"]
    assert len(events) == 1 and words in events[0]["text"]
    assert everleaf.show(name)["last_error"] == line.split("error: ")[-1] or words in everleaf.show(name)["last_error"]

    done = everleaf.run("issue", name, *how, "--no-preflight", status=1 if refuses else 0)
    assert pebble.orders() == before + 1
    if refuses:
        assert "the CA could not validate" in done.err


# what is fine

def test_web_root(everleaf, web, name, pebble):
    rows = findings(everleaf, name, "--webroot", web.web_root, "--ca", "lab", status=0)
    assert {check for _, check in rows} == {"address", "http-01", "caa"}
    assert all(row["verdict"] == "fine" for row in rows.values()), rows
    assert not leftovers(web.web_root)
    assert everleaf.json("issue", name, "--webroot", web.web_root)["issued"] == [name]
    assert not [event for event in everleaf.json("log", name) if event["kind"] == "preflight"]


@pytest.mark.option("preflight", "--webroot", "--standalone", "--alpn", "--ca", "--account")
def test_nothing_is_kept(everleaf, pebble, name):
    before = everleaf.snapshot()
    orders = pebble.orders()
    for how in (["--standalone", pebble.http_address], ["--alpn", pebble.tls_address]):
        rows = findings(everleaf, name, *how, "--ca", "lab", status=0)
        assert all(row["verdict"] == "fine" for row in rows.values()), rows
        assert {check for _, check in rows} == {"address", "caa", "http-01" if "--standalone" in how else "tls-alpn-01"}
    assert before[1] == everleaf.snapshot()[1] and pebble.orders() == orders
    assert everleaf.names() == []
    line = everleaf.error("preflight", name, "--standalone", pebble.http_address, "--account", "nobody", status=1)
    assert "nobody" in line


@pytest.mark.option("preflight")
def test_a_certificate(everleaf, name):
    everleaf.issue(name)
    rows = findings(everleaf, name, status=0)
    assert {check for _, check in rows} == {"address", "http-01", "caa"} and not failing(rows)
    table = everleaf.run("preflight", name).out.splitlines()
    assert table[0].split() == ["NAME", "CHECK", "VERDICT", "FOUND"] and len(table) == 4
    line = everleaf.error("preflight", "stranger.example.com", status=1)
    assert "--webroot" in line


def test_redirects_are_followed_as_a_ca_would(everleaf, web, pebble, name):
    """Nine times, over relative ones too, and at last to another folder with white space behind the value."""
    hops = "".join(f"location ~ ^/hop{i}/(.*) {{ return 30{'1278'[i % 4]} /hop{i + 1}/$1; }} " for i in range(8))
    web.serve(f"location {ACME} {{ rewrite ^{ACME}(.*) /hop0/$1 redirect; }} {hops} "
              f"location /hop8/ {{ alias {web.web_root}{ACME}; }}")
    assert not failing(findings(everleaf, name, "--webroot", web.web_root, "--ca", "lab", status=0))


def test_a_hundred_names_take_seconds(everleaf, web, new_name):
    names = [new_name() for _ in range(100)]
    start = time.monotonic()
    rows = findings(everleaf, *names, "--webroot", web.web_root, "--ca", "lab", status=0)
    assert len(rows) == 300 and not failing(rows)
    assert time.monotonic() - start < 5


def test_silence_is_unknown(everleaf, dns, pebble, name):
    """An address that swallows what is sent to it: the CA may have a way there."""
    dns.add_a(name, "192.0.2.99")
    start = time.monotonic()
    rows = findings(everleaf, name, "--standalone", pebble.http_address, "--ca", "lab", status=0)
    assert rows[name, "address"]["verdict"] == "unknown"
    assert time.monotonic() - start < 12


# what is broken: the server

@pytest.mark.parametrize("what, locations, problem, words", [
    ("404", "location /.well-known/ { return 404; }", "unauthorized", "status 404"),
    ("500", "location /.well-known/ { return 500; }", "unauthorized", "status 500"),
    ("wrong content", "location /.well-known/ { return 200 'something'; }", "unauthorized", "something else"),
    ("html page", "location /.well-known/ { return 200 '<html><body>Welcome</body></html>'; }", "unauthorized", "HTML"),
    ("empty", "location /.well-known/ { return 200 ''; }", "unauthorized", "with nothing"),
    ("redirect loop", "location /.well-known/ { return 302 $request_uri; }", "connection", "in a circle"),
    ("endless redirects", "location ~ ^(.*)$ { return 302 $1x; }", "connection", "more than 10 times"),
    ("redirect to a bad port", "location /.well-known/ { return 302 http://$host:1$request_uri; }", "connection", "port 1"),
    ("redirect to another scheme", "location /.well-known/ { return 302 ftp://$host$request_uri; }", "connection", "ftp:"),
    ("redirect to nothing", "location /.well-known/ { return 302 http://localhost:%(closed)s$request_uri; }", "connection", ""),
])
def test_web_server(everleaf, web, pebble, name, what, locations, problem, words):
    web.serve(locations % {"closed": pebble.tls_port} if "%(" in locations else locations)
    assert_stopped(everleaf, pebble, name, ["--webroot", web.web_root], "http-01", problem, words)
    assert not leftovers(web.web_root)


def test_wrong_web_root(everleaf, web, pebble, name, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    assert_stopped(everleaf, pebble, name, ["--webroot", other], "http-01", "unauthorized", "status 404")
    assert not leftovers(other)


def test_closed_port(everleaf, pebble, name):
    assert_stopped(everleaf, pebble, name, ["--standalone", f"127.0.0.1:{free_port()}"], "address", "connection",
                   "refuses connections")


def test_dead_ipv6_address(everleaf, web, dns, pebble, name):
    dns.add_aaaa(name, "::1")
    assert_stopped(everleaf, pebble, name, ["--webroot", web.web_root], "address", "connection", "::1 refuses connections")
    rows = findings(everleaf, name, "--webroot", web.web_root, "--ca", "lab", status=1)
    assert "AAAA" in rows[name, "address"]["mend"]


def test_another_server_behind_ipv6(everleaf, web, dns, pebble, name):
    dns.add_aaaa(name, "::1")
    with Web(web.folder.parent / "other", http_port=free_port()) as other:
        other.serve(listen=f"listen [::1]:{pebble.http_port};")
        wait_until(lambda: "::1" in (other.folder / "nginx.conf").read_text(), "its configuration")
        assert_stopped(everleaf, pebble, name, ["--webroot", web.web_root], "http-01", "unauthorized", "::1 answers with status 404")


@pytest.mark.threads
def test_alpn_behind_another_server(everleaf, lab, pebble, name, tmp_path):
    """Somebody else ends TLS at the CA's port: it speaks, but not what the CA asks for."""
    with Web(tmp_path / "tls", http_port=free_port()) as server:
        server.serve(listen=f"}} server {{ listen {pebble.tls_address} ssl; ssl_certificate {lab.certificate}; "
                            f"ssl_certificate_key {lab.key};")
        own = f"127.0.0.1:{free_port()}"
        rows = failing(findings(everleaf, name, "--alpn", own, "--ca", "lab"))
        assert rows[name, "tls-alpn-01"]["problem"] == "unauthorized"
        assert_stopped(everleaf, pebble, name, ["--alpn", own], "tls-alpn-01", "unauthorized", "refuses the handshake for acme-tls/1")


# what is broken: the zone

def caa(dns, host, *policies):
    dns.post("add-caa", host=host + ".", policies=[dict(zip(("tag", "value"), one)) for one in policies])


@pytest.mark.parametrize("what, policies, words", [
    ("another CA", [("issue", "other.example")], "only other.example may issue"),
    ("no CA", [("issue", ";")], "no CA may issue"),
    ("another account", [("issue", f"{IDENTITY}; accounturi=https://127.0.0.1/my-account/0")], "only for the account"),
    ("another method", [("issue", f"{IDENTITY}; validationmethods=dns-01,tls-alpn-01")], "only by dns-01,tls-alpn-01"),
])
def test_caa(everleaf, web, dns, pebble, name, what, policies, words):
    """At a parent of the name. Pebble does not look at CAA records, so it would issue."""
    caa(dns, name, *policies)
    child = f"www.{name}"
    assert_stopped(everleaf, pebble, child, ["--webroot", web.web_root], "caa", "caa", words, refuses=False)


def test_caa_that_fits(everleaf, web, dns, name):
    url = everleaf.json("account", "list")[0]["url"]
    caa(dns, name, ("issue", "other.example"), ("issue", f"{IDENTITY}; accounturi={url}; validationmethods=http-01"))
    caa(dns, name.split(".", 1)[1] + ".invalid", ("issue", ";"))
    assert not failing(findings(everleaf, name, "--webroot", web.web_root, "--ca", "lab", status=0))
    assert everleaf.json("issue", name, "--webroot", web.web_root)["issued"] == [name]


def test_caa_of_a_wildcard(everleaf, dns, name):
    caa(dns, name, ("issue", IDENTITY), ("issuewild", ";"))
    rows = findings(everleaf, f"*.{name}", name, "--manual", "--ca", "lab", status=1)
    assert rows[f"*.{name}", "caa"]["verdict"] == "fails" and rows[name, "caa"]["verdict"] == "fine"


def test_caa_that_cannot_be_asked(everleaf, web, dns, pebble, name):
    dns.set_servfail(name)
    try:
        child = f"www.{name}"
        assert_stopped(everleaf, pebble, child, ["--webroot", web.web_root], "caa", "dns", "SERVFAIL", refuses=False)
    finally:
        dns.clear_servfail(name)


ZONE = """\
$TTL 60
{zone}. IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 5
{zone}. IN NS ns.{zone}.
ns.{zone}. IN A 127.0.0.1
good.{zone}. IN A 127.0.0.1
empty.{zone}. IN TXT "nothing but this"
alias.{zone}. IN CNAME good.{zone}.
dangling.{zone}. IN CNAME gone.{zone}.
_acme-challenge.aliased.{zone}. IN CNAME there.{zone}.
"""


class Zones(Bind):
    def write_zone(self, zone, text=None):
        return super().write_zone(zone, ZONE.format(zone=zone))


@pytest.fixture(scope="module")
def world(tmp_path_factory, lab):
    """A CA that asks unbound, which validates: `fine.test` is not signed, and `bogus.test` ought to be."""
    folder = tmp_path_factory.mktemp("world")
    with Zones(folder / "bind", zones=("fine.test", "bogus.test")) as bind:
        zones = {zone: f"127.0.0.1@{bind.port}" for zone in ("fine.test", "bogus.test")}
        zones["dead.test"] = f"127.0.0.1@{free_port()}"
        anchor = f"bogus.test. DS 12345 13 2 {'ab' * 32}"
        with Unbound(folder / "unbound", zones, [anchor]) as resolver:
            with Pebble(folder / "pebble", lab, resolver.server) as ca:
                ca.bind = bind
                yield ca


@pytest.mark.parametrize("name, words, problem", [
    ("empty.fine.test", "has no address", "dns"),
    ("nobody.fine.test", "does not exist", "dns"),
    ("dangling.fine.test", "does not exist", "dns"),
])
def test_no_address(world, make_everleaf, name, words, problem):
    assert_stopped(make_everleaf(world), world, name, ["--standalone", world.http_address], "address", problem, words)


def test_bogus_dnssec(world, make_everleaf):
    everleaf = make_everleaf(world)
    how = ["--standalone", world.http_address]
    rows = failing(findings(everleaf, "good.bogus.test", *how, "--ca", "lab", status=1))
    assert {check for _, check in rows} == {"address", "caa"}
    assert "do not validate" in rows["good.bogus.test", "address"]["text"]
    assert "DS records" in rows["good.bogus.test", "address"]["mend"]
    before = world.orders()
    assert "DNSSEC" in everleaf.error("issue", "good.bogus.test", *how, status=1) and world.orders() == before
    assert "could not validate" in everleaf.error("issue", "good.bogus.test", *how, "--no-preflight", status=1)


@pytest.mark.option("preflight", "--manual", "--challenge")
def test_the_record_of_dns_01(world, make_everleaf):
    everleaf = make_everleaf(world)
    how = ["--manual", "--challenge", "dns-01", "--ca", "lab"]
    rows = failing(findings(everleaf, "good.bogus.test", *how, status=1))
    assert rows["good.bogus.test", "dns-01"]["problem"] == "dns"
    before = world.orders()
    everleaf.error("issue", "good.bogus.test", *how[:3], status=1)
    assert world.orders() == before
    rows = findings(everleaf, "aliased.fine.test", *how)
    assert rows["aliased.fine.test", "dns-01"]["verdict"] == "fine"
    assert "fine.test" in rows["aliased.fine.test", "dns-01"]["text"]
    rows = findings(everleaf, "www.dead.test", *how)
    assert rows["www.dead.test", "dns-01"]["verdict"] != "fine" and rows["www.dead.test", "dns-01"]["problem"] == "dns"


def test_who_answers_later_is_unknown(everleaf, name):
    """A person's web server may be started when it is to show the token."""
    rows = findings(everleaf, name, "--manual", "--challenge", "http-01", "--ca", "lab", status=0)
    assert rows[name, "address"]["verdict"] == "unknown" and "refuses" in rows[name, "address"]["text"]


@pytest.mark.parametrize("name", ["good.fine.test", "alias.fine.test"])
def test_zones_that_are_fine(world, make_everleaf, name):
    everleaf = make_everleaf(world)
    how = ["--standalone", world.http_address]
    assert not failing(findings(everleaf, name, *how, "--ca", "lab", status=0))
    assert everleaf.json("issue", name, *how)["issued"] == [name]


# the delegation of _acme-challenge: in a network of its own, where name servers are on port 53

CHILDREN = f"""_acme-challenge.lame 60 IN NS ns3.example.test.
_acme-challenge.gone 60 IN NS nowhere.example.test.
_acme-challenge.good 60 IN NS ns3.example.test.
_acme-challenge.alias 60 IN CNAME there.example.test.
"""


@pytest.mark.parametrize("name, verdict, words", [
    ("lame", "fails", "do not serve it"), ("gone", "fails", "have no address"), ("good", "fine", "is delegated to ns3"),
    ("alias", "fine", "is an alias of there.example.test"), ("plain", None, None),
])
def test_delegation(delegations, name, verdict, words):
    box = delegations
    box.inside("--json", "preflight", f"{name}.example.test", "--manual", "--challenge", "dns-01", "--ca", "lab",
               status=1 if verdict == "fails" else 0)
    rows = {row["check"]: row for row in json.loads(box.out)}
    assert rows["dns-01"]["verdict"] == "fine"
    if verdict is None:
        assert "delegation" not in rows
        return
    assert rows["delegation"]["verdict"] == verdict and words in rows["delegation"]["text"]
    assert (rows["delegation"]["problem"] == "dns") == (verdict == "fails")


@pytest.fixture(scope="module")
def delegations(tmp_path_factory):
    if not Namespace.is_possible():
        pytest.skip("no network namespace can be made here")
    folder = tmp_path_factory.mktemp("delegations")
    net = Network(folder / "net").start()
    try:
        net.serve(child_zone=f"$ORIGIN example.test.\n{CHILD_ZONE}{CHILDREN}")
        ns3 = net.add("ns3", NS3, config='zone "_acme-challenge.good.example.test" { type primary; file "good.db"; };')
        ns3.write_zone("good", "$TTL 60\n@ IN SOA ns3.example.test. h. 1 60 60 60 5\n@ IN NS ns3.example.test.\n")
        ns3.start()
        box = Client(folder / "box", net)
        box.run("ca", "add", "lab", "https://127.0.0.1:1/dir", "--resolver", f"{RESOLVER}:53")
        yield box
    finally:
        net.stop()


# the profile

def profile_of(everleaf, ca, max_names, **kinds):
    """What the CA publishes of its profile, as an administrator writes it down."""
    kinds = {"dns": True, "ip": True, **kinds}
    said = ", ".join(f"{key}: {str(value).lower()}" for key, value in kinds.items())
    file, config = everleaf.folder / "cas.yaml", everleaf.folder / "everleaf.yaml"
    file.write_text(f"cas:\n  - name: published\n    directory: {ca.directory}\n"
                    f"    profiles: [ {{ name: default, default: true, max_names: {max_names}, {said} }} ]\n")
    config.write_text(f"cas: {file}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)


@pytest.mark.option("preflight", "--profile")
def test_a_profile_that_is_not_offered(make_everleaf, profiled, lab, name):
    """Pebble refuses it, when its directory is made to offer it."""
    with FaultProxy(profiled, lab) as proxy:
        everleaf = make_everleaf(proxy)
        how = [name, "--standalone", profiled.http_address, "--profile", "fancy"]
        rows = findings(everleaf, *how, "--ca", "lab", status=1)
        assert failing(rows)[None, "profile"]["problem"] == "invalidProfile" and rows[None, "profile"]["mend"]
        for asked in ([], ["--no-preflight"]):
            assert "fancy" in everleaf.error("issue", *how, *asked, status=2)
        assert not proxy.seen("/order-plz") and everleaf.names() == []

        def offer(directory):
            directory["meta"]["profiles"]["fancy"] = "made up"
            return directory

        with proxy.spoiling("^/dir", rewrite(offer)):
            assert "invalidProfile" in everleaf.error("issue", *how, "--no-preflight", status=1)
        [refused] = proxy.seen("/order-plz")
        assert refused.status == 400


@pytest.mark.parametrize("names, kinds, problem, words", [
    (["www.{}", "{}", "ftp.{}"], {}, "malformed", "3 names are too many"),
    (["127.0.0.1"], {"ip": False}, "rejectedIdentifier", "not for IP addresses"),
    (["{}"], {"dns": False}, "rejectedIdentifier", "not for domain names"),
])
def test_what_a_profile_takes(everleaf, pebble, name, names, kinds, problem, words):
    """Pebble's own takes as many names of either kind as it is asked for, so it would issue."""
    profile_of(everleaf, pebble, 2, **kinds)
    names = [one.format(name) for one in names]
    how = [*names[1:], "--standalone", pebble.http_address]
    of = "" if problem == "malformed" else None
    assert_stopped(everleaf, pebble, names[0], how, "profile", problem, words, refuses=False, of=of)


def test_limits_of_a_public_profile(everleaf, tmp_path, new_name):
    """What Let's Encrypt publishes, though nobody reaches it from here."""
    config = tmp_path / "nowhere.yaml"
    config.write_text(f"proxy: http://127.0.0.1:{free_port()}\n")
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    names = [new_name() for _ in range(26)]
    rows = findings(everleaf, "--config", config, *names, "--hook", hook, "--ca", "letsencrypt", "--profile", "tlsserver", status=1)
    assert list(failing(rows)) == [(None, "profile")] and "25" in rows[None, "profile"]["text"]
    assert rows[None, "directory"]["verdict"] == "unknown"
    rows = findings(everleaf, "--config", config, *names, "--hook", hook, "--ca", "letsencrypt", status=(0, 1))
    assert not [row for row in failing(rows).values() if row["check"] == "profile"]


# options that only choose the method

@pytest.mark.option("preflight", "--hook", "--hook-chain", "--well-known", "--dns-persist", "--dns")
def test_other_methods(everleaf, tmp_path, name):
    called = tmp_path / "called"
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\necho \"$@\" >>{called}\nexit 0\n")
    hook.chmod(0o755)
    for how, check in ((["--hook", hook, "--hook-chain"], "dns-01"), (["--dns-persist"], "dns-persist-01")):
        rows = findings(everleaf, name, *how, "--ca", "lab", status=0)
        assert {one for _, one in rows} == {"caa", check}
    rows = findings(everleaf, name, "--hook", hook, "--challenge", "http-01", "--well-known", tmp_path, "--ca", "lab")
    assert {one for _, one in rows} >= {"caa", "address"}
    lines = called.read_text().splitlines() if called.exists() else []
    assert not [line for line in lines if "challenge" in line], "a look lets no hook publish"
    line = everleaf.error("preflight", name, "--dns", "nobody", "--ca", "lab", status=1)
    assert "nobody" in line


# in its place

def test_an_attempt_that_is_not_due_does_not_look(everleaf, web, name):
    everleaf.run("issue", name, "--webroot", web.web_root)
    web.serve("location /.well-known/ { return 404; }")
    assert everleaf.json("issue", name, "--webroot", web.web_root)["unchanged"] == [name]
    before = everleaf.sql("select count(*) from events")
    line = everleaf.error("renew", name, "--force", status=1)
    assert "status 404" in line
    assert everleaf.show(name)["status"] == "issued" and everleaf.sql("select count(*) from events") > before


def test_one_of_many_stops_alone(everleaf, web, dns, pebble, new_name, tmp_path):
    good, bad = new_name(), new_name()
    caa(dns, bad, ("issue", "other.example"))
    listing = tmp_path / "names"
    listing.write_text(f"{good}\n{bad}\n")
    before = pebble.orders()
    result = everleaf.json("issue", "--from", listing, "--webroot", web.web_root, status=3)
    assert result["issued"] == [good] and [row["name"] for row in result["failed"]] == [bad]
    assert pebble.orders() == before + 1


@pytest.mark.parametrize("stored", [True, False])
def test_a_killed_look_leaves_nothing(everleaf, tmp_path, dns, pebble, name, stored):
    """The token is in the web root while somebody who takes connections and says nothing is asked for it."""
    root = tmp_path / "www"
    root.mkdir()
    with socket.create_server(("127.0.0.1", pebble.http_port)):
        how = ["--webroot", root, "--ca", "lab"]
        words = ["issue", name, "--webroot", root] if stored else ["preflight", name, *how]
        process = everleaf.start(*words)
        wait_until(lambda: any(path.is_file() for path in leftovers(root)), "the token")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        assert leftovers(root)
        other = everleaf.start("preflight", f"other.{name}", *how)  # another one does not touch it unless its owner is dead
        other.communicate(timeout=30)
    if stored:
        everleaf.run("renew", name, status=1)
    assert not leftovers(root)


def test_an_interrupted_look_leaves_nothing(everleaf, tmp_path, pebble, name):
    root = tmp_path / "www"
    root.mkdir()
    with socket.create_server(("127.0.0.1", pebble.http_port)):
        process = everleaf.start("preflight", name, "--webroot", root, "--ca", "lab")
        wait_until(lambda: any(path.is_file() for path in leftovers(root)), "the token")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 75, err
    assert not leftovers(root)


def test_a_ca_whose_network_nobody_knows_is_asked(bare, lab, pebble, dns, new_name):
    """By its URL alone, or without the port where it validates: what fails here may be fine there."""
    bare.run("account", "register", "--ca", pebble.directory, "--ca-bundle", lab.root, "--email", "a@example.org", "--agree-tos")
    by_url, by_port = new_name(), new_name()
    how = ["--ca-bundle", lab.root, "--standalone", pebble.http_address]
    assert bare.json("issue", by_url, "--ca", pebble.directory, *how)["issued"] == [by_url]
    assert not failing(findings(bare, by_url, status=0)), "the command says what it saw, and that it proves nothing"
    bare.run("ca", "add", "half", pebble.directory, "--ca-bundle", lab.root, "--resolver", dns.dns)
    assert bare.json("issue", by_port, "--ca", "half", "--standalone", pebble.http_address)["issued"] == [by_port]
