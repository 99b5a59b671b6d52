"""The rate-limit ledger: what does not fit is not sent, and nothing waits that need not."""

import collections
import math
import os
import random
import re
import signal
import time

import pytest

from env.certs import assert_good
from env.gate import SlowWeb
from env.limits_lab import lab_with, seconds  # noqa: F401
from env.lot import drawn_seed
from env.process import wait_until
from env.proxy import problem
from env.website import Website

HOUR, DAY = 3600, 86400


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
    held = [name, new_name()]
    for other in held:
        error = everleaf.error("issue", other, *everleaf.standalone(), status=75)
        assert "too many certificates (7)" in error and "certificates-per-domain" in error
    assert len(proxy.seen("/order-plz")) == orders
    [state] = everleaf.json("limits")
    assert state["source"] == "told" and state["subject"] == "example.com" and "(7)" in state["told"]
    everleaf.issue(new_name().replace("example.com", "example.net"))
    everleaf.env["EVERLEAF_CLOCK_OFFSET_S"] = "3601"
    assert sorted(everleaf.json("renew")["issued"]) == sorted(held)
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


def test_a_renewal_that_replaces_in_time_is_not_held(lab_with, name):
    lab = lab_with(new_orders=(1, "1h"), exact_set=(1, "1d"), certificates_per_domain=(1, "1d"))
    lab.issue(name)
    now = int(lab.model.now())
    lab.suggest(name, now - 2 * HOUR, now + 2 * HOUR)
    lab.everleaf.run("renew", name)
    if lab.everleaf.show(name)["live_version"] == 1:  # the instant chosen in the window is to come
        states = lab.everleaf.json("limits", name)
        assert states and not any(state["counts"] for state in states)
        assert lab.everleaf.json("explain", name)["held"] is None
        assert lab.everleaf.json("renew", name, "--force")["renewed"] == [name]
    assert lab.model.exempt == 1 and lab.everleaf.show(name)["live_version"] == 2
    assert not lab.model.refusals


def test_a_refused_replaces_counts(lab_with, name):
    """The CA does not take it as a replacement: then the order without is counted, and held if it does not fit."""
    lab = lab_with(exact_set=(1, "1d"))
    lab.issue(name)
    now = int(lab.model.now())
    lab.suggest(name, now - 2 * HOUR, now + 2 * HOUR)
    lab.proxy.rules.clear()
    lab.proxy.on("/order-plz", problem(409, "alreadyReplaced"))
    result = lab.everleaf.run("renew", name, status=None)
    if lab.everleaf.show(name)["live_version"] == 1 and result.status == 0:
        lab.everleaf.run("renew", name, "--force", status=75)
    first, second = lab.proxy.seen("/order-plz")
    assert "replaces" not in first.payload and second.payload["replaces"], "not sent again without it"
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


HELD = re.compile(r"\((new-orders|certificates-per-domain|exact-set|failed-validations|consecutive-failures)\)")


class Trace:
    """What a random trace of certificates, failures, windows and waits does, and what must hold after each step."""

    STAND_IN_WAIT_S = 60  # as long as this, a command that was given one name waits by itself

    def __init__(self, lab, site, rng, stem):
        self.lab, self.site, self.rng = lab, site, rng
        self.certs = [
            *([f"{stem}-{i}.example.com"] for i in range(1, 6)),  # five of one domain
            [f"a.{stem}.co.uk"], [f"b.{stem}.co.uk", f"{stem}.co.uk"], [f"a.{stem}-other.co.uk"],  # two, and another
            [f"{stem}-1.github.io"], [f"{stem}-2.github.io", f"www.{stem}-2.github.io"],  # each of its own
            [f"a.b.{stem}.ck"], [f"{stem}.kawasaki.city.kawasaki.jp"],  # a wildcard rule, and an exception
            [f"{stem}-8.example.net", f"{stem}-8.example.org"],
        ]
        self.luck = {name: rng.choice([0, 0.3, 1]) for names in self.certs for name in names}
        self.last = self.certs[0]
        self.told, self.held_at, self.rows, self.n = {}, {}, {}, 0
        self.count = collections.Counter()

    def ari_id(self, names):
        return self.rows[names[0]][0] if names[0] in self.rows else None

    def wait(self, names):
        return self.lab.model.wait(names, self.lab.account, self.ari_id(names), careful=True)

    def pass_the_last_minute(self, names):
        """What opens within a minute is not waited for, but looked at when it opens."""
        wait, *_ = self.wait(names)
        if 0 < wait < self.STAND_IN_WAIT_S:
            self.lab.move(int(wait) + 1)

    def run(self, *words):
        result = self.lab.everleaf.run(*words, status=(0, 1, 3, 75))
        self.lab.model.settle()
        assert not self.lab.model.refusals, f"{self.lab.model.refusals}\n{result}"
        assert not self.lab.model.paused
        self.rows = {name: rest for name, *rest in self.lab.everleaf.sql(
            "select name, ari_id, retry_at, last_error, failures, not_after, renew_at from certs")}
        return result

    def attempt(self, names):
        self.site.broken -= set(names)
        self.site.broken |= {name for name in names if self.rng.random() < self.luck[name]}
        self.pass_the_last_minute(names)
        wait, limit, _ = self.wait(names)
        exempt = self.lab.model.is_in_window(self.ari_id(names))
        result = self.run("issue", *names, "--webroot", self.site.root, "--force")
        if result.status == 75:
            assert wait > 0.5, f"it need not have waited\n{result}"
            assert limit in result.err, f"it is {limit} that holds it\n{result}"
            self.count[limit] += 1
            self.held_at[names[0]] = self.n
        else:
            # a name that was proved before may need no proof now
            assert wait < 0.5 and (result.status == 0 or set(names) & self.site.broken), f"{limit} {wait}\n{result}"
            self.count["issued" if result.status == 0 else "failed"] += 1
            self.count["exempt"] += exempt

    def open_window(self, names):
        """The CA suggests when to replace it: from now on, or soon; and Everleaf is told."""
        start = int(self.lab.model.now()) + self.rng.choice([-HOUR, -HOUR, HOUR])
        self.lab.suggest(names[0], start, start + 3 * HOUR)
        self.pass_the_last_minute(names)
        self.run("renew", names[0])
        self.told[self.ari_id(names)] = self.n
        self.attempt(names)

    def all_that_is_due(self):
        before = int(self.lab.model.now())
        self.run("renew", "--jobs", "1")
        for name, (_, retry_at, error, failures, not_after, renew_at) in self.rows.items():
            due = 0 < retry_at < before and failures == 0 and (not_after == 0 or renew_at < before)
            assert not due, f"{name} was due: {error}"

    def look(self):
        """Nothing that waits for a limit does so longer than the model would have it."""
        for name, (ari_id, retry_at, error, *_) in self.rows.items():
            names = next(names for names in self.certs if names[0] == name)
            if not retry_at or not HELD.search(error or ""):
                continue
            was_told = self.told.get(ari_id, self.n) < self.held_at.get(name, 0)
            wait, limit, _ = self.lab.model.wait(names, self.lab.account, ari_id if was_told else None, careful=True)
            waits = retry_at - self.lab.model.now()
            assert waits <= wait + 15, f"{name} waits {waits} s, it would be taken in {wait} s ({limit}): {error}"

    def step(self, moves, again):
        self.n += 1
        self.lab.move(self.rng.choice(moves))
        if self.held_at.get(self.last[0]) == self.n - 1 or self.rng.random() > again:
            self.last = self.rng.choice(self.certs)
        kind = self.rng.random()
        if kind < 0.15 and self.ari_id(self.last):
            self.open_window(self.last)
        elif kind < 0.25:
            self.all_that_is_due()
        else:
            self.attempt(self.last)
        self.look()


TRACES = [  # tight, and in the proportions that Let's Encrypt publishes: limits, moves, how often the same again, what it comes to
    ({"new_orders": (5, "5h"), "certificates_per_domain": (2, "20h"), "exact_set": (2, "8h"), "failed_validations": (3, "6h"),
      "consecutive_failures": (5, "5d")}, [0, 0, 10, 300, 600, HOUR], 0.5,
     ["new-orders", "certificates-per-domain", "exact-set", "consecutive-failures", "exempt"]),
    ({"new_orders": (300, "3h"), "certificates_per_domain": (2, "7d"), "exact_set": (5, "7d"), "failed_validations": (5, "1h"),
      "consecutive_failures": (20, "20d")}, [0] * 14 + [60, 600, 6 * HOUR], 0.9,
     ["certificates-per-domain", "exact-set", "failed-validations", "exempt"]),
]


@pytest.fixture
def run_trace(lab_with, new_name, pebble, tmp_path):
    """run_trace(seed): the independent model never refuses, and whatever is held would have been refused. Gives what was not
    come to."""

    def run(seed):
        rng, (limits, moves, again, reached) = random.Random(seed), TRACES[seed % 2]
        lab = lab_with(**limits)
        with Website(tmp_path / "www", pebble.http_port) as site:
            trace = Trace(lab, site, rng, new_name().split(".")[0])
            while trace.n < 50 or (trace.n < 300 and not all(trace.count[what] for what in reached)):
                trace.step(moves, again)
        print(f"seed {seed}, {trace.n} steps: {dict(trace.count)}")
        return [what for what in reached if not trace.count[what]]

    return run


@pytest.mark.random
@pytest.mark.pebble_says(".")
@pytest.mark.parametrize("seed", range(2))
def test_random_traces(run_trace, seed):
    assert not run_trace(seed), "it has come to too little"


@pytest.mark.random
@pytest.mark.pebble_says(".")
@pytest.mark.parametrize("n", range(int(os.environ.get("EVERLEAF_TEST_TRACES", "1"))))
def test_traces_drawn_anew(run_trace, n):
    """EVERLEAF_TEST_TRACES: how many (`make soak`). What the lot does not come to is no fault."""
    run_trace(drawn_seed(n))


@pytest.mark.pebble_says(".")
def test_failed_validations_are_waited_for_by_name(lab_with, new_name, pebble, tmp_path):
    """Five an hour of one name, each of which began with a look that found nothing wrong; another name goes on."""
    lab = lab_with(failed_validations=(5, "1h"))
    name, other = new_name(), new_name()
    with Website(tmp_path / "www", pebble.http_port) as site:
        how = ["--webroot", site.root, "--preflight"]
        site.broken = {name}
        for n in range(5):
            lab.everleaf.run("issue", name, *how, status=1)
            assert lab.state("failed-validations", name)[0]["used"] == n + 1
        orders = len(lab.proxy.seen("/order-plz"))
        assert f"failed validations of {name}" in lab.everleaf.error("issue", name, *how, status=75)
        lab.everleaf.run("issue", name, other, "--name", "both", *how, status=75)
        assert len(lab.proxy.seen("/order-plz")) == orders
        lab.everleaf.run("issue", other, *how)
        wait, limit, _ = lab.model.wait([name], lab.account)
        assert limit == "failed-validations" and wait == pytest.approx(HOUR / 5, abs=30)
        retry_in = seconds(lab.everleaf.show(name)["retry_at"]) - lab.model.now()
        assert retry_in <= wait + 15
        site.broken = set()
        lab.move(int(retry_in) + 2)
        assert name in lab.everleaf.json("renew")["issued"]
    assert not lab.model.refusals


@pytest.mark.pebble_says(".")
def test_who_fails_later_is_counted_too(lab_with, new_name, pebble, tmp_path):
    """An order is invalid with the first name that fails; the CA goes on with the others, and counts them."""
    lab = lab_with(failed_validations=(5, "1h"), consecutive_failures=(3, "3d"))
    early, late, good = new_name(), new_name(), new_name()
    with Website(tmp_path / "www", pebble.http_port) as site:
        how = ["--webroot", site.root]
        site.broken, site.slow = {early, late, good}, {late: 2}
        lab.everleaf.run("issue", good, *how, status=1)
        assert lab.state("consecutive-failures", good)[0]["used"] == 1
        site.broken = {early, late}
        error = lab.everleaf.error("issue", early, late, good, "--name", "all", *how, status=1)
        assert early in error and late in error, "what is wrong is told of all"
        used = {(row["limit"], row["subject"]): row["used"] for row in lab.everleaf.json("limits")}
        lab.model.settle()
        for name in (early, late):
            assert used["failed-validations", name] == used["consecutive-failures", name] == 1
        assert ("consecutive-failures", good) not in used, "the CA has validated it: it failed no more in a row"
        assert used["failed-validations", good] == 1


@pytest.mark.pebble_says(".")
def test_a_pause_is_not_risked(lab_with, name, pebble, tmp_path):
    """Not by a renewal in time either, which no other limit holds; and when it is due again, the CA has not paused it."""
    lab = lab_with(exact_set=(1, "30d"), consecutive_failures=(4, "4d"))
    with Website(tmp_path / "www", pebble.http_port) as site:
        how = ["--webroot", site.root]
        lab.issue_by(site, name)
        now = int(lab.model.now())
        lab.suggest(name, now - HOUR, now + 60 * DAY)
        lab.everleaf.run("renew", name)
        site.broken = {name}
        while (result := lab.everleaf.run("issue", name, *how, "--force", status=(1, 75))).status == 1:
            assert not lab.model.refusals
        assert "in a row" in result.err
        lab.model.settle()
        assert not lab.model.paused and lab.state("consecutive-failures", name)[0]["left"] == 1
        lab.move(DAY + 60)
        lab.everleaf.run("issue", name, *how, "--force", status=1)
        lab.everleaf.run("issue", name, *how, "--force", status=75)
        # and what a person forces all the same: the CA pauses it, and says so
        for _ in range(2):
            lab.everleaf.run("issue", name, *how, "--force", "--no-preflight", status=1)
            lab.model.settle()
        assert lab.model.paused == {(name, lab.account)} and not lab.model.refusals
        refused = lab.everleaf.run("issue", name, *how, "--force", "--no-preflight", status=75)
        assert "unpause" in refused.err and lab.model.refusals == [("paused", name, math.inf)]
        assert "has paused" in lab.everleaf.error("issue", name, *how, "--force", "--preflight", status=75)
        assert len(lab.model.refusals) == 1


def test_one_that_replaces_in_time_counts_for_others(lab_with, name):
    """It is held to no limit, and is one certificate of these names all the same."""
    lab = lab_with(exact_set=(2, "10d"))
    lab.issue(name)
    now = int(lab.model.now())
    lab.suggest(name, now - HOUR, now + HOUR)
    lab.everleaf.run("renew", name)
    if lab.everleaf.show(name)["live_version"] == 1:
        lab.issue(name, more=["--force"])
    assert lab.model.exempt == 1 and lab.state("exact-set", name)[0]["left"] == 0
    assert "exactly this set" in lab.everleaf.error("issue", name, *lab.everleaf.standalone(), "--force", status=75)
    assert not lab.model.refusals
    # held now, it goes at the latest when the CA's next window opens
    now = int(lab.model.now())
    lab.suggest(name, now + 2 * HOUR, now + 4 * HOUR)
    lab.everleaf.run("renew", name)
    lab.issue(name, more=["--force"], status=75)
    assert seconds(lab.everleaf.show(name)["retry_at"]) == now + 2 * HOUR


def test_preflight_says_so(lab_with, new_name):
    lab = lab_with(new_orders=(1, "1h"))
    first, second = new_name(), new_name()
    lab.issue(first)
    lab.issue(second, status=75)
    findings = lab.everleaf.json("preflight", second, status=(0, 1, 75))
    [finding] = [one for one in (findings["findings"] if isinstance(findings, dict) else findings) if one["check"] == "limits"]
    assert finding["verdict"] == "fails" and finding["problem"] == "rateLimited" and "new orders" in finding["text"]
    assert seconds(finding["retry_at"]) == pytest.approx(lab.model.now() + HOUR, abs=30)
    assert len(lab.proxy.seen("/order-plz")) == 1, "no attempt reached the CA"
    assert "too many new orders" in lab.issue(second, status=75, more=["--no-preflight"]).err, "and asked anyway, it refuses"
    assert len(lab.proxy.seen("/order-plz")) == 2 and len(lab.model.refusals) == 1


@pytest.mark.parametrize("stopped", [False, True], ids=["waited for", "stopped"])
def test_a_name_that_the_ca_leaves_undecided(lab_with, tmp_path, new_name, stopped):
    """It is waited for, but for moments; then it counts as failed, unless somebody stopped the wait."""
    lab, (missing, slow) = lab_with(failed_validations=(5, "1h")), (new_name(), new_name())
    served, other = tmp_path / "served", tmp_path / "other"
    served.mkdir()
    other.mkdir()
    with SlowWeb(lab.proxy.http_port, served, slow):
        process = lab.everleaf.start("issue", missing, slow, "--webroot", other, "--no-preflight")
        began = time.monotonic()
        if stopped:
            # each is read before it is answered, and once the order is invalid
            wait_until(lambda: len(lab.proxy.seen("/authZ/", "POST")) >= 4, "the authorizations to be read again")
            process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=60)
        assert process.returncode != 0
        assert time.monotonic() - began < 20, told
    assert missing in told[1]
    used = {row["subject"]: row["used"] for row in lab.state("failed-validations")}
    assert used == {name: 1 for name in ([missing] if stopped else [missing, slow])}, told
