"""Accounts and CAs: what the CA knows of them, and what is kept here."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from env import Everleaf
from env.certs import assert_good, openssl
from env.proxy import delay


def account(everleaf, name=None):
    rows = everleaf.json("account", "list")
    return everleaf.json("account", "show", name or rows[0]["name"])


@pytest.mark.option("account register", "--email", "--agree-tos", "--ca", "--name")
@pytest.mark.option("account list")
@pytest.mark.option("account show")
def test_register(bare, pebble):
    bare.register(name="mine")
    row = account(bare, "mine")
    assert row["name"] == "mine" and row["ca"] == "lab" and row["status"] == "valid" and row["key_type"] == "ec256"
    assert row["url"].startswith(f"https://127.0.0.1:{pebble.port}/my-account/")
    assert [contact.removeprefix("mailto:") for contact in row["contacts"]] == ["admin@example.org"]
    assert [each["name"] for each in bare.json("account", "list")] == ["mine"]
    assert "mine" in bare.run("account", "list").out and "admin@example.org" in bare.run("account", "show", "mine").out


def test_several_contacts(bare, pebble):
    bare.register("--email", "second@example.org")
    assert len(account(bare)["contacts"]) == 2


def test_terms_must_be_agreed_to(bare, pebble):
    error = bare.error("account", "register", "--ca", pebble.directory, "--email", "a@example.org", status=(1, 2))
    assert "--agree-tos" in error and "Do%20what%20thou%20wilt" in error
    assert bare.json("account", "list") == []


@pytest.mark.option("account register", "--key-type")
@pytest.mark.parametrize("key_type", ["ec256", "ec384", "rsa2048", "rsa3072", "rsa4096"])
def test_account_key_types(bare, key_type, name):
    bare.register("--key-type", key_type)
    assert account(bare)["key_type"] == key_type
    bare.issue(name)


@pytest.mark.option("account update", "--email")
def test_update(everleaf):
    name = account(everleaf)["name"]
    everleaf.run("account", "update", name, "--email", "new@example.org", "--email", "other@example.org")
    assert sorted(contact.removeprefix("mailto:") for contact in account(everleaf)["contacts"]) == \
        ["new@example.org", "other@example.org"]


@pytest.mark.option("account rollover", "--key-type")
@pytest.mark.option("account export", "--format", "--output")
def test_key_change_then_renewal(everleaf, pebble, name):
    everleaf.issue(name)
    mine = account(everleaf)
    everleaf.run("account", "export", mine["name"], "-o", everleaf.folder / "old.pem")
    everleaf.run("account", "rollover", mine["name"], "--key-type", "ec384")
    after = account(everleaf)
    assert after["key_type"] == "ec384" and after["url"] == mine["url"]
    everleaf.run("account", "export", mine["name"], "-o", everleaf.folder / "new.pem")
    assert (everleaf.folder / "new.pem").read_text() != (everleaf.folder / "old.pem").read_text()
    everleaf.run("renew", name, "--force")
    assert_good(everleaf.live(name), pebble.root_file())
    other = Everleaf(everleaf.folder / "other", pebble, everleaf.lab)
    other.error("account", "import", everleaf.folder / "old.pem", "--ca", pebble.directory, status=1)


@pytest.mark.option("account deactivate", "--yes")
def test_deactivated_account_can_do_nothing(everleaf, name):
    everleaf.issue(name)
    mine = account(everleaf)["name"]
    assert "--yes" in everleaf.error("account", "deactivate", mine, status=2)
    assert account(everleaf)["status"] == "valid"
    everleaf.run("account", "deactivate", mine, "--yes")
    assert account(everleaf)["status"] == "deactivated"
    error = everleaf.error("renew", name, "--force", status=1)
    assert "deactivated" in error
    assert everleaf.show(name)["status"] == "issued", "what was issued stays so"


@pytest.mark.option("account import", "--ca", "--name")
@pytest.mark.parametrize("format", ["pem", "jwk"])
def test_orphaned_account_is_found_again_by_its_key(everleaf, pebble, tmp_path, name, format):
    mine = account(everleaf)
    path = tmp_path / f"key.{format}"
    everleaf.run("account", "export", mine["name"], "--format", format, "-o", path)
    assert path.stat().st_mode & 0o777 == 0o600
    if format == "pem":
        openssl("pkey", "-in", path, "-noout")
    else:
        assert json.loads(path.read_text())["kty"] == "EC"
    other = Everleaf(tmp_path / "other", pebble, everleaf.lab)
    other.run("account", "import", path, "--ca", pebble.directory, "--name", "found")
    found = account(other, "found")
    assert found["url"] == mine["url"] and found["status"] == "valid"
    assert found["contacts"] == mine["contacts"]
    other.run("issue", name, *other.standalone())


def test_import_of_a_key_the_ca_does_not_know(bare, pebble, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    error = bare.error("account", "import", path, "--ca", pebble.directory, status=1)
    assert "account" in error and bare.json("account", "list") == []


def test_import_reads_old_forms_of_keys(everleaf, pebble, tmp_path):
    """An RSA account's key as PKCS#1, as other clients keep it."""
    other = Everleaf(tmp_path / "rsa", pebble, everleaf.lab).register("--key-type", "rsa2048")
    other.run("account", "export", account(other)["name"], "-o", tmp_path / "key.pem")
    openssl("rsa", "-in", tmp_path / "key.pem", "-traditional", "-out", tmp_path / "old.pem")
    assert "BEGIN RSA PRIVATE KEY" in (tmp_path / "old.pem").read_text()
    third = Everleaf(tmp_path / "third", pebble, everleaf.lab)
    third.run("account", "import", tmp_path / "old.pem", "--ca", pebble.directory)
    assert account(third)["url"] == account(other)["url"]


@pytest.mark.option("account delete", "--yes")
@pytest.mark.option("account default")
def test_delete_forgets_and_the_default_takes_over(everleaf, pebble, name):
    first = account(everleaf)["name"]
    everleaf.issue(name)
    everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", "second")
    everleaf.run("account", "default", "second")
    assert everleaf.json("account", "show", "second")["is_default"] is True
    assert "--yes" in everleaf.error("account", "delete", first, status=2)
    url = account(everleaf, first)["url"]
    everleaf.run("account", "delete", first, "--yes")
    assert [row["name"] for row in everleaf.json("account", "list")] == ["second"]
    everleaf.run("renew", name, "--force")
    assert everleaf.json("log", name)
    assert f"{url}" not in json.dumps(everleaf.json("account", "list"))


def test_certificates_of_a_deleted_account_can_be_revoked(everleaf, pebble, name):
    everleaf.issue(name)
    serial = everleaf.show(name)["serial"]
    everleaf.run("account", "delete", account(everleaf)["name"], "--yes")
    everleaf.run("revoke", name)
    assert pebble.certificate_status(serial)["Status"] == "Revoked"


@pytest.mark.option("account export", "--format", "--output")
def test_export_to_standard_output(everleaf, tmp_path):
    result = everleaf.run("account", "export", account(everleaf)["name"], shows_secrets=True)
    assert result.out.startswith("-----BEGIN ") and "PRIVATE KEY" in result.out


@pytest.mark.option("ca list")
@pytest.mark.option("ca show")
@pytest.mark.option("ca delete")
@pytest.mark.option("ca add", "--ca-bundle", "--resolver", "--http-port", "--tls-port")
def test_ca_group(bare, pebble, lab, name):
    known = {row["name"] for row in bare.json("ca", "list")}
    assert {"letsencrypt", "letsencrypt-staging", "zerossl", "google", "google-staging"} <= known
    bare.env.pop("EVERLEAF_CA_BUNDLE")
    bare.run("ca", "add", "lab", pebble.directory, "--ca-bundle", lab.root, "--resolver", pebble.dns, "--http-port",
             pebble.http_port, "--tls-port", pebble.tls_port)
    row = next(row for row in bare.json("ca", "list") if row["name"] == "lab")
    assert row["url"] == pebble.directory and row["resolver"] == pebble.dns
    assert (row["http_port"], row["tls_port"]) == (pebble.http_port, pebble.tls_port)
    assert bare.json("ca", "show", "lab")["name"] == "lab"
    assert "lab" in bare.run("ca", "list").out
    # A CA added with a bundle needs no global one.
    bare.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos")
    bare.run("issue", name, *bare.standalone(), "--ca", "lab")
    bare.error("ca", "delete", "letsencrypt", status=(1, 2))
    bare.run("ca", "add", "spare", pebble.directory + "?x")
    bare.run("ca", "delete", "spare")
    assert "spare" not in {row["name"] for row in bare.json("ca", "list")}


@pytest.mark.option("ca add", "--parallel")
def test_requests_under_way_at_once_are_a_setting(bare, proxy, lab, new_name):
    """One at a time: no request starts before the one before it is answered."""
    bare.run("ca", "add", "lab", proxy.directory, "--ca-bundle", lab.root, "--parallel", "1")
    bare.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos")
    proxy.on("/authZ/", delay(0.05))
    bare.run("issue", *[new_name() for _ in range(5)], *bare.standalone())
    assert bare.json("ca", "show", "lab")["parallel"] == 1
    assert len(proxy.seen("/authZ/")) >= 5 and proxy.most_under_way == 1


def test_account_of_another_ca_is_not_used(bare, make_pebble, pebble, lab, name):
    other = make_pebble()
    bare.register()
    bare.run("ca", "add", "other", other.directory, "--ca-bundle", lab.root)
    error = bare.error("issue", name, "--ca", "other", *bare.standalone(), status=(1, 2))
    assert "account" in error


def test_account_key_is_never_a_certificate_key(everleaf, tmp_path, name):
    everleaf.run("account", "export", account(everleaf)["name"], "-o", tmp_path / "key.pem")
    error = everleaf.error("issue", name, "--key", tmp_path / "key.pem", *everleaf.standalone(), status=(1, 2))
    assert "account" in error


def test_rsa_key_of_1024_bits_is_refused(bare, pebble, tmp_path):
    key = rsa.generate_private_key(65537, 1024)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    assert bare.error("account", "import", tmp_path / "key.pem", "--ca", pebble.directory, status=(1, 2))
