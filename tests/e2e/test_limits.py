"""The rate-limit ledger: what does not fit is not sent, and nothing waits that need not."""

import datetime
import random
import signal
import time

import pytest

from env.certs import assert_good
from env.limits import LimitedCA
from env.proxy import problem

HOUR = 3600


def seconds(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Lab:
    """Everleaf behind a proxy that keeps the limits; both clocks move together."""

    def __init__(self, everleaf, proxy, model):
        self.everleaf, self.proxy, self.model = everleaf, proxy, model
        config = everleaf.folder / "everleaf.yaml"
        config.write_text(model.config())
        everleaf.env["EVERLEAF_CONFIG"] = str(config)
        everleaf.register(ca=proxy)
        model.watch(proxy)

    @property
    def account(self):
        return self.everleaf.sql("select url from accounts")[0][0]

    def move(self, by):
        self.model.offset += by
        self.everleaf.env["EVERLEAF_CLOCK_OFFSET_S"] = str(self.model.offset)

    def issue(self, *names, status=(0,), more=()):
        return self.everleaf.run("issue", *names, *self.everleaf.standalone(), *more, status=status)

    def state(self, limit, *words):
        return [row for row in self.everleaf.json("limits", *words) if row["limit"] == limit]


@pytest.fixture
def lab_with(bare, proxy):
    return lambda **limits: Lab(bare, proxy, LimitedCA(**limits))


@pytest.mark.option("limits", "--ca")
def test_the_exact_set(lab_with, name):
    lab = lab_with(exact_set=(2, "2h"))
    lab.issue(name)
    lab.issue(name, more=["--force"])
    before = len(lab.proxy.seen("/order-plz"))
    error = lab.everleaf.error("issue", name, *lab.everleaf.standalone(), "--force", status=75)
    assert "exactly this set of names" in error and "lab" in error and "add or remove a name" in error and "exact-set" in error
    assert len(lab.proxy.seen("/order-plz")) == before, "nothing was asked of the CA"
    row = lab.everleaf.show(name)
    assert row["status"] == "issued" and "exactly this set" in row["last_error"]
    [state] = lab.state("exact-set", "--ca", "lab")
    assert (state["used"], state["left"], state["count"], state["per"]) == (2, 0, 2, "2h") and state["subject"] == name
    assert seconds(state["opens_at"]) == pytest.approx(lab.model.now() + HOUR, abs=30)
    assert state["opens_at"] in error
    assert lab.everleaf.json("limits", "--ca", "letsencrypt") == []
    lab.issue(name, "www." + name, more=["--name", "another"])
    lab.move(HOUR)
    lab.issue(name, more=["--force"])
    assert not lab.model.refusals


def test_a_first_issue_is_made_when_it_fits(lab_with, new_name):
    lab = lab_with(new_orders=(1, "1h"))
    first, second = new_name(), new_name()
    lab.issue(first)
    lab.issue(second, status=75)
    row = lab.everleaf.show(second)
    assert row["status"] == "pending" and row["failures"] == 0
    assert seconds(row["retry_at"]) == pytest.approx(lab.model.now() + HOUR, abs=30)
    assert lab.everleaf.json("renew")["issued"] == []
    lab.move(int(seconds(row["retry_at"]) - lab.model.now()) + 2)
    assert lab.everleaf.json("renew")["issued"] == [second]
    assert not lab.model.refusals


@pytest.mark.option("issue", "--no-preflight")
def test_no_preflight_asks_the_ca_all_the_same(lab_with, new_name):
    lab = lab_with(new_orders=(1, "1h"))
    lab.issue(new_name())
    lab.issue(new_name(), status=75)
    assert not lab.model.refusals
    result = lab.issue(new_name(), status=75, more=["--no-preflight"])
    assert "too many new orders" in result.err
    assert len(lab.model.refusals) == 1


@pytest.mark.pebble_says(".")
def test_failed_validations(lab_with, name):
    lab = lab_with(failed_validations=(2, "1h"))
    for _ in range(2):
        lab.everleaf.run("issue", name, "--webroot", lab.everleaf.folder, "--no-preflight", status=1)
    orders = len(lab.proxy.seen("/order-plz"))
    error = lab.everleaf.error("issue", name, *lab.everleaf.standalone(), "--preflight", status=75)
    assert f"failed validations of {name}" in error and "why the CA cannot validate" in error
    assert len(lab.proxy.seen("/order-plz")) == orders
    lab.move(HOUR // 2 + 2)
    lab.issue(name)
    assert not lab.model.refusals


@pytest.mark.pebble_says(".")
def test_consecutive_failures_are_forgotten_when_it_is_issued(lab_with, name):
    lab = lab_with(consecutive_failures=(3, "3d"))
    for _ in range(2):
        lab.everleaf.run("issue", name, "--webroot", lab.everleaf.folder, "--no-preflight", status=1)
    assert lab.state("consecutive-failures")[0]["used"] == 2
    assert "in a row" in lab.everleaf.error("issue", name, *lab.everleaf.standalone(), "--preflight", status=75)
    lab.issue(name, more=["--no-preflight"])
    assert lab.state("consecutive-failures") == []


def test_a_limit_that_is_over_soon_is_waited_for(lab_with, new_name):
    """By who named one certificate; a list, a pass over all that are due, and whoever is interrupted do not wait."""
    lab = lab_with(new_orders=(2, "100s"))
    names = [new_name() for _ in range(4)]
    for name in names[:2]:
        lab.issue(name)
    lab.move(35)
    result = lab.issue(names[2])
    assert "waiting" in result.err and "new orders of one account" in result.err and not lab.model.refusals
    assert len(lab.proxy.seen("/order-plz")) == 3
    process = lab.everleaf.start("issue", names[3], *lab.everleaf.standalone())
    for line in process.stderr:
        if "waiting" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 75 and "interrupted" in err
    listed = lab.everleaf.folder / "names"
    listed.write_text(f"{names[3]}\n{new_name()}\n")
    start = time.monotonic()
    assert "waiting" not in lab.everleaf.run("issue", "--from", listed, *lab.everleaf.standalone(), status=(3, 75)).err
    assert time.monotonic() - start < 20 and lab.everleaf.show(names[3])["last_error"]


def test_new_accounts(lab_with, name):
    lab = lab_with(new_accounts=(2, "2h"))
    lab.everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", "second")
    error = lab.everleaf.error("account", "register", "--ca", "lab", "--email", "c@example.org", "--agree-tos", "--name", "third",
                               status=75)
    assert "new accounts of one host" in error
    assert [row["name"] for row in lab.everleaf.json("account", "list")] == ["lab", "second"]
    lab.move(HOUR + 2)
    lab.everleaf.run("account", "register", "--ca", "lab", "--email", "c@example.org", "--agree-tos", "--name", "third")
    assert not lab.model.refusals


def test_the_cas_word_teaches(make_everleaf, proxy, new_name):
    """A CA that publishes nothing: what it says of one domain holds that domain, and nothing else."""
    everleaf = make_everleaf(proxy)
    name = new_name()
    with proxy.spoiling("/order-plz", problem(429, "rateLimited", 'too many certificates (7) already issued for "example.com"',
                                              headers={"Retry-After": "3600"})):
        error = everleaf.error("issue", name, *everleaf.standalone(), status=75)
        assert "too many certificates (7)" in error
    orders = len(proxy.seen("/order-plz"))
    for other in (name, new_name()):
        error = everleaf.error("issue", other, *everleaf.standalone(), status=75)
        assert "too many certificates (7)" in error and "certificates-per-domain" in error
    assert len(proxy.seen("/order-plz")) == orders
    [state] = everleaf.json("limits")
    assert state["source"] == "told" and state["subject"] == "example.com" and "(7)" in state["told"]
    everleaf.issue(new_name().replace("example.com", "example.net"))
    everleaf.env["EVERLEAF_CLOCK_OFFSET_S"] = "3601"
    assert sorted(everleaf.json("renew")["issued"])[0]
    assert everleaf.json("limits") == []


@pytest.mark.option("limits", "--unpaused")
def test_a_paused_name(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    url = "https://portal.example/sfe/v1/unpause?jwt=" + "x" * 400
    with proxy.spoiling("/order-plz", problem(429, "rateLimited", "Your account is temporarily prevented from requesting "
                                              f"certificates for {name} and possibly others. Please visit: {url}")):
        everleaf.run("issue", name, *everleaf.standalone(), status=75)
    error = everleaf.error("issue", name, *everleaf.standalone(), status=75)
    assert url in error and f"--unpaused {name}" in error
    assert everleaf.json("limits", name)[0]["told"] == url
    assert url in everleaf.run("explain", name).out
    everleaf.run("limits", "--unpaused", name)
    everleaf.run("issue", name, *everleaf.standalone())
    assert_good(everleaf.live(name), proxy.root_file())


def test_a_renewal_that_replaces_in_time_is_not_counted(lab_with, pebble, name):
    lab = lab_with(new_orders=(1, "1h"), exact_set=(1, "1d"), certificates_per_domain=(1, "1d"))
    lab.issue(name)
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = now - datetime.timedelta(hours=2), now + datetime.timedelta(hours=2)
    window = {"suggestedWindow": {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "end": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}
    pebble.set_renewal_info(lab.everleaf.live(name, "cert.pem").read_text(), window)
    lab.model.windows[lab.everleaf.show(name)["ari_id"]] = (start.timestamp(), end.timestamp())
    lab.everleaf.run("renew", name)
    if lab.everleaf.show(name)["live_version"] == 1:  # the instant chosen in the window is to come
        states = lab.everleaf.json("limits", name)
        assert states and not any(state["counts"] for state in states)
        assert lab.everleaf.json("explain", name)["held"] is None
        assert lab.everleaf.json("renew", name, "--force")["renewed"] == [name]
    assert lab.model.exempt == 1 and lab.everleaf.show(name)["live_version"] == 2
    assert not lab.model.refusals


def test_a_refused_replaces_counts(lab_with, pebble, name):
    """The CA does not take it as a replacement: then the order without is counted, and held if it does not fit."""
    lab = lab_with(exact_set=(1, "1d"))
    lab.issue(name)
    now = datetime.datetime.now(datetime.timezone.utc)
    stamps = [(now + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (-2, 2)]
    pebble.set_renewal_info(lab.everleaf.live(name, "cert.pem").read_text(), {"suggestedWindow": dict(zip(("start", "end"), stamps))})
    lab.proxy.rules.clear()
    lab.proxy.on("/order-plz", problem(409, "alreadyReplaced"))
    result = lab.everleaf.run("renew", name, status=None)
    if lab.everleaf.show(name)["live_version"] == 1 and result.status == 0:
        lab.everleaf.run("renew", name, "--force", status=75)
    assert len(lab.proxy.seen("/order-plz")) <= 2, "not sent again without it"
    assert "exactly this set" in lab.everleaf.show(name)["last_error"]


@pytest.mark.option("explain")
def test_explain(everleaf, proxy, name):
    everleaf.issue(name)
    x = everleaf.json("explain", name)
    assert x["reason"] in ("renewal-information", "lifetime") and x["renew_at"] == everleaf.show(name)["renew_at"]
    assert x["next"] and x["next_at"] and x["held"] is None and x["last_error"] is None and x["limits"] == []
    text = everleaf.run("explain", name).out
    assert x["why"] in text and x["next"] in text
    everleaf.run("set", name, "--renew-before", "1/2")
    everleaf.sql("update certs set ari_renew_at = 0, ari_start = 0, ari_end = 0, last_error = 'it broke', last_error_at = 1800000000, "
                 "retry_at = 1900000000, failures = 3")
    x = everleaf.json("explain", name)
    assert x["reason"] == "policy" and "1/2" in x["why"] and x["last_error"] == "it broke" and x["failures"] == 3
    assert x["retry_at"] == "2030-03-17T17:46:40Z" and "it broke" in everleaf.run("explain", name).out
    everleaf.sql("update certs set status = 'revoked'")
    assert everleaf.json("explain", name)["reason"] == "never"
    assert "no certificate" in everleaf.error("explain", "nowhere.example.com", status=1)


def test_explain_names_the_limit(lab_with, new_name):
    lab = lab_with(new_orders=(1, "1h"))
    lab.issue(new_name())
    second = new_name()
    lab.issue(second, status=75)
    x = lab.everleaf.json("explain", second)
    assert "new orders of one account" in x["held"] and seconds(x["held_until"]) == pytest.approx(lab.model.now() + HOUR, abs=30)
    assert x["reason"] == "first" and x["limits"][0]["left"] == 0
    assert x["held"][:40] in lab.everleaf.run("explain", second).out


def test_limits_of_a_domain_nobody_asked_for_yet(everleaf):
    states = {row["limit"]: row for row in everleaf.json("limits", "www.example.co.uk", "--ca", "letsencrypt")}
    assert states["certificates-per-domain"]["subject"] == "example.co.uk"
    assert states["exact-set"]["left"] == 5 and states["failed-validations"]["subject"] == "www.example.co.uk"
    assert everleaf.json("limits", "www.example.co.uk", "--ca", "lab") == []
    assert "bad_name" in everleaf.error("limits", "bad_name!", status=1)


@pytest.mark.option("ca show")
def test_published_limits_are_shown(bare):
    limits = {row["limit"]: (row["count"], row["per"], row["source"]) for row in bare.json("ca", "show", "letsencrypt")["limits"]}
    assert limits["new-orders"] == (300, "3h", "published") and limits["exact-set"] == (5, "7d", "published")
    assert bare.json("ca", "show", "letsencrypt-staging")["limits"][1]["count"] == 1500
    assert bare.json("ca", "show", "zerossl")["limits"] == []
    config = bare.folder / "c.yaml"
    config.write_text("limits:\n  - ca: letsencrypt\n    limit: new-orders\n    count: 3000\n    per: 3h\n")
    limits = bare.json("--config", config, "ca", "show", "letsencrypt")["limits"]
    assert limits[1] == {"limit": "new-orders", "count": 3000, "per": "3h", "source": "configured"}


@pytest.mark.parametrize("text, words", [("  - ca: x\n    limit: nonsense\n    count: 1\n    per: 1h", "nonsense"),
                                         ("  - ca: x\n    limit: exact-set\n    count: 1\n    per: soon", "90s, 15m"),
                                         ("  - ca: x\n    limit: exact-set\n    count: 1", "90s, 15m"),
                                         ("  - ca: x\n    limit: exact-set\n    count: -1\n    per: 1h", "count is -1"),
                                         ("  - limit: exact-set\n    count: 1\n    per: 1h", "ca")])
def test_wrong_limits_in_the_configuration(bare, text, words):
    config = bare.folder / "c.yaml"
    config.write_text(f"limits:\n{text}\n")
    assert words in bare.error("--config", config, "list", status=2)


def test_two_processes_count_together(lab_with, nginx, new_name):
    """Of eight certificates asked for by eight processes at once, exactly the five that fit are ordered."""
    lab = lab_with(new_orders=(5, "10d"))
    running = [lab.everleaf.start("issue", new_name(), "--webroot", nginx.web_root) for _ in range(8)]
    statuses = sorted(process.communicate(timeout=60) and process.returncode for process in running)
    assert statuses == [0] * 5 + [75] * 3
    assert not lab.model.refusals
    assert len(lab.proxy.seen("/order-plz", "POST")) == 5


@pytest.mark.random
@pytest.mark.pebble_says(".")
@pytest.mark.parametrize("seed", range(3))
def test_random_traces(lab_with, new_name, seed):
    """The independent model never refuses, and whatever is held would have been refused."""
    rng = random.Random(seed)
    lab = lab_with(new_orders=(6, "6h"), certificates_per_domain=(5, "10h"), exact_set=(2, "8h"), failed_validations=(2, "2h"))
    domains = ["example.com", "example.net", "example.org"]
    stem = new_name().split(".")[0]
    certs = [[f"{stem}-{i}.{domain}"] for i, domain in enumerate(domains * 2)]
    certs += [[f"{stem}-8.example.com", f"{stem}-8.example.net"]]
    done, held = 0, 0
    for _ in range(45):
        lab.move(int(rng.choice([0, 0, 0, 10, 300, 600, HOUR])))
        names = rng.choice(certs)
        breaks = rng.random() < 0.2
        how = ["--webroot", lab.everleaf.folder] if breaks else lab.everleaf.standalone()
        wait, limit, _ = lab.model.wait(names, lab.account)
        result = lab.everleaf.run("issue", *names, *how, "--force", status=(0, 1, 75))
        assert not lab.model.refusals, f"{lab.model.refusals}\n{result}"
        if result.status == 75:
            held += 1
            assert wait > 0.5, f"it need not have waited\n{result}"
            retry = seconds(lab.everleaf.show(names[0])["retry_at"]) - lab.model.now()
            assert retry <= wait + 5, f"{limit} opens in {wait}, it waits {retry}\n{result}"
        else:
            done += 1
    assert done > 8 and held > 8, (done, held)


def test_preflight_says_so(lab_with, new_name):
    lab = lab_with(new_orders=(1, "1h"))
    first, second = new_name(), new_name()
    lab.issue(first)
    lab.issue(second, status=75)
    findings = lab.everleaf.json("preflight", second, status=(0, 1, 75))
    [finding] = [one for one in (findings["findings"] if isinstance(findings, dict) else findings) if one["check"] == "limits"]
    assert finding["verdict"] == "fails" and finding["problem"] == "rateLimited" and "new orders" in finding["text"]
    assert seconds(finding["retry_at"]) == pytest.approx(lab.model.now() + HOUR, abs=30)
