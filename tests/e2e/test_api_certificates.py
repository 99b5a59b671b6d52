"""Certificates over the REST API: the whole life of one, lists and searches, names in place of paths, whose it is."""

import base64
import json

import pytest

from env import Serve
from env.certs import assert_good, load, openssl
from env.client import Refused, user
from env.process import wait_until
from env.smtp import SmtpServer


@pytest.fixture
def hooks(everleaf):
    """A deploy hook and its log."""
    log = everleaf.folder / "deployed"
    hook = everleaf.folder / "deploy.sh"
    hook.write_text(f'#!/bin/sh\necho "$RENEWED_DOMAINS" >> {log}\n')
    hook.chmod(0o755)
    return hook, log


@pytest.fixture
def daemon(everleaf, nginx, hooks):
    config = everleaf.folder / "everleaf.yaml"
    config.write_text(f"""
webroots:
  - {{name: main, path: {nginx.web_root}}}
  - {{name: empty, path: {everleaf.folder}/empty}}
deploy_hooks:
  - {{name: reload, path: {hooks[0]}}}
""")
    (everleaf.folder / "empty").mkdir()
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    with Serve(everleaf) as server:
        yield server


@pytest.fixture
def admin(everleaf, daemon):
    return user(everleaf, daemon, "root", "admin")


def refused(status, call, /, *args, **body):
    with pytest.raises(Refused) as told:
        call(*args, **body)
    assert told.value.status == status, told.value
    return told.value.document


@pytest.mark.threads
def test_the_life_of_one(everleaf, pebble, daemon, admin, hooks, name):
    job = admin.post("/certificates", domains=[name], webroot="main", deploy_hooks=["reload"], organization="Somebody")
    assert (job["operation"], job["subject"], job["asked_by"]) == ("certificate_create", name, "root")
    assert admin.done(job) == {"issued": [name], "renewed": [], "unchanged": [], "unchanged_why": [], "failed": [],
                               "pending": []}
    assert_good(everleaf.live(name), pebble.root_file())
    assert name in hooks[1].read_text()
    row = admin.get(f"/certificates/{name}")
    assert (row["status"], row["owner"], row["webroot"], row["deploy_hooks"]) == ("issued", "root", "main", ["reload"])
    assert row["serial"] == f"{load(everleaf.live(name, 'cert.pem')).serial_number:x}".zfill(len(row["serial"]))
    assert row["renewal_reason"] and "own_key" not in row and "keystore_password" not in row
    # asked again, nothing is due; forced, another one
    assert admin.done(admin.post(f"/certificates/{name}/renew"))["unchanged"] == [name]
    assert admin.done(admin.post(f"/certificates/{name}/renew", force=True))["renewed"] == [name]
    assert [v["n"] for v in admin.all(f"/certificates/{name}/versions", limit=1)] == [2, 1]
    assert admin.get(f"/certificates/{name}/explain")["why"]
    found = {f["check"]: f["verdict"] for f in admin.done(admin.post(f"/certificates/{name}/preflight"))["findings"]}
    assert found == {"address": "fine", "caa": "fine", "http-01": "fine"}
    # changed: at once, and nothing is sent to the CA
    orders = pebble.orders()
    assert admin.patch(f"/certificates/{name}", renew_before="20d")["renew_before"] == "20d"
    assert admin.patch(f"/certificates/{name}", renew_before=None)["renew_before"] is None
    assert pebble.orders() == orders
    assert admin.done(admin.post(f"/certificates/{name}/revoke", reason="superseded")) is None
    assert admin.get(f"/certificates/{name}")["status"] == "revoked"
    events = admin.all(f"/certificates/{name}/events", limit=3)
    assert [e["id"] for e in events] == sorted((e["id"] for e in events), reverse=True)
    assert {"requested", "issued", "live", "revoked"} <= {e["kind"] for e in events}
    assert {e["actor"] for e in events} == {"user:root"}
    last = events[0]["id"]
    assert [e["id"] for e in admin.get("/events", after=events[2]["id"])["items"]][:2] == [events[1]["id"], last]
    assert admin.get("/events", cert=name, kind="revoked")["items"][0]["id"] in [e["id"] for e in events]
    admin.delete(f"/certificates/{name}")
    refused(404, admin.get, f"/certificates/{name}")


def test_what_a_client_has_in_files_travels(everleaf, pebble, daemon, admin, lab, new_name):
    """A key, a request, a key store's password: as content."""
    name, other = new_name(), new_name()
    key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
    everleaf.secret(key.splitlines()[1])
    admin.done(admin.post("/certificates", domains=[name], webroot="main", key=key, keystore="pkcs12",
                          keystore_password=everleaf.secret("store-password")))
    assert (everleaf.live(name, "privkey.pem")).read_text().split() == key.split()
    assert "store-password" not in daemon.get(f"/api/v1/certificates/{name}")[2]
    assert everleaf.live(name, "keystore.p12").exists()
    folder = everleaf.folder
    (folder / "k.pem").write_text(key)
    request = openssl("req", "-new", "-key", folder / "k.pem", "-subj", "/", "-addext", f"subjectAltName=DNS:{other}")
    admin.done(admin.post("/certificates", domains=[other], webroot="main", csr=request))
    assert not everleaf.live(other, "privkey.pem").exists()
    full = admin.ask("GET", f"/certificates/{name}/export", part="fullchain")
    assert everleaf.live(name, "fullchain.pem").read_text() in (full if isinstance(full, str) else
                                                                base64.b64decode(full["data"]).decode())
    for member, value in (("key", "no key"), ("csr", "no request")):
        assert refused(400, admin.post, "/certificates", domains=[new_name()], webroot="main", **{member: value})["member"] == member


@pytest.mark.parametrize("body, member", [
    ({"domains": ["a b.example.org"]}, "domains"), ({"domains": ["x.example.org", "X.example.org."]}, "domains"),
    ({"domains": []}, "domains"), ({"domains": [f"n{i}.example.org" for i in range(101)]}, "domains"),
    ({"domains": ["*.example.org"]}, "challenge"), ({"name": "../up"}, "name"), ({"webroot": None}, "method"),
    ({"challenge": "dns-01"}, "challenge"), ({"challenge": "nonsense"}, "challenge"),
    ({"key_type": "rsa1024"}, "key_type"), ({"signature": "md5"}, "signature"), ({"key_policy": "old"}, "key_policy"),
    ({"renew_before": "soon"}, "renew_before"), ({"country": "Germany"}, "country"), ({"city": "x" * 129}, "city"),
    ({"province": ""}, "province"), ({"organization": "x" * 65}, "organization"), ({"unit": "x" * 65}, "unit"),
    ({"subject_email": "nobody"}, "subject_email"), ({"keystore": "zip"}, "keystore"),
    ({"keystore": "pkcs12"}, "keystore_password"), ({"keystore": "jks", "keystore_password": "short"}, "keystore_password"),
    ({"ca": "nobody"}, "ca"), ({"account": "nobody"}, "account"),
    ({"ca": "letsencrypt", "self_signed_first": True}, "ca"),  # there is no account at it
])
def test_what_is_wrong_is_named(admin, body, member):
    status = 404 if member == "account" else 400
    told = refused(status, admin.post, "/certificates", **{"domains": ["good.example.org"], "webroot": "main", **body})
    assert told.get("member") == member, told
    assert admin.get("/certificates")["items"] == [] and admin.get("/jobs")["items"] == []


def test_nobody_names_a_path(everleaf, daemon, admin, nginx, hooks, name):
    """Web roots and hooks are names of the configuration; listeners are the daemon's own."""
    for body, member in (({"webroot": str(nginx.web_root)}, "webroot"), ({"webroot": "../main"}, "webroot"),
                         ({"webroot": "main", "deploy_hooks": [str(hooks[0])]}, "deploy_hooks"),
                         ({"hook": "/bin/true"}, "hook"), ({"method": "standalone"}, "method"),
                         ({"method": "alpn"}, "method")):
        assert refused(400, admin.post, "/certificates", domains=[name], **body)["member"] == member
    for member, value in (("listen", ":8080"), ("well_known", "/tmp"), ("hook_chain", True)):
        assert refused(403, admin.post, "/certificates", domains=[name], webroot="main", **{member: value})["member"] == member
    assert refused(400, admin.post, "/certificates", domains=[name], webroot="main", own_key="x")["member"] == "own_key"
    assert admin.get("/certificates")["items"] == [] and admin.get("/jobs")["items"] == []


@pytest.mark.threads
def test_a_changed_configuration_widens_nothing(everleaf, pebble, daemon, admin, nginx, name):
    """A record keeps the folder that the name stood for when it was said."""
    admin.done(admin.post("/certificates", domains=[name], webroot="main"))
    config = everleaf.folder / "everleaf.yaml"
    config.write_text(config.read_text().replace(f"path: {nginx.web_root}", "path: /nonexistent"))
    daemon.process.send_signal(1)
    wait_until(lambda: "configuration was read again" in daemon.log(), "the reload")
    wait_until(lambda: everleaf.json("log")[-1]["kind"] == "configuration", "the event that tells it")
    assert admin.get(f"/certificates/{name}")["webroot"] == str(nginx.web_root)
    assert admin.done(admin.post(f"/certificates/{name}/renew", force=True))["renewed"] == [name]


@pytest.mark.threads
def test_by_the_daemons_own_responders(everleaf, pebble, new_name):
    with Serve(everleaf, "--http", pebble.http_address, "--alpn", pebble.tls_address) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        for method in ("standalone", "alpn"):
            name = new_name()
            assert admin.done(admin.post("/certificates", domains=[name], method=method))["issued"] == [name]
            assert_good(everleaf.live(name), pebble.root_file())


def test_lists(everleaf, daemon, admin, name):
    """Filters, searches and orders, a page at a time."""
    names = [f"{word}.{name}" for word in ("alpha", "beta", "gamma")]
    for i, each in enumerate(names):
        admin.ended(admin.post("/certificates", domains=[each], webroot="main" if i else "empty", renew_before=f"{10 + i}d"))
    whole = admin.all("/certificates", limit=1)
    assert [c["name"] for c in whole] == names
    assert [c["name"] for c in admin.all("/certificates", limit=2, order="desc")] == names[::-1]
    assert [c["name"] for c in admin.all("/certificates", status="failed")] == [names[0]]
    assert [c["name"] for c in admin.all("/certificates", q=name)] == names, "by the domain above"
    assert [c["name"] for c in admin.all("/certificates", q="bet")] == [names[1]]
    # a name that stands above another one of its certificate, in whichever order
    admin.patch(f"/certificates/{names[0]}", domains=[f"www.delta.{name}", f"delta.{name}"])
    assert [c["name"] for c in admin.all("/certificates", q="delt")] == [names[0]]
    assert [c["name"] for c in admin.all("/certificates", sort="not_after", limit=1)][0] == names[0]
    assert admin.all("/certificates", owner="somebody") == []
    for query, member in (({"sort": "size"}, "sort"), ({"order": "up"}, "order"), ({"status": "odd"}, "status"),
                          ({"limit": 1001}, "limit"), ({"cursor": "AAAA"}, "cursor"), ({"expiring": -1}, "expiring")):
        assert refused(400, admin.get, "/certificates", **query)["member"] == member
    overview = admin.get("/overview", days=120)
    assert {c["status"]: c["n"] for c in overview["counts"]} == {"failed": 1, "issued": 2} and overview["total"] == 3
    assert sum(day["expiries"] for day in overview["days"]) == 2
    failure, = overview["failures"]
    assert failure["name"] == names[0] and failure["last_error"] and failure["failures"] == 1
    assert admin.post("/renewal-information/refresh")["certificates"] == 2


def test_requests_that_wait_for_somebody(everleaf, pebble, dns, daemon, admin, name):
    """What to publish; another challenge; another method."""
    pending, = admin.done(admin.post("/certificates", domains=[name], method="manual"))["pending"]
    request, = admin.get("/requests")["items"]
    assert (request["name"], request["status"]) == (name, "pending")
    assert request["challenges"] == pending["challenges"] and request["challenges"][0]["type"] == "http-01"
    again = admin.done(admin.post(f"/requests/{name}/new-challenge"))["pending"][0]
    assert again["challenges"][0]["value"] != pending["challenges"][0]["value"]
    assert admin.patch(f"/requests/{name}", webroot="main")["method"] == "webroot"
    admin.done(admin.post(f"/certificates/{name}/renew"))  # unless the daemon was quicker by itself
    assert admin.get(f"/certificates/{name}")["status"] == "issued" and admin.get("/requests")["items"] == []


@pytest.mark.threads
def test_what_is_due(everleaf, pebble, daemon, admin, new_name):
    """`renew` without names, for whom it is; others' stay as they are."""
    mine, theirs = new_name(), new_name()
    anna = user(everleaf, daemon, "anna", "user", [mine, "--method", "webroot"])
    for client, each in ((anna, mine), (admin, theirs)):
        client.done(client.post("/certificates", domains=[each], webroot="main"))
    assert anna.done(anna.post("/certificates/renew", force=True))["renewed"] == [mine]
    assert sorted(admin.done(admin.post("/certificates/renew", force=True))["renewed"]) == sorted([mine, theirs])


def test_what_is_not_theirs_does_not_exist(everleaf, daemon, admin, new_name):
    mine, theirs, unbound = new_name(), new_name(), new_name()
    anna = user(everleaf, daemon, "anna", "user", [mine, "--method", "webroot"])
    auditor = user(everleaf, daemon, "otto", "auditor")
    admin_job = admin.post("/certificates", domains=[theirs], webroot="main")
    admin.done(admin_job)
    anna.done(anna.post("/certificates", domains=[mine], webroot="main"))
    assert [c["name"] for c in anna.get("/certificates")["items"]] == [mine]
    assert anna.get(f"/certificates/{mine}")["owner"] == "anna"
    assert anna.get("/overview")["total"] == 1 and admin.get("/overview")["total"] == 2
    assert {e["cert"] for e in anna.all("/events")} == {mine}
    assert anna.get("/certificates", q=theirs)["items"] == []
    for path in ("", "/events", "/versions", "/explain", "/export"):
        refused(404, anna.get, f"/certificates/{theirs}{path}")
    for act in ("renew", "revoke", "verify", "new-challenge", "export", "preflight"):
        refused(404, anna.post, f"/certificates/{theirs}/{act}")
    refused(404, anna.post, f"/certificates/{theirs}/send", to=["a@example.org"])
    refused(404, anna.patch, f"/certificates/{theirs}", renew_before="1d")
    refused(404, anna.delete, f"/certificates/{theirs}")
    refused(404, anna.get, f"/jobs/{admin_job['id']}")
    refused(403, anna.post, "/certificates", domains=[unbound], webroot="main")
    refused(403, anna.post, "/certificates", domains=[mine], webroot="main", deploy_hooks=["reload"])
    told = refused(403, anna.post, "/certificates", domains=[mine], webroot="main", preflight=False)
    assert "preflight" in json.dumps(told)
    refused(403, anna.patch, f"/certificates/{mine}", preflight=False)
    assert anna.get(f"/certificates/{mine}")["preflight"] is True
    refused(403, anna.post, "/renewal-information/refresh")
    # who reads all is given no key, and changes nothing
    assert len(auditor.get("/certificates")["items"]) == 2
    refused(403, auditor.get, f"/certificates/{mine}/export")
    refused(403, auditor.get, f"/certificates/{mine}/export", part="key")
    assert auditor.get(f"/certificates/{mine}/export", part="cert")
    refused(403, auditor.post, f"/certificates/{mine}/renew")
    assert admin.get("/events", actor="user:anna")["items"]


def test_sent_and_handed_over(everleaf, daemon, admin, name, tmp_path, lab):
    """By mail what may be mailed, as a file what is asked for; who took a private key away stands in the log."""
    admin.done(admin.post("/certificates", domains=[name], webroot="main"))
    password = everleaf.secret("key-store-of-mail")
    with SmtpServer(tmp_path / "smtp", lab) as smtp:
        everleaf.secret(smtp.login[1])
        settings = everleaf.folder / "mail.yaml"
        settings.write_text(smtp.settings())
        settings.chmod(0o600)
        everleaf.run("notify", "add", "mail", "mail", "--settings", settings)
        smtp.forget()
        admin.done(admin.post(f"/certificates/{name}/send", to=["leser@example.net"]))
        admin.done(admin.post(f"/certificates/{name}/send", to=["leser@example.net"], format="pkcs12", password=password))
        public, store = (list(mail.message.iter_attachments())[0] for mail in smtp.received)
        assert all(mail.recipients == ["leser@example.net"] for mail in smtp.received)
    assert public.get_content() == everleaf.live(name, "fullchain.pem").read_bytes()
    (tmp_path / "store.p12").write_bytes(store.get_content())
    (tmp_path / "password").write_text(password)
    assert "PRIVATE KEY" in openssl("pkcs12", "-in", tmp_path / "store.p12", "-nodes", "-passin", f"file:{tmp_path}/password")

    def handed_over():
        return [event for event in admin.all(f"/certificates/{name}/events") if event["kind"] == "exported"]

    assert not handed_over()
    admin.get(f"/certificates/{name}/export", part="fullchain")
    assert not handed_over()
    everleaf.secret(admin.get(f"/certificates/{name}/export", part="key"))
    event, = handed_over()
    assert "private key" in event["text"] and event["actor"] == "user:root" and event["address"] == "127.0.0.1"
