"""A whole day in which a customer's first certificate cannot be had, attempt by attempt under a clock that the test moves: what
our own look finds stops before the CA; what only the CA sees is asked of it no more often than its published limits allow; after
24 hours there is an end, and the owner and the administrators are told once."""

import math
import time

import pytest

from env import Serve
from env.certs import load
from env.client import user
from env.limits import LimitedCA
from env.limits_lab import Lab, seconds
from env.process import wait_until
from env.website import Website
from test_panel_story import DAY, FIVE_MINUTES, customer, form, is_stand_in, looked, mails, smtp, told_both  # noqa: F401

# Let's Encrypt's own figures, as published.
PUBLISHED = {"new_orders": (300, "3h"), "certificates_per_domain": (50, "7d"), "exact_set": (5, "7d"), "failed_validations": (5, "1h"),
             "consecutive_failures": (1152, "1152d")}
WRITTEN_S = 5  # an event is written a moment after what it tells of
PEOPLE = ("admin@example.org", "kunde@example.net")


class Panel:
    """A daemon before a CA that keeps its published limits, and a web server that shows the CA something else if it is told to."""

    def __init__(self, lab, site, daemon, name):
        self.lab, self.site, self.daemon, self.name = lab, site, daemon, name
        self.everleaf, self.model = lab.everleaf, lab.model
        self.admin = user(self.everleaf, daemon, "root", "admin", email=PEOPLE[0])
        self.kunde = customer(self.everleaf, daemon, self.admin, name)

    def row(self):
        return self.kunde.get(f"/certificates/{self.name}")

    def events(self, kind=None):
        """Oldest first."""
        found = self.kunde.all(f"/certificates/{self.name}/events", limit=1000, **({"kind": kind} if kind else {}))
        return found[::-1]

    def times(self, kind):
        return [seconds(event["at"]) for event in self.events(kind)]

    def move_to(self, at):
        """The CA and the daemon have the same clock. What is due by it is begun at once: the scheduler looks when a job comes."""
        self.model.move(max(0, math.ceil(at - self.model.now())))
        self.daemon.clock(self.model.offset)
        return self.admin.post("/certificates/renew", owner="root")  # who has none

    def attempt(self, before):
        """Moves the clock to the next one, and gives how it stands then."""
        self.move_to(seconds(before["retry_at"]))
        return wait_until(lambda: (row := self.row())["last_error_at"] != before["last_error_at"] and row, "the next attempt")

    def orders(self):
        return len(self.lab.proxy.seen("/order-plz"))

    def nothing_more(self):
        """Hours pass, and all that is due by then is begun; nothing is."""
        before = self.row(), [event["id"] for event in self.events()], len(self.lab.proxy.exchanges), len(self.model.refusals)
        for _ in range(24):
            self.move_to(self.model.now() + 2 * FIVE_MINUTES)
            looked(self.admin)
        after = self.row(), [event["id"] for event in self.events()], len(self.lab.proxy.exchanges), len(self.model.refusals)
        assert before == after


@pytest.fixture
def panel(bare, proxy, pebble, smtp, name, tmp_path):  # noqa: F811
    lab = Lab(bare, proxy, LimitedCA(**PUBLISHED))
    bare.secret(smtp.login[1])
    settings = bare.folder / "mail.yaml"
    settings.write_text(smtp.settings(to=None, owner=True, admins=True))
    settings.chmod(0o600)
    bare.run("notify", "add", "mail", "mail", "--settings", settings)
    config = bare.folder / "everleaf.yaml"
    (bare.folder / "empty").mkdir()
    config.write_text(f"{lab.model.config()}webroots:\n  - {{name: site, path: {tmp_path}/www}}\n  - {{name: other, path: {bare.folder}/empty}}\n")
    with Website(tmp_path / "www", pebble.http_port) as site, Serve(bare) as daemon:
        yield Panel(lab, site, daemon, name)


def is_the_end(panel, smtp, first):  # noqa: F811
    """24 hours after the first failure: told once to each, and nothing any more."""
    end, = panel.events("given-up")
    assert "24 hours" in end["text"] and f"everleaf renew {panel.name}" in end["text"]
    attempts = panel.times("failed")
    assert first <= attempts[0] <= first + WRITTEN_S and attempts[-1] <= first + DAY + WRITTEN_S, "none when the day is over"
    assert attempts[-1] <= seconds(end["at"]) <= first + DAY + WRITTEN_S
    told_both(smtp, panel.name, "24 hours")
    panel.nothing_more()
    assert panel.times("failed") == attempts and len(panel.events("given-up")) == 1
    for to in PEOPLE:
        mail, = mails(smtp, to, "24 hours")
        assert "status 404" in mail.text or "returned 404" in mail.text, "the reason, not what it waited for"
        assert (str(panel.everleaf.folder) in mail.text) <= (to == PEOPLE[0]), "where on the host is not a customer's business"
    row = panel.row()
    assert (row["status"], row["live_self_signed"], row["renew_at"]) == ("failed", True, None)


def test_the_look_finds_it_each_time(panel, smtp, name):  # noqa: F811
    """All attempts of a day, every five minutes: none reaches the CA."""
    began = len(panel.lab.proxy.exchanges)
    job = panel.kunde.post("/certificates", **form(name, webroot="other"))
    assert panel.kunde.ended(job)["state"] == "failed"
    row = panel.row()
    first, made = seconds(row["last_error_at"]), 1
    while (due := seconds(row["retry_at"])) <= first + DAY:
        assert due == seconds(row["last_error_at"]) + FIVE_MINUTES
        row, made = panel.attempt(row), made + 1
        assert row["failures"] == made and seconds(row["last_error_at"]) >= due, "and not before it was due"
    events = panel.events("failed")
    assert len(events) == made >= 270
    times = panel.times("failed")
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert min(gaps) >= FIVE_MINUTES - WRITTEN_S and sum(gaps) / len(gaps) <= FIVE_MINUTES + 10
    for event in events:
        assert name in event["text"] and "404" in event["text"] and "urn:" not in event["text"], event["text"]
    is_the_end(panel, smtp, first)
    assert not [e for e in panel.lab.proxy.exchanges[began:] if e.method == "POST"], "none of them reached the CA"
    assert is_stand_in(load(panel.everleaf.live(name, "cert.pem")))
    assert len(smtp.received) == len(mails(smtp, PEOPLE[0])) + len(mails(smtp, PEOPLE[1])) == 2, smtp.subjects()


@pytest.mark.pebble_says(".")
def test_only_the_ca_sees_it(panel, smtp, pebble, name):  # noqa: F811
    """The web server has the answer for us, and none for the CA: five failed validations an hour are never exceeded, for a day."""
    panel.site.broken = {name}
    job = panel.kunde.post("/certificates", **form(name, webroot="site", key_type="ec256"))
    assert panel.kunde.ended(job)["state"] == "failed"
    row = panel.row()
    first = seconds(row["last_error_at"])
    while seconds(row["retry_at"]) <= first + DAY:
        row = panel.attempt(row)
    events = panel.events("failed")
    times = panel.times("failed")
    assert min(after - before for before, after in zip(times, times[1:])) >= FIVE_MINUTES - WRITTEN_S
    assert not panel.model.refusals, "the CA never had to refuse"
    assert panel.orders() == len(events) and 100 <= len(events) <= 5 + 24 * 5
    for event in events:
        assert name in event["text"] and "urn:" not in event["text"], event["text"]
    is_the_end(panel, smtp, first)
    assert panel.orders() == len(events) and not panel.model.refusals
    days = {int(at) // DAY for at in panel.times("waits")}
    for to in PEOPLE:
        assert len(mails(smtp, to, "a rate limit makes certificates wait")) == len(days), to
        assert len(mails(smtp, to)) == len(days) + 1, smtp.subjects()
