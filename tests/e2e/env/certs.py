"""Looking at keys and certificates with the openssl command and Python's own library, never with Everleaf."""

import subprocess

from cryptography import x509


def openssl(*args, stdin=None, status=0):
    done = subprocess.run(["openssl", *map(str, args)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=30)
    assert status is None or done.returncode == status, \
        f"openssl {' '.join(map(str, args))}: {done.stdout.decode()} {done.stderr.decode()}"
    return done.stdout.decode(errors="replace")


def load(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def dns_names(certificate):
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(san.get_values_for_type(x509.DNSName))


def ip_names(certificate):
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(address) for address in san.get_values_for_type(x509.IPAddress))



def same_serial(text, certificate):
    """Everleaf writes lower-case hexadecimal without separators."""
    assert text == text.lower() and ":" not in text
    return int(text, 16) == certificate.serial_number


def public_key(path, kind="x509"):
    """The public key of a certificate, private key or request, as PEM text."""
    if kind == "x509":
        return openssl("x509", "-in", path, "-noout", "-pubkey")
    if kind == "req":
        return openssl("req", "-in", path, "-noout", "-pubkey")
    return openssl("pkey", "-in", path, "-pubout")


def assert_good(live, root):
    """The four files belong together and lead to the CA's root."""
    openssl("verify", "-CAfile", root, "-untrusted", live / "chain.pem", live / "cert.pem")
    assert public_key(live / "cert.pem") == public_key(live / "privkey.pem", "key")
    full = (live / "fullchain.pem").read_text()
    assert full == (live / "cert.pem").read_text() + (live / "chain.pem").read_text()
    combined = (live / "combined.pem").read_text()
    assert combined == (live / "privkey.pem").read_text() + full
    for name in ("privkey.pem", "combined.pem"):
        assert (live / name).stat().st_mode & 0o777 == 0o600
