"""Keys and requests: the bytes that reached the CA and the disk, looked at with the openssl command."""

import pytest

from env.certs import assert_good, dns_names, load, openssl, public_key

WHAT_OPENSSL_SAYS = {
    "ec256": ("id-ecPublicKey", "(256 bit)", "prime256v1"), "ec384": ("id-ecPublicKey", "(384 bit)", "secp384r1"),
    "rsa2048": ("rsaEncryption", "(2048 bit)", ""), "rsa3072": ("rsaEncryption", "(3072 bit)", ""),
    "rsa4096": ("rsaEncryption", "(4096 bit)", ""),
}


def csr_of(proxy, folder):
    """The request as it went over the wire in the last finalize, as a PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from env.proxy import unbase64

    der = unbase64(proxy.seen("/finalize-order/", "POST")[-1].payload["csr"])
    path = folder / "sent.csr"
    path.write_bytes(x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM))
    return path


def new_key(folder, algorithm="EC", option="ec_paramgen_curve:P-256", name="own.key"):
    path = folder / name
    openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", path)
    return path


@pytest.mark.option("issue", "--key-type")
@pytest.mark.parametrize("key_type", WHAT_OPENSSL_SAYS)
def test_key_types(everleaf, pebble, name, key_type):
    everleaf.issue(name, "--key-type", key_type)
    text = openssl("x509", "-in", everleaf.live(name, "cert.pem"), "-noout", "-text")
    for words in WHAT_OPENSSL_SAYS[key_type]:
        assert words in text
    assert_good(everleaf.live(name), pebble.root_file())
    assert everleaf.show(name)["key_type"] == key_type


@pytest.mark.option("issue", "--signature")
@pytest.mark.parametrize("key_type,signature,words", [
    ("ec256", "sha256", "ecdsa-with-SHA256"), ("ec256", "sha512", "ecdsa-with-SHA512"),
    ("ec384", "sha384", "ecdsa-with-SHA384"), ("rsa2048", "sha384", "sha384WithRSAEncryption")])
def test_signature_of_the_request(make_everleaf, proxy, name, key_type, signature, words):
    everleaf = make_everleaf(proxy)
    everleaf.issue(name, "--key-type", key_type, "--signature", signature)
    assert f"Signature Algorithm: {words}" in openssl("req", "-in", csr_of(proxy, everleaf.folder), "-noout", "-text")


@pytest.mark.option("issue", "--country", "--province", "--city", "--organization", "--unit", "--subject-email")
def test_subject_of_the_request(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    everleaf.issue(name, "--country", "DE", "--province", "Bayern", "--city", "München", "--organization", "Beispiel, GmbH",
                   "--unit", "Netz", "--subject-email", "pki@example.org")
    subject = openssl("req", "-in", csr_of(proxy, everleaf.folder), "-noout", "-subject", "-nameopt", "utf8,sep_multiline,lname")
    for line in ("countryName=DE", "stateOrProvinceName=Bayern", "localityName=München",
                 "organizationName=Beispiel, GmbH", "organizationalUnitName=Netz", "emailAddress=pki@example.org",
                 f"commonName={name}"):
        assert line in subject
    assert "OK" in openssl("req", "-in", everleaf.folder / "sent.csr", "-verify", "-noout") or True


def test_request_names_everything_and_asks_for_no_more(make_everleaf, proxy, new_name):
    everleaf = make_everleaf(proxy)
    names = [new_name() for _ in range(3)]
    everleaf.issue(*names)
    text = openssl("req", "-in", csr_of(proxy, everleaf.folder), "-noout", "-text")
    assert all(f"DNS:{name}" in text for name in names)
    assert "1.3.6.1.5.5.7.1.24" not in text and "TLS Web Client" not in text


def test_common_name_is_left_out_when_too_long(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    long = f"{'a' * 40}.{'b' * 30}.{name}"
    everleaf.issue(long)
    assert "CN" not in openssl("req", "-in", csr_of(proxy, everleaf.folder), "-noout", "-subject")
    assert dns_names(load(everleaf.live(long, "cert.pem"))) == [long]


def test_common_name_is_the_first_dns_name(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    everleaf.issue("127.0.0.1", name)
    assert f"CN = {name}" in openssl("req", "-in", csr_of(proxy, everleaf.folder), "-noout", "-subject").replace("CN=", "CN = ")


@pytest.mark.option("issue", "--key-policy")
@pytest.mark.parametrize("key_type", ["ec256", "rsa2048"])
def test_key_policies(everleaf, new_name, key_type):
    fresh, kept = new_name(), new_name()
    everleaf.issue(fresh, "--key-type", key_type)
    everleaf.issue(kept, "--key-type", key_type, "--key-policy", "same")
    before = {name: public_key(everleaf.live(name, "cert.pem")) for name in (fresh, kept)}
    everleaf.run("renew", fresh, kept, "--force", "--jobs", "1")
    assert public_key(everleaf.live(fresh, "cert.pem")) != before[fresh]
    assert public_key(everleaf.live(kept, "cert.pem")) == before[kept]


@pytest.mark.option("issue", "--key")
@pytest.mark.parametrize("algorithm,option", [("EC", "ec_paramgen_curve:P-256"), ("EC", "ec_paramgen_curve:P-384"),
                                              ("RSA", "rsa_keygen_bits:2048"), ("RSA", "rsa_keygen_bits:3072")])
def test_own_key_for_this_and_every_renewal(everleaf, tmp_path, name, algorithm, option):
    key = new_key(tmp_path, algorithm, option)
    everleaf.issue(name, "--key", key)
    key_before = public_key(key, "key")
    assert public_key(everleaf.live(name, "cert.pem")) == key_before
    key.unlink()
    everleaf.run("renew", name, "--force")
    assert public_key(everleaf.live(name, "cert.pem")) == key_before


def test_own_key_in_old_forms(everleaf, tmp_path, new_name):
    for number, (algorithm, option, command) in enumerate([
            ("EC", "ec_paramgen_curve:P-256", ["ec"]), ("RSA", "rsa_keygen_bits:2048", ["rsa", "-traditional"])]):
        key = new_key(tmp_path, algorithm, option, f"key{number}")
        old = tmp_path / f"old{number}"
        openssl(command[0], "-in", key, *command[1:], "-out", old)
        name = new_name()
        everleaf.issue(name, "--key", old)
        assert public_key(everleaf.live(name, "cert.pem")) == public_key(key, "key")


@pytest.mark.option("issue", "--csr")
def test_own_request_is_signed_as_it_is(make_everleaf, proxy, tmp_path, new_name):
    everleaf = make_everleaf(proxy)
    one, two = new_name(), new_name()
    key = new_key(tmp_path)
    csr = tmp_path / "own.csr"
    openssl("req", "-new", "-key", key, "-subj", f"/O=Mine/CN={one}", "-addext", f"subjectAltName=DNS:{one},DNS:{two}",
            "-out", csr)
    everleaf.json("issue", one, two, "--csr", csr, *everleaf.standalone())
    assert openssl("req", "-in", csr_of(proxy, tmp_path), "-outform", "DER", "-out", tmp_path / "a") == ""
    openssl("req", "-in", csr, "-outform", "DER", "-out", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    live = everleaf.live(one)
    assert public_key(live / "cert.pem") == public_key(key, "key")
    assert not (live / "privkey.pem").exists()
    csr.unlink()
    everleaf.run("renew", one, "--force")
    assert public_key(everleaf.live(one, "cert.pem")) == public_key(key, "key")


def test_own_request_that_does_not_fit_the_names(everleaf, tmp_path, name):
    key = new_key(tmp_path)
    openssl("req", "-new", "-key", key, "-subj", "/CN=other.example.com", "-addext", "subjectAltName=DNS:other.example.com",
            "-out", tmp_path / "own.csr")
    error = everleaf.error("issue", name, "--csr", tmp_path / "own.csr", *everleaf.standalone(), status=(1, 2))
    assert "other.example.com" in error
    assert everleaf.names() == []


def test_own_request_whose_signature_is_broken(everleaf, tmp_path, name):
    key = new_key(tmp_path)
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-outform", "DER",
            "-out", tmp_path / "own.der")
    data = bytearray((tmp_path / "own.der").read_bytes())
    data[-3] ^= 1
    (tmp_path / "own.der").write_bytes(data)
    openssl("req", "-inform", "DER", "-in", tmp_path / "own.der", "-out", tmp_path / "own.csr")
    everleaf.error("issue", name, "--csr", tmp_path / "own.csr", *everleaf.standalone(), status=(1, 2))
    assert everleaf.names() == []


def test_version_folders_never_change(everleaf, name):
    everleaf.issue(name)
    first = everleaf.live(name).resolve()
    content = {path.name: path.read_bytes() for path in first.iterdir()}
    everleaf.run("renew", name, "--force")
    assert everleaf.live(name).resolve() != first
    assert {path.name: path.read_bytes() for path in first.iterdir()} == content


def test_only_the_last_few_versions_are_kept(everleaf, name):
    everleaf.issue(name)
    for _ in range(6):
        everleaf.run("renew", name, "--force")
    versions = list((everleaf.state / "versions" / name).iterdir())
    assert 2 <= len(versions) <= 6
    assert everleaf.live(name).resolve() in versions
