"""Renewal: what is due, who says so, what is sent to the CA."""

import datetime
import json
import time

import pytest

from env import FaultProxy
from env.certs import assert_good, load, same_serial
from env.process import wait_until
from env.proxy import add_headers, answer, html, problem, rewrite


def stamp(**delta):
    return (datetime.datetime.utcnow() + datetime.timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def window(start, end, **more):
    return {"suggestedWindow": {"start": start, "end": end}, **more}


PAST = window(stamp(days=-2), stamp(days=-1))
FUTURE = window(stamp(days=30), stamp(days=31), explanationURL="https://ca.example.com/why")


def serial(everleaf, name):
    return load(everleaf.live(name, "cert.pem")).serial_number


def set_window(everleaf, pebble, name, answer):
    pebble.set_renewal_info(everleaf.live(name, "cert.pem").read_text(), answer)


@pytest.mark.option("renew", "--force", "--jobs")
def test_nothing_is_due(everleaf, pebble, new_name):
    names = [new_name() for _ in range(3)]
    for name in names:
        everleaf.issue(name)
    orders = pebble.orders()
    assert everleaf.json("renew")["renewed"] == []
    assert pebble.orders() == orders
    result = everleaf.json("renew", "--force", "--jobs", "2")
    assert sorted(result["renewed"]) == sorted(names)
    for name in names:
        assert_good(everleaf.live(name), pebble.root_file())


def test_by_name_says_why_not(everleaf, pebble, name):
    everleaf.issue(name)
    result = everleaf.run("renew", name)
    row = everleaf.show(name)
    assert row["renew_at"][:10] in result.out + result.err
    assert everleaf.json("renew", name)["unchanged"] == [name]


def test_renewal_information_in_the_past(everleaf, pebble, name):
    everleaf.issue(name)
    before = serial(everleaf, name)
    set_window(everleaf, pebble, name, PAST)
    assert everleaf.json("renew", name)["renewed"] == [name]
    assert serial(everleaf, name) != before
    assert everleaf.json("renew", name)["unchanged"] == [name], "the new one has a window of its own"


def test_renewal_information_in_the_future(everleaf, pebble, name):
    everleaf.issue(name)
    set_window(everleaf, pebble, name, FUTURE)
    result = everleaf.run("renew", name)
    row = everleaf.show(name)
    assert FUTURE["suggestedWindow"]["start"] <= row["renew_at"] <= FUTURE["suggestedWindow"]["end"]
    assert "https://ca.example.com/why" in result.out + result.err + json.dumps(row)
    everleaf.run("renew", name)
    assert everleaf.show(name)["renew_at"] == row["renew_at"], "the instant is kept while the window is unchanged"


@pytest.mark.parametrize("damaged", ["{", "[]", "{}", json.dumps(window("x", "y")),
                                     json.dumps(window(stamp(days=-1), stamp(days=-2)))],
                         ids=["cut", "array", "empty", "words", "backwards"])
def test_damaged_renewal_information_changes_nothing(everleaf, pebble, name, damaged):
    everleaf.issue(name)
    set_window(everleaf, pebble, name, damaged)
    assert everleaf.json("renew", name)["unchanged"] == [name]
    row = everleaf.show(name)
    assert row["not_before"] < row["renew_at"] < row["not_after"]


@pytest.mark.parametrize("action", [html(503), problem(404, "malformed"), answer(200, b""), problem(500, "serverInternal")])
def test_failing_renewal_information_never_stops_a_renewal(make_everleaf, proxy, name, action):
    everleaf = make_everleaf(proxy)
    proxy.on("/renewalInfo/", action)
    everleaf.issue(name)
    everleaf.run("renew", name)
    everleaf.run("renew", name, "--force")


def test_renewal_information_is_asked_for_at_the_interval_the_ca_wants(make_everleaf, proxy, name):
    """A pass does not ask again before Retry-After; with a name it asks afresh."""
    everleaf = make_everleaf(proxy)
    proxy.on("/renewalInfo/", add_headers({"Retry-After": "7200"}))
    everleaf.issue(name)
    asked = len(proxy.seen("/renewalInfo/"))
    assert asked == 1, "once right after issuance"
    everleaf.run("renew")
    everleaf.run("renew")
    assert len(proxy.seen("/renewalInfo/")) == asked
    everleaf.run("renew", name)
    assert len(proxy.seen("/renewalInfo/")) == asked + 1


@pytest.mark.option("renew", "--ask-again")
def test_all_renewal_information_is_asked_for_again(make_everleaf, proxy, pebble, new_name):
    """A CA that has to revoke many says so; nobody waits for the hour that it named before."""
    everleaf = make_everleaf(proxy)
    proxy.on("/renewalInfo/", add_headers({"Retry-After": "21600"}))
    names = [new_name() for _ in range(3)]
    for name in names:
        everleaf.issue(name)
    asked = len(proxy.seen("/renewalInfo/"))
    set_window(everleaf, pebble, names[0], PAST)
    assert everleaf.json("renew")["renewed"] == [] and len(proxy.seen("/renewalInfo/")) == asked
    assert everleaf.json("renew", "--ask-again")["renewed"] == [names[0]]
    assert len(proxy.seen("/renewalInfo/")) >= asked + 3
    assert "NAME" in everleaf.error("renew", names[0], "--ask-again", status=2)


def test_renewal_replaces(make_everleaf, proxy, pebble, name):
    """RFC 9773 section 5: the renewal's order names the certificate that it replaces."""
    everleaf = make_everleaf(proxy)
    everleaf.issue(name)
    everleaf.run("renew", name, "--force")
    first, second = (exchange.payload for exchange in proxy.seen("/order-plz", "POST"))
    assert "replaces" not in first
    info = proxy.seen("/renewalInfo/")[0].path.rsplit("/", 1)[1]
    assert second["replaces"] == info and "=" not in info and "." in info


def test_replaces_refused_falls_back_once(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    everleaf.issue(name)
    proxy.clear()
    proxy.on("/order-plz", problem(409, "alreadyReplaced"), nth=1, method="POST")
    everleaf.run("renew", name, "--force")
    sent = [exchange.payload for exchange in proxy.seen("/order-plz", "POST")]
    assert len(sent) == 2 and "replaces" in sent[0] and "replaces" not in sent[1]


def test_no_replaces_after_names_changed_altogether(make_everleaf, proxy, new_name):
    everleaf = make_everleaf(proxy)
    everleaf.issue(new_name(), "--name", "c")
    everleaf.issue(new_name(), "--name", "c")
    assert "replaces" not in proxy.seen("/order-plz", "POST")[-1].payload


@pytest.mark.option("renew", "--days")
def test_days(everleaf, name):
    everleaf.issue(name)
    before = serial(everleaf, name)
    assert everleaf.json("renew", "--days", "30")["renewed"] == []
    assert everleaf.json("renew", "--days", "100")["renewed"] == [name]
    assert serial(everleaf, name) != before


@pytest.mark.option("issue", "--renew-before")
@pytest.mark.option("set", "--renew-before")
def test_own_policy(everleaf, pebble, new_name):
    """Days and fractions; renewal information goes first where the CA gives it."""
    days, fraction = new_name(), new_name()
    everleaf.issue(days, "--renew-before", "15d")
    everleaf.issue(fraction, "--renew-before", "1/2")
    for name in (days, fraction):
        row = everleaf.show(name)
        assert row["renew_before"] in ("15d", "1/2")
    everleaf.run("set", days, "--renew-before", "1/4")
    assert everleaf.show(days)["renew_before"] == "1/4"
    assert everleaf.show(days)["status"] == "issued"


def test_own_policy_decides_without_renewal_information(make_everleaf, profiled, lab, new_name):
    def without_renewal_info(directory):
        directory.pop("renewalInfo")
        return directory

    with FaultProxy(profiled, lab) as proxy:
        proxy.on("/dir$", rewrite(without_renewal_info))
        everleaf = make_everleaf(proxy)
        days, fraction, plain, short = (new_name() for _ in range(4))
        for name, options in ((days, ["--renew-before", "15d"]), (fraction, ["--renew-before", "1/2"]), (plain, [])):
            everleaf.issue(name, "--profile", "default", *options)
        everleaf.issue(short, "--profile", "shortlived")
        for name, left, lifetime in ((days, 15, 90), (fraction, 45, 90), (plain, 30, 90), (short, 3, 6)):
            row = everleaf.show(name)
            at, end = (datetime.datetime.fromisoformat(row[key].rstrip("Z")) for key in ("renew_at", "not_after"))
            assert abs((end - at).total_seconds() / 86400 - left) < lifetime / 50, row
        assert not proxy.seen("renewalInfo")


def test_policy_that_does_not_fit_is_warned_about_not_forbidden(make_everleaf, profiled, name):
    everleaf = make_everleaf(profiled)
    result = everleaf.run("issue", name, "--profile", "shortlived", "--renew-before", "30d", *everleaf.standalone())
    assert "30" in result.err
    assert everleaf.names() == [name]


def test_one_failing_does_not_stop_the_rest(everleaf, dns, pebble, new_name):
    names = [new_name() for _ in range(4)]
    for name in names:
        everleaf.issue(name)
    dns.set_servfail(names[2])
    before = serial(everleaf, names[2])
    result = everleaf.json("renew", "--force", "--jobs", "2", status=3)
    assert sorted(result["renewed"]) == sorted(set(names) - {names[2]})
    assert [row["name"] for row in result["failed"]] == [names[2]]
    assert serial(everleaf, names[2]) == before, "what is live stays live"
    row = everleaf.show(names[2])
    assert row["status"] == "issued" and names[2] in row["last_error"]
    assert_good(everleaf.live(names[2]), pebble.root_file())


@pytest.mark.option("renew", "--dry-run")
def test_dry_run(bare, pebble, make_pebble, lab, name):
    staging = make_pebble()
    bare.run("ca", "add", "lab", pebble.directory, "--ca-bundle", lab.root, "--staging", staging.directory)
    bare.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos")
    bare.run("issue", name, "--standalone", f":{pebble.http_port}")
    bare.run("set", name, "--standalone", f":{staging.http_port}")
    before, orders, record = serial(bare, name), pebble.orders(), bare.show(name)
    bare.run("renew", name, "--dry-run")
    assert serial(bare, name) == before and pebble.orders() == orders and staging.certificates() == 1
    assert bare.show(name) == record


def test_first_attempts_that_are_due_are_made(everleaf, dns, name):
    """A first issue that failed is tried again by `renew` once its time has come, or by name at once."""
    dns.set_servfail(name)
    everleaf.run("issue", name, *everleaf.standalone(), status=1)
    row = everleaf.show(name)
    assert row["status"] == "failed" and row["last_error"]
    dns.clear_servfail(name)
    result = everleaf.json("renew", name)
    assert result["issued"] + result["renewed"] == [name]
    assert everleaf.show(name)["status"] == "issued" and not everleaf.show(name)["last_error"]


def test_back_off_after_a_failed_renewal(everleaf, dns, pebble, name):
    everleaf.issue(name)
    set_window(everleaf, pebble, name, PAST)
    dns.set_servfail(name)
    everleaf.run("renew", name, status=1)
    orders = pebble.orders()
    everleaf.run("renew")
    assert pebble.orders() == orders, "not at once again"
    assert everleaf.show(name)["status"] == "issued"


@pytest.mark.option("check", "--days")
def test_check(everleaf, name):
    everleaf.issue(name)
    result = everleaf.run("check")
    assert result.out == "" and result.err == ""
    result = everleaf.run("check", "--days", "100", status=1)
    assert name in result.out + result.err
    assert everleaf.json("check", "--days", "100", status=1)


@pytest.mark.option("list", "--expiring", "--status")
@pytest.mark.slow
def test_expired(make_everleaf, profiled, new_name):
    everleaf = make_everleaf(profiled)
    brief, lasting = new_name(), new_name()
    everleaf.issue(lasting, "--profile", "default")
    everleaf.issue(brief, "--profile", "brief")
    assert [row["name"] for row in everleaf.json("list", "--expiring", "7")] == [brief]
    assert len(everleaf.json("list", "--expiring", "100")) == 2
    end = load(everleaf.live(brief, "cert.pem")).not_valid_after
    wait_until(lambda: datetime.datetime.utcnow() > end + datetime.timedelta(seconds=1), "the certificate to expire")
    assert everleaf.show(brief)["status"] == "expired"
    assert [row["name"] for row in everleaf.json("list", "--status", "expired")] == [brief]
    assert [row["name"] for row in everleaf.json("list", "--status", "issued")] == [lasting]
    result = everleaf.run("check", status=1)
    assert brief in result.out + result.err and lasting not in result.out + result.err
    everleaf.run("set", brief, "--profile", "default")
    assert brief in everleaf.json("renew")["renewed"], "an expired one is due"


@pytest.mark.option("set", "--standalone", "--key-type", "--deploy-hook")
def test_set_sends_nothing(make_everleaf, proxy, pebble, name):
    everleaf = make_everleaf(proxy)
    everleaf.issue(name)
    proxy.clear()
    everleaf.run("set", name, "--key-type", "ec384", "--organization", "Example Ltd")
    assert not proxy.exchanges
    assert everleaf.show(name)["key_type"] == "ec384"
    everleaf.run("renew", name, "--force")
    assert load(everleaf.live(name, "cert.pem")).public_key().curve.name == "secp384r1"


def test_json_tells_what_changed(everleaf, new_name):
    """A script copies only what is in `renewed`."""
    due, fresh = new_name(), new_name()
    everleaf.issue(due)
    everleaf.issue(fresh)
    result = everleaf.json("renew", due, "--force")
    assert result == {"issued": [], "renewed": [due], "unchanged": [], "failed": [], "pending": []}


@pytest.mark.option("log", "--follow")
def test_log(everleaf, name):
    everleaf.issue(name)
    events = everleaf.json("log", name)
    times = [event["at"] for event in events]
    assert times == sorted(times) and len(events) >= 3
    assert "issued" in [event["kind"] for event in events]
    assert all(event["actor"].startswith("cli:") for event in events)
    following = everleaf.start("log", name, "-f")
    try:
        everleaf.run("renew", name, "--force")
        deadline = time.monotonic() + 20
        seen = ""
        n_before = len(everleaf.run("log", name).out.splitlines())
        while seen.count("\n") < n_before and time.monotonic() < deadline:
            seen += following.stdout.readline()
        assert seen.count("\n") >= n_before
    finally:
        following.terminate()
        following.wait(10)
        following.stdout.close()
        following.stderr.close()


@pytest.mark.option("show")
def test_show_tells_everything_about_one(everleaf, pebble, name):
    everleaf.issue(name)
    row = everleaf.show(name)
    assert same_serial(row["serial"], load(everleaf.live(name, "cert.pem")))
    assert str(everleaf.live(name)) in json.dumps(row)
    text = everleaf.run("show", name).out
    for word in (name, row["serial"], "lab", "standalone"):
        assert word in text


@pytest.mark.threads
def test_many_at_once(everleaf, pebble, new_name):
    names = [new_name() for _ in range(12)]
    path = everleaf.folder / "names.txt"
    path.write_text("".join(f"{name}\n" for name in names))
    everleaf.run("issue", "--from", path, "--jobs", "4", *everleaf.standalone())
    result = everleaf.json("renew", "--force", "--jobs", "4")
    assert sorted(result["renewed"]) == sorted(names)
    assert len({serial(everleaf, name) for name in names}) == 12
