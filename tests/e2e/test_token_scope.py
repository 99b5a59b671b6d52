"""
Tokens of a lesser scope: one that reads changes nothing and is given no key; one that is narrowed to some certificates finds
no others, however it asks (which routes it has at all: test_api_roles.py).
"""

import json

import pytest
from cryptography import x509

from env import Serve
from env.api import People, path_of
from env.openapi import operations

STAFF = ("admin", "operator", "user")


@pytest.fixture
def daemon(everleaf, nginx):
    config = everleaf.folder / "everleaf.yaml"
    config.write_text(f"webroots:\n  - {{name: main, path: {nginx.web_root}}}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    with Serve(everleaf) as server:
        yield server


@pytest.fixture
def people(everleaf, daemon):
    return People(everleaf, daemon)


class Two:
    """A certificate that is in the scope, `mine`, and one that is not, `other`, both of the user `user`."""

    def __init__(self, everleaf, people, new_name):
        self.people, self.mine, self.other = people, new_name(), new_name()
        self.jobs = {}
        for name in (self.mine, self.other):
            everleaf.run("user", "bind", "user", name)
            self.jobs[name] = self.issue(people.user, name)["id"]

    def issue(self, client, *names, **more):
        job = client.job(client.post("/certificates", {"domains": names, "webroot": "main", **more}))
        assert job["state"] == "done" and not job["result"]["failed"], job
        return job

    def token(self, who="user", *options, by="name", scope="full"):
        """A client with a token that is narrowed to mine."""
        how = ["--certificate", self.mine] if by == "name" else ["--domain", self.mine]
        return self.people.client(who, f"{by}-{scope}-{len(options)}", "--scope", scope, *how, *options)


@pytest.fixture
def two(everleaf, people, new_name):
    return Two(everleaf, people, new_name)


LISTS = [("/certificates", {}), ("/certificates", {"sort": "not_after", "order": "desc"}), ("/certificates", {"q": "e"}),
         ("/certificates", {"status": "issued"}), ("/certificates", {"expiring": 36000}), ("/certificates", {"limit": 1}),
         ("/requests", {}), ("/jobs", {}), ("/events", {}), ("/events", {"after": 1}), ("/events", {"since": "2020-01-01T00:00:00Z"}),
         ("/overview", {}), ("/expiring", {"days": 36000})]


@pytest.mark.option("token create", "--scope", "--certificate", "--domain")
@pytest.mark.parametrize("by", ["name", "domain"])
def test_what_is_not_in_the_scope_is_not_there(people, two, by):
    """Through every route with a name or number in it, in every list, count and search, whatever the role."""
    waits = people.admin.post("/certificates", {"domains": [f"waits.{two.other}"], "method": "manual", "preflight": False, "owner": "user"})
    assert people.admin.job(waits)["result"]["pending"]
    assert two.other in people.user.get("/requests").text
    for who in STAFF:
        client = two.token(who, by=by)
        assert [one["name"] for one in client.get("/certificates").json["items"]] == [two.mine]
        for path, query in LISTS:
            text = client.get(path, query=query, status=(200, 403)).text
            assert two.other not in text, (who, path, query)
        for query in ({"q": two.other}, {"q": two.other[:3], "sort": "renew_at"}, {"owner": "user", "q": two.other}):
            assert two.other not in json.dumps(client.get("/certificates", query=query).json["items"]), query
        assert client.get("/events", query={"cert": two.other}).json["items"] == []
        assert two.mine in client.get("/events").text and "token" not in {one["kind"] for one in client.get("/events").json["items"]}
        overview = client.get("/overview").json
        assert overview["total"] == 1 and sum(one["n"] for one in overview["counts"]) == 1
        assert sum(day["expiries"] for day in client.get("/overview", query={"days": 366}).json["days"]) <= 1
        for operation, (method, path, row) in operations(people.nobody.get("/openapi.json").json).items():
            if not path.startswith(("/certificates/{name}", "/requests/{name}")):
                continue
            body = None if method in ("GET", "DELETE") else {"to": ["a@example.org"]} if operation == "certificate_send" else {}
            for headers in {}, {"If-Match": "*"}, {"Idempotency-Key": "one"}:
                answer = client.ask(method, path_of(path, name=two.other), body, headers=headers, status=range(200, 600))
                assert answer.status == 404 or (answer.status == 400 and "If-Match" in answer.text), f"{operation}: {answer}"
    assert people.admin.get(f"/certificates/{two.other}").json["status"] == "issued"


def test_jobs_of_others(people, two):
    """Those that were asked for by another scope of the same person's tokens."""
    client = two.token(by="name")
    assert client.get("/jobs").json["items"] == []
    for number in two.jobs.values():
        client.get(f"/jobs/{number}", status=404)
        client.delete(f"/jobs/{number}", status=404)
    own = client.job(client.post(f"/certificates/{two.mine}/renew", {}))
    assert own["state"] == "done"
    assert [one["id"] for one in client.get("/jobs").json["items"]] == [own["id"]]
    assert client.get("/jobs", query={"user": "admin"}).json["items"] == []
    for wider in (two.token(by="domain"), two.token("admin", by="name")):
        wider.get(f"/jobs/{own['id']}", status=404)
        assert wider.get("/jobs").json["items"] == []
    assert own["id"] in [one["id"] for one in people.user.get("/jobs").json["items"]]


@pytest.mark.parametrize("who", STAFF)
def test_a_job_has_the_scope_it_was_asked_with(people, two, who):
    """Which it is done with by a worker: all that are due are those in the scope."""
    before = {name: people.admin.get(f"/certificates/{name}").json["serial"] for name in (two.mine, two.other)}
    client = two.token(who, by="domain")
    job = client.job(client.post("/certificates/renew", {"force": True}))
    assert job["state"] == "done" and job["result"]["renewed"] == [two.mine], job
    after = {name: people.admin.get(f"/certificates/{name}").json["serial"] for name in (two.mine, two.other)}
    assert after[two.other] == before[two.other] and after[two.mine] != before[two.mine]


@pytest.mark.parametrize("who", STAFF)
def test_changes_do_not_lead_out_of_the_scope(everleaf, people, two, who):
    """Names that are not in it, wholly or in part, for a new certificate and for one that is there."""
    by_domain, by_name = two.token(who, by="domain"), two.token(who, by="name")
    everleaf.run("user", "bind", "user", f"www.{two.mine}")
    for domains in ([two.other], [two.mine, two.other], [f"x{two.mine}"], ["example.net"]):
        for method, path, more in (("PATCH", f"/certificates/{two.mine}", {}), ("PATCH", f"/requests/{two.mine}", {}),
                                   ("POST", "/certificates", {"name": f"new.{two.mine}", "webroot": "main"}),
                                   ("POST", "/certificates", {"name": two.mine, "webroot": "main"})):
            problem = by_domain.ask(method, path, {"domains": domains, **more}, status=403).problem
            is_choosing = who == "user" and more.get("name", two.mine) != two.mine  # which is looked at before: theirs are called otherwise
            assert problem["member"] == ("name" if is_choosing else "domains"), (method, path, domains, problem)
    for name in ("other", f"x{two.mine}", two.other):
        problem = by_name.post("/certificates", {"domains": [two.mine], "name": name, "webroot": "main"}, status=403).problem
        assert problem["member"] == "name" and "taken" not in problem["detail"]
        problem = by_domain.post("/certificates", {"domains": [two.mine], "name": name, "webroot": "main"}, status=403).problem
        assert problem["member"] == "name" and "taken" not in problem["detail"]
    assert people.admin.get(f"/certificates/{two.mine}").json["domains"] == [two.mine]
    # what is in it goes
    by_domain.patch(f"/certificates/{two.mine}", {"domains": [two.mine, f"www.{two.mine}"]})
    both = two.people.client(who, "both", "--certificate", f"{two.mine}*", "--domain", f"www.{two.mine}")
    assert both.get("/certificates").json["items"] == []
    by_domain.patch(f"/certificates/{two.mine}", {"domains": [f"www.{two.mine}"]})
    assert [one["name"] for one in both.get("/certificates").json["items"]] == [two.mine]
    both.patch(f"/certificates/{two.mine}", {"domains": [two.mine]}, status=403)


@pytest.mark.parametrize("who", STAFF)
def test_who_has_a_name_is_not_told_by_what_else_is_wrong(people, two, who):
    """A name outside the scope that a certificate has, and one that none has, are refused for the same reason."""
    for client in two.token(who, by="domain"), two.token(who, by="name"):
        for more in {}, {"key_type": "bogus"}, {"ca": "nosuch"}, {"account": "nosuch"}, {"method": "alpn"}, {"renew_before": "?"}, {"domains": [two.other]}:
            said = []
            for name in two.other, "nobody-has-it":
                body = {"name": name, "domains": [f"b.{two.mine}"], "webroot": "main", "method": "webroot", **more}
                problem = client.post("/certificates", body, status=range(400, 500)).problem
                said.append((problem["status"], problem["member"], problem["detail"].replace(name, "NAME")))
            assert said[0] == said[1] and (more.get("method") or said[0][:2] == (403, "name")), (more, said)


@pytest.mark.parametrize("who", ["admin", "operator"])
def test_errors_tell_nothing_that_may_not_be_listed(everleaf, people, two, who):
    """Which CAs there are, and whether somebody is a user here."""
    everleaf.run("ca", "add", "secret-lab", "https://secret-lab.example/directory")
    for client in two.token(who, by="domain"), two.token(who, by="name"):
        client.get("/cas", status=403)
        for answer in (client.post("/certificates", {"name": two.mine, "domains": [two.mine], "ca": "nosuch"}, status=400),
                       client.patch(f"/certificates/{two.mine}", {"ca": "nosuch"}, status=400)):
            assert answer.problem["member"] == "ca" and "letsencrypt" not in answer.text and "secret-lab" not in answer.text
        said = []
        for owner in "operator" if who == "admin" else "admin", "nosuch":
            job = client.job(client.post("/certificates/renew", {"owner": owner}))
            assert job["state"] == "done" and job["result"]["renewed"] == []
            for force in {}, {"force": True}, {"days": 3000}:
                result = client.job(client.post("/certificates/renew", {"owner": owner, **force}))
                said.append((owner == "nosuch", result["state"], result["result"]))
            answer = client.patch(f"/certificates/{two.mine}", {"owner": owner}, status=403).problem
            said.append((owner == "nosuch", answer["member"], answer["detail"]))
        assert [rest for nosuch, *rest in said if nosuch] == [rest for nosuch, *rest in said if not nosuch]
        client.patch(f"/certificates/{two.mine}", {"owner": "user"})
    assert people.admin.get(f"/certificates/{two.mine}").json["owner"] == "user"
    assert "nosuch" in people.admin.patch(f"/certificates/{two.mine}", {"owner": "nosuch"}, status=400).problem["detail"]


def test_a_new_certificate_in_the_scope(people, two):
    deploy = people.client("operator", "deploy", "--domain", two.mine)
    two.issue(deploy, f"www.{two.mine}")
    assert {one["name"] for one in deploy.get("/certificates").json["items"]} == {two.mine, f"www.{two.mine}"}


def test_what_moves_is_no_longer_there(people, two):
    """An administrator gives the certificate another name: the token has lost it, with its log."""
    client = two.token("admin", by="domain")
    client.get(f"/certificates/{two.mine}")
    people.admin.patch(f"/certificates/{two.mine}", {"domains": [two.mine, f"www.{two.other}"]})
    client.get(f"/certificates/{two.mine}", status=404)
    assert client.get("/certificates").json["items"] == [] and client.get("/events").json["items"] == []
    assert client.get("/overview").json["total"] == 0


def names_in(pem):
    found = x509.load_pem_x509_certificate(pem.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(found.value.get_values_for_type(x509.DNSName))


@pytest.mark.parametrize("first", ["issued", "stand-in"])
def test_what_was_issued_for_other_names_is_not_handed_over(people, two, first):
    """What is wanted by now says nothing of what is there: a version is looked at for the names that its certificate has."""
    admin, body = people.admin, {"name": "pair", "domains": [two.mine, two.other]}
    if first == "issued":
        two.issue(admin, *body["domains"], name="pair")
    else:
        admin.job(admin.post("/certificates", {**body, "method": "manual", "preflight": False, "self_signed_first": True}))
        assert [one["self_signed"] for one in admin.get("/certificates/pair/versions").json["items"]] == [True]
    exports, full = two.token("admin", by="domain", scope="export"), two.token("admin", by="domain")
    where = "/certificates/pair/export"
    exports.get(where, status=404)
    admin.patch("/certificates/pair", {"domains": [two.mine], "key_policy": "same", "webroot": "main"})
    for client in (exports, full):
        assert client.get("/certificates/pair").json["domains"] == [two.mine]
        for query in ({}, {"part": "key"}, {"part": "fullchain"}, {"format": "der"}):
            assert "names that this token is not for" in client.get(where, query=query, status=404).text
        assert client.get("/certificates/pair/versions").json["items"] == []
    full.post(where, {"format": "pkcs12", "password": "secret"}, status=404)
    for path, more in (("send", {"to": ["a@example.org"]}), ("revoke", {})):
        job = full.job(full.post(f"/certificates/pair/{path}", more))
        if (first, path) != ("stand-in", "revoke"):  # the CA has nothing to revoke
            assert job["state"] == "failed" and "names that this token is not for" in json.dumps(job), (path, job)
    version, = admin.get("/certificates/pair/versions").json["items"]
    assert not version["revoked_at"]
    assert names_in(people.client("admin", "pair", "--certificate", "pair").get(where).text) == {two.mine, two.other}
    # a new certificate with the old key is public; the key is the other one's too
    assert admin.job(admin.post("/certificates/pair/renew", {"force": True}))["state"] == "done"
    for client in (exports, full):
        assert names_in(client.get(where, query={"part": "fullchain"}).text) == {two.mine}
        for version in client.get("/certificates/pair/versions").json["items"]:
            assert version["n"] == 2
        same_key = len({one["spki_sha256"] for one in admin.get("/certificates/pair/versions").json["items"]}) == 1
        client.get(where, query={"part": "key"}, status=404 if same_key else 200)
        assert same_key or first == "stand-in"
    admin.patch("/certificates/pair", {"key_policy": "new"})
    assert admin.job(admin.post("/certificates/pair/renew", {"force": True}))["state"] == "done"
    assert "PRIVATE KEY" in exports.get(where, query={"part": "key"}).text
    assert [one["n"] for one in full.get("/certificates/pair/versions").json["items"]] == [3, 2]


@pytest.mark.parametrize("scope", ["read", "export"])
def test_private_keys(people, two, scope):
    """`read` is given none, in no way; `export` that of its own certificate, and nothing else."""
    client = two.token(by="name", scope=scope)
    status = 200 if scope == "export" else 403
    where = f"/certificates/{two.mine}/export"
    for query in ({}, {"part": "key"}, {"part": "all"}):
        assert ("PRIVATE KEY" in client.get(where, query=query, status=status).text) == (scope == "export")
    assert "PRIVATE KEY" not in client.get(where, query={"part": "fullchain"}).text
    assert ("PRIVATE KEY" in client.post(where, {"part": "key"}, status=status).text) == (scope == "export")
    client.post(where, {"part": "fullchain"}, status=status)
    client.get(f"/certificates/{two.other}/export", status=404)
    client.post(f"/certificates/{two.mine}/send", {"to": ["a@example.org"], "format": "pkcs12", "password": "x"}, status=403)
    people.client("admin", f"keys-{scope}", "--scope", scope).get("/accounts/default/key", status=403)
    people.client("auditor", f"keys-{scope}", "--scope", scope).get(where, query={"part": "key"}, status=403)


def test_streams(people, two):
    """As they come, and resumed from before: only what is about its own."""
    client = two.token("admin", by="domain")
    with client.events() as stream, client.events("/events", **{"Last-Event-ID": "1"}) as resumed:
        people.admin.patch(f"/certificates/{two.other}", {"renew_before": "20d"})
        people.admin.patch("/users/user", {"email": "u@example.org"})
        people.admin.patch(f"/certificates/{two.mine}", {"renew_before": "21d"})
        event = stream.next()
        assert event["data"]["cert"] == two.mine and event["data"]["kind"] == "set"
        seen = set()
        while event["id"] not in seen:
            one = resumed.next()
            assert one["data"]["cert"] == two.mine, one
            seen.add(one["id"])
    path = f"/certificates/{two.other}/events"
    assert client.events(path).answer.status == 404


def test_a_narrowed_token_is_not_told_what_a_wider_one_was(people, two):
    key = {"Idempotency-Key": "same"}
    first = people.user.post("/certificates/renew", {}, headers=key, status=202)
    for client in (two.token(by="name"), two.token(by="domain")):
        answer = client.post("/certificates/renew", {}, headers=key, status=202)
        assert "Idempotency-Replayed" not in answer.headers and answer.json["id"] != first.json["id"]
        assert client.post("/certificates/renew", {}, headers=key, status=202).json["id"] == answer.json["id"]


def test_it_makes_no_token_and_takes_none_away(people, two):
    for client in (two.token("admin", by="name"), people.client("admin", "reads", "--scope", "read"),
                   people.client("admin", "exports", "--scope", "export")):
        client.post("/tokens", {"name": "more"}, status=403)
        client.delete("/tokens/t-admin", status=403)
    assert people.admin.get("/version").status == 200


def test_how_it_is_made_and_shown(everleaf, people, two):
    admin = people.admin
    made = admin.post("/tokens", {"name": "deploy", "scope": "export", "certificates": ["web-*", "api", "api"],
                                  "domains": ["www.Example.org", "EXAMPLE.org", "b\u00fccher.example"]}, status=201).json
    want = {"scope": "export", "certificates": ["api", "web-*"], "domains": ["example.org", "xn--bcher-kva.example"]}
    assert {key: made[key] for key in want} == want
    row, = [one for one in admin.get("/tokens").json["items"] if one["name"] == "deploy"]
    assert {key: row[key] for key in want} == want
    plain, = [one for one in admin.get("/tokens").json["items"] if one["name"] == "t-admin"]
    assert (plain["scope"], plain["certificates"], plain["domains"]) == ("full", [], [])
    words = "export; certificates api, web-*; domains example.org, xn--bcher-kva.example"
    assert words in everleaf.run("token", "list").out
    assert any(words in one["text"] for one in admin.get("/events", query={"kind": "token"}).json["items"])
    for member, wrong in (("scope", "write"), ("scope", ""), ("certificates", ["a/b"]), ("certificates", ["*.a"]), ("certificates", [""]),
                          ("certificates", [f"n{i}" for i in range(21)]), ("domains", [f"n{i}.org" for i in range(21)]),
                          ("domains", ["org"]), ("domains", ["a..b"]), ("domains", [""]), ("domains", ["'x.org"])):
        assert admin.post("/tokens", {"name": "wrong", member: wrong}, status=400).problem["member"] == member, wrong
    assert "is not one of full, export, read" in everleaf.error("token", "create", "x", "--user", "admin", "--scope", "write", status=2)


def test_from_the_command_line(everleaf, daemon, two):
    """As a web server's deploy script does."""
    file = everleaf.secret_file("token", two.token(by="name", scope="export").token)
    remote = ["--server", f"http://127.0.0.1:{daemon.port}", "--token-file", file]
    assert [one["name"] for one in everleaf.json(*remote, "list")] == [two.mine]
    assert "PRIVATE KEY" in everleaf.run(*remote, "export", two.mine, "--part", "all", shows_secrets=True).out
    assert "there is no certificate" in everleaf.error(*remote, "export", two.other, status=1)
    assert "scope export" in everleaf.error(*remote, "renew", two.mine, status=1)
    assert "narrowed to some certificates" in everleaf.error(*remote, "token", "list", status=1)
