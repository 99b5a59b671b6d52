"""The hosting panel's story, over REST with tokens, under a clock that the test moves: a stand-in at once, failing attempts
every five minutes, the mend, the real certificate, mail; and without a mend an end after 24 hours."""

import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from env import Serve
from env.certs import assert_good
from env.client import Client, Refused, user
from env.process import wait_until
from env.smtp import SmtpServer

FIVE_MINUTES = 300
DAY = 86400


@pytest.fixture
def smtp(tmp_path, lab):
    with SmtpServer(tmp_path / "smtp", lab) as server:
        yield server


@pytest.fixture
def panel(everleaf, nginx, smtp):
    """A daemon whose administrator has a token; mail goes to the administrator, and to whom a certificate is of."""
    everleaf.secret(smtp.login[1])
    settings = everleaf.folder / "mail.yaml"
    settings.write_text(smtp.settings(to=None, owner=True, admins=True))
    settings.chmod(0o600)
    everleaf.run("notify", "add", "mail", "mail", "--settings", settings)
    config = everleaf.folder / "everleaf.yaml"
    empty = everleaf.folder / "empty"
    empty.mkdir()
    reload = everleaf.folder / "reload.sh"
    reload.write_text(f"#!/bin/sh\nkill -HUP $(cat {nginx.folder}/nginx.pid)\n")
    reload.chmod(0o755)
    config.write_text(f"webroots:\n  - {{name: site, path: {nginx.web_root}}}\n  - {{name: other, path: {empty}}}\n"
                      f"deploy_hooks:\n  - {{name: reload, path: {reload}}}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    with Serve(everleaf) as daemon:
        yield daemon


def customer(everleaf, daemon, admin, domain):
    """The administrator makes the user, binds the domain, and gives them a token."""
    admin.post("/users", name="kunde", role="user", email="kunde@example.net")
    admin.post("/users/kunde/domains", domain=domain, methods=["webroot"])
    return Client(daemon, everleaf.secret(admin.post("/tokens", name="panel", user="kunde", role="user")["token"]))


def form(domain, **more):
    """What the panel's form asks for."""
    return {"domains": [domain], "country": "DE", "city": "Berlin", "subject_email": "kunde@example.net", "key_type": "rsa3072",
            "self_signed_first": True, **more}


def served(nginx):
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", nginx.https_port)).encode())


def is_stand_in(certificate):
    def value(oid):
        return [attribute.value for attribute in certificate.subject.get_attributes_for_oid(oid)]

    assert certificate.issuer == certificate.subject and certificate.public_key().key_size == 3072
    assert value(NameOID.COUNTRY_NAME) == ["DE"] and value(NameOID.LOCALITY_NAME) == ["Berlin"]
    assert value(NameOID.EMAIL_ADDRESS) == ["kunde@example.net"]
    return True


def failures(client, name):
    return [event for event in client.all(f"/certificates/{name}/events") if event["kind"] == "failed"]


def looked(admin):
    """The scheduler looks when a job comes; the second one is begun after all that was due with the first."""
    for _ in range(2):
        admin.done(admin.post("/certificates/renew", owner="root"))  # who has none


def attempts_every_five_minutes(daemon, admin, client, name, now, n):
    """Moves the clock n times; each time there is one more, and not before its time. Gives the clock."""
    for _ in range(n):
        before = len(failures(client, name))
        daemon.clock(now + FIVE_MINUTES - 30)
        looked(admin)
        assert len(failures(client, name)) == before, "not before five minutes are over"
        now += FIVE_MINUTES + 2
        daemon.clock(now)
        wait_until(lambda: len(failures(client, name)) == before + 1, "the next attempt")
    return now


def mails(smtp, to, *words):
    return [mail for mail in smtp.received if to in mail.recipients and all(word in mail.text + mail.subject for word in words)]


def told_both(smtp, *words):
    wait_until(lambda: all(mails(smtp, to, *words) for to in ("admin@example.org", "kunde@example.net")),
               f"mail with {words} to both", 20)


@pytest.mark.threads
def test_mended(everleaf, pebble, nginx, smtp, panel, name):
    admin = user(everleaf, panel, "root", "admin", email="admin@example.org")
    kunde = customer(everleaf, panel, admin, name)
    orders = pebble.orders()
    job = kunde.post("/certificates", **form(name, webroot="other"))
    nginx.use_certificate(everleaf.live(name))
    stand_in = served(nginx)
    assert is_stand_in(stand_in), "it serves at once"
    assert kunde.ended(job)["state"] == "failed"
    row = kunde.get(f"/certificates/{name}")
    assert (row["status"], row["owner"], row["live_self_signed"]) == ("failed", "kunde", True)
    now = attempts_every_five_minutes(panel, admin, kunde, name, 0, 3)
    for event in failures(kunde, name):
        assert name in event["text"] and "404" in event["text"], "the reason, in plain words"
    assert pebble.orders() == orders, "what fails here does not reach the CA"
    assert served(nginx) == stand_in and not mails(smtp, "kunde@example.net")
    # the mend: the site's own web root; and its server is told of what is new
    kunde.patch(f"/certificates/{name}", webroot="site")
    with pytest.raises(Refused):
        kunde.patch(f"/certificates/{name}", deploy_hooks=["reload"])
    admin.patch(f"/certificates/{name}", deploy_hooks=["reload"])
    panel.clock(now + FIVE_MINUTES + 2)
    wait_until(lambda: kunde.get(f"/certificates/{name}")["status"] == "issued", "the real one")
    wait_until(lambda: served(nginx) != stand_in, "the server to take it")
    assert_good(everleaf.live(name), pebble.root_file())
    assert served(nginx).issuer != served(nginx).subject
    assert pebble.orders() == orders + 1
    events = [event["kind"] for event in kunde.all(f"/certificates/{name}/events")][::-1]
    assert events.index("requested") < events.index("failed") < events.index("issued")
    told_both(smtp, name, "issued")


def test_not_mended(everleaf, pebble, nginx, smtp, panel, name):
    """The administrator asks for it, in the user's name; nobody mends it."""
    admin = user(everleaf, panel, "root", "admin", email="admin@example.org")
    kunde = customer(everleaf, panel, admin, name)
    orders = pebble.orders()
    job = admin.post("/certificates", **form(name, webroot="other", owner="kunde"))
    nginx.use_certificate(everleaf.live(name))
    assert is_stand_in(served(nginx))
    assert admin.ended(job)["state"] == "failed"
    assert kunde.get(f"/certificates/{name}")["owner"] == "kunde"
    attempts_every_five_minutes(panel, admin, kunde, name, 0, 1)
    # most of the day passes while the machine is off
    panel.stop()
    panel.clock(DAY - FIVE_MINUTES - 60)
    panel.start()
    wait_until(lambda: len(failures(kunde, name)) == 3, "an attempt late in the day")
    assert not mails(smtp, "kunde@example.net"), "the day is not over"
    panel.clock(DAY + 10)
    wait_until(lambda: len(failures(kunde, name)) == 4, "the last one")
    told_both(smtp, name, "24 hours")
    given_up, = [event for event in kunde.all(f"/certificates/{name}/events") if event["kind"] == "given-up"]
    assert "24 hours" in given_up["text"]
    for step in range(1, 4):
        panel.clock(DAY + 10 + step * 400)
        looked(admin)
    assert len(failures(kunde, name)) == 4, "no more attempts"
    assert pebble.orders() == orders, "none of them reached the CA"
    assert is_stand_in(served(nginx))
    assert len(mails(smtp, "kunde@example.net", "24 hours")) == 1 and len(mails(smtp, "admin@example.org", "24 hours")) == 1
