"""The maintenance window: renewals that can wait are made in it and not before; whoever cannot wait, or is asked for, is not held."""

import datetime
import time

import pytest

from env import Serve
from env.process import wait_until

DAY = 86400
NIGHT = 'renew_window: "01:30"\n'


def seconds(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


HOURS = 12 - datetime.datetime.utcnow().hour  # of a time zone in which it is about noon


def local(stamp):
    """The time of day there."""
    return (datetime.datetime.fromisoformat(stamp.rstrip("Z")) + datetime.timedelta(hours=HOURS)).strftime("%H:%M")


@pytest.fixture
def night(everleaf, tmp_path):
    """Everleaf with a window, where it is noon now."""
    config = tmp_path / "night.yaml"
    config.write_text(NIGHT)
    everleaf.env |= {"EVERLEAF_CONFIG": str(config), "TZ": f"LAB{-HOURS:+d}"}
    return everleaf


def held(everleaf, name, *how):
    """Issued, its end alone says when it is renewed; gives the instants at which it is due, and at which the window lets it go."""
    everleaf.run("issue", name, *how, "--renew-before", "30d")
    everleaf.sql("update certs set ari_id = null, ari_renew_at = 0, ari_start = 0, ari_end = 0, ari_check_at = 0 where name = ?", name)
    everleaf.run("set", name, "--renew-before", "29d")
    row = everleaf.show(name)
    return seconds(row["not_after"]) - 29 * DAY, seconds(row["renew_at"])


def go_to(daemon, at):
    """Moves the clock in steps that are no jump."""
    while (ahead := int(daemon.clock_file.read_text())) + time.time() < at:
        daemon.clock(min(ahead + 600, at + 1 - time.time()))
        wanted = time.time() + int(daemon.clock_file.read_text())
        wait_until(lambda: daemon.metrics()["everleaf_last_look_timestamp_seconds"] >= wanted - 1, "a look")


def test_it_is_renewed_in_the_window(night, nginx, pebble, new_name):
    """By a daemon whose clock moves through the night: in the window, and each at its own instant there."""
    names = [new_name() for _ in range(4)]
    opens = {}
    for name in names:
        due, opens[name] = held(night, name, "--webroot", nginx.web_root)
        assert due < opens[name] <= due + DAY + 3600 and "01:30" <= local(night.show(name)["renew_at"]) <= "02:30"
    name, other, asked_for, urgent = names
    assert len(set(opens.values())) > 1, "not all at once"
    assert "maintenance window" in night.run("show", name).out + night.run("explain", name).out
    night.sql("update certs set failures = 1, failing_since = ?, last_error = 'it broke' where name = ?", int(due), urgent)
    night.sql("update jobs set run_at = 1 where subject = ?", urgent)
    daemon = Serve(night)
    daemon.clock(min(opens.values()) - 120 - time.time())  # the machine was off until shortly before
    orders = pebble.orders()
    with daemon:
        wait_until(lambda: night.show(urgent)["live_version"] == 2, "one that failed before, which does not wait")
        assert night.json("renew", env=daemon.clock_env)["renewed"] == [], "a pass of the command line leaves them alone too"
        assert night.json("renew", asked_for, env=daemon.clock_env)["renewed"] == [asked_for]
        assert [night.show(one)["live_version"] for one in (name, other)] == [1, 1] and pebble.orders() == orders + 2
        for one in sorted((name, other), key=opens.get):
            assert seconds(night.show(one)["renew_at"]) == opens[one]
            go_to(daemon, opens[one])
            wait_until(lambda: night.show(one)["live_version"] == 2, "its renewal, in the window")
        assert pebble.orders() == orders + 4
    for one in (name, other):
        stamp = max(event["at"] for event in night.json("log", one) if event["kind"] == "issued")
        assert "01:30" <= local(stamp) <= "02:40" and opens[one] <= seconds(stamp) < opens[one] + 600


def test_without_a_window_it_is_renewed_when_it_is_due(night, nginx, name):
    due, _ = held(night, name, "--webroot", nginx.web_root)
    night.env.pop("EVERLEAF_CONFIG")
    night.run("set", name, "--renew-before", "29d")
    daemon = Serve(night)
    daemon.clock(due + 10 - time.time())
    with daemon:
        wait_until(lambda: night.show(name)["live_version"] == 2, "its renewal")


@pytest.mark.parametrize("text", ['renew_window: "25:00"', "renew_window: soon", 'renew_window: "1:30"'])
def test_a_time_that_is_none(night, tmp_path, text):
    (tmp_path / "night.yaml").write_text(text + "\n")
    night.error("list", status=2)
