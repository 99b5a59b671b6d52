"""`warn_days` of the configuration, or of the settings: these warnings, and no others."""

import pytest

from test_notify import DAY, SECRET, channel, hook_settings, later, receiver, smtp, subjects  # noqa: F401


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
