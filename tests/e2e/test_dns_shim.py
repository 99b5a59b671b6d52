"""acme.sh's provider scripts: what they send and are told, what they keep, how they fail; and the scripts of Debian's package,
unmodified."""

import base64
import json
import os
import pwd
import re
import shutil
from pathlib import Path

import pytest

from env.dnsapi_lab import Taker, acme_sh, defined, open_folder  # noqa: F401
from env.shim import NAME, ONE, SECRET, TWO, account, as_root, box, clean, needs_curl, send, taker  # noqa: F401

pytestmark = needs_curl

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
