"""Nobody sees or touches what is another's."""

import json
import time

import pytest

from env.people import Caller, add, make_daemon, token  # noqa: F401


def methods_of(described, path):
    return described["paths"][path]["get"]


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
        may = "user" in methods_of(described, path)["x-everleaf-roles"] and path != "/session"  # a token is none
        assert status == (200 if may else 403), (path, status, body)
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
            assert status == 404 and "alice" not in words_of(answer).replace(others, ""), (method, path, status, answer)
            tried += 1
    assert tried >= 14
    assert everleaf.show(others)["status"] == "pending" and everleaf.show(others)["owner"] == "alice"
    # searching, filtering, going on
    for query, found in ((f"q={others}", []), ("q=www.alice", []), ("owner=alice", []), (f"q=alice.{name}", []), ("q=www.", [own]),
                         ("status=pending", [own]), ("limit=1", [own]), ("sort=created_at", [own]), ("sort=not_after&order=desc", [own])):
        body = bob.ok("GET", f"/certificates?{query}")
        assert [c["name"] for c in body["items"]] == found and body["next"] is None, query
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


def test_who_has_a_name_is_not_told_by_what_else_is_wrong(everleaf, two, name):
    """A name that another's certificate has, and one that nobody's has, are refused for the same reason."""
    bob = Caller(two, token(everleaf, "bob"))
    for taken, free in ((f"www.alice.{name}", f"api.alice.{name}"), (f"nobodys.{name}", f"everybodys.{name}")):
        for domain in f"x.bob.{name}", None:
            for more in {}, {"key_type": "bogus"}, {"ca": "nosuch"}, {"account": "nosuch"}, {"renew_before": "?"}, {"method": "dns", "dns": ["x"]}:
                said = []
                for one in taken, free:
                    status, answer = bob.ask("POST", "/certificates", {"name": one, "domains": [domain or one], "method": "manual", **more})
                    said.append((status, answer["member"], answer["detail"].replace(one, "NAME")))
                assert said[0] == said[1] and said[0][0] == 403, (taken, domain, more, said)
    status, answer = bob.ask("POST", "/certificates", {"name": "bob_x", "domains": [f"x.bob.{name}"], "method": "manual", "key_type": "bogus"})
    assert (status, answer["member"]) == (400, "key_type")


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
    former = {number for (number,) in everleaf.sql("select id from events where cert = ?", f"www.alice.{name}")}
    everleaf.run("delete", f"www.alice.{name}")
    time.sleep(1.1)
    everleaf.run("issue", f"www.bob.{name}", "--name", f"www.alice.{name}", "--manual", "--owner", "bob")
    bob = Caller(two, token(everleaf, "bob"))
    for path in (f"/certificates/www.alice.{name}/events", "/events", f"/events?cert=www.alice.{name}"):
        events = {event["id"] for event in bob.ok("GET", path)["items"]}
        assert former and events and not events & former, path
