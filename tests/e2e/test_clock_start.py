"""A daemon that is started while its machine's clock is wrong does not believe it: nothing is renewed, nobody is warned, it
says so, and it goes on by itself when the clock is put right. What is late for good is done, one by one where nobody knows."""

import time

import pytest

from env import Serve, large
from env.process import wait_until

DAY = 86400
HELD, DUE = 30, 5
HOLD = 300
pytestmark = pytest.mark.threads


def without_date(handler, exchange):
    """A CA that does not say what time it is."""
    handler.forward(exchange)
    exchange.answer_headers = [(key, value) for key, value in exchange.answer_headers if key.lower() != "date"]
    handler.pass_on(exchange)


class Held:
    """A daemon, and what it must not do."""

    def __init__(self, everleaf, pebble):
        self.daemon, self.everleaf, self.pebble = Serve(everleaf), everleaf, pebble
        self.at = 0

    def start(self, at, **options):
        self.at = at
        self.daemon.clock(at)
        self.before = self.works()
        self.daemon.start(**options)

    def clock(self, at):
        self.at = at
        self.daemon.clock(at)

    def metric(self, name):
        return self.daemon.metrics()[f"everleaf_{name}"]

    def seen(self):
        """The scheduler has looked, by the clock as it is now, and once more."""
        for _ in range(2):
            now = time.time() + self.at
            wait_until(lambda: self.metric("last_look_timestamp_seconds") > now, "a look")

    def works(self):
        """What tells of any work that nobody asked for, or of a pass."""
        return [self.pebble.orders_asked_for(), self.everleaf.sql("select count(*) from outbox")[0][0],
                self.everleaf.sql("select value from meta where name = 'last_pass'"),
                self.everleaf.sql("select count(*) from events where kind <> 'clock'")]

    def does_nothing(self):
        self.seen()
        assert self.works() == self.before, "nothing is begun"
        assert self.metric("clock_held") == 1 and self.daemon.turns("renewed") == self.daemon.turns("failed") == 0

    def is_doubted(self, why):
        wait_until(lambda: why in self.daemon.get("/readyz")[2], "the doubt")

    def told(self):
        return [event["text"] for event in self.everleaf.json("log") if event["kind"] == "clock"]

    def says(self, *words):
        """What each of its mouths has to say of the clock."""
        wait_until(lambda: self.told(), "the event")
        for word in words:
            for said in (self.daemon.problem("/readyz")["detail"], self.told()[-1], self.daemon.new_log()):
                assert word in said
        assert self.metric("ready") == 0

    def is_put_right(self):
        jumps = self.metric("clock_jumps_total")
        self.clock(0)
        wait_until(lambda: self.metric("clock_jumps_total") > jumps, "the jump to be seen")
        self.clock(HOLD + 5)
        wait_until(lambda: self.metric("clock_held") == 0 and self.metric("ready") == 1, "it to be believed")
        wait_until(lambda: "the clock is believed" in self.told()[-1], "the event")
        assert "the clock is believed" in self.daemon.new_log()


def told_of_everything(everleaf):
    program, settings = everleaf.folder / "told", everleaf.folder / "told.yaml"
    settings.write_text(f"program: {program}\n")
    program.write_text("#!/bin/sh\ncat >/dev/null\n")
    program.chmod(0o755)
    everleaf.run("notify", "add", "command", "all", "--settings", settings)


def filled(everleaf, pebble, nginx, name):
    """With 30 certificates that are due in two months, and each would be told of then."""
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    large.forge(everleaf, name, HELD)
    [(ca,)] = everleaf.sql("select ca from certs where name = ?", name)
    everleaf.sql("update certs set ca = ?", ca)
    told_of_everything(everleaf)
    return Held(everleaf, pebble)


@pytest.fixture
def held(everleaf, pebble, nginx, name):
    held = filled(everleaf, pebble, nginx, name)
    held.daemon.others_clock(0)
    yield held
    held.daemon.stop()


@pytest.fixture
def unheard(make_everleaf, proxy, pebble, nginx, name):
    """The same, at a CA that gives no Date."""
    held = filled(make_everleaf(proxy), pebble, nginx, name)
    proxy.on("/dir", without_date)
    yield held
    held.daemon.stop()


@pytest.mark.parametrize("days, why", [(300, "says"), (5 * 365, "when this program was not yet made")])
def test_started_with_a_clock_that_is_behind(held, name, days, why):
    """A dead battery. What is due waits, though it is due by any clock."""
    due = large.request(held.everleaf, name, DUE)
    held.start(-days * DAY, asked="/healthz")
    held.is_doubted("clock")
    held.says("this machine's clock says", why)
    held.does_nothing()
    line = held.everleaf.run("check", status=1, env=held.daemon.clock_env).err
    assert "this machine's clock says" in line and "renews nothing" in line
    held.is_put_right()
    wait_until(lambda: all(held.everleaf.is_live(one) for one in due), "what is due", 60)
    assert held.daemon.turns("renewed") == 0
    held.everleaf.run("check", env=held.daemon.clock_env)


def test_started_with_a_clock_that_is_ahead(held):
    """By three years: all certificates would have ended, and everybody would be told. The CA knows better."""
    held.start(3 * 365 * DAY, asked="/healthz")
    held.is_doubted("clock")
    held.says("this machine's clock says", "the CA", "says")
    held.does_nothing()
    held.clock(held.at + 800)
    held.does_nothing()
    held.is_put_right()
    held.seen()
    assert held.daemon.turns("renewed") == 0 and held.pebble.orders_asked_for() == held.before[0]
    assert held.works()[1] == held.before[1], "nobody is told of what did not happen"


def test_started_late_and_nobody_says_whether(unheard):
    """By two months, and no CA says that it is so late: after half an hour it is believed, and what is due begins one by one."""
    unheard.start(70 * DAY)
    wait_until(lambda: "no CA says" in unheard.daemon.new_log(), "the doubt")
    assert len(unheard.everleaf.sql("select 1 from jobs where run_at < ?", int(time.time()) + unheard.at)) > HELD
    for _ in range(2):
        unheard.clock(unheard.at + 880)
        unheard.does_nothing()
    unheard.clock(unheard.at + 60)
    wait_until(lambda: unheard.daemon.turns("renewed") == 1, "the first", 30)
    unheard.seen()
    assert unheard.daemon.turns("renewed") == 1 and unheard.metric("clock_held") == 0
    unheard.clock(unheard.at + 31)
    wait_until(lambda: unheard.daemon.turns("renewed") == 2, "the next", 30)
    assert unheard.pebble.orders_asked_for() == unheard.before[0] + 2


def test_work_that_a_wrong_clock_left_in_the_future(unheard):
    """A pass was written down a year ahead, and no CA says that it is not so late: a person says it, with `renew`."""
    unheard.everleaf.run("renew")
    unheard.everleaf.sql("update meta set value = ? where name = 'last_pass'", str(int(time.time()) + 365 * DAY))
    unheard.start(0, asked="/healthz")
    unheard.is_doubted("work was done here at")
    assert "work was done here at" in unheard.everleaf.run("check", status=1).err
    unheard.everleaf.run("renew")
    unheard.daemon.stop()
    unheard.daemon.start()
    wait_until(lambda: unheard.metric("clock_held") == 0, "it to be believed")
    unheard.everleaf.run("check")
