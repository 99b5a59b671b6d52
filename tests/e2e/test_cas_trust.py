"""Several entries of one URL, each with its own trust anchors and its own guard: what one has verified is not lent to another."""

import subprocess

import pytest

from env import Serve
from env.certs import assert_good
from env.client import user


@pytest.fixture
def stranger(tmp_path):
    """A trust anchor that has signed nothing."""
    path = tmp_path / "stranger.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=stranger",
                    "-days", "30", "-keyout", tmp_path / "stranger.key", "-out", path], check=True, capture_output=True)
    return path


def register(admin, ca, name):
    """What went wrong; None = nothing."""
    job = admin.ended(admin.post("/accounts", ca=ca, emails=["a@example.org"], agree_tos=True, name=name))
    return job["error"] and job["error"]["detail"]


def test_an_entry_with_other_trust_anchors(everleaf, pebble, stranger):
    everleaf.run("ca", "add", "other", pebble.directory, "--ca-bundle", stranger)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        assert register(admin, "lab", "first") is None
        assert "does not verify" in register(admin, "other", "second")
        assert register(admin, "lab", "third") is None


def test_an_entry_that_was_made_anew_with_other_trust_anchors(everleaf, pebble, stranger):
    everleaf.run("ca", "add", "other", pebble.directory, "--ca-bundle", everleaf.lab.root)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        assert register(admin, "other", "first") is None
        admin.delete("/accounts/first")
        everleaf.run("ca", "delete", "other")
        everleaf.run("ca", "add", "other", pebble.directory, "--ca-bundle", stranger)
        assert "does not verify" in register(admin, "other", "second")


def test_an_entry_that_is_not_to_lead_inside(everleaf, pebble):
    """What was added over the network is held to the Internet, also when the host's own entry has a connection there."""
    everleaf.run("ca", "add", "other", pebble.directory, "--ca-bundle", everleaf.lab.root)
    everleaf.sql("update cas set public_only = 1 where name = 'other'")
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        assert register(admin, "lab", "first") is None
        assert "private address" in register(admin, "other", "second")


def test_an_account_s_own_entry(everleaf, pebble, stranger, name):
    """Of several with its URL, the one that it was registered by."""
    everleaf.run("ca", "add", "aaa", pebble.directory, "--ca-bundle", stranger)
    everleaf.issue(name)
    assert_good(everleaf.live(name), pebble.root_file())
