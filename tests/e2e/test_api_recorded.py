"""Recorded requests beside the OpenAPI description: one story that asks for every operation, and what it was answered. What
the description lacks, and what it promises and does not come, is a failure."""

import json
import time

import pytest

from env import Serve
from env.api import Api, People, password_of, path_of
from env.certs import load
from env.httpreq_fake import PASSWORD, HttpreqFake
from env.openapi import Compared, check, closed, comply, operations
from env.people import code
from env.process import wait_until
from env.smtp import SmtpServer

pytestmark = pytest.mark.threads
TXT = "v" * 43


@pytest.fixture
def gate(everleaf, nginx):
    """What the hook `wait` waits for: until it is there, its certificate's turn goes on."""
    hook, gate = everleaf.folder / "wait.sh", everleaf.folder / "gate"
    hook.write_text(f"#!/bin/sh\necho begun >> {everleaf.folder}/begun\nuntil [ -e {gate} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    config = everleaf.folder / "everleaf.yaml"
    config.write_text(f"allow_private: true\nwebroots:\n  - {{name: main, path: {nginx.web_root}}}\n"
                      f"deploy_hooks:\n  - {{name: wait, path: {hook}}}\n"
                      f"limits:\n  - {{ca: lab, limit: exact-set, count: 50, per: 1d}}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    return gate


@pytest.fixture
def mail(everleaf, tmp_path, lab):
    with SmtpServer(tmp_path / "smtp", lab) as smtp:
        everleaf.secret(smtp.login[1])
        settings = everleaf.folder / "mail.json"
        settings.write_text(smtp.settings())
        settings.chmod(0o600)
        everleaf.run("notify", "add", "mail", "mail", "--settings", settings)
        yield smtp


@pytest.fixture
def people(everleaf, gate, mail):
    with Serve(everleaf, "--jobs", "1") as daemon:
        yield People(everleaf, daemon)


def done(client, answer):
    """The job's result; it must not have failed."""
    job = client.job(answer)
    assert job["state"] == "done", job
    return job["result"]


def asked(people, path, body=None, **options):
    return done(people.admin, people.admin.post(path, body, status=202, **options))


# the parts of the story


def certificates(people, everleaf, mail, name):
    admin, at = people.admin, f"/certificates/{name}"
    new = {"domains": [name], "webroot": "main", "organization": "Somebody", "key_type": "ec384", "renew_before": "1/3"}
    assert asked(people, "/certificates", new, headers={"Idempotency-Key": "one"})["issued"] == [name]
    again = admin.post("/certificates", new, headers={"Idempotency-Key": "one"}, status=202)
    assert again.headers["Idempotency-Replayed"] == "true"
    shown = admin.get(at)
    assert admin.get(at, headers={"If-None-Match": shown.headers["ETag"]}, status=304).text == ""
    admin.patch(at, {"renew_before": "20d", "preflight": True, "city": None}, headers={"If-Match": shown.headers["ETag"]})
    admin.patch(at, {"renew_before": None}, headers={"If-Match": shown.headers["ETag"]}, status=412)
    assert asked(people, at + "/renew", {"force": True, "days": 5})["renewed"] == [name]
    assert asked(people, "/certificates/renew", {"owner": "admin", "days": 1})["unchanged"] in ([name], [])
    asked(people, at + "/preflight")
    asked(people, at + "/send", {"to": ["leser@example.net"], "part": "cert", "channel": "mail"})
    assert len(mail.received) >= 1
    for query in ({}, {"part": "chain"}, {"part": "key", "format": "pem"}):
        everleaf.secret(admin.get(at + "/export", query=query).text)
    admin.get(at + "/export", query={"format": "der", "part": "cert", "legacy": "false"}, headers={"Accept": "application/json"})
    admin.post(at + "/export", {"format": "pkcs12", "password": "of-the-key-store", "legacy": False},
               headers={"Accept": "application/json"})
    admin.post(at + "/export", {"part": "fullchain"})
    assert len(list(admin.all(at + "/versions", limit=1))) == 2
    admin.get(at + "/explain")
    admin.get(at + "/events", query={"kind": "issued", "actor": "user:admin", "since": "2020-01-01T00:00:00Z"})
    list(admin.all(at + "/events", limit=2))
    list(admin.all("/certificates", limit=1, sort="not_after", order="desc", status="issued", ca="lab"))
    admin.get("/certificates", query={"q": name, "owner": "admin", "account": "lab", "expiring": 400})
    admin.get("/overview", query={"days": 120})
    admin.get("/expiring", query={"days": 400})
    assert admin.post("/renewal-information/refresh").json["certificates"] == 1
    asked(people, at + "/revoke", {"reason": "superseded"})
    admin.delete(at, status=204)


def pending(people, nginx, name):
    """Requests that wait for what a person publishes."""
    admin, at = people.admin, f"/requests/{name}"
    assert asked(people, "/certificates", {"domains": [name], "method": "manual", "preflight": False})["pending"]
    assert [one["name"] for one in admin.all("/requests", limit=1, owner="admin")] == [name]
    first = admin.get(at).json["challenges"]
    assert asked(people, at + "/new-challenge")["pending"][0]["challenges"] != first
    asked(people, f"/certificates/{name}/new-challenge")
    challenge, = admin.get(at).json["challenges"]
    file = nginx.web_root / challenge["name"].split("/", 3)[-1] if "://" in challenge["name"] else \
        nginx.web_root / challenge["name"].lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(challenge["value"])
    assert asked(people, f"/certificates/{name}/verify")["issued"] == [name]
    other = f"other-{name}"
    asked(people, "/certificates", {"domains": [other], "method": "manual", "preflight": False})
    assert admin.patch(f"/requests/{other}", {"webroot": "main"}).json["method"] == "webroot"


def jobs(people, everleaf, gate, new_name):
    """One that waits for another is taken back; one fails; all are listed."""
    admin, held, queued = people.admin, new_name(), new_name()
    first = admin.post("/certificates", {"domains": [held], "webroot": "main", "deploy_hooks": ["wait"]}, status=202)
    wait_until(lambda: (everleaf.folder / "begun").exists(), "its hook")
    second = people.operator.post("/certificates", {"domains": [queued], "webroot": "main"}, status=202)
    list(admin.all("/jobs", limit=1))
    admin.get("/jobs", query={"state": "queued", "subject": queued, "user": "operator"})
    people.operator.delete(f"/jobs/{second.json['id']}", status=204)
    assert people.operator.job(second)["error"]["code"] == "cancelled"
    gate.touch()
    done(admin, first)
    list(admin.all("/jobs", limit=3))


def events(people):
    admin = people.admin
    first = admin.get("/events", query={"after": 1, "limit": 1}).json["items"][0]["id"]
    admin.get("/events", query={"cert": "nobody", "kind": "issued", "actor": "host", "since": "2020-01-01T00:00:00+01:00"})
    with admin.events(**{"Last-Event-ID": str(first)}) as stream:
        for _ in range(5):
            assert stream.next()["data"]["text"]
    assert asked(people, "/events/verify")["records"] > 10
    asked(people, "/events/verify", {"head": admin.job(admin.post("/events/verify", status=202))["result"]["head"]})


def accounts(people, everleaf):
    admin = people.admin
    new = {"ca": "lab", "name": "second", "emails": ["a@example.org"], "agree_tos": True, "key_type": "ec256"}
    assert asked(people, "/accounts", new)["name"] == "second"
    list(admin.all("/accounts", limit=1))
    admin.get("/accounts/second")
    assert done(admin, admin.patch("/accounts/second", {"emails": ["b@example.org"]}))["contacts"] == ["b@example.org"]
    asked(people, "/accounts/second/rollover", {"key_type": "ec384"})
    admin.post("/accounts/second/default", status=204)
    admin.post("/accounts/lab/default", status=204)
    everleaf.secret(admin.get("/accounts/second/key", query={"format": "jwk"}).text)
    admin.get("/accounts/second/key", headers={"Accept": "application/json"})
    key = everleaf.secret(admin.get("/accounts/second/key").text)
    admin.delete("/accounts/second", status=204)
    asked(people, "/accounts/import", {"key": key, "ca": "lab", "name": "back"})
    asked(people, "/accounts/back/refresh")
    asked(people, "/accounts/back/deactivate")
    job = admin.job(admin.post("/accounts/import", {"key": "none", "ca": "lab"}, status=(202, 400)))
    assert job["state"] == "failed"


def cas(people, lab, pebble):
    admin = people.admin
    admin.post("/cas", {"name": "own", "url": pebble.directory, "ca_bundle": lab.root.read_text(), "http_port": 5002,
                        "tls_port": 5001, "resolver": "127.0.0.1:5353", "parallel": 4}, status=201)
    list(admin.all("/cas", limit=2))
    admin.get("/cas/own")
    admin.get("/cas/letsencrypt")
    admin.get("/limits", query={"ca": "lab", "names": ["a.example.org", "b.example.org"]})
    admin.get("/limits")
    admin.post("/limits/unpaused", {"names": ["a.example.org"], "ca": "lab"})
    admin.delete("/cas/own", status=204)


def dns_accounts(people, fake, challtestsrv):
    admin, at = people.admin, "/dns-accounts/home"
    settings = {"base_url": fake.url, "username": "everleaf", "password": PASSWORD, "servers": [challtestsrv.dns]}
    made = admin.post("/dns-accounts", {"provider": "httpreq", "name": "home", "settings": settings, "zones": ["example.org"],
                                        "propagation": "none"}, status=201)
    assert made.headers["Location"] == "/api/v1" + at
    list(admin.all("/dns-accounts", limit=1))
    admin.patch(at, {"zones": [], "settings": {"ttl": 60}, "propagation": None})
    admin.get(at)
    admin.post(at + "/disable", status=204)
    admin.post(at + "/test", {"domain": "example.org"}, status=403)
    admin.post(at + "/enable", status=204)
    assert asked(people, at + "/test", {"domain": "example.org"})["ok"], admin.get("/jobs").text
    record = {"fqdn": "_acme-challenge.example.org", "values": [TXT]}
    asked(people, at + "/present", record)
    assert asked(people, "/dns-look", {"name": "example.org", "values": [TXT], "account": "home"})["servers"]
    asked(people, at + "/cleanup", record)
    for verb in ("show", "check", "publish"):
        asked(people, f"/dns-persist/{verb}", {"names": ["example.org"], **({"dns": ["home"]} if verb == "publish" else {})})
    list(admin.all("/dns-providers", limit=10))
    admin.get("/dns-providers/rfc2136")
    admin.delete(at, status=204)


def looks(people, everleaf, pebble, new_name):
    """Before an order; and a certificate that is not kept here."""
    admin, name = people.admin, new_name()
    asked(people, "/preflight", {"domains": [name], "webroot": "main", "ca": "lab"})
    asked(people, "/certificates", {"domains": [name], "webroot": "main", "dry_run": False, "force": False})
    serial = f"{load(everleaf.live(name, 'cert.pem')).serial_number:x}"
    key, certificate = (everleaf.live(name, part).read_text() for part in ("privkey.pem", "cert.pem"))
    admin.delete(f"/certificates/{name}", status=204)
    asked(people, "/revocations", {"certificate": certificate, "key": key, "ca": "lab", "reason": "superseded"})
    assert pebble.certificate_status(serial)["Status"] == "Revoked"


def users(people):
    admin = people.admin
    made = admin.post("/users", {"name": "berta", "role": "user", "email": "berta@example.org"}, status=201)
    link = made.json["link"] or admin.patch("/users/berta", {"link": True}).json["link"]
    people.nobody.post("/session/first", {"link": link, "password": password_of("berta")}, status=204)
    list(admin.all("/users", limit=2))
    shown = admin.get("/users/berta")
    admin.patch("/users/berta", {"enabled": True, "email": None, "second_factor": False}, headers={"If-Match": shown.headers["ETag"]})
    admin.post("/users/berta/domains", {"domain": "example.org", "exact": False, "methods": ["webroot"], "accounts": ["lab"]})
    admin.get("/users/berta/domains")
    admin.delete("/users/berta/domains/example.org", status=204)
    token = admin.post("/tokens", {"name": "made", "user": "berta", "role": "user", "expires": "90d"}, status=201).json
    list(admin.all("/tokens", limit=1))
    admin.get("/tokens", query={"user": "berta"})
    Api(people.daemon, token["token"]).get("/version")
    admin.delete("/tokens/made", query={"user": "berta"}, status=204)


def session(people, everleaf):
    """A person in a browser: password, second factor, another password."""
    here = people.browser = Api(people.daemon)
    password = password_of("berta")
    signed = here.post("/session", {"user": "berta", "password": password}, status=200)
    here.headers = {"Cookie": signed.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": signed.json["csrf"]}
    assert here.get("/session").json["user"] == "berta"
    secret = everleaf.secret(here.post("/session/totp", {"password": password}).json["secret"])
    here.post("/session/totp/confirm", {"totp": code(secret, time.time())}, status=204)
    there = people.elsewhere = Api(people.daemon)
    there.post("/session", {"user": "berta", "password": password}, status=401)
    people.daemon.clock(60)
    there.post("/session", {"user": "berta", "password": password, "totp": code(secret, time.time() + 60)}, status=200)
    here.post("/session/totp/remove", {"password": password}, status=204)
    here.post("/session/password", {"password": password, "new_password": "another one, longer"}, status=204)
    ended = here.delete("/session", status=204)
    assert "Max-Age=0" in ended.headers["Set-Cookie"]
    people.admin.delete("/users/berta", query={"heir": "admin"}, status=204)


def channels(people):
    admin, at = people.admin, "/notifications/hook"
    settings = {"url": "https://hooks.example.org/x", "secret": "kept-very-secret-0123456789"}
    admin.post("/notifications", {"kind": "webhook", "name": "hook", "settings": settings, "events": ["issued"], "digest": "daily"},
               status=201)
    list(admin.all("/notifications", limit=1))
    admin.patch(at, {"digest": "at-once", "events": [], "settings": {"url": "https://hooks.example.org/y"}})
    assert settings["secret"] not in admin.get(at).text
    admin.post(at + "/disable", status=204)
    admin.post(at + "/enable", status=204)
    asked(people, "/notifications/mail/test")
    admin.get("/notification-kinds", query={"limit": 2})
    admin.delete(at, status=204)


def system(people):
    for client in (people.admin, people.operator, people.auditor):
        client.get("/settings")
    people.admin.patch("/settings", {"key_type": "ec384", "email": ["pki@example.org"], "warn_days": [20, 2], "wait_s": 200})
    people.admin.patch("/settings", {"key_type": None, "email": [], "warn_days": None})
    for client in (people.admin, people.user):
        client.get("/version")


def refusals(people):
    """What is told of requests that are refused."""
    admin = people.admin
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/users", 405), ("GET", "/users/nobody", 404),
                                 ("GET", "/users?limit=many", 400), ("DELETE", "/users/nobody", 404)):
        admin.ask(method, path, status=status)
    for path, body, status in (("/users", {"name": 5}, 400), ("/users", {"name": "admin", "role": "user"}, 409),
                               ("/certificates", {"domains": ["x y"]}, 400), ("/cas", {"name": "x", "url": "ftp://x"}, 400)):
        assert admin.post(path, body, status=status).problem
    people.auditor.post("/users", {"name": "x", "role": "user"}, status=403)
    people.nobody.get("/version", status=401)


def test_every_operation_does_as_described(everleaf, people, mail, gate, nginx, dns, pebble, lab, new_name, tmp_path):  # noqa: F811
    document = json.loads(everleaf.run("openapi").out)
    with HttpreqFake() as fake:
        fake.dns = dns
        certificates(people, everleaf, mail, new_name())
        pending(people, nginx, new_name())
        jobs(people, everleaf, gate, new_name)
        looks(people, everleaf, pebble, new_name)
        accounts(people, everleaf)
        cas(people, lab, pebble)
        dns_accounts(people, fake, dns)
        users(people)
        session(people, everleaf)
        channels(people)
        system(people)
        refusals(people)
        events(people)
    missing = comply(document, people.exchanges, tmp_path).missing()
    assert not missing, f"no request succeeded, or none with a body, or no job came to its result: {missing}"


def test_what_each_role_reads_is_described(everleaf, people, tmp_path):
    document = json.loads(everleaf.run("openapi").out)
    for client in (people.admin, people.operator, people.user, people.auditor, people.nobody):
        for method, path, _ in operations(document).values():
            if method == "GET":
                client.ask(method, path_of(path, name="admin", id="1", domain="example.org"), status=range(200, 500))
    compared = Compared(document, people.exchanges)
    assert len(compared.pairs) > 60
    check(json.dumps(closed(document)), tmp_path, compared.pairs)


def test_what_is_not_as_described_is_seen(everleaf, people, tmp_path):
    """Of the comparison itself: a member too many, one too few, one of another type; and what nobody asked for."""
    document = json.loads(everleaf.run("openapi").out)
    answer = people.admin.get("/users/admin").json
    problem = people.admin.get("/users/nobody", status=404).json
    wrong = [({**answer, "colour": "red"}, "UserSaid"), ({k: v for k, v in answer.items() if k != "role"}, "UserSaid"),
             ({**answer, "enabled": "yes"}, "UserSaid"), ({**answer, "created_at": "yesterday"}, "UserSaid"),
             ({**problem, "status": "404"}, "Problem"), ({k: v for k, v in problem.items() if k != "title"}, "Problem")]
    pairs = [{"at": f"wrong {i}", "schema": {"$ref": f"#/components/schemas/{schema}"}, "value": value}
             for i, (value, schema) in enumerate(wrong)]
    with pytest.raises(AssertionError) as told:
        check(json.dumps(closed(document)), tmp_path, pairs)
    assert all(pair["at"] in str(told.value) for pair in pairs)
    compared = comply(document, people.exchanges, tmp_path)
    assert "user_show: answer" not in compared.missing() and "user_create: answer" in compared.missing()
    assert len({line.split(":")[0] for line in compared.missing()}) == len(operations(document)) - 1
    for part, member in (("responses", "200"), ("headers", "ETag"), ("content", "application/json")):
        spoiled = json.loads(json.dumps(document))
        row = operations(spoiled)["user_show"][2]["responses"]
        del (row if part == "responses" else row["200"][part])[member]
        wrong, = Compared(spoiled, people.exchanges).wrong
        assert wrong.startswith("GET /users/admin 200") and "description" in wrong
