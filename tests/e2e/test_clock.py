"""A clock that jumps, under a daemon that holds many certificates: nothing is begun until it has gone on steadily for five
minutes, so that a wrong clock can be put right; then work goes on. What a person asks for does not wait."""

import time

import pytest

from env import Serve, large
from env.client import user
from env.process import wait_until

DAY = 86400
HELD, DUE = 120, 5
HOLD = 300
pytestmark = pytest.mark.threads


class Clock:
    """Moves a daemon's clock, and knows what it must not lead to meanwhile."""

    def __init__(self, everleaf, pebble, first):
        self.daemon, self.everleaf, self.pebble, self.first = Serve(everleaf), everleaf, pebble, first
        self.at, self.jumps = 0, 0

    def start(self, at=0):
        self.at = at
        self.daemon.clock(at)
        self.daemon.start()

    def jump(self, to):
        self.at = to
        self.jumps += 1
        self.daemon.clock(to)
        wait_until(lambda: self.daemon.metrics()["everleaf_clock_jumps_total"] == self.jumps, "the jump to be seen")

    def go_on(self, by):
        """As clocks do, though quicker: no jump."""
        self.at += by
        self.daemon.clock(self.at)

    def seen(self):
        """The scheduler has looked, by the clock as it is now, and once more."""
        for _ in range(2):
            now = time.time() + self.at
            wait_until(lambda: self.daemon.metrics()["everleaf_last_look_timestamp_seconds"] > now, "a look")

    def works(self):
        """What tells of any work that nobody asked for."""
        told = self.everleaf.sql("select count(*) from outbox")[0][0]
        return self.pebble.orders_asked_for(), self.daemon.turns("renewed"), self.daemon.turns("failed"), told

    def holds_all_back(self):
        """Till the very end of the time for which it does."""
        before = self.works()
        self.seen()
        self.go_on(HOLD - 60)
        self.seen()
        assert self.works() == before, "nothing is begun before the clock is sure"
        assert self.daemon.metrics()["everleaf_jobs_running"] == self.daemon.metrics()["everleaf_jobs_queued"] == 0


@pytest.fixture
def clock(everleaf, pebble, nginx, new_name):
    """A daemon with many certificates, none due for half a month, all due in two; each would be told of when it ends."""
    first = new_name()
    everleaf.run("issue", first, "--webroot", nginx.web_root)
    large.forge(everleaf, first, HELD)
    [(ca,)] = everleaf.sql("select ca from certs where name = ?", first)
    everleaf.sql("update certs set ca = ?", ca)
    config = everleaf.folder / "everleaf.yaml"
    config.write_text(f"webroots:\n  - {{name: site, path: {nginx.web_root}}}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    hook = everleaf.folder / "told.yaml"
    hook.write_text(f"program: {everleaf.folder}/told\n")
    (everleaf.folder / "told").write_text("#!/bin/sh\ncat >/dev/null\n")
    (everleaf.folder / "told").chmod(0o755)
    everleaf.run("notify", "add", "command", "all", "--settings", hook)
    clock = Clock(everleaf, pebble, first)
    yield clock
    clock.daemon.stop()


def test_forward_by_months_and_put_right(clock):
    """What a machine does whose time server is wrong for a while: all would be due, and soon none is."""
    clock.start()
    clock.jump(70 * DAY)
    assert len(clock.everleaf.sql("select 1 from jobs where run_at < ?", int(time.time()) + clock.at)) > HELD
    clock.holds_all_back()
    clock.jump(0)
    clock.holds_all_back()
    clock.go_on(HOLD)
    clock.seen()
    assert clock.daemon.turns("renewed") == 0 and clock.pebble.orders_asked_for() == clock.works()[0]
    assert clock.daemon.new_log().count("the clock jumped") == 2


def test_forward_by_months_for_good(clock):
    """A machine that was asleep: after five minutes it does all that became due meanwhile."""
    clock.start()
    clock.jump(70 * DAY)
    clock.holds_all_back()
    clock.go_on(70)
    wait_until(lambda: clock.daemon.turns("renewed") == HELD + 1, "all to be renewed", 180, step_s=0.2)
    wait_until(lambda: clock.daemon.metrics()["everleaf_jobs_running"] == 0, "the last turn")
    assert clock.daemon.turns("failed") == 0
    assert clock.everleaf.sql("select count(*) from certs where live_version > 0 and failures = 0") == [(HELD + 1,)]


def test_backward_by_months(clock, new_name):
    """What was due stays due, and is done when the clock is sure; a person's request goes at once."""
    clock.everleaf.sql("update jobs set run_at = run_at + ?", 70 * DAY)
    clock.start(70 * DAY)
    clock.seen()
    admin = user(clock.everleaf, clock.daemon, "root", "admin")
    clock.jump(0)
    due = large.request(clock.everleaf, clock.first, DUE)
    clock.holds_all_back()
    asked = new_name()
    job = admin.post("/certificates", domains=[asked], webroot="site")
    assert admin.done(job) and clock.everleaf.is_live(asked), "what a person asks for does not wait"
    assert clock.everleaf.sql("select count(*) from certs where name like 'due%' and live_version > 0") == [(0,)]
    clock.go_on(70)
    wait_until(lambda: all(clock.everleaf.live(name, "cert.pem").exists() for name in due), "what is due", 60)
    assert clock.daemon.turns("renewed") == 0 and clock.daemon.turns("failed") == 0
