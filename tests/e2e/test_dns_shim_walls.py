"""What an acme.sh script may see and do: a user of its own, no secrets in sight, nothing left running."""

import contextlib
import os
import pwd
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from env import Everleaf
from env.dnsapi_lab import open_folder  # noqa: F401
from env.everleaf import BINARY
from env.process import wait_until
from env.shim import Account, NAME, ONE, SECRET, account, as_root, box, clean, needs_curl, send, taker  # noqa: F401

pytestmark = needs_curl


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
