"""Users on the command line: who they are, what is bound to them, whose certificates are renewed; their tokens."""

import hashlib
import json

import pytest

from env.people import Caller, add, make_daemon, token  # noqa: F401


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
