"""Who is told of what: mail through a real mail server, webhooks, programs; what is told when; nothing lost, nothing twice."""

import hashlib
import hmac
import json
import re
import signal
import time

import pytest

from env.certs import openssl
from env.fake import Answer, Fake
from env.proxy import problem
from env.smtp import SmtpServer

DAY = 86400
SECRET = "webhook-secret-0123456789"


@pytest.fixture
def smtp(tmp_path, lab):
    with SmtpServer(tmp_path / "smtp", lab) as server:
        yield server


@pytest.fixture
def channel(everleaf):
    """channel(KIND, settings text, *options) adds a channel called after its kind."""
    def add(kind, settings, *options, name=None, to=everleaf):
        path = to.folder / f"{name or kind}.yaml"
        path.write_text(settings)
        path.chmod(0o600)
        to.run("notify", "add", kind, name or kind, "--settings", path, *options)
        path.unlink()
        return name or kind

    return add


@pytest.fixture
def mailed(everleaf, smtp, channel):
    """Everleaf that mails."""
    everleaf.secret(smtp.login[1])
    channel("mail", smtp.settings())
    return everleaf


def later(seconds):
    return {"EVERLEAF_CLOCK_OFFSET_S": str(int(seconds))}


# the commands


@pytest.mark.option("notify add", "--settings", "--event", "--digest")
@pytest.mark.option("notify list")
@pytest.mark.option("notify show")
@pytest.mark.option("notify update", "--settings", "--event", "--usual-events", "--digest")
@pytest.mark.option("notify enable")
@pytest.mark.option("notify disable")
@pytest.mark.option("notify delete")
def test_channels(everleaf, smtp, channel, name):
    everleaf.secret(smtp.login[1])
    channel("mail", smtp.settings(), "--event", "revoked", "--event", "issued", "--digest", "daily")
    row, = everleaf.json("notify", "list")
    assert (row["name"], row["kind"], row["enabled"], row["digest"]) == ("mail", "mail", True, "daily")
    shown = everleaf.json("notify", "show", "mail")
    assert shown["events"] == ["revoked", "issued"] and shown["waiting"] == 0
    assert shown["settings"]["to"] == ["admin@example.org"]
    assert shown["settings"]["password"] == "(kept secret)"
    assert "admin@example.org" in everleaf.run("notify", "show", "mail").out
    assert smtp.login[1].encode() not in everleaf.stored()
    # an update keeps what its file does not name
    change = everleaf.folder / "change.yaml"
    change.write_text("to: [other@example.org]\n")
    everleaf.run("notify", "update", "mail", "--settings", change, "--digest", "at-once", "--usual-events")
    shown = everleaf.json("notify", "show", "mail")
    assert shown["settings"]["to"] == ["other@example.org"] and shown["settings"]["user"] == smtp.login[0]
    assert shown["events"] == [] and shown["digest"] == "at-once"
    everleaf.run("notify", "update", "mail", "--event", "revoked")
    assert everleaf.json("notify", "show", "mail")["events"] == ["revoked"]
    everleaf.run("notify", "test", "mail")
    assert smtp.received[0].recipients == ["other@example.org"]
    # not told of what it did not ask for, nor while it is disabled
    everleaf.run("notify", "disable", "mail")
    assert "disabled" in everleaf.run("notify", "list").out
    everleaf.issue(name)
    everleaf.run("revoke", name)
    everleaf.run("notify", "enable", "mail")
    everleaf.run("renew")
    assert len(smtp.received) == 1
    everleaf.run("notify", "delete", "mail")
    assert everleaf.json("notify", "list") == []
    assert "no channel" in everleaf.error("notify", "show", "mail", status=1)


@pytest.mark.option("notify help")
def test_help(bare):
    for kind, word in (("mail", "password"), ("webhook", "HMAC"), ("command", "EVERLEAF_EVENT")):
        assert word in bare.run("notify", "help", kind).out
        assert {row["event"] for row in bare.json("notify", "help", kind)["events"]} >= {"issued", "expiring", "failed"}
    assert "mail, webhook, command" in bare.error("notify", "help", "pigeon", status=2)


WRONG = [
    ("mail", {"to": "a@example.org\nBcc: b@example.org"}, "to"), ("mail", {"from": "nobody"}, "from"), ("mail", {"to": None}, "to"),
    ("mail", {"server": "a b"}, "server"), ("mail", {"tls": "maybe"}, "tls"), ("mail", {"tls": "none"}, "password"),
    ("mail", {"colour": "red"}, "colour"), ("mail", {"user": None}, "user"),
    ("webhook", {"url": "http://example.org/"}, "https"), ("webhook", {"url": "file:///etc/passwd"}, "url"),
    ("webhook", {"secret": "short"}, "secret"), ("webhook", {"authorization": "a\nX: y"}, "authorization"),
    ("command", {"program": "sh"}, "program"), ("command", {"timeout": 1000}, "timeout"),
]


@pytest.mark.parametrize("kind, change, word", WRONG)
def test_wrong_settings(everleaf, smtp, kind, change, word):
    right = {"mail": json.loads(smtp.settings()), "webhook": {"url": "https://example.org/", "secret": SECRET},
             "command": {"program": "/bin/true"}}[kind]
    path = everleaf.folder / "wrong.yaml"
    path.write_text(json.dumps({key: value for key, value in {**right, **change}.items() if value is not None}))
    everleaf.secret(smtp.login[1])
    before = everleaf.snapshot()
    assert word in everleaf.error("notify", "add", kind, "x", "--settings", path, status=2)
    assert everleaf.snapshot() == before


def test_wrong_words(everleaf, smtp):
    path = everleaf.folder / "right.yaml"
    path.write_text(smtp.settings())
    everleaf.error("notify", "add", "mail", "x", "--settings", path, "--event", "weather", status=2)
    everleaf.error("notify", "add", "mail", "../x", "--settings", path, status=2)
    everleaf.error("notify", "add", "mail", "x", "--settings", path, "--digest", "weekly", status=2)
    everleaf.run("notify", "add", "mail", "x", "--settings", path)
    everleaf.error("notify", "add", "mail", "x", "--settings", path, status=1)
    everleaf.error("notify", "update", "x", status=2)
    everleaf.error("notify", "update", "x", "--event", "issued", "--usual-events", status=2)


# mail


def assert_proper(mail):
    message = mail.message
    assert not message.defects and message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime and message["From"].addresses[0].addr_spec == "everleaf@example.org"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", message["Message-ID"])
    assert [address.addr_spec for address in message["To"].addresses] == mail.recipients
    assert all(len(line) <= 998 for line in mail.raw.split(b"\r\n"))
    assert b"\n" not in mail.raw.replace(b"\r\n", b""), "bare line feeds"


@pytest.mark.option("notify test")
@pytest.mark.parametrize("tls, login", [("starttls", True), ("tls", True), ("none", False)])
def test_mail_arrives(everleaf, tmp_path, lab, channel, tls, login):
    options = {} if login else {"login": None}
    with SmtpServer(tmp_path / tls, lab, tls=tls, **options) as smtp:
        channel("mail", smtp.settings(to=["a@example.org", "b@example.org"], subject_prefix="[Zertifikate für Köln, " + "ä" * 60 + "]"))
        everleaf.run("notify", "test", "mail")
        mail, = smtp.received
    assert mail.tls == (tls != "none") and mail.login == ("everleaf" if login else None)
    assert mail.sender == "everleaf@example.org" and mail.recipients == ["a@example.org", "b@example.org"]
    assert mail.subject == "[Zertifikate für Köln, " + "ä" * 60 + "] a test"
    assert_proper(mail)
    assert "everleaf notify test" in mail.text
    assert everleaf.json("notify", "show", "mail")["last_error"] is None


def test_no_header_can_be_put_in(everleaf, smtp, channel):
    channel("mail", smtp.settings(subject_prefix="x\r\nBcc: evil@example.org\r\n\r\nbody"))
    everleaf.run("notify", "test", "mail")
    mail, = smtp.received
    assert mail.message["Bcc"] is None and mail.recipients == ["admin@example.org"]
    assert mail.text.startswith("This is a test")


def test_mail_that_cannot_be_sent(everleaf, smtp, channel, tmp_path):
    everleaf.secret(smtp.login[1])
    everleaf.secret("wrong-password-0123456789")
    channel("mail", smtp.settings(password="wrong-password-0123456789"))
    channel("mail", smtp.settings(ca_bundle=None), name="untrusted")
    channel("mail", smtp.settings(to=["refused@example.org"]), name="refused")
    channel("mail", smtp.settings(to=["refused@example.org", "b@example.org"]), name="some")
    channel("mail", smtp.settings(server="localhost:1"), name="nobody")
    assert "login" in everleaf.error("notify", "test", "mail", status=1)
    assert "verif" in everleaf.error("notify", "test", "untrusted", status=1)
    assert "no such user" in everleaf.error("notify", "test", "refused", status=1)
    everleaf.error("notify", "test", "nobody", status=75)
    assert "login" in everleaf.json("notify", "show", "mail")["last_error"]
    result = everleaf.run("notify", "test", "some")
    assert "no such user" in result.err and smtp.received[0].recipients == ["b@example.org"]


def test_a_server_without_starttls_gets_nothing(everleaf, tmp_path, lab, channel):
    with SmtpServer(tmp_path / "plain", lab, tls="none", login=None) as smtp:
        channel("mail", smtp.settings(tls="starttls"))
        assert "STARTTLS" in everleaf.error("notify", "test", "mail", status=1)
        assert not smtp.received


def test_the_accounts_contacts(everleaf, smtp, channel, name):
    channel("mail", smtp.settings(contacts=True, to=["owner@example.com"]))
    everleaf.issue(name)
    mail, = smtp.received
    assert mail.recipients == ["owner@example.com", "admin@example.org"]
    assert_proper(mail)


def test_news_of_a_certificate(mailed, smtp, name, channel):
    channel("mail", smtp.settings(to=["all@example.org"]), "--event", "renewed", name="all")
    mailed.issue(name)
    mailed.run("renew", name, "--force")
    mailed.run("revoke", name, "--reason", "superseded")
    mailed.run("account", "rollover", mailed.json("account", "list")[0]["name"])
    told = {}
    for mail in smtp.received:
        told.setdefault(mail.recipients[0], []).append(mail.subject.removeprefix("[Everleaf] "))
    account = mailed.json("account", "list")[0]["name"]
    assert told["admin@example.org"] == [f"{name}: issued", f"{name}: revoked", f"account {account} has a new key"]
    assert told["all@example.org"] == [f"{name}: renewed"]
    assert "superseded" in smtp.received[2].text
    assert any(event["kind"] == "told" for event in mailed.json("log", name))
    for mail in smtp.received:
        assert_proper(mail)
        assert "PRIVATE KEY" not in mail.raw.decode(errors="replace")


def test_the_real_one_replaces_its_stand_in(make_everleaf, proxy, channel, smtp, name):
    everleaf = make_everleaf(proxy)
    channel("mail", smtp.settings(), to=everleaf)
    proxy.on("/order-plz", problem(403, "unauthorized"))
    everleaf.run("issue", name, "--self-signed-first", *everleaf.standalone(), status=1)
    assert not smtp.received
    proxy.clear()
    everleaf.run("renew", name)
    mail, = smtp.received
    assert mail.subject.endswith(f"{name}: issued") and "stand-in" in mail.text


# certificates by mail


@pytest.mark.option("export", "--mail", "--channel")
def test_export_by_mail(mailed, smtp, name, channel, tmp_path):
    mailed.issue(name)
    smtp.forget()
    mailed.run("export", name, "--mail", "a@example.org", "--mail", "b@example.org")
    mail, = smtp.received
    assert mail.recipients == ["a@example.org", "b@example.org"]
    part, = mail.message.iter_attachments()
    assert part.get_filename() == f"{name}-fullchain.pem"
    assert part.get_content() == (mailed.live(name) / "fullchain.pem").read_bytes()
    assert_proper(mail)
    smtp.forget()
    password = mailed.secret_file("password", "keystore-password-012")
    store = smtp.folder / "received.p12"
    mailed.run("export", name, "--mail", "a@example.org", "--channel", "mail", "--format", "pkcs12",
               "--keystore-password-file", password)
    mail, = smtp.received
    part, = mail.message.iter_attachments()
    store.write_bytes(part.get_content())
    assert part.get_filename() == f"{name}.p12" and "PRIVATE KEY" in openssl("pkcs12", "-in", store, "-nodes", "-passin", f"file:{password}")
    assert "keystore-password-012" not in mail.raw.decode(errors="replace")
    smtp.forget()
    mailed.run("export", name, "--mail", "a@example.org", "--format", "jks", "--keystore-password-file", password)
    part, = smtp.received[0].message.iter_attachments()
    assert part.get_content()[:4] == b"\xfe\xed\xfe\xed"
    # what is never mailed
    smtp.forget()
    for options in (["--part", "key"], ["--part", "all"], ["--format", "der", "--part", "key"], ["--format", "pkcs12"],
                    ["-o", "x.pem"], ["--mail", "a@b@c"], ["--mail", "a@example.org\nBcc: b@example.org"]):
        mailed.error("export", name, "--mail", "a@example.org", *options, status=2)
    mailed.error("export", name, "--channel", "mail", status=2)
    channel("mail", smtp.settings(), name="second")
    assert "--channel" in mailed.error("export", name, "--mail", "a@example.org", status=2)
    assert not smtp.received
    mailed.run("export", name, "--mail", "a@example.org", "--channel", "second")
    assert len(smtp.received) == 1


# webhooks


class Receiver(Fake):
    """Checks what a receiver must check, and keeps what it got."""

    def reset_state(self):
        self.news, self.status = [], 200

    def answer(self, request):
        stamp = request.headers["everleaf-timestamp"]
        right = hmac.new(SECRET.encode(), stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(request.headers["everleaf-signature"], f"v1={right}"), "the signature is wrong"
        assert request.method == "POST" and request.headers["content-type"] == "application/json"
        if self.status == 200:
            self.news.append((request.headers, request.json))
        return self.status, "unseen"


@pytest.fixture
def receiver():
    with Receiver() as fake:
        yield fake


def hook_settings(receiver, **more):
    return json.dumps({"url": f"{receiver.url}/hook", "secret": SECRET, "allow_http": True, "allow_private": True, **more})


def test_webhook(everleaf, receiver, channel, name):
    everleaf.secret(SECRET)
    everleaf.secret("Bearer token-of-the-receiver")
    channel("webhook", hook_settings(receiver, authorization="Bearer token-of-the-receiver"))
    everleaf.issue(name)
    (headers, news), = receiver.news
    assert headers["everleaf-event"] == "issued" == news["event"] and headers["everleaf-delivery"] == news["id"]
    assert headers["authorization"] == "Bearer token-of-the-receiver"
    assert abs(int(headers["everleaf-timestamp"]) - time.time()) < 60
    item, = news["items"]
    assert item["certificate"] == name and item["event"] == "issued"
    shown = everleaf.json("notify", "show", "webhook")["settings"]
    assert shown["url"] == shown["secret"] == "(kept secret)"


def test_webhook_refused_and_tried_again(everleaf, receiver, channel, name):
    channel("webhook", hook_settings(receiver))
    receiver.status = 503
    result = everleaf.run("issue", name, *everleaf.standalone())
    assert "status 503" in result.err and "unseen" not in result.err
    delivery = receiver.seen("POST")[0].headers["everleaf-delivery"]
    receiver.status = 200
    everleaf.run("renew")
    assert not receiver.news, "too early"
    everleaf.run("renew", env=later(120))
    (headers, _), = receiver.news
    assert headers["everleaf-delivery"] == delivery, "the same delivery under the same name"
    everleaf.run("renew", env=later(3600))
    assert len(receiver.news) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/",
                                 "http://2130706433:{port}/", "http://0.0.0.0:{port}/"])
def test_webhook_does_not_reach_inside(everleaf, receiver, channel, url):
    channel("webhook", hook_settings(receiver, url=url.format(port=receiver.port), allow_private=False))
    line = everleaf.error("notify", "test", "webhook", status=(1, 75))
    assert "private" in line or "connect" in line
    assert not receiver.seen()
    config = everleaf.folder / "everleaf.yaml"
    config.write_text("allow_private: true\n")
    if "::1" not in url:
        everleaf.run("--config", config, "notify", "test", "webhook")
        assert len(receiver.news) == 1


def test_webhook_follows_no_redirect(everleaf, receiver, channel):
    channel("webhook", hook_settings(receiver))
    receiver.status = 302
    assert "redirect" in everleaf.error("notify", "test", "webhook", status=1)
    assert len(receiver.seen()) == 1


# programs


def program(everleaf, status=0):
    path = everleaf.folder / "told"
    path.write_text(f"""#!/bin/sh
n=$(ls {everleaf.folder}/told.* 2>/dev/null | wc -l)
cat >{everleaf.folder}/told.$n.json
echo "$EVERLEAF_EVENT|$EVERLEAF_SUBJECT|$EVERLEAF_CERTIFICATE|$EVERLEAF_DELIVERY|$*" >{everleaf.folder}/told.$n.env
exit {status}
""")
    path.chmod(0o755)
    return path


def test_command(everleaf, channel, name):
    channel("command", json.dumps({"program": str(program(everleaf)), "arguments": ["a b", "c"]}))
    everleaf.issue(name)
    news = json.loads((everleaf.folder / "told.0.json").read_text())
    assert news["items"][0]["certificate"] == name
    assert (everleaf.folder / "told.0.env").read_text().strip() == f"issued|{name}: issued|{name}|{news['id']}|a b c"
    everleaf.run("notify", "test", "command")
    program(everleaf, status=3)
    assert "status 3" in everleaf.error("notify", "test", "command", status=1)


# what time brings


def subjects(smtp):
    found = [subject.removeprefix("[Everleaf] ") for subject in smtp.subjects()]
    smtp.forget()
    return found


def test_a_failing_certificate_is_told_of(make_everleaf, proxy, smtp, channel, name):
    """Renewals fail from the day they are due: told after a day, at half, at a quarter, at the end; each threshold once."""
    everleaf = make_everleaf(proxy)
    channel("mail", smtp.settings(), "--event", "failed", to=everleaf)
    everleaf.issue(name)
    proxy.on("/order-plz", problem(403, "unauthorized", "the CA does not want to"))
    due = 65 * DAY  # the CA's renewal information is from 59 to 61 days

    def passes(days):
        return everleaf.run("renew", env=later(due + days * DAY), status=(0, 1, 3, 75))

    passes(0)
    assert subjects(smtp) == [], "one failure is none"
    for days, told in [(0.5, False), (1.1, True), (1.2, False), (5, False), (12.6, True), (13, False), (18.8, True), (19, False),
                       (24, False), (25.1, True), (25.2, False), (40, False)]:
        passes(days)
        assert subjects(smtp) == ([f"{name}: renewing fails"] if told else []), days
    proxy.clear()


def test_expiry_is_warned_of_once_at_each_threshold(make_everleaf, proxy, smtp, channel, name):
    everleaf = make_everleaf(proxy)
    channel("mail", smtp.settings(), "--event", "expiring", to=everleaf)
    everleaf.issue(name)
    proxy.on("/order-plz", problem(403, "unauthorized", "the CA does not want to"))
    for days, told in [(40, []), (59, []), (65, ["25 days"]), (65.1, []), (76.1, ["14 days"]), (82, []), (83.1, ["7 days"]),
                       (87.1, ["3 days"]), (88.5, []), (89.1, ["21 hours", "22 hours"]), (90.1, ["expired"]), (95, [])]:
        everleaf.run("renew", env=later(days * DAY), status=(0, 1, 3, 75))
        found = subjects(smtp)
        assert len(found) == bool(told) and all(any(word in line for word in told) for line in found), (days, found)
    proxy.clear()


def test_check_warns_too(mailed, smtp, name):
    mailed.issue(name)
    subjects(smtp)
    result = mailed.run("check", env=later(85 * DAY), status=1)
    assert name in result.out and result.err == ""
    assert len(subjects(smtp)) == 1
    mailed.run("check", env=later(85 * DAY), status=1)
    assert subjects(smtp) == []
    assert mailed.run("check").out == ""


def test_finding_what_is_due_reads_what_is_due(mailed, name):
    mailed.issue(name)
    assert "certs_tell" in mailed.plan("select name from certs where tell_at > 0 and tell_at <= 1 order by tell_at, id limit 10")
    assert "outbox_due" in mailed.plan("select distinct outbox.channel from outbox join channels on channels.name = outbox.channel "
                                       "where outbox.due_at > 0 and outbox.due_at <= 1 and channels.enabled = 1")


def test_terms_and_rate_limits(make_everleaf, proxy, smtp, channel, new_name):
    everleaf = make_everleaf(proxy)
    channel("mail", smtp.settings(), to=everleaf)
    proxy.on("/order-plz", problem(429, "rateLimited", "too many certificates", headers={"Retry-After": "7200"}))
    for _ in range(2):
        everleaf.run("issue", new_name(), *everleaf.standalone(), status=75)
    found = smtp.received
    assert subjects(smtp) == ["lab: a rate limit makes certificates wait"], "once, however many wait"
    assert "too many certificates" in found[0].text


def test_a_daily_digest(everleaf, smtp, channel, new_name):
    env = {"TZ": "UTC"}
    channel("mail", smtp.settings(), "--digest", "daily")
    names = [new_name(), new_name()]
    for name in names:
        everleaf.run("issue", name, *everleaf.standalone(), env=env)
    everleaf.run("renew", env=env)
    assert not smtp.received
    everleaf.run("renew", env={**env, **later(DAY)})
    mail, = smtp.received
    assert mail.subject == "[Everleaf] 2 pieces of news" and all(name in mail.text for name in names)
    assert_proper(mail)
    everleaf.run("renew", env={**env, **later(2 * DAY)})
    assert len(smtp.received) == 1


# nothing lost, nothing twice


def test_a_mail_server_that_is_down(mailed, smtp, name):
    smtp.stop()
    result = mailed.run("issue", name, *mailed.standalone())
    assert "tried again" in result.err, "the certificate is issued all the same"
    assert mailed.json("notify", "show", "mail")["waiting"] == 1
    assert mailed.run("check").err == "", "check stays silent"
    smtp.start()
    mailed.run("renew", env=later(90))
    assert subjects(smtp) == [f"{name}: issued"]
    assert mailed.json("notify", "show", "mail")["waiting"] == 0


def test_a_server_that_puts_off(mailed, smtp, name):
    smtp.busy()
    assert "disk is full" in mailed.run("issue", name, *mailed.standalone()).err
    smtp.busy(False)
    mailed.run("renew", env=later(90))
    assert subjects(smtp) == [f"{name}: issued"]


def test_killed_before_the_mail_left(everleaf, channel, receiver, name):
    """kill -9 while the receiver has not answered yet: the next pass delivers once more, under the same name."""
    channel("webhook", hook_settings(receiver))
    started = []

    def kill(request, serve):
        started[0].kill()
        started[0].wait(10)
        return Answer(503)

    receiver.spoil(kill, method="POST")
    started.append(everleaf.start("issue", name, *everleaf.standalone()))
    started[0].communicate(timeout=60)
    assert started[0].returncode == -signal.SIGKILL
    first = receiver.seen("POST")[0].headers["everleaf-delivery"]
    assert not receiver.news
    everleaf.run("renew")
    (headers, news), = receiver.news
    assert headers["everleaf-delivery"] == first and news["items"][0]["certificate"] == name
    everleaf.run("renew")
    assert len(receiver.news) == 1


def test_several_passes_at_once_deliver_once(mailed, smtp, new_name):
    names = [new_name() for _ in range(3)]
    smtp.stop()
    for name in names:
        mailed.issue(name)
    smtp.start()
    passes = [mailed.start("renew", env=later(3600)) for _ in range(4)]
    for process in passes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert sorted(subjects(smtp)) == sorted(f"{name}: issued" for name in names)


# passes


class Ping(Fake):
    def answer(self, request):
        return 200, "OK"


def test_each_pass_pings(everleaf, proxy, make_everleaf, name, tmp_path):
    other = make_everleaf(proxy)
    with Ping() as ping:
        config = tmp_path / "ping.yaml"
        config.write_text(f"ping_url: {ping.url}/abc?x=1\n")
        everleaf.run("--config", config, "renew")
        everleaf.run("--config", config, "check")
        assert [request.target for request in ping.seen()] == ["/abc?x=1"]
        proxy.on("/order-plz", problem(403, "unauthorized"))
        other.run("issue", name, *other.standalone(), status=1)
        other.run("--config", config, "renew", env=later(7200), status=1)
        assert ping.seen()[-1].target == "/abc/fail?x=1"
        other.run("--config", config, "renew", name, status=1)
        assert len(ping.seen()) == 2, "one by name is no pass"
        proxy.clear()
    result = everleaf.run("--config", config, "renew")
    assert "ping_url" in result.err, "that it cannot be reached stops nothing"


def test_check_says_when_no_pass_has_run(everleaf, name, tmp_path):
    everleaf.issue(name)
    assert everleaf.run("check", env=later(1.9 * DAY)).err == ""
    told = everleaf.run("check", env=later(2.1 * DAY), status=1).err
    assert "no pass has ever run" in told and "`everleaf serve`" in told and "`everleaf renew`" in told
    everleaf.run("renew")
    assert everleaf.run("check", env=later(1.9 * DAY)).out == ""
    result = everleaf.run("check", env=later(2.1 * DAY), status=1)
    assert "no pass has run since" in result.err
    config = tmp_path / "days.yaml"
    config.write_text("pass_within_days: 10\n")
    assert everleaf.run("--config", config, "check", env=later(5 * DAY)).err == ""
    everleaf.run("--config", config, "check", env=later(11 * DAY), status=1)
    for text in ("pass_within_days: 400", "ping_url: ftp://x"):
        config.write_text(text + "\n")
        everleaf.error("--config", config, "list", status=2)
