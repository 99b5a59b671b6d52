"""Bad input: one line that names what is wrong and what to do, the right status, and nothing changed."""

import socket

import pytest

from env.certs import openssl
from test_keys import new_key

REGISTER = ["account", "register", "--email", "a@example.org", "--agree-tos"]
# arguments, status, words that the error must hold; NAME and HOW are replaced
WRONG = [
    (["issue", "NAME", "HOW", "--no-such-option"], 2, ["--no-such-option"]),
    (["nosuchcommand"], 2, ["nosuchcommand"]),
    ([], 2, []),
    (["account", "nosuchverb"], 2, ["nosuchverb"]),
    (["issue"], 2, []),
    (["issue", "HOW"], 2, []),
    (["issue", "NAME"], 2, ["--webroot"]),
    (["issue", "NAME", "HOW", "--webroot", "/tmp"], 2, ["--standalone", "--webroot"]),
    (["issue", "NAME", "HOW", "--name"], 2, ["--name"]),
    (["issue", "NAME", "HOW", "--name", "../up"], 2, ["../up"]),
    (["issue", "NAME", "HOW", "--name", ""], 2, []),
    (["issue", "NAME", "HOW", "--name", ".."], 2, [".."]),
    (["issue", "NAME", "HOW", "--name", "a/b"], 2, ["a/b"]),
    (["issue", "NAME", "NAME", "HOW"], 2, ["NAME"]),
    (["issue", "NAME", "NAME.", "HOW"], 2, ["NAME"]),
    (["issue", "exa mple.com", "HOW"], 2, ["exa mple.com"]),
    (["issue", "HOW", "--", "-example.com"], 2, ["-example.com"]),
    (["issue", "example..com", "HOW"], 2, ["example..com"]),
    (["issue", "exa_mple!.com", "HOW"], 2, ["exa_mple!.com"]),
    (["issue", "a" * 64 + ".example.com", "HOW"], 2, ["63"]),
    (["issue", ".".join(["a" * 60] * 5) + ".example.com", "HOW"], 2, ["253"]),
    (["issue", "www.*.example.com", "HOW"], 2, ["www.*.example.com"]),
    (["issue", "**.example.com", "HOW"], 2, ["**.example.com"]),
    (["issue", "*", "HOW"], 2, ["*"]),
    (["issue", "*.127.0.0.1", "HOW"], 2, ["*.127.0.0.1"]),
    (["issue", "1.2.3.400", "HOW"], 2, ["1.2.3.400"]),
    (["issue", "fe80::1%eth0", "HOW"], 2, ["fe80::1%eth0"]),
    (["issue", "localhost", "HOW"], 2, ["localhost"]),
    (["issue", "../../etc/passwd", "HOW"], 2, []),
    (["issue", "https://example.com/", "HOW"], 2, []),
    (["issue", "*.example.com", "HOW"], 2, ["*.example.com", "dns-01"]),
    (["issue", "*.example.com", "--webroot", "/tmp"], 2, ["dns-01"]),
    (["issue", "*.example.com", "--alpn", ":4443"], 2, ["dns-01"]),
    (["issue", "*.example.com", "--manual", "--challenge", "http-01"], 2, ["dns-01"]),
    (["issue", "127.0.0.1", "--manual", "--challenge", "dns-01"], 2, ["127.0.0.1"]),
    (["issue", "NAME", "--manual", "--challenge", "nonsense-01"], 2, ["nonsense-01"]),
    (["issue", *[f"n{i}.example.com" for i in range(101)], "HOW"], 2, ["100"]),
    (["issue", "NAME", "HOW", "--key-type", "rsa1024"], 2, ["rsa1024", "rsa2048"]),
    (["issue", "NAME", "HOW", "--key-type", "ed25519"], 2, ["ed25519", "ec256"]),
    (["issue", "NAME", "HOW", "--signature", "md5"], 2, ["md5", "sha256"]),
    (["issue", "NAME", "HOW", "--key-policy", "never"], 2, ["never", "same"]),
    (["issue", "NAME", "HOW", "--keystore", "bks"], 2, ["bks", "pkcs12"]),
    (["issue", "NAME", "HOW", "--keystore", "pkcs12"], 2, ["--keystore-password-file"]),
    (["issue", "NAME", "HOW", "--country", "Germany"], 2, ["Germany"]),
    (["issue", "NAME", "HOW", "--renew-before", "soon"], 2, ["soon", "15d"]),
    (["issue", "NAME", "HOW", "--renew-before", "0d"], 2, ["0d"]),
    (["issue", "NAME", "HOW", "--renew-before", "3/2"], 2, ["3/2"]),
    (["issue", "NAME", "HOW", "--renew-before", "1/0"], 2, ["1/0"]),
    (["issue", "NAME", "HOW", "--account", "nosuch"], (1, 2), ["nosuch"]),
    (["issue", "NAME", "HOW", "--ca", "nosuchca"], 2, ["nosuchca", "letsencrypt"]),
    (["issue", "NAME", "--webroot", "/nonexistent/folder"], (1, 2), ["/nonexistent/folder"]),
    (["issue", "NAME", "--webroot", "/etc/passwd"], (1, 2), ["/etc/passwd"]),
    (["issue", "NAME", "--standalone", "256.1.1.1:80"], 2, []),
    (["issue", "NAME", "--standalone", "127.0.0.1:70000"], 2, ["70000"]),
    (["issue", "NAME", "HOW", "--key", "/nonexistent"], (1, 2), ["/nonexistent"]),
    (["issue", "NAME", "HOW", "--key", "/etc/passwd"], (1, 2), ["/etc/passwd"]),
    (["issue", "NAME", "HOW", "--csr", "/nonexistent"], (1, 2), ["/nonexistent"]),
    (["issue", "NAME", "HOW", "--csr", "/etc/passwd"], (1, 2), ["/etc/passwd"]),
    (["issue", "NAME", "HOW", "--keystore", "jks", "--keystore-password-file", "/nonexistent"], (1, 2), ["/nonexistent"]),
    (["issue", "--from", "/nonexistent", "HOW"], (1, 2), ["/nonexistent"]),
    (["issue", "--from", "/etc/passwd", "HOW"], (1, 2), ["1"]),
    (["issue", "--from", "/dev/null", "HOW", "--jobs", "0"], 2, ["--jobs"]),
    (["issue", "--from", "/dev/null", "HOW", "--jobs", "x"], 2, ["--jobs"]),
    (["issue", "NAME", "HOW", "--subject-email", "not an address"], 2, ["not an address"]),
    (["renew", "nosuch"], 1, ["nosuch"]),
    (["renew", "--days", "-5"], 2, ["--days"]),
    (["renew", "--days", "x"], 2, ["--days"]),
    (["show"], 2, []),
    (["show", "nosuch"], 1, ["nosuch", "list"]),
    (["log", "nosuch"], 1, ["nosuch"]),
    (["delete", "nosuch"], 1, ["nosuch"]),
    (["set", "nosuch", "--key-type", "ec384"], 1, ["nosuch"]),
    (["revoke", "nosuch", "--reason", "because"], 2, ["because", "superseded"]),
    (["list", "--status", "nosuch"], 2, ["nosuch", "issued"]),
    (["list", "--expiring", "x"], 2, ["--expiring"]),
    (["check", "--days", "x"], 2, ["--days"]),
    (["export", "nosuch", "--format", "nosuch"], 2, ["nosuch", "pkcs12"]),
    (["export", "nosuch", "--part", "nosuch"], 2, ["nosuch", "fullchain"]),
    (["account", "show", "nosuch"], 1, ["nosuch"]),
    (["account", "export", "nosuch"], 1, ["nosuch"]),
    (["account", "default", "nosuch"], 1, ["nosuch"]),
    (["account", "import", "/nonexistent", "--ca", "lab"], (1, 2), ["/nonexistent"]),
    (["account", "import", "/etc/passwd", "--ca", "lab"], (1, 2), ["/etc/passwd"]),
    ([*REGISTER, "--ca", "nosuchca"], 2, ["nosuchca"]),
    ([*REGISTER, "--ca", "lab", "--key-type", "dsa"], 2, ["dsa"]),
    ([*REGISTER, "--ca", "lab", "--eab-kid", "x"], 2, ["--eab-hmac-file"]),
    (["account", "register", "--ca", "lab", "--agree-tos", "--email", "nobody"], (1, 2), ["nobody"]),
    (["ca", "add", "letsencrypt", "https://127.0.0.1:1/"], (1, 2), ["letsencrypt"]),
    (["ca", "add", "x", "not-a-url"], 2, ["not-a-url"]),
    (["ca", "add", "x", "https://127.0.0.1:1/", "--http-port", "70000"], 2, ["70000"]),
    (["ca", "add", "x", "https://127.0.0.1:1/", "--resolver", "nonsense"], 2, ["nonsense"]),
    (["ca", "add", "x", "https://127.0.0.1:1/", "--ca-bundle", "/nonexistent"], (1, 2), ["/nonexistent"]),
    (["ca", "delete", "nosuch"], (1, 2), ["nosuch"]),
    (["ca", "show", "nosuch"], (1, 2), ["nosuch"]),
    (["--config", "/nonexistent", "list"], 2, ["/nonexistent"]),
    (["--state"], 2, ["--state"]),
    (["--ca-bundle", "/nonexistent", *REGISTER, "--ca", "https://127.0.0.1:1/dir"], (1, 2), ["/nonexistent"]),
    (["issue", "NAME", "--hook", "/bin/true", "--challenge", "http-01"], 2, ["--well-known"]),
]


@pytest.mark.parametrize("args,status,words", WRONG, ids=[" ".join(row[0])[:60] for row in WRONG])
def test_wrong(everleaf, pebble, name, args, status, words):
    filled = []
    for word in args:
        filled += everleaf.standalone() if word == "HOW" else [word.replace("NAME", name)]
    before, orders = everleaf.snapshot(), pebble.orders()
    result = everleaf.run(*filled, status=status)
    lines = [line for line in result.err.splitlines() if line.strip()]
    assert lines and len(lines) <= 2, f"one line is wanted (and perhaps one of usage)\n{result}"
    for word in words:
        assert word.replace("NAME", name) in result.err, f"{word!r} is not in it\n{result}"
    assert everleaf.snapshot() == before and pebble.orders() == orders


def test_port_in_use(everleaf, pebble, name):
    with socket.create_server(("127.0.0.1", pebble.http_port)):
        orders = pebble.orders()
        error = everleaf.error("issue", name, *everleaf.standalone(), status=1)
    assert str(pebble.http_port) in error and "use" in error
    assert pebble.orders() == orders, "seen before the CA is asked"


def test_unwritable_web_root(everleaf, pebble, name):
    """/proc takes no files from anybody, root included."""
    orders = pebble.orders()
    error = everleaf.error("issue", name, "--webroot", "/proc/self", status=1)
    assert "/proc/self" in error and pebble.orders() == orders


def test_key_that_does_not_fit_the_request(everleaf, tmp_path, name):
    one, two = new_key(tmp_path, name="one"), new_key(tmp_path, name="two")
    openssl("req", "-new", "-key", one, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-out",
            tmp_path / "csr")
    before = everleaf.snapshot()
    everleaf.error("issue", name, "--key", two, "--csr", tmp_path / "csr", *everleaf.standalone(), status=(1, 2))
    assert everleaf.snapshot() == before


@pytest.mark.parametrize("algorithm,option", [("RSA", "rsa_keygen_bits:1024"), ("EC", "ec_paramgen_curve:P-521"),
                                              ("ED25519", None)])
def test_key_of_a_kind_no_ca_takes(everleaf, tmp_path, name, algorithm, option):
    openssl("genpkey", "-algorithm", algorithm, *(["-pkeyopt", option] if option else []), "-out", tmp_path / "key")
    before = everleaf.snapshot()
    everleaf.error("issue", name, "--key", tmp_path / "key", *everleaf.standalone(), status=(1, 2))
    assert everleaf.snapshot() == before


def test_key_with_a_pass_phrase_says_so(everleaf, tmp_path, name):
    key = new_key(tmp_path)
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", tmp_path / "locked")
    assert "pass" in everleaf.error("issue", name, "--key", tmp_path / "locked", *everleaf.standalone(), status=(1, 2)).lower()


@pytest.mark.parametrize("line,word", [("good.example.com > ", "2"), ("a.example.com > b c", "2"), ("exa mple!.com", "2"),
                                       ("x.example.com > ../up", "2"), ("one.example.com > same", "same")])
def test_list_of_names_with_a_wrong_line(everleaf, pebble, tmp_path, line, word):
    path = tmp_path / "names"
    path.write_text(f"first.example.com > same\n{line}\n")
    before, orders = everleaf.snapshot(), pebble.orders()
    error = everleaf.error("issue", "--from", path, *everleaf.standalone(), status=(1, 2))
    assert word in error and everleaf.snapshot() == before and pebble.orders() == orders


@pytest.mark.parametrize("text", ["proxy: [", "nosuchsetting: 1\n", "- a\n- b\n", "proxy: {a: b}\n", "a: &x [*x]\n"])
def test_wrong_configuration(everleaf, tmp_path, text):
    path = tmp_path / "everleaf.yaml"
    path.write_text(text)
    assert str(path) in everleaf.error("--config", path, "list", status=2)


def test_secret_in_the_argument_list_is_no_option(everleaf, name):
    for option in ("--keystore-password", "--password", "--eab-hmac"):
        everleaf.error("issue", name, option, "secret", *everleaf.standalone(), status=2)
