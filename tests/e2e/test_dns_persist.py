"""dns-persist-01 as a fleet: what each name needs, what is there, and putting it there; the zone served by BIND, the CA is Pebble."""

import calendar
import json
import time

import pytest

from env import Everleaf, Pebble
from env.bind import Bind
from env.nameserver import Key

ISSUER = "pebble.letsencrypt.org"
ZONE = "example.test"
DAY = 86400
END_OF_JUNE = calendar.timegm((2037, 6, 30, 23, 59, 59))


@pytest.fixture(scope="module")
def key():
    return Key.new("home", "hmac-sha256")


@pytest.fixture
def bind(tmp_path, key):
    with Bind(tmp_path, keys=[key], zones=[ZONE, "example.net"]) as server:
        yield server


@pytest.fixture
def ca(tmp_path_factory, lab, bind):
    with Pebble(tmp_path_factory.mktemp("pebble"), lab, bind.server) as server:
        yield server


@pytest.fixture
def everleaf(tmp_path, ca, lab, bind, key):
    """An account at the CA, and write access to the zones."""
    program = Everleaf(tmp_path / "everleaf", ca, lab)
    program.run("ca", "add", "lab", ca.directory, "--resolver", bind.server)
    program.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--name", "one")
    credentials = program.folder / "home.yaml"
    credentials.write_text(f"server: {bind.server}\nkey_name: {key.name}\nkey_secret: {program.secret(key.secret)}\n"
                           f"servers: ['{bind.server}']\n")
    program.run("dns", "add", "rfc2136", "home", "--credentials", credentials)
    return program


def persist(everleaf, verb, *args, status=0):
    return everleaf.run("--json", "dns", "persist", verb, *args, status=status).json


def url_of(everleaf, account="one"):
    return everleaf.json("account", "show", account)["url"]


def states(records):
    return {record["domain"]: record["state"] for record in records}


def records_at(bind, name):
    return bind.txt(f"_validation-persist.{name}")


@pytest.mark.option("dns persist", "--wildcard", "--until")
def test_what_a_domain_needs(everleaf):
    url = url_of(everleaf)
    record, = persist(everleaf, "show", f"WWW.{ZONE}")
    assert record["name"] == f"_validation-persist.www.{ZONE}"
    assert record["value"] == f"{ISSUER}; accounturi={url}"
    assert (record["account"], record["ca"], record["format"], record["issuer"]) == ("one", "lab", "-01", ISSUER)
    record, = persist(everleaf, "show", ZONE, "--wildcard", "--until", "2037-06-30")
    assert record["value"] == f"{ISSUER}; accounturi={url}; policy=wildcard; persistUntil={END_OF_JUNE}"
    record, = persist(everleaf, "show", f"*.{ZONE}")
    assert record["domain"] == ZONE and record["value"].endswith("; policy=wildcard")
    text = everleaf.run("dns", "persist", "show", ZONE).out
    assert f'_validation-persist.{ZONE}. 3600 IN TXT "{ISSUER}; accounturi={url}"' in text
    for wrong in ("soon", "2020-01-01", "0d", "5d"):
        assert "--until" in everleaf.run("dns", "persist", "show", ZONE, "--until", wrong, status=2).err


def test_wrong_use_is_told(everleaf):
    for args, words in ((["chek"], "there are show, check and publish"), (["show"], "needs a certificate or a domain"),
                        (["show", ZONE, "--dns", "home"], "--dns goes with"),
                        (["check", ZONE, "--until", "365d"], "--until goes with"),
                        (["show", ZONE, "--days", "3"], "--days goes with"), (["show", "192.0.2.1"], "is an address")):
        assert words in everleaf.run("dns", "persist", *args, status=2).err
    assert "nobody" in everleaf.run("dns", "persist", "show", ZONE, "--account", "nobody", status=1).err


@pytest.mark.option("dns persist", "--dns")
def test_published_checked_and_used(everleaf, bind):
    before = bind.whole(), bind.whole("example.net")
    assert states(persist(everleaf, "check", ZONE, status=1)) == {ZONE: "missing"}
    records = persist(everleaf, "publish", f"*.{ZONE}", f"www.{ZONE}", "example.net", "--dns", "home")
    assert set(states(records).values()) == {"there"}
    assert records_at(bind, ZONE) == [f"{ISSUER}; accounturi={url_of(everleaf)}; policy=wildcard"]
    assert persist(everleaf, "check", f"*.{ZONE}", f"www.{ZONE}", "example.net")
    # the CA takes them, and nobody publishes anything any more
    assert everleaf.json("issue", ZONE, f"*.{ZONE}", "--dns-persist", "--ca", "lab")["issued"] == [ZONE]
    assert everleaf.json("renew", ZONE, "--force")["renewed"] == [ZONE]
    fleet = persist(everleaf, "check")
    assert states(fleet) == {ZONE: "there"} and fleet[0]["wildcard"]
    rest = [[record for record in bind.whole(zone) if "_validation-persist" not in record] for zone in (ZONE, "example.net")]
    assert rest == [list(each) for each in before]


@pytest.mark.option("dns persist", "--days")
def test_a_record_near_its_end_is_replaced(everleaf, bind):
    url, soon = url_of(everleaf), int(time.time()) + 10 * DAY
    name = f"_validation-persist.{ZONE}"
    old = f"{ISSUER}; accounturi={url}; persistUntil={soon}"
    foreign = "other.example; accounturi=https://other.example/7"
    everleaf.run("dns", "present", "home", name, old, foreign)
    record, = persist(everleaf, "check", ZONE, status=1)
    assert record["state"] == "near its end" and record["ends_at"] and "publish it again" in record["why"]
    assert states(persist(everleaf, "check", ZONE, "--days", "5")) == {ZONE: "there"}
    persist(everleaf, "publish", ZONE, "--until", "400d")
    values = records_at(bind, ZONE)
    assert len(values) == 2 and foreign in values and old not in values
    assert states(persist(everleaf, "check", ZONE)) == {ZONE: "there"}


def test_what_is_wrong_with_a_record(everleaf, bind):
    url = url_of(everleaf)
    name = f"_validation-persist.{ZONE}"
    for value, state, words in (
            (f"{ISSUER}; accounturi={url}; policy=wildcard; persistUntil=1000", "ended", "is over"),
            (f"{ISSUER}; accounturi={url}", "wrong", "lacks policy=wildcard"),
            (f"{ISSUER}; accounturi={url};", "missing", "no record"),  # malformed: a CA does not look at it
            ("other.example; accounturi=" + url, "missing", "no record")):
        everleaf.run("dns", "present", "home", name, value)
        record, = persist(everleaf, "check", f"*.{ZONE}", status=1)
        assert record["state"] == state and words in record["why"] and record["found"] == [value]
        everleaf.run("dns", "cleanup", "home", name, value)


def test_somebody_elses_account_is_told(everleaf, bind):
    theirs = "https://127.0.0.1/my-account/4711"
    persist(everleaf, "publish", ZONE)
    everleaf.run("dns", "present", "home", f"_validation-persist.{ZONE}", f"{ISSUER}; accounturi={theirs}")
    result = everleaf.run("--json", "dns", "persist", "check", ZONE, status=1)
    record, = result.json
    assert record["state"] == "there" and record["others"] == [theirs] and theirs in record["why"]
    assert "other accounts may get certificates" in result.err
    persist(everleaf, "publish", ZONE, status=1)
    assert len(records_at(bind, ZONE)) == 2


@pytest.mark.option("dns persist", "--account")
def test_each_account_needs_its_own(everleaf, ca, bind):
    everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", "two")
    both = persist(everleaf, "show", ZONE)
    assert {record["account"] for record in both} == {"one", "two"} and len({record["value"] for record in both}) == 2
    only, = persist(everleaf, "show", ZONE, "--account", "two")
    assert only["account"] == "two" and url_of(everleaf, "two") in only["value"]
    persist(everleaf, "publish", ZONE)
    assert len(records_at(bind, ZONE)) == 2
    # two accounts of ours at one issuer: each is the other's "somebody else", and known
    assert states(persist(everleaf, "check", ZONE)) == {ZONE: "there"}


def test_a_dns_that_does_not_answer_is_no_missing_record(everleaf, bind):
    bind.stop()
    record, = persist(everleaf, "check", ZONE, status=1)
    assert record["state"] == "unknown" and bind.server in record["why"]


def test_a_resolver_failing_is_told_before_anything_is_written(everleaf, bind):
    everleaf.run("dns", "disable", "home")
    assert "no DNS account" in everleaf.run("dns", "persist", "publish", ZONE, status=1).err
    assert records_at(bind, ZONE) == []


def test_what_a_key_rollover_changes(everleaf):
    record, = persist(everleaf, "show", ZONE)
    assert record["rollover"].startswith("nothing")
    assert json.dumps(record)


def test_one_that_is_deleted_meanwhile_is_left_out(tmp_path, lab, ca, bind):
    """The names are read some at a time: this one goes between that and the look at it."""
    from env import FaultProxy

    first, second = f"a.{ZONE}", f"b.{ZONE}"

    def delete_second(handler, exchange):
        everleaf.run("delete", second)
        handler.forward(exchange)
        handler.pass_on(exchange)

    with FaultProxy(ca, lab) as proxy:
        everleaf = Everleaf(tmp_path / "fleet", proxy, lab)
        everleaf.run("ca", "add", "lab", proxy.directory, "--resolver", bind.server)
        everleaf.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--name", "one")
        for name in (first, second):
            everleaf.run("issue", name, "--dns-persist", "--no-preflight", status=None)
        assert states(persist(everleaf, "check", status=1)).keys() == {first, second}
        with proxy.spoiling("/dir$", delete_second, nth=1):
            assert states(persist(everleaf, "check", status=1)).keys() == {first}


def test_in_the_second_wire_format_a_new_key_means_new_records(tmp_path, lab, ca, bind, key):
    """A directory with accountHashPrefix (draft -02): the record holds a hash of the account and its key."""
    from env import FaultProxy
    from env.proxy import rewrite

    def second_draft(directory):
        directory["meta"].update(issuerDomainNames=["ca.example"], accountHashPrefix="https://ca.example/h/")
        return directory

    with FaultProxy(ca, lab) as proxy:
        proxy.on("/dir$", rewrite(second_draft))
        everleaf = Everleaf(tmp_path / "second", proxy, lab)
        everleaf.run("ca", "add", "lab", proxy.directory, "--resolver", bind.server)
        everleaf.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--name", "one")
        record, = persist(everleaf, "show", ZONE)
        assert record["format"] == "-02" and record["issuer"] == "ca.example" and "published again" in record["rollover"]
        assert record["value"].startswith("ca.example; accounturi=https://ca.example/h/sha-256/")
        credentials = everleaf.folder / "home.yaml"
        credentials.write_text(f"server: {bind.server}\nkey_name: {key.name}\nkey_secret: {key.secret}\n"
                               f"servers: ['{bind.server}']\n")
        everleaf.run("dns", "add", "rfc2136", "home", "--credentials", credentials)
        persist(everleaf, "publish", ZONE)
        everleaf.run("account", "rollover", "one")
        after, = persist(everleaf, "check", ZONE, status=1)
        assert after["state"] == "missing" and after["value"] != record["value"]
        old_format = f"ca.example; accounturi={url_of(everleaf)}"
        everleaf.run("dns", "present", "home", record["name"], old_format)
        after, = persist(everleaf, "check", ZONE, status=1)
        assert after["state"] == "wrong" and "earlier draft" in after["why"]
        persist(everleaf, "publish", ZONE, status=1)  # the record of the former key is nobody's any more: told, not touched
        assert records_at(bind, ZONE) == sorted([record["value"], after["value"]])
