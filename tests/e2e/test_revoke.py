"""Revocation both ways, and what follows from it."""

import pytest

from env.certs import load, public_key


@pytest.mark.option("revoke", "--reason")
@pytest.mark.parametrize("reason,number", [("unspecified", 0), ("keyCompromise", 1), ("superseded", 4),
                                           ("cessationOfOperation", 5), ("affiliationChanged", 3)])
def test_revoke_by_account(everleaf, pebble, name, reason, number):
    everleaf.issue(name)
    serial = everleaf.show(name)["serial"]
    everleaf.run("revoke", name, "--reason", reason)
    status = pebble.certificate_status(serial)
    assert status["Status"] == "Revoked" and status.get("Reason", 0) == number
    assert everleaf.show(name)["status"] == "revoked"


@pytest.mark.option("revoke", "--cert", "--key", "--ca")
def test_revoke_by_certificate_key(everleaf, bare, pebble, tmp_path, name):
    """A certificate that this state folder does not manage, by its own key."""
    everleaf.issue(name)
    serial = everleaf.show(name)["serial"]
    for part in ("cert", "key"):
        everleaf.run("export", name, "--part", part, "-o", tmp_path / part)
    everleaf.run("delete", name)
    everleaf.run("revoke", "--cert", tmp_path / "cert", "--key", tmp_path / "key", "--ca", "lab")
    assert pebble.certificate_status(serial)["Status"] == "Revoked"


def test_revoke_by_a_key_that_is_not_its_own(everleaf, pebble, tmp_path, new_name):
    one, two = new_name(), new_name()
    everleaf.issue(one)
    everleaf.issue(two)
    error = everleaf.error("revoke", "--cert", everleaf.live(one, "cert.pem"), "--key", everleaf.live(two, "privkey.pem"),
                           "--ca", "lab", status=(1, 2))
    assert "key" in error
    assert pebble.certificate_status(everleaf.show(one)["serial"])["Status"] == "Valid"


def test_revoked_certificate_is_never_renewed_by_itself(everleaf, pebble, name):
    everleaf.issue(name, "--renew-before", "89d")
    everleaf.run("revoke", name)
    orders = pebble.orders()
    everleaf.run("renew")
    everleaf.run("renew", "--days", "1000")
    everleaf.run("renew", name, status=None)
    assert pebble.orders() == orders and everleaf.show(name)["status"] == "revoked"


def test_key_once_compromised_is_refused_for_good(everleaf, pebble, tmp_path, new_name):
    name, other = new_name(), new_name()
    everleaf.issue(name, "--key-policy", "same")
    everleaf.run("export", name, "--part", "key", "-o", tmp_path / "key.pem")
    old = public_key(tmp_path / "key.pem", "key")
    everleaf.run("revoke", name, "--reason", "keyCompromise")
    error = everleaf.error("issue", other, "--key", tmp_path / "key.pem", *everleaf.standalone(), status=(1, 2))
    assert "compromise" in error.lower()
    assert other not in everleaf.names()
    everleaf.issue(name, "--force")
    assert public_key(everleaf.live(name, "cert.pem")) != old, "replaced with a new key in spite of --key-policy same"
    assert everleaf.show(name)["status"] == "issued"


def test_imported_key_once_compromised_is_replaced(everleaf, tmp_path, name):
    from test_keys import new_key

    key = new_key(tmp_path)
    everleaf.issue(name, "--key", key)
    everleaf.run("revoke", name, "--reason", "keyCompromise")
    everleaf.issue(name, "--force")
    assert public_key(everleaf.live(name, "cert.pem")) != public_key(key, "key")
    everleaf.run("renew", name, "--force")
    assert public_key(everleaf.live(name, "cert.pem")) != public_key(key, "key")


def test_revoke_twice(everleaf, name):
    everleaf.issue(name)
    everleaf.run("revoke", name)
    result = everleaf.run("revoke", name, status=(0, 1))
    assert "already" in result.err + result.out or "revoked" in result.err + result.out


def test_force_issues_a_revoked_one_again(everleaf, name):
    everleaf.issue(name)
    before = load(everleaf.live(name, "cert.pem")).serial_number
    everleaf.run("revoke", name)
    everleaf.issue(name, "--force")
    assert load(everleaf.live(name, "cert.pem")).serial_number != before
    assert everleaf.show(name)["status"] == "issued"


def test_revoking_when_the_ca_says_it_already_is(everleaf, pebble, tmp_path, name):
    """Somebody revoked it elsewhere: the record follows the CA."""
    everleaf.issue(name)
    everleaf.run("revoke", "--cert", everleaf.live(name, "cert.pem"), "--key", everleaf.live(name, "privkey.pem"), "--ca",
                 "lab")
    everleaf.run("revoke", name, status=(0, 1))
    assert everleaf.show(name)["status"] == "revoked"


def test_what_is_served_stays_on_disk(everleaf, name):
    everleaf.issue(name)
    before = everleaf.live(name, "cert.pem").read_bytes()
    everleaf.run("revoke", name)
    assert everleaf.live(name, "cert.pem").read_bytes() == before


def test_nothing_to_revoke(everleaf):
    assert "nosuch" in everleaf.error("revoke", "nosuch", status=1)
    everleaf.error("revoke", "--cert", "/nonexistent", "--key", "/nonexistent", "--ca", "lab", status=(1, 2))
    everleaf.error("revoke", status=2)
