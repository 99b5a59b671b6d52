"""Tokens over the network: how far one goes, what ends it, and what goes with it; users over the network."""

import pytest

from env.people import Caller, PASSWORD, add, daemon, make_daemon, token  # noqa: F401


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
