"""Signing in: one-time links, sessions, second factors, and those who guess."""

import json
import threading
import time

import pytest

from env.people import Caller, PASSWORD, add, code, daemon, make_daemon  # noqa: F401


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
    assert [user["second_factor"] for user in bare.json("user", "list")] == [True]
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


def test_who_signed_in_is_named_as_who_did_it(bare, daemon):
    """A sign-in, and a password chosen by a link, are their user's; what fails is nobody's."""
    link = bare.secret(open(bare.json("user", "add", "alice", "--role", "user")["link_file"]).read().strip())
    caller = Caller(daemon)
    caller.fails(401, "POST", "/session/first", {"link": link[:-1] + "x", "password": PASSWORD})
    caller.ok("POST", "/session/first", {"link": link, "password": PASSWORD})
    assert caller.sign_in("alice", "a wrong password") == 401 and caller.sign_in("alice") == 200
    actors = {event["text"]: (event["actor"], event["address"]) for event in bare.json("log")}
    assert actors["user alice chose a password by a one-time link"] == ("user:alice", "127.0.0.1")
    assert actors["user alice signed in"] == ("user:alice", "127.0.0.1")
    assert actors["signing in as user alice failed"] == ("nobody", "127.0.0.1")
