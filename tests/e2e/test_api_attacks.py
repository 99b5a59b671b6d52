"""What somebody who may ask a little asks to get more: addresses inside, keys by mail, others' things, lesser tokens."""

import concurrent.futures
import json
import re
import socket
import time

import pytest

from env import Serve
from env.api import People
from env.bind import Bind
from env.process import wait_until
from env.smtp import SmtpServer
from env.tcp import Inside


@pytest.fixture
def daemon(everleaf, nginx):
    config = everleaf.folder / "everleaf.yaml"
    (everleaf.folder / "elsewhere").mkdir()
    config.write_text(f"webroots:\n  - {{name: main, path: {nginx.web_root}}}\n"
                      f"  - {{name: wrong, path: {everleaf.folder}/elsewhere}}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    with Serve(everleaf) as server:
        yield server


@pytest.fixture
def people(everleaf, daemon):
    return People(everleaf, daemon)


# addresses inside


def look(api, ca, **more):
    job = api.job(api.post("/preflight", {"domains": ["127.0.0.1"], "webroot": "main", "ca": ca, **more}))
    assert job["state"] == "done", job
    return {row["check"]: row for row in job["result"]["findings"]}


def test_a_look_does_not_reach_inside(everleaf, daemon, people):
    """Not for a CA that somebody added over the network, whatever ports they gave it; for a laboratory's it does."""
    with Inside() as inside:
        ports = {"http_port": inside.port, "tls_port": inside.port}
        people.admin.post("/cas", {"name": "mine", "url": "https://ca.invalid/dir", **ports}, status=201)
        found = look(people.operator, "mine")
        assert found["address"]["verdict"] != "fine" and "no public CA reaches it" in found["address"]["text"], found
        assert inside.n == 0
        everleaf.run("ca", "add", "laboratory", "https://ca.invalid/lab", "--http-port", inside.port)
        look(people.operator, "laboratory")
        wait_until(lambda: inside.n > 0, "the laboratory to be looked at")


def test_nobody_names_a_url_to_be_asked(everleaf, daemon, people, name):
    """A CA's URL is a way inside: over the network CAs have names, that an administrator gave them."""
    everleaf.run("user", "bind", "user", name, "--account", everleaf.json("account", "list")[0]["name"])
    account = everleaf.json("account", "list")[0]["name"]
    with Inside() as inside:
        url = f"https://127.0.0.1:{inside.port}/dir"
        body = {"domains": [name], "webroot": "main", "ca": url}
        for api, more in ((people.user, {}), (people.user, {"account": account}), (people.operator, {}), (people.admin, {})):
            assert api.post("/certificates", {**body, **more}, status=(400, 403)).problem["member"] in ("ca", *more)
        assert people.operator.post("/preflight", body, status=(400, 403)).problem["member"] == "ca"
        people.operator.job(people.operator.post("/certificates", {"domains": [name], "webroot": "main"}))
        assert people.operator.patch(f"/certificates/{name}", {"ca": url}, status=(400, 403)).problem["member"] == "ca"
        assert people.operator.get(f"/certificates/{name}").json["ca"] != url
        assert inside.n == 0


ASKED, LEFT_OUT = "127.0.0.1:53", "ns1.example.test: at a loopback, link-local or private address"


@pytest.fixture
def name_servers(bare, pebble, lab, tmp_path):
    """A CA that does not say that it sees inside, and a DNS account of this host's: its zone has a name server inside."""
    with Bind(tmp_path / "bind") as bind:
        path = bare.folder / "home.yaml"
        path.write_text(f"program: /bin/true\nresolvers: [\"{bind.server}\"]\npropagation_timeout: 2\n")
        path.chmod(0o600)
        bare.run("ca", "add", "plain", pebble.directory, "--ca-bundle", lab.root)
        bare.run("account", "register", "--ca", "plain", "--email", "admin@example.org", "--agree-tos")
        bare.run("dns", "add", "exec", "home", "--credentials", path)
        yield bind


def looked_at_without_its_ca(bare):
    """Who said the name counts for `dns watch` too, whether or not its CA is known still."""
    bare.sql("insert into challenges (cert, domain, type, value, location, dns_name, dns_zone, dns_account, state, created_at) "
             "values (?, ?, 'dns-01', 'v', ?, ?, 'example.test', 'home', 'published', 1)",
             "a.example.test", "a.example.test", *["_acme-challenge.a.example.test"] * 2)
    [(ca,)] = bare.sql("select ca from certs where name = 'a.example.test'")
    for known in (ca, "gone"):
        bare.sql("update certs set ca = ? where name = 'a.example.test'", known)
        told = bare.error("dns", "watch", "a.example.test", "--once", status=(1, 75))
        assert LEFT_OUT in told and ASKED not in told, known
    bare.sql("delete from challenges")
    bare.sql("update certs set ca = ? where name = 'a.example.test'", ca)


def test_name_servers_inside_are_not_asked(bare, name_servers):
    """Not about a name that was said over the network, by whom and however often it is worked on; about the host's own they are."""
    how = {"method": "dns", "dns": ["home"], "preflight": False}

    def said(job):
        return (job["error"]["detail"] if job["state"] == "failed" else job["result"]["error"])

    assert ASKED in bare.error("issue", "own.example.test", "--dns", "home", "--no-preflight", status=(1, 75))
    with Serve(bare) as daemon:
        people = People(bare, daemon)
        told = said(people.operator.job(people.operator.post("/certificates", {"domains": ["a.example.test"], **how})))
        assert LEFT_OUT in told and "allow_private: true" in told and ASKED not in told
        told = said(people.admin.job(people.admin.post("/dns-accounts/home/test", {"domain": "example.test"})))
        assert LEFT_OUT in told and ASKED not in told
        told = said(people.admin.job(people.admin.post("/certificates/own.example.test/renew", {"force": True})))
        assert ASKED in told, "the name was said on the host"
        people.admin.patch("/certificates/own.example.test", {"domains": ["b.example.test"]})
    told = bare.error("renew", "own.example.test", "--force", status=(1, 75))
    assert LEFT_OUT in told and ASKED not in told, "it was said anew over the network"
    assert LEFT_OUT in bare.error("renew", "a.example.test", "--force", status=(1, 75))
    told = bare.error("issue", "b.example.test", "--name", "own.example.test", "--dns", "home", "--no-preflight", status=(1, 75))
    assert ASKED in told, "it was said anew on the host"
    looked_at_without_its_ca(bare)
    config = bare.folder / "everleaf.yaml"
    config.write_text("allow_private: true\n")
    assert ASKED in bare.error("--config", config, "renew", "a.example.test", "--force", status=(1, 75))


# keys and files


@pytest.fixture
def mail(everleaf, tmp_path, lab):
    """A channel by which certificates can be sent."""
    with SmtpServer(tmp_path / "smtp", lab, login=None) as server:
        settings = tmp_path / "mail.json"
        settings.write_text(server.settings())
        settings.chmod(0o600)
        everleaf.run("notify", "add", "mail", "post", "--settings", settings, "--event", "terms")
        yield server


@pytest.mark.parametrize("part", ["", "ALL", "everything", "key ", "../x", 'x"\r\nBcc: a@example.org\r\n'])
def test_no_key_goes_out_by_another_word(everleaf, daemon, people, mail, name, part):
    """Words that there are not are refused before anything is sent, and an auditor is given no key by them."""
    everleaf.run("user", "bind", "user", name)
    people.user.job(people.user.post("/certificates", {"domains": [name], "webroot": "main"}))
    body = {"to": ["a@example.org"], "part": part}
    assert people.user.post(f"/certificates/{name}/send", body, status=400).problem["member"] == "part"
    assert people.user.post(f"/certificates/{name}/send", {"to": ["a@example.org"], "format": "PEM" + part},
                            status=400).problem["member"] == "format"
    for query in ({"part": part}, {"format": "PEM" + part}, {"format": "pkcs12", "part": part}):
        answer = people.auditor.get(f"/certificates/{name}/export", query=query, status=(400, 403))
        assert "PRIVATE KEY" not in answer.text
    assert people.user.get(f"/certificates/{name}/export", query={"part": part}, status=400).problem["member"] == "part"
    assert people.user.job(people.user.post(f"/certificates/{name}/send", {**body, "part": "cert"}))["state"] == "done"
    sent, = mail.received
    assert b"PRIVATE KEY" not in sent.raw and len(list(sent.message.iter_attachments())) == 1


def test_a_key_that_was_handed_over_is_not_kept(everleaf, daemon, people, name):
    """An export with an Idempotency-Key is done anew: the same file, and none in the database."""
    everleaf.run("user", "bind", "user", name)
    people.user.job(people.user.post("/certificates", {"domains": [name], "webroot": "main"}))
    key = {"Idempotency-Key": "again"}
    for _ in range(2):
        answer = people.user.ask("POST", f"/certificates/{name}/export", {"part": "key"}, headers=key)
        assert "PRIVATE KEY" in answer.text and answer.headers["Content-Type"] != "application/json"
        assert "Idempotency-Replayed" not in answer.headers


def test_sending_is_no_way_to_fill_mailboxes(everleaf, daemon, people, mail, name):
    everleaf.run("user", "bind", "user", name)
    people.user.job(people.user.post("/certificates", {"domains": [name], "webroot": "main"}))
    asked = [people.user.ask("POST", f"/certificates/{name}/send", {"to": [f"a{i}@example.org"]}, status=(202, 429))
             for i in range(25)]
    taken = [answer for answer in asked if answer.status == 202]
    assert taken[:20] == asked[:20] and asked[-1].status == 429
    assert all(people.user.job(answer)["state"] == "done" for answer in taken)
    assert len(mail.received) == len(taken)
    assert people.user.get("/version").status == 200


# tokens


def test_a_lesser_token_takes_no_greater_one_away(everleaf, people):
    lesser = people.client("admin", "lesser", "--role", "auditor")
    lesser.delete("/tokens/t-admin", status=403)
    assert people.admin.get("/version").json["role"] == "admin"
    lesser.delete("/tokens/lesser-admin", status=204)  # itself
    lesser.get("/version", status=401)


def test_a_lesser_token_is_not_told_a_greater_one(people):
    """The answer to the first request is kept for who sent it: with the same rights."""
    body, key = {"name": "made"}, {"Idempotency-Key": "k1"}
    made = people.admin.post("/tokens", body, headers=key, status=201).json
    assert made["role"] == "admin"
    assert people.admin.post("/tokens", body, headers=key, status=201).json["token"] == made["token"]
    lesser = people.client("admin", "lesser", "--role", "auditor")
    answer = lesser.post("/tokens", body, headers=key, status=409)
    assert made["token"] not in answer.text


# others' things


def test_another_persons_things_are_not_there(everleaf, daemon, people, new_name):
    """By name, in any spelling, through each path that has a name or a number in it."""
    mine, theirs = new_name(), new_name()
    other = people.add("other", "user")
    everleaf.run("user", "bind", "user", mine)
    everleaf.run("user", "bind", "other", theirs)
    people.user.job(people.user.post("/certificates", {"domains": [mine], "webroot": "main"}))
    job = other.post("/certificates", {"domains": [theirs], "webroot": "main"})
    other.job(job)
    number = job.json["id"]
    for spelling in (theirs, theirs.upper(), theirs + ".", f"{theirs}%00", f"./{theirs}"):
        spelt = spelling.replace("/", "%2F")
        for kind in ("certificates", "requests"):
            people.user.get(f"/{kind}/{spelt}", status=(400, 404, 413))
            people.user.patch(f"/{kind}/{spelt}", {"owner": "user"}, status=(400, 404, 413))
            people.user.patch(f"/{kind}/{spelt}", {"owner": "user"}, headers={"If-Match": "*"}, status=(400, 404, 413))
        for what in ("events", "versions", "explain", "export"):
            people.user.get(f"/certificates/{spelt}/{what}", status=(400, 404, 413))
        for what in ("renew", "revoke", "verify", "new-challenge", "preflight"):
            people.user.post(f"/certificates/{spelt}/{what}", {}, status=(400, 404, 413))
        people.user.delete(f"/certificates/{spelt}", status=(400, 404, 413))
    people.user.get(f"/jobs/{number}", status=404)
    people.user.delete(f"/jobs/{number}", status=404)
    kept = other.get(f"/certificates/{theirs}").json
    assert (kept["owner"], kept["status"], kept["live_version"]) == ("other", "issued", 1), "and is as it was"
    for path, query in (("/certificates", {"q": theirs}), ("/certificates", {"owner": "other"}), ("/certificates", {"q": "e"}),
                        ("/jobs", {"user": "other"}), ("/jobs", {"subject": theirs}), ("/events", {"cert": theirs}),
                        ("/events", {"actor": "user:other"}), ("/events", {"after": 1, "actor": "user:other"}), ("/requests", {})):
        assert theirs not in people.user.get(path, query=query).text, (path, query)
    assert theirs not in people.user.get("/overview").text and people.user.get("/overview").json["total"] == 1
    assert theirs not in people.user.get("/limits", status=(200, 400, 404)).text
    # the place of a page that another one was given
    cursor = other.get("/events", query={"limit": 1}).json["next"]
    assert theirs not in people.user.get("/events", query={"cursor": cursor}).text


@pytest.mark.parametrize("change", [
    {"owner": None}, {"owner": "other"}, {"owner": ""}, {"dns": ["secret"]}, {"hook": "main"}, {"well_known": "/"},
    {"listen": "127.0.0.1:1"}, {"deploy_hooks": ["main"]}, {"account": "none"}, {"ca": "letsencrypt"}, {"method": "hook"},
    {"method": "dns", "dns": ["secret"], "webroot": None}, {"webroot": "/etc"}, {"name": "another"},
    {"domains": ["foreign.example.org"]}, {"domains": None}, {"domains": []}, {"key": "x"}, {"csr": "x"}, {"status": "issued"}, {"id": 1},
    {"preflight": False},
])
def test_changes_that_are_tricks(everleaf, daemon, people, name, change):
    everleaf.run("user", "bind", "user", name)
    credentials = everleaf.secret_file("secret.conf", "base_url=https://dns.example.org/\nusername=a\npassword=kept-secret-0123")
    everleaf.run("dns", "add", "httpreq", "secret", "--credentials", credentials)
    people.user.job(people.user.post("/certificates", {"domains": [name], "webroot": "main"}))
    before = people.admin.get(f"/certificates/{name}").json
    answer = people.user.ask("PATCH", f"/certificates/{name}", change, status=(200, 400, 403, 404))
    after = people.admin.get(f"/certificates/{name}").json
    assert answer.status != 200, answer
    same = ("owner", "dns", "hook", "webroot", "ca", "account", "method", "domains", "name")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}


def test_names_that_look_like_ones_own(everleaf, daemon, people, name):
    everleaf.run("user", "bind", "user", f"www.{name}", "--exact")
    for domain in (name, f"*.{name}", f"x.www.{name}", f"*.www.{name}", f"xwww.{name}", "127.0.0.1", "::1",
                   f"www.{name}.evil.example.org", f"WWW.{name.upper()}.x"):
        people.user.post("/certificates", {"domains": [domain], "webroot": "main"}, status=(400, 403))
        people.user.post("/certificates", {"domains": [f"www.{name}", domain], "webroot": "main"}, status=(400, 403))
        people.user.post("/certificates", {"domains": [f"www.{name}"], "name": domain.replace("*", "_").replace(":", "_"),
                                           "webroot": "main"}, status=(400, 403))
    assert people.admin.get("/certificates").json["items"] == []
    own = people.user.job(people.user.post("/certificates", {"domains": [f"WWW.{name.upper()}."], "webroot": "main"}))
    assert own["result"]["issued"] == [f"www.{name}"]


@pytest.mark.threads
def test_a_binding_that_goes_while_one_asks(everleaf, daemon, people, name):
    """What was taken in before is refused when its turn comes, or done: nothing in between stays."""
    everleaf.run("user", "bind", "user", name)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(people.user.ask, "POST", "/certificates", {"domains": [f"a{i}.{name}"], "webroot": "main"},
                             status=(202, 403)) for i in range(8)]
        gone = pool.submit(people.admin.ask, "DELETE", f"/users/user/domains/{name}", status=(204, 400, 409))
        answers = [one.result() for one in asked]
    ended = [people.user.job(answer)["state"] for answer in answers if answer.status == 202]
    held = [one["status"] for one in people.admin.get("/certificates").json["items"]]
    if gone.result().status == 204:
        assert held == [] and "done" not in ended
    else:
        assert ended == ["done"] * 8 and held == ["issued"] * 8


def test_paths_of_the_host_are_not_told(everleaf, daemon, people, name):
    """A failure that names the web root names it as the configuration does."""
    everleaf.run("user", "bind", "user", name)
    job = people.user.job(people.user.post("/certificates", {"domains": [name], "webroot": "wrong"}))
    texts = [json.dumps(job), people.user.get(f"/certificates/{name}").text, people.user.get("/events").text,
             people.user.get("/overview").text, people.user.get("/jobs").text]
    looked = people.user.job(people.user.post(f"/certificates/{name}/preflight"))
    for text in [*texts, json.dumps(looked)]:
        assert str(everleaf.folder) not in text, text
    assert job["state"] == "failed"


# HTTP


def raw(daemon, text):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as client:
        client.sendall(text.encode("latin-1"))
        got = b""
        client.settimeout(5)
        try:
            while piece := client.recv(65536):
                got += piece
        except TimeoutError:
            pass
    return got.decode("latin-1")


def test_nothing_is_put_into_headers(everleaf, daemon, people):
    token = people.admin.token
    for path in ("/api/v1/users/%0d%0aX-Evil:1", "/api/v1/x%0d%0aX-Evil:1", "/api/v1/certificates/%0d%0aX-Evil:1/export"):
        got = raw(daemon, f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n")
        assert re.match(r"HTTP/1.1 4\d\d", got) and "\r\nX-Evil" not in got
    made = people.admin.post("/users", {"name": "a@b", "role": "user"}, status=201)
    assert made.headers["Location"] == "/api/v1/users/a%40b"
    for name in ("a\r\nX-Evil: 1", "a/b", "..", "a\u0000b", "ä"):
        people.admin.post("/users", {"name": name, "role": "user"}, status=400)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_metrics_behind_a_proxy_want_a_token(daemon, people, header):
    assert daemon.get("/metrics")[0] == 200
    assert daemon.get("/metrics", headers={header: "192.0.2.1"})[0] == 401
    assert daemon.get("/metrics", headers={header: "192.0.2.1", "Authorization": f"Bearer {people.user.token}"})[0] == 403
    assert daemon.get("/metrics", headers={header: "192.0.2.1", "Authorization": f"Bearer {people.auditor.token}"})[0] == 200


def test_throttling_does_not_believe_what_is_forwarded(daemon, people):
    """Wrong passwords for one user wait, from wherever a client says that they come."""
    statuses = [daemon.get("/api/v1/session", "POST", json.dumps({"user": "admin", "password": "wrong password"}),
                           {"Content-Type": "application/json", "X-Forwarded-For": f"192.0.2.{i}", "Forwarded": f"for=192.0.2.{i}",
                            "X-Real-IP": f"192.0.2.{i}"})[0] for i in range(9)]
    assert statuses[0] == 401 and statuses[-1] == 429


def test_who_a_trusted_proxy_asks_for(everleaf, daemon, people):
    """The last address that a trusted proxy did not add itself; a list in two headers is one list."""
    config = everleaf.folder / "proxies.yaml"
    config.write_text("trusted_proxies: [127.0.0.1, 192.0.2.9]\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    daemon.stop()
    daemon.start()
    connection = daemon.connection()
    connection.putrequest("POST", "/api/v1/tokens")
    body = json.dumps({"name": "through-proxies"}).encode()
    for name, value in (("Authorization", f"Bearer {people.admin.token}"), ("Content-Type", "application/json"),
                        ("Content-Length", str(len(body))), ("X-Forwarded-For", "198.51.100.66, 203.0.113.7"),
                        ("X-Forwarded-For", "192.0.2.9")):
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    assert answer.status == 201
    everleaf.secret(json.loads(answer.read())["token"])
    event, = [event for event in everleaf.json("log") if "through-proxies" in event["text"]]
    assert event["address"] == "203.0.113.7"
    config.write_text("trusted_proxies: [localhost]\n")
    assert "trusted_proxies" in everleaf.error("list", status=2)


def test_sign_in_from_another_site_is_refused(daemon, people):
    """A form of another site can send neither JSON's type nor the page's own word."""
    body = json.dumps({"user": "admin", "password": "wrong password"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        headers = {"Content-Type": kind} if kind else {}
        assert daemon.get("/api/v1/session", "POST", body, headers)[0] == 415


def test_a_password_as_long_as_a_body(daemon, people):
    for n in (1025, 15000):
        start = time.monotonic()
        status = daemon.get("/api/v1/session", "POST", json.dumps({"user": "admin", "password": "x" * n}),
                            {"Content-Type": "application/json"})[0]
        assert status == 401 and time.monotonic() - start < 5
    people.admin.patch("/users/user", {"password": "x" * 1025}, status=(400, 413))


@pytest.mark.parametrize("path, query", [
    ("/certificates", {"limit": 2**63}), ("/certificates", {"limit": -1}), ("/certificates", {"expiring": 2**62}),
    ("/certificates", {"expiring": "1e9"}), ("/expiring", {"days": 2**62}), ("/expiring", {"days": -2**63}),
    ("/overview", {"days": 2**62}), ("/events", {"since": "9999999-01-01T00:00:00Z"}), ("/events", {"since": "2026-02-30T00:00:00Z"}),
    ("/certificates", {"cursor": "AAAA"}), ("/events", {"cursor": "YmVmb3JlIDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"}),
])
def test_numbers_and_dates_that_are_none(people, path, query):
    people.admin.get(path, query=query, status=400)


@pytest.mark.parametrize("path, body", [
    ("/dns-persist/show", {"days": 2**62}), ("/dns-persist/show", {"days": -1}), ("/dns-persist/show", {"until": "9" * 40 + "d"}),
])
def test_jobs_with_numbers_that_are_none(people, path, body):
    job = people.admin.job(people.admin.post(path, {**body, "names": ["a.example.org"]}))
    assert job["state"] == "failed" and job["error"]["status"] == 400, job


@pytest.mark.threads
def test_one_change_does_not_wait_for_another(everleaf, daemon, people, new_name):
    """Stand-ins with large keys are made by several requests; who changes something else is answered meanwhile."""
    names = [new_name() for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(people.operator.ask, "POST", "/certificates",
                             {"domains": [name], "webroot": "main", "self_signed_first": True, "key_type": "rsa4096"},
                             status=202, timeout=120) for name in names]
        waited = []
        while not all(one.done() for one in asked):
            start = time.monotonic()
            people.admin.patch("/users/user", {"email": f"a{len(waited)}@example.org"})
            waited.append((time.monotonic() - start, sum(not one.done() for one in asked)))
            time.sleep(0.01)  # below the rate that one address may ask at
        assert [one.result().status for one in asked] == [202] * 4
    # answered while all four were at work, rather than behind one after the other
    assert sum(busy == 4 for _, busy in waited) >= 1 or len(waited) > 4, waited


@pytest.mark.threads
def test_a_stream_ends_with_its_token(people):
    client = people.client("user", "soon")
    with client.events() as stream:
        people.user.delete("/tokens/soon-user", status=204)
        assert stream.next(30) is None
