"""
What a resolver tells of DNSSEC, in the findings of preflight. The zones are signed by BIND's tools, right or wrong in each way;
unbound validates them, and ISC's delv says on its own whether a finding is true.
"""

import pytest

from env import Pebble
from env.everleaf import Everleaf, made
from env.namespace import Namespace
from env.signed import Signed
from env.unbound import Unbound
from test_preflight import failing, findings

HOW = {"signed.test": "", "plain.test": "unsigned", "bare.test": "bare", "otherkey.test": "other key", "expired.test": "expired",
       "early.test": "early", "forged.test": "forged"}
RECORDS = """\
good.{zone}. IN A 127.0.0.1
bad.{zone}. IN A 127.0.0.77
caa.{zone}. IN A 127.0.0.1
caa.{zone}. IN CAA 0 issue "pebble.letsencrypt.org"
"""
# what is said of it, how to mend it, and what delv says
WRONG = [
    ("good.expired.test", "the signature of ", "signed anew", "RRSIG has expired"),
    ("good.early.test", "is not valid before ", "signed anew", "RRSIG validity period has not begun"),
    ("good.otherkey.test", "", "DS records", "no valid signature found (DS)"),
    ("good.bare.test", "its records have no signatures", "remove them until the zone is signed", "parent indicates it should be secure"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory, lab):
    """A CA whose resolver validates, and says why something does not (EDE); `quiet` is one that does not say it."""
    folder = tmp_path_factory.mktemp("dnssec")
    with Signed(folder / "bind", HOW, RECORDS) as zones:
        stubs = {zone: f"127.0.0.1@{zones.port}" for zone in zones.zones}
        with Unbound(folder / "unbound", stubs, [zones.anchor], ["ede: yes"]) as resolver, \
                Unbound(folder / "quiet", stubs, [zones.anchor]) as quiet, Pebble(folder / "pebble", lab, resolver.server) as ca:
            ca.zones, ca.quiet = zones, quiet
            yield ca


@pytest.mark.parametrize("resolver", ["explains", "quiet"])
def test_bogus_zones(world, make_everleaf, resolver):
    everleaf, ca = make_everleaf(world), "lab"
    if resolver == "quiet":
        ca = "quiet"
        everleaf.run("ca", "add", ca, world.directory, "--resolver", world.quiet.server)
    names = [name for name, *_ in WRONG]
    found = [failing(findings(everleaf, *names, *how, "--ca", ca, status=1))
             for how in (["--standalone", world.http_address], ["--manual", "--challenge", "dns-01"])]
    assert [set(rows) for rows in found] == [{(name, check) for name in names for check in (of_type, "caa")} for of_type in ("address", "dns-01")]
    for name, words, mend, delv in WRONG:
        for (of, _), row in [*found[0].items(), *found[1].items()]:
            if of == name:
                assert "the zone's DNSSEC signatures do not validate, so that a CA gets SERVFAIL" in row["text"] and words in row["text"], row
                assert row["problem"] == "dns" and mend in row["mend"], row
        assert delv in world.zones.delv(name, "A")


def test_an_attempt_stops(world, make_everleaf):
    """And the CA, asked anyway, refuses."""
    everleaf = make_everleaf(world)
    how = ["good.expired.test", "--standalone", world.http_address]
    before = world.orders()
    assert "expired at" in everleaf.error("issue", *how, status=1) and world.orders() == before
    assert "could not validate" in everleaf.error("issue", *how, "--no-preflight", status=1)


def test_one_record_that_was_forged(world, make_everleaf):
    """Nothing else of the zone is wrong; its dates are not."""
    everleaf = make_everleaf(world)
    how = ["--standalone", world.http_address, "--ca", "lab"]
    rows = findings(everleaf, "bad.forged.test", *how, status=1)
    assert list(failing(rows)) == [("bad.forged.test", "address")]
    assert "do not validate" in rows["bad.forged.test", "address"]["text"] and "127.0.0.78" not in rows["bad.forged.test", "address"]["text"]
    assert "RRSIG failed to verify" in world.zones.delv("bad.forged.test", "A")
    assert not failing(findings(everleaf, "good.forged.test", *how, status=0))


def test_what_is_signed_and_valid_is_said_to_be(world, make_everleaf):
    everleaf = make_everleaf(world)
    zones = {"signed.test": True, "plain.test": False}
    names = [f"{host}.{zone}" for zone in zones for host in ("good", "caa")]
    rows = findings(everleaf, *names, "--standalone", world.http_address, "--ca", "lab", status=0)
    rows |= findings(everleaf, *names, "--manual", "--challenge", "dns-01", "--ca", "lab", status=0)
    for name in names:
        is_signed = zones[name.split(".", 1)[1]]
        for check in ("address", "caa", "dns-01"):
            row = rows[name, check]
            assert row["verdict"] == "fine" and ("signed and valid" in row["text"]) == is_signed, row
        assert ("fully validated" in world.zones.delv(name, "A")) == is_signed
        assert ("allow it" if "caa." in name else "no CAA") in rows[name, "caa"]["text"]


def test_a_resolver_that_fails_for_another_reason(world, make_everleaf, dns, name):
    """SERVFAIL, whether it is asked to validate or not, is nothing of DNSSEC."""
    everleaf = make_everleaf(world)
    everleaf.run("ca", "add", "other", world.directory, "--resolver", dns.dns)
    dns.set_servfail(name)
    try:
        rows = failing(findings(everleaf, name, "--standalone", world.http_address, "--ca", "other", status=1))
    finally:
        dns.clear_servfail(name)
    assert rows and not any("DNSSEC" in row["text"] + row["mend"] for row in rows.values())
    assert rows[name, "caa"]["problem"] == "dns" and "SERVFAIL" in rows[name, "caa"]["text"]


# a zone of its own at _acme-challenge: its servers are asked, on port 53

CHILDREN = {"_acme-challenge.good.signed.test": "", "_acme-challenge.old.signed.test": "expired", "_acme-challenge.open.signed.test": "unsigned"}
AWAY = {"_acme-challenge.away.signed.test": "", "_acme-challenge.lost.signed.test": "expired"}


@pytest.fixture(scope="module")
def delegations(tmp_path_factory):
    if not Namespace.is_possible():
        pytest.skip("no network namespace can be made here")
    folder, namespace = tmp_path_factory.mktemp("dnssec-53"), Namespace().start("127.0.0.2")
    away = Signed(folder / "away", AWAY, "", address="127.0.0.2", port=53, prefix=namespace.prefix)
    try:
        with away, Signed(folder / "bind", {**CHILDREN, "signed.test": ""}, "", {"signed.test": away.delegations["test"]}, port=53,
                          prefix=namespace.prefix) as zones:
            stubs = {"test": "127.0.0.1@53"}
            with Unbound(folder / "unbound", stubs, [zones.anchor], prefix=namespace.prefix) as resolver:
                box = Everleaf(folder / "box", like=made())
                box.prefix = namespace.prefix
                box.run("ca", "add", "lab", "https://127.0.0.1:1/dir", "--resolver", resolver.server)
                box.zones, box.resolver = zones, resolver
                yield box
    finally:
        namespace.stop()


def test_delegated_challenges(delegations):
    wanted = {"good.signed.test": "is a zone of its own, signed and valid", "open.signed.test": "is a zone of its own", "old.signed.test": "expired at",
              "away.signed.test": "is delegated to ns2.test, signed and valid", "lost.signed.test": "expired at"}
    rows = findings(delegations, *wanted, "--manual", "--challenge", "dns-01", "--ca", "lab", status=1)
    for name, words in wanted.items():
        row = rows[name, "delegation"]
        assert row["verdict"] == ("fails" if "expired" in words else "fine") and words in row["text"], row
        assert (row["problem"] == "dns") == ("expired" in words)
        said = delegations.zones.delv(f"_acme-challenge.{name}", "SOA", server=delegations.resolver.server)
        assert ("signed and valid" in row["text"]) == ("fully validated" in said)
        assert "signed and valid" in rows[name, "dns-01"]["text"], "the zone above is fine"
