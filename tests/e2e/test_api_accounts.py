"""Accounts, CAs, DNS accounts, channels, limits and settings over the REST API: what they do, what they refuse, what they never show."""

import json

import pytest

from env import Serve
from env.certs import load
from env.client import Refused, user
from env.httpreq_fake import PASSWORD, HttpreqFake
from env.process import wait_until
from env.tcp import Inside

SECRET = "kept-very-secret-0123456789"


@pytest.fixture
def daemon(everleaf):
    everleaf.secret(SECRET)
    with Serve(everleaf) as daemon:
        yield daemon


@pytest.fixture
def admin(everleaf, daemon):
    return user(everleaf, daemon, "root", "admin")


@pytest.fixture
def lab_daemon(everleaf):
    """One whose administrator allows addresses inside, as a laboratory has them."""
    path = everleaf.folder / "everleaf.yaml"
    path.write_text("allow_private: true\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(path)
    with Serve(everleaf) as daemon:
        yield daemon


@pytest.fixture
def lab_admin(everleaf, lab_daemon):
    return user(everleaf, lab_daemon, "root", "admin")


def refused(client, method, path, body=None, **query):
    with pytest.raises(Refused) as told:
        client.ask(method, path, body, **query)
    return told.value.status, told.value.document


def httpreq(url="https://dns.example.org/", **more):
    return {"base_url": url, "username": "everleaf", "password": SECRET, "propagation": "none", **more}


# accounts


@pytest.mark.threads
def test_the_life_of_an_account(everleaf, admin):
    made = admin.done(admin.post("/accounts", ca="lab", emails=["a@example.org"], agree_tos=True, name="second"))
    assert (made["name"], made["status"], made["contacts"]) == ("second", "valid", ["a@example.org"])
    assert "key" not in made and "next_key" not in made
    assert [account["name"] for account in admin.all("/accounts", limit=1)] == ["lab", "second"]
    changed = admin.done(admin.ask("PATCH", "/accounts/second", {"emails": ["b@example.org"]}))
    assert changed["contacts"] == ["b@example.org"]
    assert admin.done(admin.post("/accounts/second/rollover", key_type="ec384"))["key_type"] == "ec384"
    admin.post("/accounts/second/default")
    assert {account["name"]: account["is_default"] for account in admin.get("/accounts")["items"]} == {"lab": False, "second": True}
    key = admin.ask("GET", "/accounts/second/key")
    assert key.startswith("-----BEGIN PRIVATE KEY-----")
    assert admin.ask("GET", "/accounts/second/key", format="jwk")["crv"] == "P-384"
    taken = [event["text"] for event in admin.all("/events", kind="account") if "handed over" in event["text"]]
    assert len(taken) == 2 and all("second" in text for text in taken)
    admin.delete("/accounts/second")
    assert refused(admin, "GET", "/accounts/second")[0] == 404
    back = admin.done(admin.post("/accounts/import", key=key, ca="lab", name="back"))
    assert (back["url"], back["key_type"]) == (made["url"], "ec384")
    assert admin.done(admin.post("/accounts/back/refresh"))["status"] == "valid"
    assert admin.done(admin.post("/accounts/back/deactivate")) is None
    assert admin.get("/accounts/back")["status"] == "deactivated"
    actors = {event["actor"] for event in admin.all("/events", kind="account")}
    assert "user:root" in actors


@pytest.mark.parametrize("body, status, member", [
    ({"ca": "nobody", "agree_tos": True}, 400, "ca"),
    ({"ca": "https://127.0.0.1:1/dir", "agree_tos": True}, 403, "ca"),
    ({"ca": "lab", "eab_kid": "kid"}, 400, "eab_hmac"),
    ({"ca": "lab", "eab_kid": "kid", "eab_hmac": "***"}, 400, "eab_hmac"),
    ({"ca": "lab", "eab_hmac_file": "/etc/passwd"}, 400, "eab_hmac_file"),
    ({"ca": "lab", "emails": "a@example.org"}, 400, "emails"),
])
def test_registrations_that_are_refused_at_once(admin, body, status, member):
    told, document = refused(admin, "POST", "/accounts", body)
    assert (told, document.get("member")) == (status, member), document
    assert len(admin.get("/accounts")["items"]) == 1 and not admin.get("/jobs")["items"]


def test_a_key_that_no_ca_knows(admin, everleaf):
    job = admin.ended(admin.post("/accounts/import", key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ca="lab"))
    assert job["state"] == "failed" and "input" not in job
    assert everleaf.sql("select count(*) from tasks where input is not null") == [(0,)]


# CAs


def test_cas_over_the_network(lab_admin, lab, pebble):
    made = lab_admin.post("/cas", name="own", url=pebble.directory, ca_bundle=lab.root.read_text(), http_port=5002)
    assert made["name"] == "own" and lab_admin.get("/cas/own")["http_port"] == 5002
    lab_admin.done(lab_admin.post("/accounts", ca="own", emails=["a@example.org"], agree_tos=True))
    status, document = refused(lab_admin, "DELETE", "/cas/own")
    assert status == 400 and "account" in document["detail"]


@pytest.mark.parametrize("body, member", [
    ({"name": "a/b", "url": "https://ca.example.org/dir"}, "name"),
    ({"name": "own", "url": "http://ca.example.org/dir"}, "url"),
    ({"name": "own", "url": "https://ca.example.org/dir", "ca_bundle": "no certificate"}, "ca_bundle"),
    ({"name": "own", "url": "https://ca.example.org/dir", "http_port": 70000}, "http_port"),
    ({"name": "own", "url": "https://ca.example.org/dir", "ca_bundle_file": "/etc/ssl/cert.pem"}, "ca_bundle_file"),
])
def test_cas_that_are_refused(admin, body, member):
    status, document = refused(admin, "POST", "/cas", body)
    assert (status, document.get("member")) == (400, member), document


@pytest.mark.parametrize("path, body", [
    ("/cas", {"name": "letsencrypt", "url": "https://ca.example.org/dir"}), ("/cas", {"name": "lab", "url": "https://ca.example.org/dir"}),
    ("/dns-accounts", {"provider": "httpreq", "name": "twice", "settings": httpreq()}),
    ("/notifications", {"kind": "webhook", "name": "twice", "settings": {"url": "https://hooks.example.org/x", "secret": SECRET}}),
])
def test_a_name_that_is_taken(admin, path, body):
    if body["name"] == "twice":
        admin.post(path, **body)
    status, document = refused(admin, "POST", path, body)
    assert (status, document.get("member")) == (409, "name"), document


@pytest.mark.parametrize("place", ["https://127.0.0.1/dir", "https://[::1]/dir", "https://localhost/dir", "https://169.254.169.254/latest",
                                   "https://10.1.2.3:14000/dir", "https://[fd00::1]/dir", "https://0.0.0.0/dir", "https://[::ffff:127.0.0.1]/d"])
def test_no_ca_is_inside(admin, place):
    status, document = refused(admin, "POST", "/cas", {"name": "own", "url": place})
    assert (status, document["member"]) == (403, "url")
    assert refused(admin, "POST", "/cas", {"name": "own", "url": "https://ca.example.org/dir", "resolver": "192.168.1.1:53"})[0] == 403


def test_a_name_that_comes_to_lead_inside_is_not_followed(everleaf, daemon, admin, pebble):
    """Looked at when it was added, and again at each connection: here the row is changed to where the name leads by then."""
    admin.post("/cas", name="own", url="https://ca.example.org/dir")
    everleaf.sql("update cas set url = ? where name = 'own'", pebble.directory)
    job = admin.ended(admin.post("/accounts", ca="own", emails=["a@example.org"], agree_tos=True))
    assert job["state"] == "failed" and "private address" in job["error"]["detail"], job


def test_nor_is_its_staging_directory(everleaf, pebble, name):
    path = everleaf.folder / "everleaf.yaml"
    path.write_text("agree_tos: true\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(path)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        admin.post("/cas", name="own", url="https://ca.example.org/dir")
        everleaf.sql("update cas set staging = ? where name = 'own'", pebble.directory)
        admin.post("/dns-accounts", provider="httpreq", name="home", settings=httpreq(password=everleaf.secret(SECRET)))
        job = admin.ended(admin.post("/certificates", domains=[name], ca="own", dns=["home"], dry_run=True))
        assert job["state"] == "failed" and "private address" in json.dumps(job["error"]), job


# DNS accounts


@pytest.mark.threads
def test_the_life_of_a_dns_account(lab_admin, everleaf):
    admin = lab_admin
    with HttpreqFake() as fake:
        made = admin.post("/dns-accounts", provider="httpreq", name="home", settings=httpreq(fake.url, password="wrong"), zones=["Example.org."])
        assert (made["name"], made["zones"], made["enabled"]) == ("home", ["example.org"], True) and "settings" not in made
        tried = admin.done(admin.post("/dns-accounts/home/test", domain="example.org"))
        assert tried["ok"] is False and "user name or password" in tried["error"]
        admin.patch("/dns-accounts/home", settings={"password": PASSWORD})
        assert admin.done(admin.post("/dns-accounts/home/test", domain="example.org"))["ok"] is True
        path = admin.done(admin.post("/dns-accounts/home/present", fqdn="_acme-challenge.example.org", values=["v" * 43]))
        assert path["name"] == "_acme-challenge.example.org" and fake.txt(path["name"]) == ["v" * 43]
        admin.done(admin.post("/dns-accounts/home/cleanup", fqdn="_acme-challenge.example.org", values=["v" * 43]))
        assert fake.txt(path["name"]) == []
        shown = admin.get("/dns-accounts/home")
        assert shown["settings"]["username"] == "everleaf" and PASSWORD not in json.dumps(shown)
        assert admin.patch("/dns-accounts/home", zones=[])["zones"] == []
        admin.patch("/dns-accounts/home", settings={"propagation": None})
        assert "propagation" not in admin.get("/dns-accounts/home")["settings"]
        admin.post("/dns-accounts/home/disable")
        assert refused(admin, "POST", "/dns-accounts/home/test", {"domain": "example.org"})[0] == 403
        admin.post("/dns-accounts/home/enable")
        admin.delete("/dns-accounts/home")
        assert admin.get("/dns-accounts")["items"] == []


@pytest.mark.parametrize("provider, settings, status", [
    ("exec", {"program": "/bin/true"}, 403),
    ("dnsapi", {"script": "dns_cf"}, 403),
    ("httpreq", httpreq(password_file="/etc/passwd"), 403),
    ("httpreq", httpreq(ca_bundle="/etc/passwd"), 403),
    ("httpreq", httpreq(public_only=False), 403),
    ("httpreq", httpreq(public_only=None), 403),
    ("httpreq", httpreq("http://127.0.0.1:9/"), 403),
    ("httpreq", httpreq(resolvers=["127.0.0.1:53"]), 403),
    ("httpreq", httpreq(servers="10.0.0.1:53"), 403),
    ("rfc2136", {"server": "192.168.0.1", "key_name": "k", "key_secret": "c2VjcmV0"}, 403),
    ("rfc2136", {"server": "192.0.2.53", "key_file": "/etc/bind/key"}, 403),
    ("rfc2136", {"server": "192.0.2.53", "zones": [{"domain": "example.org", "key_file": "/etc/bind/key"}]}, 403),
    ("route53", {"profile": "default"}, 403),
    ("route53", {"metadata_url": "http://169.254.169.254"}, 403),
    ("azure", {"subscription_id": "x", "arc_folder": "/etc"}, 403),
    ("google", {"metadata_url": "http://127.0.0.1"}, 403),
    ("httpreq", httpreq(nonsense=1), 400),
    ("httpreq", httpreq(propagation="perhaps"), 400),
    ("httpreq", {}, 400),
    ("httpreq", [], 400),
    ("httpreq", "text", 400),
    ("nobody", {}, 400),
])
def test_dns_accounts_that_are_refused(admin, everleaf, provider, settings, status):
    told, document = refused(admin, "POST", "/dns-accounts", {"provider": provider, "name": "home", "settings": settings})
    assert told == status and document["member"], document
    assert SECRET not in json.dumps(document) and admin.get("/dns-accounts")["items"] == []


def test_what_was_set_on_the_host_is_not_bent_over_the_network(everleaf, admin):
    program = everleaf.folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = everleaf.folder / "exec.yaml"
    path.write_text(f"program: {program}\npropagation: none\n")
    path.chmod(0o600)
    everleaf.run("dns", "add", "exec", "own", "--credentials", path)
    for settings in ({"program": "/bin/sh"}, {"environment": {"LD_PRELOAD": "/tmp/x.so"}}, {"user": "root"}):
        assert refused(admin, "PATCH", "/dns-accounts/own", {"settings": settings})[0] == 403
    assert admin.patch("/dns-accounts/own", zones=["example.org"])["zones"] == ["example.org"]


def test_a_dns_service_inside_is_not_reached(everleaf, daemon, admin):
    """What was stored over the network is held to it at each connection."""
    with HttpreqFake() as fake:
        admin.post("/dns-accounts", provider="httpreq", name="home", settings=httpreq(password=PASSWORD))
        path = everleaf.folder / "home.yaml"
        path.write_text(f"base_url: {fake.url}\n")
        everleaf.run("dns", "update", "home", "--credentials", path)
        assert admin.done(admin.post("/dns-accounts/home/test", domain="example.org"))["ok"] is False
        assert not fake.requests


def host_settings_stay(admin, path):
    """What is the host's own affair is not taken away over the network either; what is said beside it is not taken."""
    for member in ("public_only", "ca_bundle"):
        for value in (None, False, ""):
            status, document = refused(admin, "PATCH", path, {"settings": {member: value}})
            assert (status, document["member"]) == (403, member), document


def test_a_dns_server_that_comes_to_lead_inside_is_not_reached(everleaf, daemon, admin):
    """Where its name leads counts each time, if it was said over the network: here it is changed to such a name by then."""
    with Inside() as inside:
        server = f"localhost:{inside.port}"
        settings = {"server": "2001:500:2f::f", "key_name": "k", "key_secret": "c2VjcmV0"}
        path = everleaf.folder / "home.yaml"
        path.write_text(f"server: {server}\npropagation: none\n")
        path.chmod(0o600)
        admin.post("/dns-accounts", provider="rfc2136", name="home", settings=settings)
        everleaf.run("dns", "update", "home", "--credentials", path)
        host_settings_stay(admin, "/dns-accounts/home")
        tried = admin.done(admin.post("/dns-accounts/home/test", domain="example.org"))
        assert tried["ok"] is False and "private address" in tried["error"] and inside.n == 0
        # the host's own word for a server inside stays that, whatever else is changed over the network
        everleaf.run("dns", "add", "rfc2136", "own", "--credentials", path)
        admin.patch("/dns-accounts/own", settings={"key_name": "k", "key_secret": "c2VjcmV0"})
        tried = admin.done(admin.post("/dns-accounts/own/test", domain="example.org"))
        assert "private address" not in tried["error"]
        wait_until(lambda: inside.n > 0, "its server to be asked")


def test_what_leads_somewhere_by_another_name(everleaf, daemon, admin):
    """An account of the host's own is held to the Internet once something that may lead elsewhere is said over the network."""
    with Inside() as inside:
        path = everleaf.folder / "ovh.yaml"
        path.write_text(f"client_id: a\nclient_secret: {SECRET}\ntoken_url: http://127.0.0.1:{inside.port}/\npropagation: none\n")
        path.chmod(0o600)
        everleaf.run("dns", "add", "ovh", "own", "--credentials", path)
        admin.patch("/dns-accounts/own", settings={"propagation_timeout": 5})
        assert "private address" not in admin.done(admin.post("/dns-accounts/own/test", domain="example.org"))["error"]
        wait_until(lambda: inside.n > 0, "its server to be asked")
        asked = inside.n
        for address in ("127.0.0.1", "localhost"):
            assert refused(admin, "PATCH", "/dns-accounts/own", {"settings": {"token_url": f"http://{address}:{inside.port}/"}})[0] == 403
        admin.patch("/dns-accounts/own", settings={"client_id": "b"})
        assert "private address" in admin.done(admin.post("/dns-accounts/own/test", domain="example.org"))["error"]
        assert inside.n == asked


def test_a_mail_server_that_comes_to_lead_inside_is_not_reached(everleaf, daemon, admin):
    with Inside() as inside:
        settings = {"server": "[2001:500:2f::f]:25", "from": "a@example.org", "to": ["b@example.org"], "tls": "none"}
        path = everleaf.folder / "mail.yaml"
        path.write_text(f"server: localhost:{inside.port}\nfrom: a@example.org\nto: b@example.org\ntls: none\n")
        path.chmod(0o600)
        admin.post("/notifications", kind="mail", name="people", settings=settings)
        everleaf.run("notify", "update", "people", "--settings", path)
        host_settings_stay(admin, "/notifications/people")
        assert "private address" in everleaf.error("notify", "test", "people", status=(1, 75)) and inside.n == 0
        everleaf.run("notify", "add", "mail", "own", "--settings", path)
        admin.patch("/notifications/own", settings={"to": ["c@example.org"]})
        assert "private address" not in everleaf.error("notify", "test", "own", status=(1, 75))
        wait_until(lambda: inside.n > 0, "its server to be handed the mail")


def test_providers_and_their_fields(admin):
    providers = {provider["name"]: provider for provider in admin.all("/dns-providers", limit=5)}
    assert len(providers) == 19
    fields = {field["name"]: field for field in admin.get("/dns-providers/rfc2136")["fields"]}
    assert fields["key_secret"]["secret"] and fields["server"]["required"]
    assert {field["name"] for field in fields["zones"]["fields"]} >= {"domain", "zone", "key_secret"}
    assert all(field["host_only"] for field in providers["exec"]["fields"])
    assert refused(admin, "GET", "/dns-providers/nobody")[0] == 404


# news


def test_the_life_of_a_channel(lab_admin):
    admin = lab_admin
    settings = {"url": "https://hooks.example.org/x", "secret": SECRET}
    made = admin.post("/notifications", kind="webhook", name="people", settings=settings, events=["issued"])
    assert (made["enabled"], made["digest"], made["events"]) == (True, "at-once", ["issued"]) and "settings" not in made
    assert admin.patch("/notifications/people", digest="daily", events=[])["events"] == []
    shown = admin.get("/notifications/people")
    assert shown["digest"] == "daily" and SECRET not in json.dumps(shown) and "hooks.example.org" not in json.dumps(shown)
    admin.post("/notifications/people/disable")
    assert [x["enabled"] for x in admin.get("/notifications")["items"]] == [False]
    admin.post("/notifications/people/enable")
    admin.delete("/notifications/people")
    kinds = {kind["name"]: kind for kind in admin.get("/notification-kinds")["items"]}
    assert set(kinds) == {"mail", "webhook", "command"} and "expiring" in {x["event"] for x in kinds["mail"]["events"]}


@pytest.mark.parametrize("body, status, member", [
    ({"kind": "command", "settings": {"program": "/bin/true"}}, 403, "program"),
    ({"kind": "webhook", "settings": {"url": "https://127.0.0.1/x", "secret": SECRET}}, 403, "url"),
    ({"kind": "webhook", "settings": {"url": "https://hooks.example.org/", "secret": SECRET, "allow_private": True}}, 403, "allow_private"),
    ({"kind": "webhook", "settings": {"url": "https://hooks.example.org/", "secret_file": "/etc/passwd"}}, 403, "secret_file"),
    ({"kind": "webhook", "settings": {"url": "https://hooks.example.org/", "secret": SECRET, "ca_bundle": "/etc/x"}}, 403, "ca_bundle"),
    ({"kind": "mail", "settings": {"server": "localhost:25", "from": "a@example.org", "to": ["b@example.org"]}}, 403, "server"),
    ({"kind": "webhook", "settings": {"url": "gopher://x", "secret": SECRET}}, 400, "settings"),
    ({"kind": "webhook", "settings": {"url": "https://hooks.example.org/", "secret": SECRET}, "events": ["nothing"]}, 400, "events"),
    ({"kind": "webhook", "settings": {"url": "https://hooks.example.org/", "secret": SECRET}, "digest": "weekly"}, 400, "digest"),
    ({"kind": "nobody", "settings": {}}, 400, "kind"),
])
def test_channels_that_are_refused(admin, body, status, member):
    told, document = refused(admin, "POST", "/notifications", {"name": "people", **body})
    assert (told, document.get("member")) == (status, member), document
    assert SECRET not in json.dumps(document) and admin.get("/notifications")["items"] == []


# limits, settings, and the rest


def test_limits_and_settings(everleaf, admin, name):
    everleaf.issue(name)
    assert admin.get("/limits", ca="lab")["limits"] == [], "it publishes none"
    left = {row["limit"]: (row["subject"], row["left"]) for row in admin.get("/limits", ca="letsencrypt", names=["www.example.co.uk"])["limits"]}
    assert left["exact-set"] == ("www.example.co.uk", 5) and left["certificates-per-domain"] == ("example.co.uk", 50)
    assert refused(admin, "GET", "/limits", ca="nobody")[0] == 400
    assert admin.post("/limits/unpaused", names=[name])["limits"] == []
    settings = admin.get("/settings")
    assert settings["key_type"] == "ec256" and settings["allow_private"] is False and settings["proxy"] is False
    assert str(everleaf.state) not in json.dumps(settings) and settings["webroots"] == []
    assert settings["warn_days"] == [30, 14, 7, 3, 1]
    said = admin.get("/expiring", days=36500)
    assert [x["name"] for x in said["certificates"]] == [name] and admin.get("/expiring")["certificates"] == []


def test_names_to_choose_from_are_told_without_their_paths(everleaf, nginx):
    path = everleaf.folder / "everleaf.yaml"
    path.write_text(f"webroots:\n  - {{name: main, path: {nginx.web_root}}}\nproxy: http://user:{everleaf.secret(SECRET)}@proxy.example.org\n"
                    "warn_days: [2, 20]\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(path)
    with Serve(everleaf) as daemon:
        settings = user(everleaf, daemon, "root", "admin").get("/settings")
    assert settings["webroots"] == ["main"] and settings["proxy"] is True and settings["warn_days"] == [20, 2]
    assert str(nginx.web_root) not in json.dumps(settings) and SECRET not in json.dumps(settings)


def test_one_that_is_not_kept_here_is_revoked(everleaf, pebble, admin, name):
    everleaf.issue(name)
    certificate, key = (everleaf.live(name, part).read_text() for part in ("cert.pem", "privkey.pem"))
    serial = f"{load(everleaf.live(name, 'cert.pem')).serial_number:x}"
    other = admin.ask("GET", "/accounts/lab/key")
    assert admin.ended(admin.post("/revocations", certificate=certificate, key=other, ca="lab"))["state"] == "failed"
    assert pebble.certificate_status(serial)["Status"] == "Valid"
    admin.done(admin.post("/revocations", certificate=certificate, key=key, ca="lab", reason="superseded"))
    assert pebble.certificate_status(serial)["Status"] == "Revoked"


@pytest.mark.threads
def test_looking_first(lab_admin, nginx, new_name):
    found = lab_admin.done(lab_admin.post("/preflight", domains=[new_name()], method="dns-persist", ca="lab"))["findings"]
    assert {finding["check"]: finding["verdict"] for finding in found} == {"caa": "fine", "dns-persist-01": "unknown"}
    status, document = refused(lab_admin, "POST", "/preflight", {"domains": ["example.org"]})
    assert (status, document["member"]) == (400, "method")
    assert refused(lab_admin, "POST", "/preflight", {"domains": ["example.org"], "webroot": "/etc"})[0] == 400


@pytest.mark.parametrize("role, method, path, status", [
    ("operator", "GET", "/accounts", 200), ("auditor", "GET", "/accounts", 200), ("user", "GET", "/accounts", 403),
    ("operator", "GET", "/accounts/lab/key", 403), ("auditor", "GET", "/accounts/lab/key", 403),
    ("operator", "POST", "/accounts", 403), ("operator", "POST", "/cas", 403), ("operator", "POST", "/dns-accounts", 403),
    ("operator", "DELETE", "/accounts/lab", 403), ("auditor", "POST", "/notifications", 403), ("operator", "POST", "/notifications", 403),
    ("user", "GET", "/cas", 200), ("user", "GET", "/dns-accounts", 200), ("user", "GET", "/settings", 403),
    ("user", "GET", "/notifications", 403), ("user", "POST", "/preflight", 403), ("user", "POST", "/revocations", 403),
    ("user", "GET", "/expiring", 403), ("auditor", "GET", "/expiring", 200), ("auditor", "POST", "/limits/unpaused", 403),
])
def test_who_may(everleaf, daemon, role, method, path, status):
    client = user(everleaf, daemon, f"some-{role}", role)
    if status == 200:
        client.ask(method, path)
    else:
        assert refused(client, method, path, {} if method == "POST" else None)[0] == status


# the log


def test_every_change_is_an_event(lab_admin):
    """With who did it, and from where."""
    admin = lab_admin
    admin.post("/cas", name="own", url="https://ca.example.org/dir")
    admin.delete("/cas/own")
    admin.post("/dns-accounts", provider="httpreq", name="home", settings=httpreq())
    admin.patch("/dns-accounts/home", zones=["example.org"])
    admin.post("/dns-accounts/home/disable")
    admin.post("/dns-accounts/home/enable")
    admin.delete("/dns-accounts/home")
    admin.post("/notifications", kind="webhook", name="people", settings={"url": "https://hooks.example.org/x", "secret": SECRET})
    admin.patch("/notifications/people", digest="daily")
    admin.post("/notifications/people/disable")
    admin.delete("/notifications/people")
    admin.post("/accounts/lab/default")
    admin.post("/limits/unpaused", ca="lab", names=["www.example.org"])
    admin.post("/renewal-information/refresh")
    events = [event for event in admin.all("/events") if event["actor"] == "user:root"][::-1]
    assert [(event["kind"], event["text"]) for event in events] == [
        ("ca", "CA own added: https://ca.example.org/dir"), ("ca", "CA own deleted"),
        ("dns", "DNS account home added, at httpreq"), ("dns", "DNS account home changed: zones"),
        ("dns", "DNS account home disabled"), ("dns", "DNS account home enabled"), ("dns", "DNS account home deleted"),
        ("channel", "channel people added, of kind webhook"), ("channel", "channel people changed: digest"),
        ("channel", "channel people disabled"), ("channel", "channel people deleted"),
        ("account", "account lab is the default from now on"), ("limits", "lab has resumed www.example.org"),
        ("renewal-information", "asked for again at once, of 0 certificates")]
    assert {event["address"] for event in events} == {"127.0.0.1"}


def test_a_change_of_nothing_is_none(everleaf, daemon, admin, name):
    """It is answered with what is there; nothing is written, nothing told."""
    everleaf.issue(name)
    admin.post("/dns-accounts", provider="httpreq", name="home", settings=httpreq())
    admin.post("/notifications", kind="webhook", name="hook", settings={"url": "https://hooks.example.org/x", "secret": SECRET})
    before = everleaf.json("log")
    for path in (f"/certificates/{name}", "/users/root", "/dns-accounts/home", "/notifications/hook", "/settings"):
        shown = admin.get(path)
        daemon.clock(10)
        said = admin.patch(path)
        assert path == "/settings" or said["name"] == path.rpartition("/")[2]
        assert SECRET not in json.dumps(said)
        assert (admin.get(path), everleaf.json("log")) == (shown, before), path
        daemon.clock(0)
    assert refused(admin, "PATCH", "/dns-accounts/nowhere", {})[0] == 404
    assert refused(admin, "PATCH", "/users/nobody", {})[0] == 404
