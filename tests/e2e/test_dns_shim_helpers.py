"""acme.sh's provider scripts: every helper function they call, held against acme.sh's own."""

import base64
import hashlib
import hmac
import os
import re
import subprocess
import urllib.parse

import pytest

from env import Everleaf
from env.dnsapi_lab import with_acme_sh
from env.shim import Account, NAME, ONE, account, box, clean, needs_curl, send, taker  # noqa: F401

pytestmark = needs_curl
RSA_KEY = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout.decode()
TEXT = 'He said: "a/b+c&d=e~f*g" \\ äö€\t.'
JSON_TEXT = '{ "a" : "b",\n   "list" : [ {"id": 5} ],\r\n "n" : 7, "o" :{ } }'
BYTES = "".join(f"\\{i:03o}" for i in range(256))

# name, shell text, what it must print (None: only compared with acme.sh's own)
TABLE = [
    ("contains", '_contains "abc.def" "c.d" && echo yes; _contains "abc" "x" || echo no', "yes\nno\n"),
    ("contains-regex", """_contains '{"success": true}' '"success": *true' && echo yes""", "yes\n"),
    ("contains-lines", "_contains \"$(printf 'one\\ntwo')\" '^two$' && echo yes", "yes\n"),
    ("contains-dash", '_contains "a -x b" "-x" && echo yes', "yes\n"),
    ("contains-empty", '_contains "abc" "" && echo yes', "yes\n"),
    ("startswith", '_startswith "abc" "ab" && echo yes; _startswith "abc" "bc" || echo no', "yes\nno\n"),
    ("endswith", '_endswith "abc" "bc" && echo yes; _endswith "abc" "ab" || echo no', "yes\nno\n"),
    ("upper", "printf 'aBc1-ä' | _upper_case", "ABC1-ä"),
    ("lower", "printf 'aBC1-x' | _lower_case", "abc1-x"),
    ("math", '_math 1 + 2; echo; _math "3 * (4 - 1)"; echo; _math 7 / 2', "3\n9\n3"),
    ("egrep_o", """printf '{"id":"12","x":"id"}{"id":"34"}' | _egrep_o '"id":"[0-9]+"'""", '"id":"12"\n"id":"34"\n'),
    ("egrep_o-none", "printf abc | _egrep_o 'x+'; echo $?", "1\n"),
    ("egrep_o-or", "printf 'a=1;b=2' | _egrep_o '(a|b)=[0-9]'", "a=1\nb=2\n"),
    ("head_n", "printf '1\\n2\\n3\\n' | _head_n 2", "1\n2\n"),
    ("tail_n", "printf '1\\n2\\n3\\n' | _tail_n 1", "3\n"),
    ("getfield", '_getfield "a,b,c" 2; echo; _getfield "a b c" 3 " "; echo; _getfield "a=" 2 "="; echo; _getfield "one" 3 ";"',
     "b\nc\na\none"),
    ("hasfield", '_hasfield "a,b" b && echo yes; _hasfield "a,bc" b || echo no; _hasfield "a b" b " " && echo yes', "yes\nno\nyes\n"),
    ("base64", f"printf '%s' '{TEXT}' | _base64", base64.b64encode(TEXT.encode()).decode()),
    ("base64-long", "seq 1 100 | _base64", base64.b64encode("".join(f"{i}\n" for i in range(1, 101)).encode()).decode()),
    ("base64-lines", "seq 1 100 | _base64 multiline", None),
    ("base64-bytes", f"printf '{BYTES}' | _base64", base64.b64encode(bytes(range(256))).decode()),
    ("dbase64", f"printf {base64.b64encode(TEXT.encode()).decode()} | _dbase64", TEXT),
    ("dbase64-long", f"printf {base64.b64encode(b'x' * 300).decode()} | _dbase64", "x" * 300),
    ("dbase64-lines", "seq 1 100 | _base64 multiline | _dbase64 multiline", "".join(f"{i}\n" for i in range(1, 101))),
    ("url_replace", "printf 'a+/b==' | _url_replace", "a-_b"),
    ("durl_replace", "_durl_replace_base64 a-_b", "a+/b\n"),
    ("durl_replace-pad", "_durl_replace_base64 a-_bcd", "a+/bcd==\n"),
    ("hex_dump", "printf 'ab\\n' | _hex_dump", " 61 62 0a"),
    ("hex_dump-long", "seq 1 30 | _hex_dump | tr -d ' '", "".join(f"{i}\n" for i in range(1, 31)).encode().hex()),
    ("h2b", f"printf '{bytes(range(256)).hex()}' | _h2b | od -A n -v -t x1 | tr -d ' \\n'", bytes(range(256)).hex()),
    ("h2b-long", f"printf '{'4142430a' * 300}' | _h2b", "ABC\n" * 300),
    ("h2b-upper", "printf '4A4B4c' | _h2b", "JKL"),
    *[(f"digest-{alg}", f"printf '%s' '{TEXT}' | _digest {alg} hex", hashlib.new(alg, TEXT.encode()).hexdigest() + "\n")
      for alg in ("sha256", "sha1", "md5")],
    ("digest-base64", f"printf '%s' '{TEXT}' | _digest sha256", base64.b64encode(hashlib.sha256(TEXT.encode()).digest()).decode()),
    ("digest-empty", "printf '' | _digest sha256 hex", hashlib.sha256().hexdigest() + "\n"),
    *[(f"hmac-{alg}-{len(key)}", f"printf '%s' '{TEXT}' | _hmac {alg} {key.hex()} hex", hmac.new(key, TEXT.encode(), alg).hexdigest() + "\n")
      for alg in ("sha1", "sha256") for key in (b"k", b"Jefe" * 16, b"x" * 65, bytes(range(1, 200)))],
    ("hmac-bytes", f"printf '%s' '{TEXT}' | _hmac sha256 {b'key'.hex()} | _base64",
     base64.b64encode(hmac.new(b"key", TEXT.encode(), "sha256").digest()).decode()),
    ("url_encode", f"printf '%s' '{TEXT}' | _url_encode", re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(TEXT, safe="-_.~"))),
    ("url_encode-upper", f"printf '%s' '{TEXT}' | _url_encode upper-hex", urllib.parse.quote(TEXT, safe="-_.~")),
    ("normalizeJson", f"printf '%s' '{JSON_TEXT}' | _normalizeJson", None),
    ("sign", 'printf "%s" "$RSA_KEY" >key.pem; printf "%s" "text" | _sign key.pem sha256; rm key.pem', None),
    ("sign-512", 'printf "%s" "$RSA_KEY" >key.pem; printf "%s" "text" | _sign key.pem sha512; rm key.pem', None),
    ("isRSA", 'printf "%s" "$RSA_KEY" >key.pem; _isRSA key.pem >/dev/null && echo yes; rm key.pem', "yes\n"),
    ("utc_date", "_utc_date | grep -c '^20[0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]$'", "1\n"),
    ("time", "_time | grep -c '^1[0-9]*$'", "1\n"),
    ("exists", "_exists sh && echo yes; _exists no-such-program || echo no; _exists _contains && echo yes", "yes\nno\nyes\n"),
    ("idn", "_idn example.org", "example.org"),
    ("mktemp", 'f="$(_mktemp)" && [ -f "$f" ] && echo yes; rm -f "$f"', "yes\n"),
    ("sed_i", "printf 'one\\ntwo\\n' >f; _sed_i 's/two/three/' f; cat f; rm f", "one\nthree\n"),
    ("isIPv4", "_isIPv4 192.0.2.1 && echo yes; _isIPv4 example.org || echo no", "yes\nno\n"),
    ("isIPv6", "_isIPv6 2001:db8::1 && echo yes; _isIPv6 192.0.2.1 || echo no", "yes\nno\n"),
    ("err-status", "_err what >/dev/null 2>&1; echo $?", "1\n"),
    ("green", "__green hello", "hello"),
    ("math-fails-not", "i=1; i=$(_math $i + 1); echo $i", "2\n"),
]
# where ours is meant to differ, or acme.sh has none, or none that is right
OURS_ONLY = {
    "json_encode": ("printf 'a\"b\\\\c\\n\\tä\\001' | _json_encode", 'a\\"b\\\\c\\n\\tä\\u0001'),
    "json_decode": ("""printf '%s' '{"a":"x\\/y","b":"\\u00e4\\u20ac\\ud83d\\ude00","c":"\\"q\\""}' | _json_decode""",
                    '{"a":"x/y","b":"ä€😀","c":""q""}'),
    "sha384": (f"printf '%s' '{TEXT}' | _hmac sha384 {b'key'.hex()} hex", hmac.new(b"key", TEXT.encode(), "sha384").hexdigest() + "\n"),
    "sha512": (f"printf '%s' '{TEXT}' | _hmac sha512 {bytes(range(150)).hex()} | _base64",
               base64.b64encode(hmac.new(bytes(range(150)), TEXT.encode(), "sha512").digest()).decode()),
    "stat": ('_stat "$LE_WORKING_DIR"', None),
    "sleep": ("_sleep 0 && echo slept", "slept\n"),
    "idn-unicode": ("_exists idn2 && _idn bücher.example || printf xn--bcher-kva.example", "xn--bcher-kva.example"),
    "nothing-to-do": ("_inithttp && _resethttp && _log secret && echo done", "done\n"),
    "red": ("__red 'a b'", "a b"),
    "variables": ('for v in HTTP_HEADER ACME_OPENSSL_BIN LE_WORKING_DIR LE_CONFIG_HOME DOMAIN_PATH USER_AGENT HOME TMPDIR; do '
                  'eval "[ \\"\\$$v\\" ] || echo missing $v"; done; [ -d "$DOMAIN_PATH" ] && [ -f "$HTTP_HEADER" ] && echo there',
                  "there\n"),
    "limits": ("ulimit -c; umask", "0\n0077\n"),
    "argument": ('_err_is() { :; }; printf "%s %s" "$1" "$2"', f"{NAME} {ONE}"),
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory, taker):
    """What each row prints in a script that Everleaf runs: one run for all of them."""
    taker.reset()
    account = Account(Everleaf(tmp_path_factory.mktemp("table") / "everleaf"), taker)
    rows = {**{name: text for name, text, _ in TABLE}, **{name: text for name, (text, _) in OURS_ONLY.items()}}
    calls = "\n".join(f'row_{i} "$@" >out; _post "$(base64 -w 0 <out)" "$FAKE/result/{name}" >/dev/null || return 1'
                      for i, name in enumerate(rows))
    head = "\n".join(f"row_{i}() {{\n{text}\n}}" for i, text in enumerate(rows.values()))
    account.script(add=calls, head=head).add(environment={"RSA_KEY": RSA_KEY}).present()
    return {name: values[-1] for name, values in taker.results.items()}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """What each row prints with acme.sh's own functions."""
    folder = tmp_path_factory.mktemp("acme")
    calls = "\n".join(f'row_{i}() {{\n{text}\n}}\nprintf "%s " {name}; row_{i} "$@" 2>/dev/null | base64 -w 0; echo'
                      for i, (name, text, _) in enumerate(TABLE))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LE_WORKING_DIR": str(folder), "RSA_KEY": RSA_KEY, "LANG": "C.UTF-8"}
    lines = with_acme_sh(calls, folder, env).decode().splitlines()
    return {line.split(" ")[0]: base64.b64decode(line.split(" ")[1]) for line in lines if line.count(" ") == 1}


@pytest.mark.parametrize("name,want", [(name, want) for name, _, want in TABLE if want is not None]
                         + [(name, want) for name, (_, want) in OURS_ONLY.items() if want is not None])
def test_helper_prints(printed, name, want):
    assert printed[name].decode() == want


@pytest.mark.parametrize("name", [name for name, _, _ in TABLE])
def test_helper_prints_what_acme_sh_does(printed, theirs, name):
    assert printed[name] == theirs[name]


def test_signatures_verify(printed, tmp_path):
    key, sig, text = tmp_path / "key.pem", tmp_path / "sig", tmp_path / "text"
    key.write_text(RSA_KEY)
    text.write_text("text")
    sig.write_bytes(base64.b64decode(printed["sign"]))
    subprocess.run(["openssl", "dgst", "-sha256", "-prverify", key, "-signature", sig, text], check=True)


def test_an_ec_signature_is_two_numbers(account, taker, tmp_path):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    account.script(add=f'printf "%s\n" "$EC_KEY" >key.pem; for i in 1 2 3 4 5 6; do {send("sig", "printf text | _sign key.pem sha256")}; done')
    account.add(environment={"EC_KEY": pem.decode()}).present()
    for result in taker.results["sig"]:
        raw = base64.b64decode(result)
        assert len(raw) == 64
        signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.public_key().verify(signature, b"text", ec.ECDSA(hashes.SHA256()))
