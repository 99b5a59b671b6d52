"""Users, what is bound to them, tokens, sessions; and that nobody sees or touches what is another's."""

import base64
import hashlib
import hmac
import http.client
import json
import struct
import threading
import time

import pytest

from env.serve import Serve

PASSWORD = "correct horse battery"


class Caller:
    """Asks a daemon as one person: by a token, by a session, or as nobody."""

    def __init__(self, daemon, token=None, source=None):
        self.daemon, self.token, self.source = daemon, token, source
        self.cookie = self.csrf = None

    def ask(self, method, path, body=None, csrf=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60,
                                                source_address=(self.source, 0) if self.source else None)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf and csrf:
            headers["X-CSRF-Token"] = self.csrf
        try:
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            self.headers = answer.headers
            return answer.status, json.loads(text) if text and "json" in (answer.headers["Content-Type"] or "") else text
        finally:
            connection.close()

    def ok(self, *args, **options):
        status, body = self.ask(*args, **options)
        assert status < 300, (args, status, body)
        return body

    def fails(self, want, *args, **options):
        status, body = self.ask(*args, **options)
        assert status == want, (args, status, body)
        return body

    def sign_in(self, user, password=PASSWORD, **more):
        """The status; a session is kept."""
        status, body = self.ask("POST", "/session", {"user": user, "password": password, **more})
        if status < 300:
            self.cookie = self.headers["Set-Cookie"].split(";")[0]
            self.csrf = body["csrf"]
        self.said = body
        return status


def add(everleaf, name, role, *more, password=PASSWORD):
    everleaf.run("user", "add", name, "--role", role, "--password-file", everleaf.secret_file(f"{name}.password", password), *more)


def token(everleaf, user, *more):
    return everleaf.json("token", "create", f"of-{user}", "--user", user, *more)["token"]


def code(secret, at):
    """RFC 6238, on its own."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    place = mac[19] & 15
    return f"{(struct.unpack('>I', mac[place:place + 4])[0] & 0x7fffffff) % 10 ** 6:06}"


@pytest.fixture
def make_daemon(bare):
    """make_daemon(EVERLEAF) serves that state."""
    started = []

    def make(everleaf):
        started.append(Serve(everleaf).start())
        return started[-1]

    yield make
    for daemon in started:
        daemon.stop()


@pytest.fixture
def daemon(bare, make_daemon):
    """A daemon with one administrator, root."""
    add(bare, "root", "admin")
    return make_daemon(bare)


# the command line


@pytest.mark.option("user add", "--role", "--email", "--password-file")
@pytest.mark.option("user list")
@pytest.mark.option("user show")
def test_there_is_nobody_until_somebody_is_added(bare, make_daemon):
    assert bare.json("user", "list") == []
    bare.run("user", "add", "alice", "--role", "user", "--email", "alice@example.org")
    add(bare, "root", "admin")
    assert [(u["name"], u["role"], u["email"], u["enabled"], u["has_password"]) for u in bare.json("user", "list")] == [
        ("alice", "user", "alice@example.org", True, False), ("root", "admin", None, True, True)]
    assert bare.json("user", "show", "alice")["domains"] == []
    assert "there is a user root already" in bare.error("user", "add", "root", "--role", "admin", status=1)
    assert "cannot be a user's name" in bare.error("user", "add", "../root", "--role", "admin", status=2)
    assert "plain mail address" in bare.error("user", "add", "bob", "--role", "user", "--email", "a b@c", status=2)
    assert "there is no user bob" in bare.error("user", "show", "bob", status=1)
    short = bare.secret_file("short", "short")
    assert "a password has" in bare.error("user", "add", "bob", "--role", "user", "--password-file", short, status=2)
    caller = Caller(make_daemon(bare))
    assert caller.sign_in("root") == 200 and caller.said["role"] == "admin"
    assert Caller(caller.daemon).sign_in("alice") == 401  # no password was chosen yet


@pytest.mark.option("user update", "--role", "--email", "--no-email", "--no-second-factor")
def test_users_are_changed(bare):
    add(bare, "alice", "user", "--email", "alice@example.org")
    assert bare.json("user", "update", "alice", "--role", "auditor")["role"] == "auditor"
    assert bare.json("user", "update", "alice", "--no-email")["email"] is None
    assert bare.json("user", "update", "alice", "--email", "a@example.net")["email"] == "a@example.net"
    assert bare.json("user", "update", "alice", "--no-second-factor")["role"] == "auditor"
    assert "say what to change" in bare.error("user", "update", "alice", status=2)
    assert "exclude each other" in bare.error("user", "update", "alice", "--email", "x@y.z", "--no-email", status=2)


@pytest.mark.option("user bind", "--exact", "--method", "--dns", "--account")
@pytest.mark.option("user unbind")
def test_domains_are_bound(everleaf, name):
    add(everleaf, "alice", "user")
    assert everleaf.json("user", "bind", "alice", "Bücher.example", "--exact", "--method", "manual")["domain"] == "xn--bcher-kva.example"
    everleaf.run("user", "bind", "alice", name, "--account", everleaf.json("account", "list")[0]["name"])
    bound = everleaf.json("user", "show", "alice")["domains"]
    assert [(b["domain"], b["exact"], b["methods"]) for b in bound] == [(name, False, []), ("xn--bcher-kva.example", True, ["manual"])]
    assert len(bound[0]["accounts"]) == 1
    assert "no DNS account nothing" in everleaf.error("user", "bind", "alice", name, "--dns", "nothing", status=1)
    assert "no method for users" in everleaf.error("user", "bind", "alice", name, "--method", "hook", status=2)
    everleaf.run("issue", f"www.{name}", "--manual", "--owner", "alice")
    assert f"www.{name}" in everleaf.error("user", "unbind", "alice", name, status=1)
    assert f"www.{name}" in everleaf.error("user", "bind", "alice", name, "--exact", status=1)
    everleaf.run("user", "bind", "alice", f"www.{name}")
    everleaf.run("user", "unbind", "alice", name)
    assert "is not bound" in everleaf.error("user", "unbind", "alice", name, status=1)


@pytest.mark.option("user delete", "--give-to", "--yes")
@pytest.mark.option("issue", "--owner")
@pytest.mark.option("renew", "--owner")
def test_renewal_of_one_owners(everleaf, new_name):
    mine, theirs = new_name(), new_name()
    for name, owner in ((mine, "alice"), (theirs, "bob")):
        add(everleaf, owner, "user")
        everleaf.issue(name, "--owner", owner)
    assert everleaf.json("renew", "--force", "--owner", "alice")["renewed"] == [mine]
    assert everleaf.json("renew", mine, theirs, "--force", "--owner", "bob")["renewed"] == [theirs]
    assert everleaf.json("renew", "--days", "36500", "--owner", "bob")["renewed"] == [theirs]
    assert "carol" in everleaf.error("renew", "--force", "--owner", "carol", status=1)
    assert (everleaf.show(mine)["live_version"], everleaf.show(theirs)["live_version"]) == (2, 3)


@pytest.mark.option("list", "--owner")
def test_certificates_outlive_their_owner(everleaf, name):
    add(everleaf, "alice", "user")
    add(everleaf, "bob", "user")
    token(everleaf, "alice")
    everleaf.run("issue", name, "--manual", "--owner", "alice")
    assert [c["name"] for c in everleaf.json("list", "--owner", "alice")] == [name]
    assert everleaf.json("list", "--owner", "bob") == []
    assert "owns 1 certificate" in everleaf.error("user", "delete", "alice", "--yes", status=1)
    assert "no user carol" in everleaf.error("user", "delete", "alice", "--give-to", "carol", "--yes", status=1)
    everleaf.run("user", "delete", "alice", "--give-to", "bob", "--yes")
    assert everleaf.show(name)["owner"] == "bob"
    assert [u["name"] for u in everleaf.json("user", "list")] == ["bob"]
    assert everleaf.json("token", "list") == []


@pytest.mark.option("token create", "--user", "--role", "--expires")
@pytest.mark.option("token list", "--user")
@pytest.mark.option("token revoke", "--user")
def test_tokens(bare):
    add(bare, "alice", "user")
    assert "nobody could own it" in bare.error("token", "create", "ci", status=2)
    add(bare, "root", "admin")
    assert bare.json("token", "create", "ci")["owner"] == "root"  # the only administrator's
    assert bare.json("token", "create", "alice")["owner"] == "alice"  # the user's of that name
    made = bare.json("token", "create", "ci", "--user", "alice", "--expires", "90d")
    assert made["role"] == "user" and made["expires_at"] is not None
    text = bare.secret(made["token"])
    assert bare.json("token", "create", "reader", "--role", "auditor", "--expires", "2099-01-01")["expires_at"] == "2099-01-01T00:00:00Z"
    assert "cannot have the role" in bare.error("token", "create", "x", "--user", "alice", "--role", "admin", status=1)
    assert "cannot have the role" in bare.error("token", "create", "x", "--user", "alice", "--role", "auditor", status=1)
    assert "has a token ci already" in bare.error("token", "create", "ci", "--user", "alice", status=1)
    for wrong in "0d", "-1d", "2001-01-01", "soon", "90", "2027-13-01":
        assert "when a token could end" in bare.error("token", "create", "x", "--expires", wrong, status=2)
    listed = bare.json("token", "list")
    assert [(t["owner"], t["name"]) for t in listed] == [("root", "ci"), ("alice", "alice"), ("alice", "ci"), ("root", "reader")]
    assert text not in json.dumps(listed) and text not in str(bare.sql("select * from tokens"))
    assert bare.sql("select hash from tokens where name = 'ci' and owner = 'alice'") == [(hashlib.sha256(text.encode()).hexdigest(),)]
    assert [t["name"] for t in bare.json("token", "list", "--user", "root")] == ["ci", "reader"]
    assert "several users have a token ci" in bare.error("token", "revoke", "ci", status=2)
    bare.run("token", "revoke", "ci", "--user", "alice")
    bare.run("token", "revoke", "reader")
    assert [(t["owner"], t["name"]) for t in bare.json("token", "list")] == [("root", "ci"), ("alice", "alice")]


# signing in


@pytest.mark.option("user password", "--password-file")
def test_a_one_time_link_is_good_once_and_for_a_day(bare, daemon):
    made = bare.json("user", "add", "alice", "--role", "user")
    file = bare.state / "first-login" / "alice"
    assert made["link_file"] == str(file) and made["link"] is None
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    link = bare.secret(file.read_text().strip())
    nobody = Caller(daemon)
    nobody.fails(400, "POST", "/session/first", {"link": link, "password": "short"})
    nobody.fails(401, "POST", "/session/first", {"link": link[:-1] + "x", "password": PASSWORD})
    daemon.clock(24 * 3600 + 60)
    nobody.fails(401, "POST", "/session/first", {"link": link, "password": PASSWORD})
    daemon.clock(23 * 3600)
    nobody.ok("POST", "/session/first", {"link": link, "password": PASSWORD})
    assert not file.exists()
    nobody.fails(401, "POST", "/session/first", {"link": link, "password": "another password"})
    alice = Caller(daemon)
    assert alice.sign_in("alice") == 200
    bare.run("user", "password", "alice", "--password-file", bare.secret_file("new", "yet another one"))
    alice.fails(401, "GET", "/session")  # another password ends what was begun with the former
    assert alice.sign_in("alice") == 401 and alice.sign_in("alice", "yet another one") == 200
    root = Caller(daemon)
    root.sign_in("root")
    told = root.ok("PATCH", "/users/alice", {"link": True})["link"]  # over the network it is told, not written
    assert told and not file.exists()
    Caller(daemon).ok("POST", "/session/first", {"link": told, "password": PASSWORD})


def test_a_session(bare, daemon):
    caller = Caller(daemon)
    assert caller.sign_in("root") == 200
    cookie = caller.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert caller.cookie.split("=", 1)[1] not in json.dumps(caller.said)
    assert caller.cookie.split("=", 1)[1] not in str(bare.sql("select * from sessions"))
    first, csrf = caller.cookie, caller.csrf
    assert caller.ok("GET", "/session")["csrf"] == csrf
    new = {"name": "alice", "role": "user", "password": PASSWORD}
    caller.fails(403, "POST", "/users", new, csrf=False)
    caller.csrf = csrf[:-1] + ("A" if csrf[-1] != "A" else "B")
    caller.fails(403, "POST", "/users", new)
    caller.csrf = csrf
    caller.ok("POST", "/users", new)
    assert caller.sign_in("root") == 200 and caller.cookie != first and caller.csrf != csrf
    caller.fails(403, "DELETE", "/session", csrf=False)
    caller.ok("DELETE", "/session")
    caller.fails(401, "GET", "/session")
    caller.cookie = first  # the other one goes on
    caller.ok("GET", "/session")


def test_a_session_ends_when_it_is_idle_and_after_half_a_day(daemon):
    idle, busy = Caller(daemon), Caller(daemon)
    assert idle.sign_in("root") == 200 and busy.sign_in("root") == 200
    daemon.clock(29 * 60)
    busy.ok("GET", "/session")
    daemon.clock(31 * 60)
    idle.fails(401, "GET", "/session")
    for minutes in range(45, 12 * 60, 25):
        daemon.clock(minutes * 60)
        busy.ok("GET", "/session")
    daemon.clock(12 * 3600 + 60)
    busy.fails(401, "GET", "/session")


def test_guessing_waits_longer_and_longer(bare, daemon):
    caller, other = Caller(daemon), Caller(daemon)
    add(bare, "alice", "user")
    now = 0
    for attempt in range(12):  # five are free, then the wait doubles: 64 seconds after the twelfth
        assert caller.sign_in("alice", "wrong password") == 401
        if attempt < 11:
            now += 40
            daemon.clock(now)
    assert caller.sign_in("alice") == 429
    left = int(caller.headers["Retry-After"])
    assert 45 < left <= 64
    daemon.stop()  # it is not forgotten
    daemon.start()
    assert caller.sign_in("alice") == 429
    assert other.sign_in("root") == 200  # others are not kept waiting
    daemon.clock(now + left + 1)
    assert caller.sign_in("alice") == 200
    assert any("signing in as user alice failed" in text for (text,) in bare.sql("select text from events"))


def guess(daemon, source, now):
    """Wrong passwords for root until the next one has to wait a minute; the clock moves on beside."""
    for i in range(12):
        assert Caller(daemon, source=source(i)).sign_in("root", "wrong password") == 401
        if i < 11:
            now += 40
            daemon.clock(now)
    return now


def test_who_guesses_from_elsewhere_keeps_nobody_out(bare, daemon):
    """Where somebody signed in before, their own attempts alone count; from anywhere else all of them together."""
    at_home, abroad = Caller(daemon, source="127.0.5.1"), Caller(daemon, source="127.0.5.2")
    assert at_home.sign_in("root") == 200
    now = guess(daemon, lambda i: f"127.0.6.{i + 1}", 0)
    assert abroad.sign_in("root") == 429, "a new address waits with them"
    assert at_home.sign_in("root") == 200
    now = guess(daemon, lambda i: "127.0.5.1", now)
    assert at_home.sign_in("root") == 429, "guessing at home waits too"
    now += 91 * 86400
    daemon.clock(now)
    guess(daemon, lambda i: f"127.0.7.{i + 1}", now)
    assert at_home.sign_in("root") == 429, "it is forgotten some day"


def test_what_is_wrong_is_told_alike(bare, daemon):
    add(bare, "alice", "user")
    bare.run("user", "disable", "alice")
    tries = {"root": "wrong password", "alice": PASSWORD, "nobody": PASSWORD, "../../etc": PASSWORD}
    answers = set()
    for user, password in tries.items():
        caller = Caller(daemon)
        assert caller.sign_in(user, password) == 401
        answers.add(caller.said["detail"] if "detail" in caller.said else json.dumps(caller.said))
    assert len(answers) == 1


def test_second_factor(bare, daemon):
    start = int(time.time())
    caller = Caller(daemon)
    caller.sign_in("root")
    caller.fails(403, "POST", "/session/totp", {"password": "wrong password"})
    made = caller.ok("POST", "/session/totp", {"password": PASSWORD})
    secret = bare.secret(made["secret"])
    assert made["uri"].startswith("otpauth://totp/Everleaf:root?secret=" + secret)
    assert secret not in str(bare.sql("select * from users"))
    assert Caller(daemon).sign_in("root") == 200  # not before it is confirmed
    caller.fails(403, "POST", "/session/totp/confirm", {"totp": "000000"})
    used = code(secret, time.time())  # a code of one moment: the next half minute has another
    caller.ok("POST", "/session/totp/confirm", {"totp": used})
    assert caller.ok("GET", "/session")["second_factor"] is True
    fresh = Caller(daemon)
    assert fresh.sign_in("root") == 401 and fresh.said.get("member") == "totp"
    assert fresh.sign_in("root", totp=used) == 401
    daemon.clock(60)
    used = code(secret, time.time() + 60)
    assert fresh.sign_in("root", totp=used) == 200
    assert Caller(daemon).sign_in("root", totp=used) == 401
    assert time.time() - start < 300
    caller.ok("POST", "/session/totp/remove", {"password": PASSWORD})
    assert Caller(daemon).sign_in("root") == 200
    again = caller.ok("POST", "/session/totp", {"password": PASSWORD})["secret"]
    caller.ok("POST", "/session/totp/confirm", {"totp": code(bare.secret(again), time.time() + 60 + 30)})
    assert bare.json("user", "show", "root")["second_factor"] is True
    bare.run("user", "update", "root", "--no-second-factor")
    assert Caller(daemon).sign_in("root") == 200


def test_another_password_ends_the_other_sessions(daemon):
    here, there = Caller(daemon), Caller(daemon)
    here.sign_in("root")
    there.sign_in("root")
    here.fails(403, "POST", "/session/password", {"password": "wrong password", "new_password": "a better password"})
    here.fails(400, "POST", "/session/password", {"password": PASSWORD, "new_password": "short"})
    here.ok("POST", "/session/password", {"password": PASSWORD, "new_password": "a better password"})
    here.ok("GET", "/session")
    there.fails(401, "GET", "/session")
    assert there.sign_in("root") == 401 and there.sign_in("root", "a better password") == 200


def memory_kb(daemon):
    lines = open(f"/proc/{daemon.process.pid}/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


@pytest.mark.threads
def test_signing_in_at_once_is_bounded_in_memory(bare, daemon):
    """A hash takes 64 MB; forty at once would take 2.5 GB."""
    before, statuses = memory_kb(daemon), []

    def one(i):
        statuses.append(Caller(daemon, source=f"127.0.1.{i + 1}").sign_in(f"user{i}"))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statuses) == 40 and set(statuses) <= {401, 429, 503} and 401 in statuses
    if "asan" not in str(daemon.log()):
        assert memory_kb(daemon) - before < 3 * 64 * 1024


# tokens over the network


@pytest.mark.option("user enable")
@pytest.mark.option("user disable")
def test_a_token_stops_at_once(bare, daemon):
    add(bare, "alice", "operator")
    caller = Caller(daemon, bare.secret(token(bare, "alice")))
    assert caller.ok("GET", "/version")["role"] == "operator"
    bare.run("user", "disable", "alice")
    caller.fails(401, "GET", "/version")
    bare.run("user", "enable", "alice")
    bare.run("user", "update", "alice", "--role", "user")
    assert caller.ok("GET", "/version")["role"] == "user"  # the role that the owner has now
    bare.run("user", "update", "alice", "--role", "auditor")
    assert caller.ok("GET", "/version")["role"] == "auditor"  # what both roles allow
    bare.run("token", "revoke", "of-alice")
    caller.fails(401, "GET", "/version")
    brief = Caller(daemon, bare.json("token", "create", "brief", "--user", "alice", "--expires", "1d")["token"])
    brief.ok("GET", "/version")
    daemon.clock(86400 + 60)
    brief.fails(401, "GET", "/version")
    for wrong in "", "evl_", "x" * 400, brief.token + "x":
        Caller(daemon, wrong or "evl_wrong").fails(401, "GET", "/version")


def test_a_token_makes_no_greater_one(bare, daemon):
    add(bare, "alice", "user")
    reader = Caller(daemon, bare.json("token", "create", "reader", "--user", "root", "--role", "auditor", "--expires", "10d")["token"])
    reader.fails(403, "POST", "/tokens", {"name": "more", "role": "admin"})
    reader.fails(403, "POST", "/tokens", {"name": "others", "user": "alice"})
    reader.fails(403, "POST", "/tokens", {"name": "longer", "expires": "11d"})
    made = reader.ok("POST", "/tokens", {"name": "same"})
    assert made["role"] == "auditor" and made["expires_at"] == reader.ok("GET", "/tokens")["items"][0]["expires_at"]
    alice = Caller(daemon, token(bare, "alice"))
    assert [t["name"] for t in alice.ok("GET", "/tokens")["items"]] == ["of-alice"]
    assert alice.ok("GET", "/tokens?user=root")["items"] == []
    alice.fails(404, "DELETE", "/tokens/same?user=root")
    alice.fails(404, "DELETE", "/tokens/same")
    alice.fails(403, "GET", "/session")  # a token is no session
    alice.fails(403, "POST", "/session/password", {"password": PASSWORD, "new_password": "a better password"})


def makes(caller, name, **more):
    return Caller(caller.daemon, caller.ok("POST", "/tokens", {"name": name, **more})["token"])


@pytest.mark.parametrize("way", ["on the host", "over the network", "with its user"])
def test_a_token_takes_with_it_those_it_made(bare, daemon, way):
    """And those that these made, whoever they are of; others stay."""
    add(bare, "carl", "admin")
    add(bare, "bob", "operator")
    first = Caller(daemon, bare.secret(token(bare, "carl")))
    second = makes(first, "second", role="admin")
    third = makes(second, "third", user="bob")
    others = [Caller(daemon, token(bare, "root")), Caller(daemon, token(bare, "bob"))]
    fourth = makes(others[0], "fourth", user="carl" if way != "with its user" else "root")
    for caller in (first, second, third, fourth):
        caller.ok("GET", "/version")
    if way == "on the host":
        bare.run("token", "revoke", "of-carl", "--user", "carl")
    elif way == "over the network":
        others[0].ok("DELETE", "/tokens/of-carl?user=carl")
    else:
        assert bare.json("user", "show", "carl")["tokens_of_others"] == 1
        assert "1, made with theirs" in bare.run("user", "show", "carl").out
        assert [u["tokens_of_others"] for u in bare.json("user", "list")] == [0, 1, 0]
        assert "revokes 1 token of others that those of carl made; add --yes" in bare.error("user", "delete", "carl", status=2)
        assert bare.error("user", "delete", "bob", status=2).endswith("cannot be undone; add --yes if you are sure")
        assert "no user nobody" in bare.error("user", "delete", "nobody", status=1)
        bare.run("user", "delete", "carl", "--yes")
        assert "user carl deleted, and 1 token of others that theirs made" in [event["text"] for event in bare.json("log")]
    for caller in (first, second, third):
        caller.fails(401, "GET", "/version")
    for caller in (*others, fourth):
        caller.ok("GET", "/version")
    if way != "with its user":
        assert "token of-carl of user carl revoked, and 2 that it made" in [event["text"] for event in bare.json("log")]


@pytest.mark.parametrize("role", ["admin", "operator", "user", "auditor"])
def test_what_each_role_makes_goes_with_its_token(bare, daemon, role):
    add(bare, "erin", role)
    first = Caller(daemon, bare.json("token", "create", "first", "--user", "erin", "--expires", "10d")["token"])
    second = makes(first, "second")
    ends = {row["name"]: row["expires_at"] for row in bare.json("token", "list", "--user", "erin")}
    assert ends["second"] == ends["first"] and second.ok("GET", "/version")["role"] == role
    second.ok("DELETE", "/tokens/first")
    second.fails(401, "GET", "/version")
    assert bare.json("token", "list", "--user", "erin") == []


def test_users_over_the_network(bare, daemon):
    root = Caller(daemon, token(bare, "root"))
    for i in range(5):
        root.ok("POST", "/users", {"name": f"u{i}", "role": "user", "password": PASSWORD})
    seen, cursor = [], ""
    while cursor is not None:
        page = root.ok("GET", f"/users?limit=2{'&cursor=' + cursor if cursor else ''}")
        seen += [u["name"] for u in page["items"]]
        cursor = page["next"]
    assert seen == ["root", "u0", "u1", "u2", "u3", "u4"]
    assert root.fails(409, "POST", "/users", {"name": "u1", "role": "user"})
    assert root.fails(400, "POST", "/users", {"name": "u9", "role": "king"})["member"] == "role"
    root.fails(403, "PATCH", "/users/root", {"enabled": False})  # the only administrator
    root.fails(403, "PATCH", "/users/root", {"role": "user"})
    root.fails(403, "DELETE", "/users/root")
    for role in "operator", "user", "auditor":
        add(bare, f"the-{role}", role)
        other = Caller(daemon, token(bare, f"the-{role}"))
        other.fails(403, "POST", "/users", {"name": "x", "role": "admin"})
        other.fails(403, "PATCH", f"/users/the-{role}", {"role": "admin"})
        other.fails(403, "DELETE", "/users/u1")
        other.fails(403, "POST", "/users/u1/domains", {"domain": "example.org"})
    user = Caller(daemon, token(bare, "u1"))
    user.fails(403, "GET", "/users")
    user.fails(404, "GET", "/users/u2/domains")
    assert user.ok("GET", "/users/u1/domains")["items"] == []
    texts = [text for (text,) in bare.sql("select text from events")]
    assert any("user u1 added as user" in text for text in texts)
    assert not any(PASSWORD in text or "argon2" in text for text in texts)
    assert bare.sql("select distinct actor from events where text like 'user u1 added%'") == [("user:root",)]


def test_the_command_line_over_the_network(bare, daemon, name):
    root = ["--server", f"http://127.0.0.1:{daemon.port}", "--token-file", bare.secret_file("token", token(bare, "root"))]
    made = bare.json(*root, "user", "add", "alice", "--role", "user")
    assert made["link"] and made["link_file"] is None
    Caller(daemon).ok("POST", "/session/first", {"link": bare.secret(made["link"]), "password": PASSWORD})
    bare.run(*root, "user", "password", "alice", "--password-file", bare.secret_file("new", "yet another one"))
    assert Caller(daemon).sign_in("alice", "yet another one") == 200
    assert bare.json(*root, "user", "bind", "alice", name, "--method", "manual")["methods"] == ["manual"]
    assert [b["domain"] for b in bare.json(*root, "user", "show", "alice")["domains"]] == [name]
    bare.run(*root, "user", "unbind", "alice", name)
    assert bare.json(*root, "user", "update", "alice", "--role", "auditor")["role"] == "auditor"
    alices = bare.secret(bare.json(*root, "token", "create", "ci", "--user", "alice")["token"])
    alice = [*root[:3], bare.secret_file("alices", alices)]
    assert [t["name"] for t in bare.json(*alice, "token", "list")] == ["ci"]
    assert "is not allowed" in bare.error(*alice, "user", "disable", "root", status=1)
    assert {t["name"] for t in bare.json(*root, "token", "list")} == {"of-root", "ci"}
    bare.run(*root, "token", "revoke", "ci", "--user", "alice")
    bare.error(*alice, "token", "list", status=1)
    bare.run(*root, "user", "disable", "alice")
    bare.run(*root, "user", "enable", "alice")
    bare.run(*root, "user", "delete", "alice", "--yes")
    assert [u["name"] for u in bare.json(*root, "user", "list")] == ["root"]


# whose it is


def words_of(value):
    return json.dumps(value)


@pytest.fixture
def two(everleaf, make_daemon, name):
    """alice and bob, a certificate of each and one of nobody's, and a daemon."""
    for who in "alice", "bob":
        add(everleaf, who, "user", "--email", f"{who}@example.org")
        everleaf.run("user", "bind", who, f"{who}.{name}")
        everleaf.run("issue", f"www.{who}.{name}", "--manual", "--owner", who)
    everleaf.run("issue", f"nobodys.{name}", "--manual")
    add(everleaf, "reader", "auditor")
    add(everleaf, "hand", "operator")
    return make_daemon(everleaf)


def test_what_is_anothers_does_not_exist(everleaf, two, name):
    bob = Caller(two, token(everleaf, "bob"))
    own, others = f"www.bob.{name}", f"www.alice.{name}"
    described = bob.ok("GET", "/openapi.json")
    bob.ok("GET", f"/certificates/{own}")
    lists = [path for path, methods in described["paths"].items() if "get" in methods and "{" not in path]
    assert {"/certificates", "/requests", "/jobs", "/events", "/limits", "/overview"} <= set(lists)
    for path in lists:
        status, body = bob.ask("GET", path)
        assert status in (200, 400, 403), (path, status, body)
        text = words_of(body)
        assert f"alice.{name}" not in text and f"nobodys.{name}" not in text and "alice@" not in text, path
    # one by its name, and whatever is below it, by every method
    tried = 0
    for path, methods in described["paths"].items():
        if not path.startswith(("/certificates/{name}", "/requests/{name}")):
            continue
        for method in methods:
            if method not in ("get", "post", "patch", "delete"):
                continue
            body = {} if method in ("post", "patch") else None
            if path.endswith("/send"):
                body = {"to": ["bob@example.org"]}
            status, answer = bob.ask(method.upper(), path.replace("{name}", others), body)
            assert status in (400, 404), (method, path, status, answer)
            assert status == 404 or "alice" not in words_of(answer).replace(others, ""), (method, path, answer)
            tried += 1
    assert tried >= 14
    assert everleaf.show(others)["status"] == "pending" and everleaf.show(others)["owner"] == "alice"
    # searching, filtering, going on
    for query in (f"search={others}", "search=www.alice", "owner=alice", f"search=alice.{name}", "status=pending", "limit=1", "sort=created"):
        status, body = bob.ask("GET", f"/certificates?{query}")
        assert "alice" not in words_of(body.get("items", [])), (query, body)
        if status == 200:
            assert [c["name"] for c in body["items"]] in ([own], []), query
    assert bob.ok("GET", "/certificates")["items"][0]["name"] == own
    assert own in words_of(bob.ok("GET", "/events"))
    assert bob.ok("GET", "/overview")["total"] == 1
    bob.fails(403, "GET", f"/limits?names=alice.{name}")
    bob.ok("GET", f"/limits?names=bob.{name}")


def test_a_user_asks_for_what_is_bound(everleaf, two, name):
    bob = Caller(two, token(everleaf, "bob"))
    want = {"method": "manual"}
    wrong = {
        "another's domain": ({"domains": [f"x.alice.{name}"], **want}, "domains"),
        "one of another's": ({"domains": [f"x.bob.{name}", f"x.alice.{name}"], **want}, "domains"),
        "above": ({"domains": [name], **want}, "domains"),
        "for another": ({"domains": [f"x.bob.{name}"], "owner": "alice", **want}, "owner"),
        "another's name": ({"name": f"www.alice.{name}", "domains": [f"x.bob.{name}"], **want}, "name"),
        "a name of no one": ({"name": "whatever", "domains": [f"x.bob.{name}"], **want}, "name"),
        "a CA": ({"domains": [f"x.bob.{name}"], "ca": "https://ca.example.org/dir", **want}, "ca"),
    }
    for what, (body, member) in wrong.items():
        status, answer = bob.ask("POST", "/certificates", body)
        assert status in (400, 403, 409), (what, status, answer)
        assert answer.get("member") == member, (what, answer)
    before = everleaf.names()
    status, answer = bob.ask("POST", "/certificates", {"domains": [f"x.bob.{name}"], **want})
    assert status == 202, answer
    deadline = time.monotonic() + 60
    while f"x.bob.{name}" not in everleaf.names() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert set(everleaf.names()) - set(before) == {f"x.bob.{name}"}
    assert everleaf.show(f"x.bob.{name}")["owner"] == "bob"
    alice = Caller(two, token(everleaf, "alice"))
    assert f"x.bob.{name}" in words_of(bob.ok("GET", f"/jobs/{answer['id']}"))
    assert f"x.bob.{name}" not in words_of(alice.ok("GET", "/jobs"))
    alice.fails(404, "GET", f"/jobs/{answer['id']}")
    alice.fails(404, "DELETE", f"/jobs/{answer['id']}")
    assert f"x.bob.{name}" not in words_of(alice.ok("GET", "/events"))
    bob.fails(403, "PATCH", f"/certificates/www.bob.{name}", {"domains": [f"www.alice.{name}"]})
    bob.fails(403, "PATCH", f"/certificates/www.bob.{name}", {"owner": "alice"})
    bob.ok("PATCH", f"/certificates/www.bob.{name}", {"renew_before": "20d"})


def test_operators_and_auditors(everleaf, two, name):
    hand, reader = Caller(two, token(everleaf, "hand")), Caller(two, token(everleaf, "reader"))
    for caller in hand, reader:
        assert {c["name"] for c in caller.ok("GET", "/certificates")["items"]} == set(everleaf.names())
    hand.ok("PATCH", f"/certificates/nobodys.{name}", {"owner": "bob"})
    assert hand.ask("PATCH", f"/certificates/nobodys.{name}", {"owner": "carol"})[1]["member"] == "owner"
    reader.fails(403, "PATCH", f"/certificates/nobodys.{name}", {"owner": "alice"})
    assert everleaf.show(f"nobodys.{name}")["owner"] == "bob"


def test_events_of_a_name_that_was_anothers(everleaf, two, name):
    """A name that was alice's and is bob's now brings him nothing of what happened before."""
    everleaf.run("delete", f"www.alice.{name}")
    time.sleep(1.1)
    everleaf.run("issue", f"www.bob.{name}", "--name", f"www.alice.{name}", "--manual", "--owner", "bob")
    bob = Caller(two, token(everleaf, "bob"))
    events = bob.ok("GET", f"/certificates/www.alice.{name}/events")["items"]
    assert events and all(f"requested: www.alice" not in event["text"] for event in events)
