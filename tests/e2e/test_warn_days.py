"""`warn_days` of the configuration, or of the settings: these warnings, and no others."""

import pytest

from env import large
from test_notify import DAY, SECRET, channel, hook_settings, later, receiver, smtp, subjects  # noqa: F401

MANY = 450


@pytest.mark.parametrize("by", ["file", "setting"])
def test_own_days(everleaf, smtp, channel, receiver, name, tmp_path, by):  # noqa: F811
    """Also of a certificate whose next warning was worked out by the usual days: 14 would be next, and 20 was set since."""
    everleaf.secret(SECRET)
    config = tmp_path / "everleaf.yaml"
    config.write_text("warn_days: [2, 20]\n")
    channel("mail", smtp.settings(), "--event", "expiring")
    channel("webhook", hook_settings(receiver), "--event", "expiring")
    everleaf.issue(name)
    everleaf.run("check", env=later(65 * DAY), status=1)  # nobody renews here
    assert "25 days" in subjects(smtp)[0]
    if by == "setting":
        everleaf.run("settings", "set", "warn_days=2,20")
    how = ["--config", config] if by == "file" else []
    # `check` tells what is due, and changes nothing else about a certificate
    for days, words in [(66, []), (70.1, ["20 days"]), (76.1, []), (83.1, []), (87.1, []), (88.1, ["46 hours", "47 hours"]),
                        (89.1, []), (90.1, ["expired"])]:
        receiver.news.clear()
        everleaf.run(*how, "check", env=later(days * DAY), status=(0, 1))
        mails = subjects(smtp)
        hooks = [item["subject"] for _, news in receiver.news for item in news["items"]]
        assert hooks == mails and len(mails) == bool(words), (days, mails, hooks)
        assert all(any(word in line for word in words) for line in mails), (days, mails)


@pytest.mark.parametrize("days,why", [
    ("30", "list"), ("[]", "list"), ("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]", "list"), ("[7, 0]", "1 to 365"), ("[366]", "1 to 365"),
    ("[-1]", "1 to 365"), ("[1.5]", "1 to 365"), ("['7']", "1 to 365"), ("[4294967297]", "1 to 365"), ("[7, 3, 7]", "twice"),
])
def test_wrong_days(bare, tmp_path, days, why):
    config = tmp_path / "everleaf.yaml"
    config.write_text(f"# first\nwarn_days: {days}\n")
    line = bare.error("--config", config, "list", status=2)
    assert f"{config}:2: warn_days: " in line and why in line


def days_file(path, days):
    path.write_text(f"warn_days: {days}\n")
    return ["--config", path]


@pytest.fixture
def many(everleaf, channel, receiver, name):  # noqa: F811
    """So many that one transaction does not do for them, all with 90 days and told of once a day: the outbox is what was told."""
    everleaf.secret(SECRET)
    channel("webhook", hook_settings(receiver), "--event", "expiring", "--digest", "daily")
    everleaf.issue(name)
    large.forge(everleaf, name, MANY - 1)
    [(ends, renews)] = everleaf.sql("select not_after, renew_at from certs where name = ?", name)
    everleaf.sql("update certs set not_before = ?, not_after = ?, renew_at = ?, tell_at = ?", ends - 90 * DAY, ends, renews, renews)
    return everleaf


def told(everleaf, days):
    """How many were told of so many days, each once: what was told stands under one name for a channel."""
    [(n,)] = everleaf.sql("select count(*) from outbox where dedup like ?", f"expiring/%/{days}")
    return n


def looks(everleaf, days, *how, **options):
    return everleaf.run(*how, "check", env=later(days * DAY), status=(0, 1), **options)


def test_a_change_touches_nobody_and_holds_for_all(many):
    looks(many, 65)
    assert told(many, 30) == MANY
    rows = "select name, told_until, tell_at from certs order by name"
    before = many.sql(rows)
    many.run("settings", "set", "warn_days=20,2")
    looks(many, 65)
    assert many.sql(rows) == before, "when each is looked at next does not rest on the days"
    looks(many, 70.1)
    assert told(many, 20) == MANY and many.sql("select count(*) from outbox") == [(2 * MANY,)]
    many.run("settings", "set", "warn_days=20,19")  # has passed when it is set
    looks(many, 72.1)
    assert told(many, 19) == MANY and many.sql("select count(*) from outbox") == [(3 * MANY,)]


def test_nodes_whose_files_differ(many, tmp_path):
    """What one of them says is told by its next look, though the other one looked at that instant."""
    short, long = days_file(tmp_path / "short.yaml", [5]), days_file(tmp_path / "long.yaml", [20])
    for day, config in [(70.1, short), (71.1, long), (85.1, long), (86.1, short)]:
        looks(many, day, *config)
    assert (told(many, 20), told(many, 5)) == (MANY, MANY) and many.sql("select count(*) from outbox") == [(2 * MANY,)]


def test_several_at_once_tell_once(many):
    passes = [many.start("check", env=later(65 * DAY)) for _ in range(3)]
    for process in passes:
        _, err = process.communicate(timeout=120)
        assert process.returncode in (0, 1), err
    assert told(many, 30) == MANY and many.sql("select count(*) from outbox") == [(MANY,)]
    assert many.sql("select count(*) from certs where told_until = 0") == [(0,)]


@pytest.mark.kill
def test_killed_while_it_tells(many):
    """At each of its first transactions: what was kept was told, and the next run tells the others, none of them twice."""
    looks(many, 58)  # what comes but once
    kept = []
    for n in range(1, 12):
        many.run("check", env={**later(65 * DAY), "EVERLEAF_FAULT": f"exit:{n}"}, status=None)
        kept.append(told(many, 30))
        assert many.sql("select count(*) from certs where told_until > 0") == [(kept[-1],)]
    looks(many, 65)
    assert told(many, 30) == MANY and many.sql("select count(*) from outbox") == [(MANY,)]
    assert any(0 < n < MANY for n in kept), kept
