"""acme.sh's provider scripts: every helper function they call, held against acme.sh's own; what a script may see, keep
and do; and scripts of Debian's package, unmodified."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pwd
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from env import Everleaf
from env.dnsapi_lab import Taker, acme_sh, defined, open_folder, with_acme_sh  # noqa: F401
from env.everleaf import BINARY
from env.process import wait_until

NAME = "_acme-challenge.www.example.org"
ONE = "ZV8mF0hXwzmjZ0Jyh6W3kX6wAqJ0M1-one_0123456"
TWO = "q9dK2m7bTtGqYx0uQyqT5o3pLh-dS8d2two_0123456"
ROOT = os.geteuid() == 0
SECRET = "the-key-0123456789-is-secret"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="scripts need curl")
as_root = pytest.mark.skipif(not ROOT, reason="only root can change the user of a child")


@pytest.fixture(scope="module")
def taker():
    with Taker() as server:
        yield server


@pytest.fixture(autouse=True)
def clean(taker):
    taker.reset()


class Account:
    """A DNS account of a script written for the test."""

    def __init__(self, box, taker):
        self.box, self.taker = box, taker
        self.folder = box.folder / "dnsapi"
        self.folder.mkdir()
        self.path = self.folder / "dns_x.sh"

    def script(self, add=":", rm=":", head=""):
        self.path.write_text(f"#!/usr/bin/env sh\n{head}\ndns_x_add() {{\n{add}\n}}\ndns_x_rm() {{\n{rm}\n}}\n")
        self.path.chmod(0o644)
        return self

    def credentials(self, **settings):
        environment = {"FAKE": self.taker.url, **settings.pop("environment", {})}
        lines = {"script": str(self.path), "propagation": "none", **settings}
        lines = {key: value for key, value in lines.items() if value is not None}
        text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())
        text += "environment:\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in environment.items())
        path = self.box.folder / "credentials.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def add(self, **settings):
        self.box.run("dns", "add", "dnsapi", "acct", "--credentials", self.credentials(**settings))
        return self

    def present(self, *values, name=NAME, **options):
        return self.box.run("dns", "present", "acct", name, *(values or (ONE,)), **options)

    def cleanup(self, *values, name=NAME, **options):
        return self.box.run("dns", "cleanup", "acct", name, *(values or (ONE,)), **options)

    def error(self, *values, action="present", **options):
        return self.box.error("dns", action, "acct", NAME, *(values or (ONE,)), status=1, **options)


@pytest.fixture
def box(tmp_path):
    return Everleaf(tmp_path / "everleaf")


@pytest.fixture
def account(box, taker):
    return Account(box, taker)


def send(name, command):
    """Shell text that sends a command's output as the result `name`."""
    return f'{{ {command}\n}} >"$LE_WORKING_DIR/out"; _post "$(base64 -w 0 <"$LE_WORKING_DIR/out")" "$FAKE/result/{name}" >/dev/null'


# ---- the helper functions

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


# ---- HTTP

def test_requests_as_the_server_sees_them(account, taker):
    account.script(add="""
        export _H1="Authorization: Bearer $KEY" _H2='X-Quotes: "a\\b"' _H5="X-Five: 5"
        _post 'a=1&b=@file "q"' "$FAKE/one?x=$KEY&y=%20[1]" >/dev/null || return 1
        _post '{"x":1}' "$FAKE/two" "" PUT "application/json" >/dev/null || return 1
        _post '@/etc/passwd' "$FAKE/three" "" PATCH >/dev/null || return 1
        _post '' "$FAKE/four" "" DELETE >/dev/null || return 1
        unset _H1 _H2 _H5
        _get "$FAKE/five" >/dev/null || return 1
        _get "$FAKE/six" onlyheader >/dev/null || return 1
        _post "$(printf 'line 1\\nline 2')" "$FAKE/seven" >/dev/null
    """).add(environment={"KEY": account.box.secret(SECRET), "USER_AGENT": "mine/1.0"}).present()
    by = {r.path.strip("/"): r for r in taker.requests}
    assert by["one"].method == "POST" and by["one"].body == b'a=1&b=@file "q"'
    assert by["one"].target == f"/one?x={SECRET}&y=%20[1]"
    assert by["one"].headers["authorization"] == f"Bearer {SECRET}"
    assert by["one"].headers["x-quotes"] == '"a\\b"' and by["one"].headers["x-five"] == "5"
    assert by["one"].headers["content-type"] == "application/x-www-form-urlencoded"
    assert by["one"].headers["user-agent"] == "mine/1.0"
    assert (by["two"].method, by["two"].body, by["two"].headers["content-type"]) == ("PUT", b'{"x":1}', "application/json")
    assert (by["three"].method, by["three"].body) == ("PATCH", b"@/etc/passwd")
    assert (by["four"].method, by["four"].body) == ("DELETE", b"")
    assert by["five"].method == "GET" and "authorization" not in by["five"].headers
    assert by["six"].method == "HEAD"
    assert by["seven"].body == b"line 1\nline 2"


def test_answers_as_the_script_sees_them(account, taker):
    account.script(add=f"""
        {send("body", '_get "$FAKE/answer?body=hello"')}
        _get "$FAKE/answer?body=x" >/dev/null; cp "$HTTP_HEADER" h; {send("header", "cat h")}
        {send("cookie", 'grep -i "^set-cookie" h | _egrep_o "session=[^;]*"')}
        {send("onlyheader", '_get "$FAKE/answer?body=hello" onlyheader')}
        {send("base64", '_post "" "$FAKE/answer?body=hello" needbase64')}
        {send("moved", '_get "$FAKE/moved"')}
        {send("refused", '_get "$FAKE/answer?status=404&body=nothing"; echo " $?"; cp "$HTTP_HEADER" h')}
        {send("code", 'grep "^HTTP" h | _tail_n 1 | cut -d " " -f 2')}
        {send("nobody", '_get "http://127.0.0.1:1/" "" 2 2>/dev/null; echo $?')}
        ACME_HTTP_NO_REDIRECTS=1; {send("stays", '_get "$FAKE/moved"; grep -ci "^location:" "$HTTP_HEADER"')}
        {send("dig", 'EVERLEAF_DOH="$FAKE/answer"; _ns_lookup example.org TXT; echo $?')}
    """).add().present()
    assert taker.result("body") == "hello"
    assert taker.result("header").startswith("HTTP/1.1 200") and "X-Answer: yes\r\n" in taker.result("header")
    assert taker.result("cookie") == "session=abc\n"
    assert taker.result("onlyheader").startswith("HTTP/1.1 200") and "hello" not in taker.result("onlyheader")
    assert taker.result("base64") == base64.b64encode(b"hello").decode()
    assert taker.result("moved") == "found"
    assert taker.result("refused") == "nothing 0\n" and taker.result("code") == "404\n"
    assert taker.result("nobody") == "7\n"
    assert taker.result("stays") == "1\n"


def test_a_name_is_looked_up_over_https(account, taker):
    found = '{"Status":0,"Answer":[{"name":"example.org","type":16,"data":"\\"a b\\""},{"name":"example.org","type":16,"data":"c"}]}'
    taker.spoil((200, {}, found), path="/doh")
    taker.spoil((200, {}, '{"Status":3,"Authority":[{"name":"org"}]}'), path="/doh")
    account.script(add=f'EVERLEAF_DOH="$FAKE/doh"; {send("some", "_ns_lookup example.org TXT")}; {send("none", "_ns_lookup example.net TXT")}')
    account.add().present()
    assert taker.result("some").splitlines() == ['{"name":"example.org","type":16,"data":"\\"a b\\""}',
                                                 '{"name":"example.org","type":16,"data":"c"}']
    assert taker.result("none") == ""
    request = taker.seen("GET", "/doh")[0]
    assert request.headers["accept"] == "application/dns-json" and request.query == {"name": ["example.org"], "type": ["TXT"]}


def test_an_own_authority_or_none(account, taker, lab, open_folder):
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.certificate, lab.key)
    with Taker(tls=context) as secure:
        bundle = shutil.copy(lab.root, open_folder / "root.pem")
        account.script(add=f"""
            {send("strict", f'_get "{secure.url}/answer?body=x" >/dev/null 2>&1; echo $?')}
            CA_BUNDLE="$BUNDLE"; {send("trusted", f'_get "{secure.url}/answer?body=x"')}
            CA_BUNDLE=; HTTPS_INSECURE=1; {send("insecure", f'_get "{secure.url}/answer?body=y"')}
        """).add(environment={"BUNDLE": str(bundle)}).present()
        secure.errors.clear()  # the refused handshake
    assert taker.result("strict") == "60\n"
    assert taker.result("trusted") == "x" and taker.result("insecure") == "y"


# ---- what a script keeps

def test_what_is_kept_comes_back(account, taker, box):
    box.secret("kept-secret-value-01")
    account.script(head='KEY="${KEY:-$(_readaccountconf_mutable KEY)}"', add=f"""
        {send("key", 'printf "%s" "$KEY"')}; {send("plain", 'printf "%s" "$PLAIN"')}; {send("lines", "_readaccountconf_mutable LINES")}
        {send("domain", "_readdomainconf D")}; {send("gone", "_readaccountconf_mutable GONE; echo $?")}
        _saveaccountconf_mutable KEY "kept-secret-value-01" || return 1
        _saveaccountconf PLAIN "plain's value"
        _saveaccountconf_mutable LINES "$(printf 'a\\nb "c" $d')" base64
        _savedomainconf D "of $1"
        _saveaccountconf_mutable GONE x; _clearaccountconf_mutable GONE
        _savedomainconf E x; _cleardomainconf E; _saveaccountconf F x; _clearaccountconf F
    """, rm=f"""{send("rm-key", 'printf "%s" "$KEY"')}; {send("rm-domain", "_readdomainconf D")}; _clearaccountconf PLAIN""").add()
    account.present()
    assert taker.result("key") == "" and taker.result("gone") == "1\n" and taker.result("domain") == ""
    account.cleanup()
    assert taker.result("rm-key") == "kept-secret-value-01" and taker.result("rm-domain") == f"of {NAME}"
    account.present(name="_acme-challenge.other.example.org")
    assert taker.result("key") == "kept-secret-value-01" and taker.result("plain") == ""
    assert taker.result("domain") == "", "one name sees what another one kept"
    assert taker.result("lines") == 'a\nb "c" $d' and taker.result("gone") == "1\n"
    account.present()
    assert taker.result("plain") == "plain's value" and taker.result("domain") == f"of {NAME}"


def test_an_account_s_settings_count_more_than_what_is_kept(account, taker):
    account.script(add=f"""{send("key", 'printf "%s" "$KEY"')}; _saveaccountconf KEY old""").add(environment={"KEY": "new"})
    account.present()
    account.present()
    assert taker.result("key") == "new"


def test_kept_also_when_the_script_fails(account, taker):
    account.script(add='_saveaccountconf_mutable TOKEN registered-0001; return 1', rm=send("t", "_readaccountconf_mutable TOKEN")).add()
    account.error()
    account.cleanup()
    assert taker.result("t") == "registered-0001"


def test_no_secret_in_clear(account, box):
    """Neither the account's settings nor what a script keeps can be read in any file of the state folder."""
    kept = box.secret("kept-" + "k3pt" * 8)
    box.secret(SECRET)
    account.script(add=f'_saveaccountconf_mutable TOKEN "{kept[:9]}""{kept[9:]}"').add(environment={"KEY": SECRET}).present()
    for where, data in [("the store", box.stored()), *((path, path.read_bytes()) for path in box.state.rglob("*") if path.is_file())]:
        for secret in (kept, SECRET):
            assert secret.encode() not in data and base64.b64encode(secret.encode())[:-4] not in data, f"in {where}"
    shown = box.json("dns", "show", "acct")
    assert SECRET not in json.dumps(shown) and kept not in json.dumps(shown)


@pytest.mark.parametrize("key", ["../up", "a/b", "", ".", "a b", "-rf"])
def test_a_key_is_no_path(account, taker, key):
    account.script(add=send("r", f"_saveaccountconf '{key}' x >/dev/null 2>&1; echo $?")).add()
    account.present()
    assert taker.result("r") == ("0\n" if key == "-rf" else "1\n")


# ---- what a script may see and do

def user_name():
    try:
        return pwd.getpwnam("everleaf-dnsapi").pw_name
    except KeyError:
        return "nobody"


@as_root
def test_runs_as_a_user_of_its_own(account, taker):
    account.script(add=f"{send('id', 'id -un; id -G')}; {send('status', 'grep -e ^NoNewPrivs -e ^CapEff /proc/self/status')}").add()
    account.present()
    assert taker.result("id").splitlines() == [user_name(), str(pwd.getpwnam(user_name()).pw_gid)]
    assert taker.result("status").split() == ["CapEff:", "0" * 16, "NoNewPrivs:", "1"]


@as_root
def test_a_user_can_be_named(account, taker):
    account.script(add=send("id", "id -un")).add(user="daemon").present()
    assert taker.result("id") == "daemon\n"


@as_root
@pytest.mark.parametrize("user,words", [("root", "not run as root"), ("no-such-user", 'no user "no-such-user"')])
def test_a_wrong_user_is_refused(account, box, user, words):
    line = box.error("dns", "add", "dnsapi", "acct", "--credentials", account.script().credentials(user=user), status=2)
    assert words in line


def test_sees_nothing_of_ours(account, box, taker):
    box.env["EVERLEAF_TOKEN"] = box.secret("token-of-our-own-01")
    box.env["MY_SECRET"] = box.secret("secret-of-our-own-02")
    outside = box.folder / "outside"
    outside.write_text("nothing for scripts")
    outside.chmod(0o666)
    account.script(add=f"""
        {send("env", "env")}
        {send("fds", "for fd in /proc/self/fd/*; do readlink $fd; done | grep -c -E 'everleaf.db|memfd|socket'")}
        {send("key", f'cat {box.state}/*.key {box.state}/everleaf.db 2>/dev/null | wc -c')}
        {send("list", f'ls {box.state} 2>/dev/null | wc -l')}
        {send("parent", 'cat "/proc/$EVERLEAF_PID/environ" 2>/dev/null | wc -c')}
        {send("outside", f'cat {outside} 2>/dev/null | wc -c; (echo x >{outside}) 2>/dev/null; echo $?')}
        {send("pwd", 'pwd; ls -ld . | cut -c 1-10')}
    """, rm=send("rest", "ls -A")).add()
    # the parent's number can be found in any case: it is told here to make the test sharp
    account.script(add=account.path.read_text().split("dns_x_add() {")[1].split("\n}\ndns_x_rm")[0].replace(
        "$EVERLEAF_PID", "$(grep PPid /proc/$(grep PPid /proc/self/status | cut -f 2)/status | cut -f 2)"), rm=send("rest", "ls -A"))
    account.present()
    account.cleanup()
    environment = taker.result("env")
    assert "token-of-our-own" not in environment and "secret-of-our-own" not in environment and "EVERLEAF" not in environment
    assert taker.result("fds") == "0\n"
    assert taker.result("key") == "0\n" and taker.result("list") == "0\n", "the state folder can be read"
    assert taker.result("parent") == "0\n", "the environment of Everleaf can be read"
    assert taker.result("outside") == "0\n2\n"
    assert outside.read_text() == "nothing for scripts"
    folder, mode = taker.result("pwd").splitlines()
    assert mode == "drwx------" and not Path(folder).parent.exists(), "the working folder is left"
    assert set(taker.result("rest").split()) <= {".everleaf", "domain", "http.header", "out"}, "something of the call before"


@as_root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv")
def test_not_as_root_landlock_keeps_the_state(taker, open_folder):
    """Everleaf as an ordinary user: the script runs as that user, and yet cannot read the state folder."""
    if not walled():
        pytest.skip("this kernel has no Landlock")
    nobody = pwd.getpwnam("nobody")
    box = Everleaf(open_folder / "everleaf")
    account = Account(box, taker)
    binary = open_folder / "everleaf-program"
    shutil.copy(BINARY, binary)
    binary.chmod(0o755)
    account.script(add=f"{send('list', f'ls {box.state} 2>/dev/null | wc -l')}; {send('id', 'id -un')}").credentials()
    for path in (box.folder, *box.folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def run(*args):
        done = subprocess.run(["setpriv", "--reuid=nobody", f"--regid={nobody.pw_gid}", "--clear-groups", binary, *args], env=box.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stderr

    run("dns", "add", "dnsapi", "acct", "--credentials", box.folder / "credentials.yaml")
    said = run("dns", "present", "acct", NAME, ONE)
    assert taker.result("id") == "nobody\n" and taker.result("list") == "0\n"
    assert "Everleaf's own user" in said and "Landlock" in said


def walled():
    import ctypes
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) >= 1  # landlock_create_ruleset, version


def test_a_path_in_a_setting_can_be_read(account, taker, open_folder):
    """nsupdate's key file and the like."""
    given, other = open_folder / "given", open_folder / "other"
    for path in (given, other):
        path.write_text("content")
        path.chmod(0o644)
    account.script(add=send("given", 'cat "$KEY_FILE"') + "; " + send("other", f"cat {other} 2>/dev/null"))
    account.add(environment={"KEY_FILE": str(given)}).present()
    assert taker.result("given") == "content"
    assert taker.result("other") == ("" if walled() else "content")


def test_no_secret_in_any_argument_list(account, box, taker):
    """Whatever a script does through the helpers, no program's argument list ever holds a secret."""
    box.secret(SECRET)
    kept = box.secret("kept-" + "q7" * 10)
    seen, stop = set(), threading.Event()

    def look():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                seen.add(path.read_bytes())

    def watch():
        while not stop.is_set():
            look()

    taker.before(lambda request: look())
    account.script(head=f'K="${{K:-$(_readaccountconf_mutable K)}}"', add=f"""
        export _H1="Authorization: $KEY" _H2="X-Kept: $K"
        for i in 1 2 3; do
            _post "key=$KEY&k=$K" "$FAKE/x?key=$KEY" >/dev/null
            _get "$FAKE/answer?body=$KEY" >/dev/null
            printf "%s" "$KEY" | _hmac sha256 "$(printf "%s" "$KEY" | _hex_dump | tr -d " ")" hex >/dev/null
            printf "%s" "$KEY" | _digest sha256 >/dev/null
            printf "%s" "$KEY" | _url_encode >/dev/null
            printf "%s" "$KEY" | _base64 | _dbase64 >/dev/null
            _contains "$KEY" "$KEY" && _startswith "$KEY" "$K"
            printf "%s" "$KEY" | _egrep_o "$KEY" >/dev/null
            _saveaccountconf_mutable K "{kept[:6]}""{kept[6:]}"
            printf "%s" "$KEY" | _json_encode | _json_decode | _normalizeJson >/dev/null
        done
    """, rm=send("k", 'printf "%s" "$K"')).add(environment={"KEY": SECRET})
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        account.present()
        account.present()
    finally:
        stop.set()
        watcher.join()
    account.cleanup()
    assert taker.result("k") == kept
    assert any(b"curl" in line for line in seen) and any(b"dnsapi" in line for line in seen), "nothing was seen at all"
    key_hex = SECRET.encode().hex().encode()
    for line in seen:
        if b"pytest" not in line:
            assert SECRET.encode() not in line and kept.encode() not in line and key_hex not in line, line


def test_secrets_are_hidden_in_what_a_script_says(account, box):
    box.secret(SECRET)
    account.script(add="""
        _debug key "$KEY"; _info "the key is $KEY"; echo "on standard output: $KEY"; _secure_debug key "$KEY"
        _err "refused: $KEY" ; return 1
    """).add(environment={"KEY": SECRET})
    result = account.box.run("-vv", "dns", "present", "acct", NAME, ONE, status=1)
    assert "dns_x.sh: the key is ****" in result.err and "dns_x.sh: on standard output: ****" in result.err
    assert "refused: ****" in result.err.splitlines()[-1]
    assert "key='[hidden]'" in result.err


def test_debug_output_only_when_wanted(account, box):
    account.script(add="_debug loud; _debug2 louder; _debug3 loudest; _info told").add()
    assert "loud" not in account.present().err
    told = box.run("-v", "dns", "present", "acct", NAME, ONE).err
    assert "dns_x.sh: told" in told and "loud" not in told
    told = box.run("-vv", "dns", "present", "acct", NAME, ONE).err
    assert "dns_x.sh: loud" in told and "louder" not in told


def test_killed_at_its_limit(account, taker):
    marker = f"everleaf-sleeper-{os.getpid()}"
    account.script(add=f"""(sh -c 'trap "" TERM; while :; do sleep 1; done' {marker}) & _get "$FAKE/answer" >/dev/null; wait""").add(timeout=1)
    started = time.monotonic()
    line = account.error(timeout=30)
    assert "did not end within 1 s and was killed" in line and "dns_x" in line
    assert time.monotonic() - started < 20
    wait_until(lambda: marker.encode() not in b"".join(cmdlines()), "the end of what the script started")
    assert not left()


def test_what_it_leaves_running_is_killed(account):
    marker = f"everleaf-left-{os.getpid()}"
    account.script(add=f"sh -c 'while :; do sleep 1; done' {marker} >/dev/null 2>&1 &").add()
    account.present()
    wait_until(lambda: marker.encode() not in b"".join(cmdlines()), "the end of what the script left")
    assert not left()


def cmdlines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()


def left():
    """Working folders of processes that are no more."""
    return [path for path in Path("/dev/shm").glob("everleaf-dnsapi-*") if not Path(f"/proc/{path.name.split('-')[2]}").exists()]


def test_a_killed_program_s_folder_is_swept(account, box, taker):
    account.script(add='_get "$FAKE/hold" >/dev/null').add()
    process = []
    taker.before(lambda request: (process[0].kill(), process[0].wait()), path="/hold")
    process.append(box.start("dns", "present", "acct", NAME, ONE))
    wait_until(lambda: taker.seen(path="/hold") and process[0].poll() is not None, "the program being killed")
    assert left()
    account.script().present()
    assert not left()


# ---- the contract: names, values, failures

def test_two_values_at_one_name(account, taker):
    account.script(add='_post "name=$1&value=$2" "$FAKE/add" >/dev/null', rm='_post "name=$1&value=$2" "$FAKE/rm" >/dev/null').add()
    account.present(ONE, TWO)
    assert taker.txt_values == {NAME: [ONE, TWO]}
    account.cleanup(TWO)
    assert taker.txt_values == {NAME: [ONE]}
    account.cleanup(ONE)
    assert taker.txt_values == {NAME: []}


def test_names_come_without_dot_in_lower_case(account, taker):
    account.script(add=send("name", 'printf "%s" "$1"')).add()
    account.present(name="_ACME-Challenge.WWW.example.org.")
    assert taker.result("name") == NAME


def test_removal_goes_on_after_a_failure(account, taker):
    account.script(rm=send("rm", 'printf "%s" "$2"') + f'; [ "$2" != {ONE} ]').add()
    account.error(ONE, TWO, action="cleanup")
    assert [value.decode() for value in taker.results["rm"]] == [ONE, TWO]


@pytest.mark.parametrize("add,words", [
    ("_err 'the key is wrong'; return 1", ["dns_x_add ended with status 1: the key is wrong"]),
    ("_err first; _err key value; _info 'not this'; return 3", ["status 3: first;key='value'"]),
    ("echo 'plain words' >&2; return 1", ["status 1: plain words"]),
    ("exit 4", ["status 4"]),
    ("_err \"$(printf 'esc\\033[2Jape')\"; return 1", ["esc?[2Jape"]),
    ("return 1", ["status 1; none of its settings is in `environment`: X_Key X_Other"]),
    ("no_such_program_here", ["status 127", "not found"]),
    ("kill -9 $$; sleep 5", []),
])
def test_a_failing_script_speaks(account, add, words):
    account.script(add=add, head="dns_x_info='X\nSite: x.example\nOptions:\n X_Key The key\n X_Other Another. Optional.\nIssues: none\n'").add()
    line = account.error()
    for word in ["acct", "dnsapi", *words]:
        assert word in line


def test_options_are_not_listed_for_one_who_gave_some(account):
    account.script(add="return 1", head="dns_x_info='X\nOptions:\n X_Key The key\n'").add(environment={"X_Key": "wrong"})
    assert "none of its settings" not in account.error()


@pytest.mark.parametrize("text,words", [
    ("dns_x_rm() { :; }\n", "no function dns_x_add"),
    ("dns_x_add() { if; }\n", "ended with status 2"),
    ("return 1\n", "cannot be read"),
])
def test_a_script_that_is_none(account, text, words):
    account.script().add()
    account.path.write_text(text)
    assert words in account.error()


def test_where_scripts_are_found(account, box, taker):
    account.script(add=send("found", "echo yes"))
    for script in ("dns_x", "dns_x.sh"):
        box.run("dns", "add", "dnsapi", "acct", "--credentials", account.credentials(script=script, folder=[str(account.folder)]))
        account.present()
        box.run("dns", "delete", "acct")
    assert len(taker.results["found"]) == 2
    for script, words in (("dns_y", "no script dns_y.sh in"), ("cf", "a name like dns_cf"), ("sub/dns_x.sh", "whole path"),
                          (str(account.folder), "a name like"), ("dns_x;id", "a name like")):
        line = box.error("dns", "add", "dnsapi", "acct", "--credentials",
                         account.credentials(script=script, folder=[str(account.folder)]), status=2)
        assert words in line


def test_a_script_that_others_can_write_is_refused(account, box):
    account.script().add()
    account.path.chmod(0o646)
    assert "everybody can write" in box.error("dns", "present", "acct", NAME, ONE, status=2)


@as_root
def test_a_script_of_another_user_is_refused(account, box):
    account.script().add()
    os.chown(account.path, pwd.getpwnam("daemon").pw_uid, -1)
    assert "belongs neither to root" in box.error("dns", "present", "acct", NAME, ONE, status=2)


@pytest.mark.parametrize("environment,words", [
    ("[A]", "NAME=VALUE"), ("{'a b': x}", "letters"), ("{A: [secret-in-list]}", "must be a text"), ("{LD_PRELOAD: x}", "cannot be set"),
])
def test_a_wrong_environment_is_told(account, box, environment, words):
    account.script()
    path = box.folder / "wrong.yaml"
    path.write_text(f"script: {account.path}\nenvironment: {environment}\n")
    path.chmod(0o600)
    line = box.error("dns", "add", "dnsapi", "acct", "--credentials", path, status=2)
    assert words in line and "secret-in-list" not in line


@pytest.mark.parametrize("text", ["environment: ['A=1', 'B=two words']", "environment:\n  - A=1\n  - B=two words",
                                  "environment:\n  - A: 1\n  - B: two words", "environment:\n  A: 1\n  B: two words",
                                  "environment: |\n  A=1\n  B=two words", "environment_file: FILE"])
def test_an_environment_in_any_form(account, box, taker, text):
    account.script(add=send("env", 'printf "%s|%s" "$A" "$B"'), head=f"FAKE={taker.url}")
    box.secret_file("env", "A=1\nB=two words")
    path = box.folder / "form.yaml"
    path.write_text(f"script: {account.path}\npropagation: none\n{text.replace('FILE', str(box.folder / 'env'))}\n")
    path.chmod(0o600)
    box.run("dns", "add", "dnsapi", "acct", "--credentials", path)
    account.present()
    assert taker.result("env") == "1|two words"


def test_the_account_is_tried(account, taker):
    account.script(add='_post "name=$1&value=$2" "$FAKE/add" >/dev/null', rm='_post "name=$1&value=$2" "$FAKE/rm" >/dev/null').add()
    account.box.run("dns", "test", "acct", "www.example.org")
    assert taker.seen("POST", "/add") and taker.txt_values == {NAME: []}


# ---- the scripts of Debian's package

def test_every_helper_that_a_script_calls_is_there():
    """Of all functions of acme.sh's own, those that its provider scripts name are known here too."""
    folder = acme_sh()
    theirs = defined((folder / "acme.sh").read_text())
    shim = defined((Path(__file__).parents[2] / "src/dns/dnsapi_shim.sh").read_text())
    scripts = sorted((folder / "dnsapi").glob("dns_*.sh"))
    assert len(scripts) > 150 and len(theirs) > 200
    missing = {}
    for script in scripts:
        text = re.sub(r"(?m)^\s*#.*$", "", script.read_text())
        named = set(re.findall(r"(?<![\w$\"'.{/-])_\w+", text))
        for name in (named & theirs) - shim - defined(text):
            missing.setdefault(name, []).append(script.stem)
    assert missing == {}


def test_every_script_can_be_sourced(account, taker, open_folder):
    """All of them load, each in a shell of its own, and have their two functions."""
    folder = open_folder / "scripts"
    shutil.copytree(acme_sh() / "dnsapi", folder)
    names = sorted(path.stem for path in folder.glob("dns_*.sh"))
    for path in folder.iterdir():
        path.chmod(0o644)
    account.script(add="""
        for script in "$SCRIPTS"/dns_*.sh; do
            name=${script##*/}; name=${name%.sh}
            (. "$script" && _exists ${name}_add && _exists ${name}_rm && echo $name)
        done >good
        """ + send("good", "cat good")).add(environment={"SCRIPTS": str(folder)})
    account.present()
    bad = set(names) - set(taker.result("good").split())
    assert bad <= {"dns_myapi"}, bad
