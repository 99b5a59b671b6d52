"""News for people: a certificate's owner, apart from all others, and the administrators, through a channel that says so."""

import time

import pytest

from env import Serve
from env.process import wait_until
from env.proxy import problem
from test_notify import DAY, channel, later, smtp  # noqa: F401


@pytest.fixture
def people(make_everleaf, proxy, smtp):  # noqa: F811
    """Everleaf with two administrators and three customers; the CA's answers can be spoilt."""
    everleaf = make_everleaf(proxy)
    everleaf.secret(smtp.login[1])
    for user, role in (("anna", "admin"), ("arno", "admin"), ("carl", "user"), ("cora", "user"), ("mute", "user")):
        everleaf.run("user", "add", user, "--role", role, *(["--email", f"{user}@example.org"] if user != "mute" else []))
    return everleaf


def issue_for(everleaf, owner, name, *options, status=0):
    """As the API does it: the owner stands in the record before anything happens."""
    everleaf.run("issue", name, *everleaf.standalone(), *options, status=status)
    everleaf.sql("update certs set owner = ? where name = ?", owner, name)


def told(smtp):  # noqa: F811
    """{(recipients): [subjects]} of what came since the last look."""
    found = {}
    for mail in smtp.received[getattr(smtp, "people_seen", 0):]:
        found.setdefault(tuple(mail.recipients), []).append(mail.subject.removeprefix("[Everleaf] "))
        assert [address.addr_spec for address in mail.message["To"].addresses] == mail.recipients
    smtp.people_seen = len(smtp.received)
    return found


ADMINS = ("anna@example.org", "arno@example.org")


def test_owner_and_administrators_are_told_apart(people, smtp, channel, new_name):  # noqa: F811
    channel("mail", smtp.settings(to=None, owner=True, admins=True), "--event", "issued", "--event", "revoked", to=people)
    mine, hers, nobodys, admins = new_name(), new_name(), new_name(), new_name()
    for owner, name in (("carl", mine), ("cora", hers), ("mute", nobodys), ("anna", admins)):
        issue_for(people, owner, name)
    assert told(smtp) == {ADMINS: [f"{name}: issued" for name in (mine, hers, nobodys, admins)]}
    for name in (mine, hers, nobodys, admins):
        people.run("revoke", name)
    assert told(smtp) == {ADMINS: [f"{name}: revoked" for name in (mine, hers, nobodys, admins)],
                          ("carl@example.org",): [f"{mine}: revoked"], ("cora@example.org",): [f"{hers}: revoked"]}
    assert "told to carl by mail (mail)" in people.run("log", mine).out
    assert len({mail.message["Message-ID"] for mail in smtp.received}) == len(smtp.received)


def test_only_those_who_are_marked(people, smtp, channel, new_name):  # noqa: F811
    """Per channel and kind of news: one for owners alone, one with an address and the CA account's contacts."""
    channel("mail", smtp.settings(to=None, owner=True), "--event", "revoked", name="owners", to=people)
    channel("mail", smtp.settings(to=["noc@example.org"], contacts=True), "--event", "issued", name="noc", to=people)
    name, other = new_name(), new_name()
    issue_for(people, "carl", name)
    people.issue(other)
    people.run("revoke", name)
    people.run("revoke", other)
    assert told(smtp) == {("noc@example.org", "admin@example.org"): [f"{name}: issued", f"{other}: issued"],
                          ("carl@example.org",): [f"{name}: revoked"]}
    assert people.json("notify", "show", "owners")["waiting"] == 0


def test_who_cannot_be_written_to(people, smtp, channel, new_name):  # noqa: F811
    """A user who was disabled, or is gone, before the mail could leave; nothing stays in the way of others."""
    channel("mail", smtp.settings(to=None, owner=True), "--event", "revoked", to=people)
    names = {owner: new_name() for owner in ("carl", "cora")}
    for owner, name in names.items():
        issue_for(people, owner, name)
    smtp.stop()
    for name in names.values():
        people.run("revoke", name)
    assert people.json("notify", "show", "mail")["waiting"] == 2
    people.run("user", "disable", "carl")
    smtp.start()
    people.run("renew", env=later(90))
    assert told(smtp) == {("cora@example.org",): [f"{names['cora']}: revoked"]}
    assert people.json("notify", "show", "mail")["waiting"] == 0


def test_a_digest_is_for_one_person(people, smtp, channel, new_name):  # noqa: F811
    env = {"TZ": "UTC"}
    channel("mail", smtp.settings(to=None, owner=True, admins=True), "--event", "revoked", "--digest", "daily", to=people)
    names = {owner: [new_name(), new_name()] for owner in ("carl", "cora")}
    for pair in zip(*names.values()):  # one after the other, so that their rows lie mixed
        for owner, name in zip(names, pair):
            issue_for(people, owner, name)
            people.run("revoke", name, env=env)
    assert told(smtp) == {}
    people.run("renew", env={**env, **later(DAY)})
    for mail in smtp.received:
        whose = {owner: all(name in mail.text for name in names[owner]) for owner in names}
        assert whose == {owner: mail.recipients in ([f"{owner}@example.org"], list(ADMINS)) for owner in names}
    assert told(smtp) == {ADMINS: ["4 pieces of news"], ("carl@example.org",): ["2 pieces of news"],
                          ("cora@example.org",): ["2 pieces of news"]}


def test_given_up_after_a_day_and_mended(people, proxy, smtp, channel, name):  # noqa: F811
    """24 hours of first attempts: owner and administrators are told once and at once, also where a digest is usual; then it is
    mended, and the real certificate replaces the stand-in."""
    channel("mail", smtp.settings(to=None, owner=True, admins=True), "--digest", "daily", to=people)
    proxy.on("/order-plz", problem(403, "unauthorized", "the CA does not want to"))
    issue_for(people, "carl", name, "--self-signed-first", status=1)
    people.run("renew", env=later(DAY - 400), status=(1, 3))
    assert told(smtp) == {}, "it has not ended yet"
    people.run("renew", env=later(DAY - 60), status=(1, 3))
    assert told(smtp) == {who: [f"{name}: given up after 24 hours"] for who in (ADMINS, ("carl@example.org",))}
    mail = smtp.received[-1]
    assert "the CA does not want to" in mail.text and f"everleaf renew {name}" in mail.text and "stand-in" in mail.text
    for hours in (25, 49, 200):
        people.run("renew", env=later(hours * 3600))
    assert told(smtp) == {}, "once"
    proxy.clear()
    people.run("renew", name, env=later(201 * 3600))
    people.run("renew", env=later(226 * 3600))
    assert told(smtp) == {who: [f"{name}: issued"] for who in (ADMINS, ("carl@example.org",))}
    assert "It replaces the self-signed stand-in" in smtp.received[-1].text


def test_nothing_is_given_up_that_was_not_tried(people, proxy, smtp, channel, name):  # noqa: F811
    """Nobody was there for two days: attempts have not ended, the next one is made."""
    channel("mail", smtp.settings(to=None, owner=True), to=people)
    proxy.on("/order-plz", problem(403, "unauthorized"))
    issue_for(people, "carl", name, status=1)
    proxy.clear()
    people.run("renew", env=later(2 * DAY))
    assert people.show(name)["status"] == "issued"
    assert told(smtp) == {("carl@example.org",): [f"{name}: issued"]}


@pytest.mark.threads
def test_the_daemon_tells_people(people, proxy, smtp, channel, name):  # noqa: F811
    channel("mail", smtp.settings(to=None, owner=True, admins=True), to=people)
    proxy.on("/order-plz", problem(403, "unauthorized"))
    issue_for(people, "cora", name, status=1)
    daemon = Serve(people)
    daemon.clock(DAY - 60)
    with daemon:
        wait_until(lambda: len(smtp.received) == 2, "both mails")
        assert told(smtp) == {who: [f"{name}: given up after 24 hours"] for who in (ADMINS, ("cora@example.org",))}
        time.sleep(1)
        assert len(smtp.received) == 2
    proxy.clear()


def test_nobody_is_named(people, smtp):  # noqa: F811
    path = people.folder / "mail.json"
    path.write_text(smtp.settings(to=None))
    path.chmod(0o600)
    assert "owner, admins or contacts" in people.error("notify", "add", "mail", "x", "--settings", path, status=2)
    assert "administrator" in people.run("notify", "help", "mail").out
