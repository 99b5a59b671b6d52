"""Export and key stores, read back by the openssl command and by Java's keytool."""

import base64
import subprocess

import pytest

from env.certs import load, openssl, public_key

PASSWORD = "hunter2-with-ünicode"
PLAIN = "hunter2-plain"


@pytest.fixture
def issued(everleaf, name):
    everleaf.issue(name, "--key-type", "rsa2048")
    return everleaf, name


def keytool(*args, password=PASSWORD):
    done = subprocess.run(["keytool", *map(str, args), "-storepass:env", "PASS"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60,
                          env={"PASS": password, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.option("export", "--format", "--part", "--output")
@pytest.mark.parametrize("part", ["all", "fullchain", "cert", "chain", "key"])
def test_pem(issued, tmp_path, part):
    everleaf, name = issued
    live = everleaf.live(name)
    want = {"all": (live / "combined.pem").read_text(), "fullchain": (live / "fullchain.pem").read_text(),
            "cert": (live / "cert.pem").read_text(), "chain": (live / "chain.pem").read_text(),
            "key": (live / "privkey.pem").read_text()}[part]
    assert everleaf.run("export", name, "--part", part, shows_secrets=True).out == want
    everleaf.run("export", name, "--format", "pem", "--part", part, "-o", tmp_path / "out")
    assert (tmp_path / "out").read_text() == want
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_der(issued, tmp_path):
    everleaf, name = issued
    everleaf.run("export", name, "--format", "der", "-o", tmp_path / "cert.der")
    body = "".join(everleaf.live(name, "cert.pem").read_text().split("\n")[1:-2])
    assert (tmp_path / "cert.der").read_bytes() == base64.b64decode(body)
    everleaf.run("export", name, "--format", "der", "--part", "key", "-o", tmp_path / "key.der")
    assert openssl("pkey", "-inform", "DER", "-in", tmp_path / "key.der", "-pubout") == \
        public_key(everleaf.live(name, "cert.pem"))
    out = everleaf.run("export", name, "--format", "der", binary=True)
    assert out.out == (tmp_path / "cert.der").read_bytes()


@pytest.mark.option("export", "--keystore-password-file", "--legacy")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("password", [PASSWORD, PLAIN], ids=["unicode", "ascii"])
def test_pkcs12(issued, tmp_path, legacy, password):
    everleaf, name = issued
    secret = everleaf.secret_file("password", password)
    everleaf.run("export", name, "--format", "pkcs12", "--keystore-password-file", secret, "-o", tmp_path / "store.p12",
                 *(["--legacy"] if legacy else []))
    more = ["-legacy"] if legacy else []
    info = openssl("pkcs12", "-in", tmp_path / "store.p12", "-passin", f"file:{secret}", "-nodes", *more)
    (tmp_path / "out.pem").write_text(info)
    assert public_key(tmp_path / "out.pem", "key") == public_key(everleaf.live(name, "cert.pem"))
    assert info.count("BEGIN CERTIFICATE") == everleaf.live(name, "fullchain.pem").read_text().count("BEGIN CERTIFICATE")
    described = subprocess.run(["openssl", "pkcs12", "-in", tmp_path / "store.p12", "-passin", f"file:{secret}", "-info",
                                "-noout", *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    assert ("AES-256-CBC" in described) == (not legacy)
    assert ("3-KeyTripleDES" in described or "SHA1And3" in described) == legacy
    openssl("pkcs12", "-in", tmp_path / "store.p12", "-passin", "pass:wrong", "-noout", *more, status=1)


@pytest.mark.parametrize("legacy", [False, True])
def test_pkcs12_is_read_by_java(issued, tmp_path, legacy):
    everleaf, name = issued
    secret = everleaf.secret_file("password", "changeit")
    everleaf.run("export", name, "--format", "pkcs12", "--keystore-password-file", secret, "-o", tmp_path / "store.p12",
                 *(["--legacy"] if legacy else []))
    listing = keytool("-list", "-v", "-storetype", "PKCS12", "-keystore", tmp_path / "store.p12", password="changeit")
    assert "PrivateKeyEntry" in listing and f"DNSName: {name}" in listing
    chain = everleaf.live(name, "fullchain.pem").read_text().count("BEGIN CERTIFICATE")
    assert f"Certificate chain length: {chain}" in listing


@pytest.mark.parametrize("key_type", ["rsa2048", "ec256"])
@pytest.mark.parametrize("password", [PASSWORD, PLAIN], ids=["unicode", "ascii"])
def test_jks_is_read_by_java(everleaf, tmp_path, name, key_type, password):
    everleaf.issue(name, "--key-type", key_type)
    secret = everleaf.secret_file("password", password)
    everleaf.run("export", name, "--format", "jks", "--keystore-password-file", secret, "-o", tmp_path / "store.jks")
    listing = keytool("-list", "-v", "-storetype", "JKS", "-keystore", tmp_path / "store.jks", password=password)
    assert "PrivateKeyEntry" in listing and f"DNSName: {name}" in listing
    # The private key inside opens too: Java turns it into PKCS#12, openssl reads that.
    subprocess.run(["keytool", "-importkeystore", "-srckeystore", tmp_path / "store.jks", "-srcstoretype", "JKS",
                    "-srcstorepass:env", "PASS", "-destkeystore", tmp_path / "out.p12", "-deststoretype", "PKCS12",
                    "-deststorepass:env", "OUT", "-noprompt"], check=True, timeout=60, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL,
                   env={"PASS": password, "OUT": "changeit", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    key = openssl("pkcs12", "-in", tmp_path / "out.p12", "-passin", "pass:changeit", "-nodes", "-nocerts")
    (tmp_path / "key.pem").write_text(key)
    assert public_key(tmp_path / "key.pem", "key") == public_key(everleaf.live(name, "cert.pem"))


def test_key_store_without_password_is_refused(issued, tmp_path):
    everleaf, name = issued
    for format in ("pkcs12", "jks"):
        error = everleaf.error("export", name, "--format", format, "-o", tmp_path / "store", status=(1, 2))
        assert "--keystore-password-file" in error
        assert not (tmp_path / "store").exists()


@pytest.mark.option("issue", "--keystore", "--keystore-password-file")
@pytest.mark.parametrize("format,file", [("pkcs12", "keystore.p12"), ("jks", "keystore.jks")])
def test_key_store_is_kept_and_follows_renewals(everleaf, name, format, file):
    secret = everleaf.secret_file("password", "changeit")
    everleaf.issue(name, "--keystore", format, "--keystore-password-file", secret)
    secret.unlink()
    for _ in range(2):
        path = everleaf.live(name, file)
        assert path.stat().st_mode & 0o777 == 0o600
        listing = keytool("-list", "-v", "-storetype", format.upper(), "-keystore", path, password="changeit")
        serial = f"{load(everleaf.live(name, 'cert.pem')).serial_number:x}"
        assert f"Serial number: {serial}" in listing
        everleaf.run("renew", name, "--force")
    assert "changeit" not in str(everleaf.show(name))


def test_password_from_standard_input(issued, tmp_path):
    everleaf, name = issued
    everleaf.secret("from-stdin")
    everleaf.run("export", name, "--format", "pkcs12", "--keystore-password-file", "-", "-o", tmp_path / "store.p12",
                 stdin=b"from-stdin\n")
    openssl("pkcs12", "-in", tmp_path / "store.p12", "-passin", "pass:from-stdin", "-noout")


def test_export_of_what_is_not_there(everleaf, tmp_path):
    assert "nosuch" in everleaf.error("export", "nosuch", status=1)


def test_export_never_overwrites_through_a_link(issued, tmp_path):
    everleaf, name = issued
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out").symlink_to(victim)
    everleaf.run("export", name, "--part", "key", "-o", tmp_path / "out", status=None)
    assert victim.read_text() == "precious"
