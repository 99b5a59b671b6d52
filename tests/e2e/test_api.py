"""The REST API: who may ask, what is decoded, what is answered, what a client may send again, and events as they come."""

import base64
import concurrent.futures
import http.client
import os
import signal
import socket
import ssl
from pathlib import Path

import pytest

from env import Serve, TlsServe
from env.api import Api, People, password_of
from env.debs import ROOT
from env.openapi import check

pytestmark = pytest.mark.threads


@pytest.fixture
def daemon(everleaf):
    with Serve(everleaf) as running:
        yield running


@pytest.fixture
def people(everleaf, daemon):
    return People(everleaf, daemon)


@pytest.fixture
def admin(people):
    return people.admin


# the description


@pytest.mark.option("openapi")
def test_the_description_is_what_is_committed_and_served(everleaf, daemon):
    printed = everleaf.run("openapi").out
    assert (ROOT / "docs/api/openapi.json").read_text() == printed, "run `everleaf openapi >docs/api/openapi.json`"
    served = Api(daemon).get("/openapi.json")
    assert served.text == printed and served.headers["Content-Type"] == "application/json"


def test_the_description_is_valid(everleaf, tmp_path):
    check(everleaf.run("openapi").out, tmp_path)


# who asks


def test_who_asks(everleaf, daemon, people):
    answer = people.nobody.get("/version", status=401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer") and answer.problem["code"] == "unauthenticated"
    for header in ("Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer " + "x" * 4000, "Bearer evl_" + "A" * 43):
        assert people.nobody.get("/version", status=401, headers={"Authorization": header}).problem
    assert people.operator.get("/version").json == {"version": people.admin.get("/version").json["version"],
                                                    "user": "operator", "role": "operator"}
    lesser = people.client("admin", "small", "--role", "auditor")
    assert lesser.get("/version").json["role"] == "auditor"
    assert lesser.post("/users", {"name": "x", "role": "user"}, status=403).problem["code"] == "denied"
    assert people.user.get("/users", status=403).problem
    everleaf.run("token", "revoke", "t-operator", "--user", "operator")
    people.operator.get("/version", status=401)


def sign_in(daemon, name, **options):
    client = Api(daemon)
    answer = client.post("/session", {"user": name, "password": password_of(name)}, **options)
    client.headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0] if answer.status < 300 else ""
    client.csrf = answer.json.get("csrf")
    return client, answer


def test_a_browser_session(daemon, people):
    client, answer = sign_in(daemon, "admin")
    cookie = answer.headers["Set-Cookie"]
    value = cookie.split(";")[0].split("=", 1)[1]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie, "there is no TLS here"
    assert value not in answer.text and "cookie" not in answer.json and len(value) >= 43
    assert client.get("/version").json["user"] == "admin"
    new = {"name": "cara", "role": "user"}
    assert client.post("/users", new, status=403).problem
    assert client.post("/users", new, status=403, headers={"X-CSRF-Token": "x"}).problem
    client.headers["X-CSRF-Token"] = client.csrf
    client.post("/users", new, status=201)
    twice = client.headers["Cookie"] + "; " + client.headers["Cookie"]
    client.get("/version", status=401, headers={"Cookie": twice})
    ended = client.delete("/session", status=204)
    assert "Max-Age=0" in ended.headers["Set-Cookie"]
    client.get("/version", status=401)


def test_behind_a_proxy_with_tls_the_cookie_is_secure(daemon, people):
    _, answer = sign_in(daemon, "admin", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Set-Cookie"].startswith("__Host-everleaf_session=") and "Secure" in answer.headers["Set-Cookie"]
    client = Api(daemon, headers={"Cookie": answer.headers["Set-Cookie"].split(";")[0]})
    assert client.get("/version").json["user"] == "admin"


def test_failures_are_throttled_and_others_are_not(daemon, people):
    """Forty wrong tokens from an address; who has a right one is answered still."""
    statuses = [people.nobody.get("/version", status=(401, 429), headers={"Authorization": f"Bearer {n}"}).status
                for n in range(40)]
    assert statuses[0] == 401 and 429 in statuses
    answer = people.nobody.get("/version", status=429, headers={"Authorization": "Bearer x"})
    assert int(answer.headers["Retry-After"]) >= 1 and answer.problem["retry_after"] >= 1
    assert people.admin.get("/version").json["user"] == "admin"
    assert people.nobody.post("/session", {"user": "admin", "password": password_of("admin")}, status=429).problem


# requests


def test_paths_and_methods(admin):
    for path in ("/nothing", "/users/", "/users//domains", "/users/a/b/c/d", "/../version", "/version/"):
        assert admin.get(path, status=404).problem, path
    for path in ("/users/%2e%2e%2fx", "/users/a%2Fb", "/users/a%00b", "/users/%zz", "/users/%", "/users/%ff", "/users/a%0ab",
                 "/users/" + "a" * 600):
        assert admin.get(path, status=400).problem["member"] == "name", path
    assert admin.get("/users/%61dmin").json["name"] == "admin"
    assert admin.get("/users/%2561dmin", status=404).problem, "decoded once"
    answer = admin.ask("PUT", "/users", status=405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"} and answer.problem
    head = admin.ask("HEAD", "/users")
    assert head.text == "" and int(head.headers["Content-Length"]) == len(admin.get("/users").text)


def test_what_is_not_known_is_refused_by_name(admin):
    def refused(member, *args, status=400, **options):
        assert admin.ask(*args, status=status, **options).problem.get("member") == member, args

    refused("colour", "GET", "/users?colour=red")
    refused("limit", "GET", "/users?limit=many")
    refused("limit", "GET", "/users?limit=1001")
    refused("limit", "GET", "/users?limit=-1")
    refused("limit", "GET", "/users?limit=1&limit=2")
    refused("colour", "POST", "/users", {"name": "x", "role": "user", "colour": "red"})
    refused("name", "POST", "/users", {"name": 7, "role": "user"})
    refused("name", "POST", "/users", {"role": "user"})
    refused("x", "POST", "/users?x=1", {"name": "x", "role": "user"})
    refused("name", "PATCH", "/users/admin", {"name": "other"})
    refused("name", "PATCH", "/users/admin?name=other", {})
    for raw in (b"[]", b"5", b"{", b"{} x", b'{"name": "a", "name": "b"}', b'{"name": "\xff"}', b"\x00",
                b'{"x":' * 100 + b"1" + b"}" * 100):
        assert admin.ask("POST", "/users", raw=raw, status=400).problem, raw[:40]
    assert admin.ask("POST", "/users", raw=b"{}", status=415, headers={"Content-Type": "text/plain"}).problem
    assert admin.ask("POST", "/users", raw=b"{}", status=415, headers={"Content-Type": "application/jsonx"}).problem
    assert admin.ask("POST", "/users", raw=b"{}", status=400, headers={"Content-Type": "application/json; charset=utf-8"})
    with socket.create_connection(("127.0.0.1", admin.daemon.port), timeout=20) as client:
        client.sendall(f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin.token}\r\n"
                       f"Content-Type: application/json\r\nContent-Length: {2 << 20}\r\n\r\n".encode())
        assert b" 413 " in client.recv(100), "refused before it is read"
    assert admin.ask("GET", "/users", raw=b"{}", status=413).problem
    assert len(list(admin.all("/users"))) == 4, "nothing of it was done"


def test_headers_of_every_answer(admin, people):
    for answer in (admin.get("/users"), people.nobody.get("/users", status=401), admin.get("/nothing", status=404)):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_pages(admin):
    for n in range(7):
        admin.post("/users", {"name": f"u{n}", "role": "user"}, status=201)
    names = [user["name"] for user in admin.all("/users", limit=2)]
    assert len(names) == len(set(names)) == 11
    assert admin.get("/users", query={"cursor": "nonsense!"}, status=400).problem


def test_what_is_created_is_found(admin):
    answer = admin.post("/users", {"name": "dora", "role": "user"}, status=201)
    assert answer.headers["Location"] == "/api/v1/users/dora"
    assert admin.get("/users/dora").json["role"] == "user"
    assert admin.delete("/users/dora", status=204).text == ""
    assert admin.post("/users", {"name": "admin", "role": "user"}, status=409).problem


def test_a_file_is_handed_over_as_it_is(admin, everleaf):
    account = admin.get("/accounts").json["items"][0]["name"]
    answer = admin.get(f"/accounts/{account}/key")
    assert "PRIVATE KEY" in answer.text and "attachment" in answer.headers["Content-Disposition"]
    wrapped = admin.get(f"/accounts/{account}/key", headers={"Accept": "application/json"}).json
    assert base64.b64decode(wrapped["data"]).decode() == answer.text


def test_the_hosts_paths_are_its_own(admin, everleaf, daemon):
    """A failure of the host: the log has it, with the number that is told."""
    account = admin.get("/accounts").json["items"][0]["name"]
    everleaf.sql("update accounts set key = 's1:xxxx'")
    answer = admin.get(f"/accounts/{account}/key", status=500)
    assert str(everleaf.folder) not in answer.text and "accounts.key" not in answer.text
    number = answer.problem["detail"].split()[-1]
    assert number in daemon.new_log() and "accounts.key" in daemon.new_log()


# what is still as it was seen


def test_tags(admin):
    admin.post("/users", {"name": "emil", "role": "user"}, status=201)
    tag = admin.get("/users/emil").headers["ETag"]
    assert tag.startswith('"')
    assert admin.get("/users/emil", headers={"If-None-Match": tag}, status=304).text == ""
    assert admin.get("/users/emil", headers={"If-None-Match": '"other"'}).headers["ETag"] == tag
    admin.patch("/users/emil", {"email": "a@example.org"}, headers={"If-Match": tag})
    problem = admin.patch("/users/emil", {"email": "b@example.org"}, headers={"If-Match": tag}, status=412).problem
    assert problem["code"] == "changed"
    assert admin.delete("/users/emil", headers={"If-Match": tag}, status=412).problem
    fresh = admin.get("/users/emil")
    assert fresh.json["email"] == "a@example.org" and fresh.headers["ETag"] != tag
    admin.post("/users/emil/domains", {"domain": "example.org"}, headers={"If-Match": tag}, status=412)
    admin.delete("/users/emil", headers={"If-Match": fresh.headers["ETag"]}, status=204)
    admin.patch("/users/emil", {"email": None}, headers={"If-Match": "*"}, status=404)


def test_no_change_is_lost(admin, people):
    """Eight clients add one word each to the same value, each only if it is still as they saw it."""
    admin.post("/users", {"name": "fritz", "role": "user", "email": "0@example.org"}, status=201)

    def add(_):
        done = 0
        while done < 5:
            seen = admin.get("/users/fritz")
            count = int(seen.json["email"].split("@")[0])
            answer = admin.patch("/users/fritz", {"email": f"{count + 1}@example.org"}, status=(200, 412),
                                 headers={"If-Match": seen.headers["ETag"]})
            done += answer.status == 200

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert admin.get("/users/fritz").json["email"] == "40@example.org"


# what may be sent again


def test_the_same_request_twice(admin, people, daemon):
    key = {"Idempotency-Key": "4711"}
    first = admin.post("/users", {"name": "gerd", "role": "user"}, headers=key, status=201)
    again = admin.post("/users", {"name": "gerd", "role": "user"}, headers=key, status=201)
    assert again.text == first.text and again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    assert admin.post("/users", {"name": "hans", "role": "user"}, headers=key, status=422).problem
    admin.post("/users", {"name": "hans", "role": "user"}, status=201)
    lesser = people.client("admin", "other")
    assert lesser.post("/users", {"name": "gerd", "role": "user"}, headers=key, status=201).text == first.text
    admin.post("/users", {"name": "ida", "role": "user", "x": 1}, headers={"Idempotency-Key": "k2"}, status=400)
    admin.post("/users", {"name": "ida", "role": "user"}, headers={"Idempotency-Key": "k2"}, status=201)
    for wrong in ("", "x" * 256, "a b"):
        assert admin.post("/users", {"name": "jo", "role": "user"}, headers={"Idempotency-Key": wrong}, status=400).problem


def test_answers_are_kept_over_a_restart_and_sealed(admin, everleaf, daemon):
    key = {"Idempotency-Key": "again"}
    made = admin.post("/tokens", {"name": "fresh"}, headers=key, status=201)
    secret = made.json["token"]
    daemon.kill()
    daemon.start()
    assert admin.post("/tokens", {"name": "fresh"}, headers=key, status=201).json["token"] == secret
    assert secret.encode() not in everleaf.stored()
    daemon.clock(86400 + 100)
    assert admin.post("/tokens", {"name": "fresh"}, headers=key, status=409).problem, "a day later it is a new request"


def test_what_a_dead_daemon_had_begun_is_not_done_again(admin, everleaf):
    """Nobody knows how far it came; another daemon's work is waited for."""
    key, new = {"Idempotency-Key": "cut"}, {"name": "nina", "role": "user"}
    admin.post("/users", new, headers=key, status=201)
    everleaf.sql("update replies set holder = 'dead', holder_until = 0")
    assert "new key" in admin.post("/users", new, headers=key, status=409).problem["detail"]
    everleaf.sql("update replies set holder = 'another', holder_until = 4000000000")
    assert int(admin.post("/users", new, headers=key, status=409).headers["Retry-After"]) > 0
    # one of this host is seen to be there, or not
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for pid, word in ((os.getpid(), "under way"), (2**22 + 1, "new key")):
        everleaf.sql("update replies set holder = ?", f"{socket.gethostname()}|{boot}|{pid}|0|x|1")
        assert word in admin.post("/users", new, headers=key, status=409).problem["detail"]


def test_many_at_once_with_one_key(admin):
    def create(_):
        return admin.post("/users", {"name": "karl", "role": "user"}, headers={"Idempotency-Key": "one"},
                          status=(201, 409)).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, range(16)))
    assert 201 in statuses
    assert [user["name"] for user in admin.all("/users")].count("karl") == 1


# jobs


def test_a_job(admin):
    account = admin.get("/accounts").json["items"][0]["name"]
    answer = admin.post(f"/accounts/{account}/refresh", status=202)
    assert answer.json["state"] == "queued" and answer.headers["Location"] == f"/api/v1/jobs/{answer.json['id']}"
    job = admin.job(answer)
    assert job["state"] == "done" and job["subject"] == account and job["result"]["name"] == account
    assert admin.post("/accounts/nobody/refresh", status=404).problem, "refused at once"


# events


def test_events_as_they_come(admin, people, everleaf, new_name, daemon):
    with admin.events() as stream, people.user.events() as others:
        assert stream.answer.status == 200 and stream.answer.headers["Content-Type"] == "text/event-stream"
        admin.post("/users", {"name": "lara", "role": "user"}, status=201)
        event = stream.next()
        assert int(event["id"]) == event["data"]["id"] and "lara" in event["data"]["text"]
        admin.post("/users", {"name": "mara", "role": "user"}, status=201)
        after = stream.next()
        assert int(after["id"]) > int(event["id"]) and "mara" in after["data"]["text"]
        assert others.silent(3), "nothing of it concerns them"
    with admin.events(**{"Last-Event-ID": event["id"]}) as stream:
        assert stream.next()["id"] == after["id"], "it goes on after the last one seen"
    with admin.events(f"/events?after={event['id']}") as stream:
        assert stream.next()["id"] == after["id"]


def test_a_stream_ends(admin, people, everleaf, daemon):
    with people.operator.events() as stream:
        everleaf.run("token", "revoke", "t-operator", "--user", "operator")
        while (event := stream.next(30)) is not None:
            assert event["event"] == "token", "it ends with its token"
    with people.auditor.events() as stream:
        daemon.process.send_signal(signal.SIGTERM)
        assert stream.next(20) is None, "with the daemon"
    daemon.process.wait(30)
    daemon.process = None
    daemon.start()


def test_streams_are_bounded_and_hold_no_thread(admin, people):
    streams = [admin.events() for _ in range(8)]
    assert all(stream.answer.status == 200 for stream in streams)
    with admin.events() as one_more:
        assert one_more.answer.status == 429
    with people.auditor.events() as other:
        assert other.answer.status == 200
    for _ in range(50):
        admin.get("/version")
    streams[0].connection.close()
    streams[0].answer.close()
    for stream in streams[1:]:
        stream.connection.close()


# metrics


def test_metrics_on_loopback_need_no_token(daemon):
    assert daemon.metrics()["everleaf_ready"] == 1


def own_address():
    """An address of this machine that is not its loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


@pytest.mark.skipif(not own_address(), reason="this kernel has no address but its loopback")
def test_metrics_from_elsewhere_are_for_who_may_read(everleaf):
    with TlsServe(everleaf) as daemon:
        people = People(everleaf, daemon)
        for who, status in (("nobody", 401), ("user", 403), ("auditor", 200), ("operator", 200), ("admin", 200)):
            token = getattr(people, who).token
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(own_address(), daemon.port, timeout=10, context=context)
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            assert answer.status == status, who
            assert (b"everleaf_ready" in answer.read()) == (status == 200)
            assert answer.headers["Strict-Transport-Security"]
            connection.close()
