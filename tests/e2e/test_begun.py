"""What was begun and not finished: killed, refused, restored from a backup, held by another, or stopped by a hook."""

import re
import time
from datetime import datetime

import pytest

from env import Everleaf, FaultProxy, Pebble
from env.bind import Bind
from env.certs import assert_good, load, same_serial
from env.gate import SlowDns, SlowWeb
from env.nameserver import Key
from env.process import wait_until
from env.proxy import problem
from test_renew import PAST, serial, set_window

KILLED = 137
MOST = 400


def later(seconds):
    return {"EVERLEAF_CLOCK_OFFSET_S": str(seconds)}


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def key_of(everleaf, name):
    return load(everleaf.live(name, "cert.pem")).public_key().public_numbers()


def let_time_pass(everleaf):
    """What waits for its hour is due now."""
    everleaf.sql("update certs set retry_at = 0, hook_retry_at = 0")
    everleaf.sql("update certs set ari_check_at = 1 where ari_check_at > 1")  # 0: the CA has no such information
    everleaf.sql("update jobs set run_at = 1 where run_at > 0")


def steps_of(log):
    return [line.split()[1] for line in log.read_text().splitlines()]


def with_failing_hook(everleaf, folder, name):
    hook = script(folder / "deploy", f"echo called >> {folder}/calls; test ! -e {folder}/broken")
    everleaf.issue(name, "--deploy-hook", hook)
    (folder / "broken").touch()
    assert everleaf.json("renew", name, "--force", status=1)["renewed"] == [name]
    return everleaf


def n_calls(folder):
    return (folder / "calls").read_text().count("called")


def is_due(everleaf, seconds):
    """Whether a daemon would take it up, so many seconds from now."""
    (run_at,), = everleaf.sql("select run_at from jobs")
    return run_at <= time.time() + seconds


@pytest.fixture
def hooked(everleaf, tmp_path, name):
    """A certificate that has been renewed while its deploy hook failed, and goes on failing."""
    return with_failing_hook(everleaf, tmp_path, name)


@pytest.mark.parametrize("named", [False, True], ids=["by cron", "by name"])
def test_failing_hook_repeated_is_no_renewal(hooked, name, named):
    before = serial(hooked, name)
    let_time_pass(hooked)
    told = hooked.json("renew", *([name] if named else []), status=(1, 3))
    assert told["renewed"] == told["issued"] == []
    assert [row["name"] for row in told["failed"]] == [name]
    assert serial(hooked, name) == before


def test_failing_hook_does_not_stop_what_is_due(hooked, pebble, name):
    before = serial(hooked, name)
    set_window(hooked, pebble, name, PAST)
    let_time_pass(hooked)
    assert hooked.json("renew", status=(1, 3))["renewed"] == [name]
    assert serial(hooked, name) != before


def at(everleaf, name, seconds):
    """The clock of a run so many seconds after the renewal is due."""
    renew_at = datetime.fromisoformat(everleaf.show(name)["renew_at"].replace("Z", "+00:00")).timestamp()
    return {"EVERLEAF_CLOCK_OFFSET_S": str(int(renew_at + seconds - time.time()))}


def test_renewal_is_due_when_it_is_due_whatever_its_hooks_wait_for(hooked, name):
    before = serial(hooked, name)
    for seconds, failures in ((-900, 2), (-290, 3)):
        told = hooked.json("renew", status=(1, 3), env=at(hooked, name, seconds))
        assert [row["name"] for row in told["failed"]] == [name] and not told["renewed"]
        assert hooked.show(name)["hook_failures"] == failures
    assert hooked.json("renew", env=at(hooked, name, -60))["failed"] == [], "its hooks wait for 20 minutes now"
    assert hooked.json("renew", status=(1, 3), env=at(hooked, name, 10))["renewed"] == [name]
    assert serial(hooked, name) != before and hooked.show(name)["hook_failures"] == 1


def test_failing_hook_is_not_tried_before_its_time(hooked, pebble, tmp_path, name):
    before, calls = serial(hooked, name), n_calls(tmp_path)
    hooked.sql("update certs set ari_check_at = 1")
    hooked.sql("update jobs set run_at = 1")
    assert hooked.json("renew")["unchanged"] == [name] and n_calls(tmp_path) == calls, "the CA was asked, and that was all"
    assert hooked.json("renew", name, status=1)["failed"] and n_calls(tmp_path) == calls + 1, "somebody wants it"
    set_window(hooked, pebble, name, PAST)
    hooked.sql("update certs set ari_check_at = 1")
    hooked.sql("update jobs set run_at = 1")
    assert hooked.json("renew", status=(1, 3))["renewed"] == [name]
    assert serial(hooked, name) != before and n_calls(tmp_path) == calls + 2, "once, for the new one"


REFUSED = {"refused": problem(403, "unauthorized", "not today"),
           "left open": problem(429, "rateLimited", "not today", {"Retry-After": "86400"})}


@pytest.mark.parametrize("what", REFUSED)
def test_mended_hook_is_done_with_whatever_became_of_the_renewal(make_everleaf, proxy, tmp_path, name, what):
    everleaf = with_failing_hook(make_everleaf(proxy), tmp_path, name)
    with proxy.spoiling("/finalize-order/", REFUSED[what]) as rule:
        everleaf.run("renew", name, "--force", status=None)
    assert rule.seen == 1
    shown = everleaf.show(name)
    assert (shown["failures"], shown["hook_failures"]) == (3, 2)
    assert "not today" in shown["last_error"]
    everleaf.json("renew", status=(1, 3), env=later(700))
    shown = everleaf.show(name)
    assert (shown["failures"], shown["hook_failures"]) == (4, 3)
    assert not is_due(everleaf, 700) and is_due(everleaf, 2000), "its hooks"
    assert "not today" in shown["last_error"], "that they fail does not hide why it is not renewed"
    (tmp_path / "broken").unlink()
    calls = n_calls(tmp_path)
    everleaf.run("renew", env=later(2000))
    shown = everleaf.show(name)
    assert n_calls(tmp_path) == calls + 1
    assert (shown["failures"], shown["hook_failures"], shown["hook_retry_at"]) == (1, 0, None)
    assert "not today" in shown["last_error"]
    assert not is_due(everleaf, 3600)
    everleaf.run("renew", name, "--force")
    assert everleaf.show(name)["last_error"] is None


def test_script_that_fails_at_every_call_is_not_due_for_ever(everleaf, nginx, tmp_path, name):
    """Its first call is for the whole turn: it does not come to what had failed."""
    folder = nginx.web_root / ".well-known/acme-challenge"
    folder.mkdir(parents=True)
    hook = script(tmp_path / "hook", f'test "$1" != deploy_cert || test ! -e {tmp_path}/broken')
    everleaf.run("issue", name, "--hook", hook, "--challenge", "http-01", "--well-known", folder)
    (tmp_path / "broken").touch()
    assert everleaf.json("renew", name, "--force", status=1)["renewed"] == [name]
    script(hook, "exit 1")
    everleaf.run("renew", status=None, env=later(400))
    assert everleaf.show(name)["failures"] == 2
    assert not is_due(everleaf, 400) and is_due(everleaf, 800)


@pytest.mark.parametrize("command", ["renew", "issue"])
def test_failing_hook_does_not_stop_what_is_asked_for(hooked, pebble, tmp_path, name, command):
    before = serial(hooked, name)
    words = ["renew", name, "--force"] if command == "renew" else ["issue", name, f"www.{name}", *hooked.standalone()]
    assert hooked.json(*words, status=(1, 3))["renewed"] == [name]
    assert serial(hooked, name) != before
    assert hooked.show(name)["domains"] == ([name] if command == "renew" else [name, f"www.{name}"])
    (tmp_path / "broken").unlink()
    let_time_pass(hooked)
    hooked.run("renew")
    assert hooked.show(name)["last_error"] is None
    assert_good(hooked.live(name), pebble.root_file())


def test_database_from_a_backup(everleaf, pebble, name):
    """Its next version has a number that a folder of the lost time has: that folder must not become live."""
    everleaf.issue(name)
    kept = everleaf.kept()
    everleaf.run("renew", name, "--force")
    lost = serial(everleaf, name)
    everleaf.put_back(kept)
    everleaf.run("renew", name, "--force")
    assert serial(everleaf, name) != lost
    assert same_serial(everleaf.show(name)["serial"], load(everleaf.live(name, "cert.pem")))
    assert_good(everleaf.live(name), pebble.root_file())


@pytest.mark.parametrize("status,kind", [(403, "unauthorized"), (400, "malformed"), (404, "malformed")])
def test_order_that_the_ca_refuses(make_everleaf, proxy, name, status, kind):
    everleaf = make_everleaf(proxy)
    everleaf.json("issue", name, "--manual", "--challenge", "dns-01")
    (url,), = everleaf.sql("select url from orders")
    with proxy.spoiling(url.split("/", 3)[3], problem(status, kind, "no such order")) as rule:
        everleaf.issue(name, "--force")
    assert rule.seen > 0
    assert everleaf.sql("select url from orders where state in ('new', 'open')") == []
    assert len(proxy.seen("/order-plz", "POST")) == 2
    assert_good(everleaf.live(name), proxy.root_file())


def test_order_of_an_account_that_was_deleted(everleaf, pebble, name):
    """Another account under the same name: the order is not its own."""
    everleaf.json("issue", name, "--manual", "--challenge", "dns-01")
    row, = everleaf.json("account", "list")
    everleaf.run("account", "delete", row["name"], "--yes")
    everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", row["name"])
    everleaf.issue(name, "--force")
    assert_good(everleaf.live(name), pebble.root_file())


def test_compromised_key_of_a_begun_renewal(make_everleaf, proxy, name):
    """The request that waits was made with the key that is revoked meanwhile."""
    everleaf = make_everleaf(proxy)
    everleaf.issue(name, "--key-policy", "same")
    compromised = key_of(everleaf, name)
    everleaf.run_killed(proxy, "/finalize-order/", "renew", name, "--force")
    everleaf.run("revoke", name, "--reason", "keyCompromise")
    everleaf.issue(name, "--force")
    assert key_of(everleaf, name) != compromised
    assert everleaf.show(name)["status"] == "issued"
    assert_good(everleaf.live(name), proxy.root_file())


def test_lease_lives_as_long_as_its_process(everleaf, pebble, nginx, tmp_path, name):
    """However late it is: a computer that slept, or a clock that was set, takes nothing from a process that works."""
    orders = pebble.orders()
    folder, calls, go = nginx.web_root / ".well-known/acme-challenge", tmp_path / "calls", tmp_path / "go"
    folder.mkdir(parents=True)
    hook = script(tmp_path / "hook", f'case $1 in *_challenge) echo "$1" >>{calls} ;; esac\nn=0\n'
                  f'while test "$1" = deploy_challenge && test ! -e {go} && test $n -lt 200; do sleep 0.05; n=$((n + 1)); done')
    first = everleaf.start("issue", name, "--hook", hook, "--challenge", "http-01", "--well-known", folder)
    wait_until(calls.exists, "the hook to be called")
    everleaf.sql("update jobs set lease_until = ?", int(time.time()) - 1)
    second = everleaf.start("renew", name)
    told = second.stderr.readline()
    go.touch()
    for process in (first, second):
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert "waiting" in told and str(first.pid) in told, "the second says for whom it waits"
    assert calls.read_text().split() == ["deploy_challenge", "clean_challenge"]
    assert pebble.orders() - orders == 1
    assert_good(everleaf.live(name), pebble.root_file())


AUTHZ_DONE = re.compile(r"authz \S+ set (?:IN)?VALID by completed challenge")
LOOKS = 3  # requests by which Pebble looks at one challenge
# what the next process asks when the CA sees something at last
SEES = pytest.mark.parametrize("when", ["/my-order/", "/chalZ/"], ids=["when it is resumed", "when it is answered again"])


def kill_while_the_ca_looks(everleaf, gate, *words):
    process = everleaf.start(*words)
    wait_until(lambda: gate.held >= LOOKS, "the CA to look")
    process.kill()
    process.communicate(timeout=10)


def finish(everleaf, proxy, gate, when, *words):
    """The next process; while it asks for that the CA sees what there is."""
    done = len(AUTHZ_DONE.findall(proxy.log()))

    def see(handler, exchange):
        gate.open()
        wait_until(lambda: len(AUTHZ_DONE.findall(proxy.log())) > done, "the CA to have seen it")
        handler.forward(exchange)
        handler.pass_on(exchange)

    with proxy.spoiling(when, see, nth=1, method="POST") as rule:
        done_run = everleaf.run(*words)
    assert rule.seen >= 1, done_run
    return done_run


def killed_while_the_ca_looks(everleaf, proxy, gate, when, *words):
    """The first process is killed while the CA is looking; the second one, started at once, ends with the same order."""
    orders, made = proxy.orders(), proxy.certificates()
    kill_while_the_ca_looks(everleaf, gate, *words)
    second = finish(everleaf, proxy, gate, when, *words)
    assert (proxy.orders() - orders, proxy.certificates() - made) == (1, 1), second
    assert everleaf.sql("select id from challenges") == []


@SEES
@pytest.mark.parametrize("renewal", [False, True], ids=["issue", "renew"])
def test_killed_while_the_ca_reads_the_web_root(make_everleaf, proxy, tmp_path, name, renewal, when):
    """Folders that the killed process had made go too."""
    everleaf, root = make_everleaf(proxy), tmp_path / "www"
    root.mkdir()
    words = ["issue", name, "--webroot", root, "--no-preflight"]
    if renewal:
        everleaf.issue(name)
        everleaf.run("set", name, "--webroot", root, "--no-preflight")
        words = ["renew", name, "--force"]
    with SlowWeb(proxy.http_port, root) as web:
        killed_while_the_ca_looks(everleaf, proxy, web, when, *words)
    assert list(root.iterdir()) == []
    assert_good(everleaf.live(name), proxy.root_file())


CUT_SHORT = """case $1 in
deploy_challenge) echo "$1" >>{calls}; printf %s "$4" >{folder}/$3 ;;
clean_challenge)
    echo "$1" >>{calls}; rm -f {folder}/$3
    if test -e {cut_short}; then {how}; fi ;;
esac"""


@pytest.mark.parametrize("how", ["rm {0}; kill -9 $PPID", "exit 1"], ids=["killed", "failed"])
def test_taking_away_that_was_cut_short_is_done_again_and_it_is_published_anew(make_everleaf, proxy, tmp_path, name, how):
    """The order is pending still: the CA is not told to look for what is there no more."""
    everleaf, folder, calls = make_everleaf(proxy), tmp_path / "www/.well-known/acme-challenge", tmp_path / "calls"
    folder.mkdir(parents=True)
    cut_short = tmp_path / "cut-short"
    hook = script(tmp_path / "hook", CUT_SHORT.format(folder=folder, calls=calls, cut_short=cut_short, how=how.format(cut_short)))
    (tmp_path / "config").write_text("wait_s: 2\n")
    words = ["issue", name, "--hook", hook, "--challenge", "http-01", "--well-known", folder, "--no-preflight"]
    orders = proxy.orders()
    cut_short.touch()
    with SlowWeb(proxy.http_port, tmp_path / "www") as web:
        first = everleaf.start("--config", tmp_path / "config", *words)
        told = first.communicate(timeout=60)
        assert first.returncode == (75 if how == "exit 1" else -9), told
        assert everleaf.sql("select state from challenges") == [("about",)], told
        cut_short.unlink(missing_ok=True)
        second = finish(everleaf, proxy, web, "/chalZ/", *words)
    assert proxy.orders() - orders == 1, second
    done = calls.read_text().split()
    assert done[0] == "deploy_challenge" and done.count("deploy_challenge") == 2
    assert done[-3:] == ["clean_challenge", "deploy_challenge", "clean_challenge"]
    assert list(folder.iterdir()) == [] and everleaf.sql("select id from challenges") == []
    assert_good(everleaf.live(name), proxy.root_file())


def texts(folder):
    """Of the files in it, whoever writes there at the time."""
    try:
        return [path.read_text() for path in folder.iterdir()]
    except FileNotFoundError:
        return []


@pytest.mark.parametrize("how", ["hook", "webroot"])
def test_account_key_changed_while_the_ca_looks(make_everleaf, proxy, tmp_path, name, how):
    """What was published speaks of the former key: it is taken away, and what speaks of the new one takes its place."""
    everleaf, folder, calls = make_everleaf(proxy), tmp_path / "www/.well-known/acme-challenge", tmp_path / "calls"
    folder.mkdir(parents=True)
    hook = script(tmp_path / "hook", f'case $1 in *_challenge) echo "$1 $4" >>{calls} ;; esac')
    words = ["issue", name, "--no-preflight", *(["--webroot", tmp_path / "www"] if how == "webroot" else
                                                ["--hook", hook, "--challenge", "http-01", "--well-known", folder])]
    with SlowWeb(proxy.http_port, tmp_path / "www") as web:
        kill_while_the_ca_looks(everleaf, web, *words)
        (former,), = everleaf.sql("select value from challenges")
        everleaf.run("account", "rollover", everleaf.sql("select name from accounts")[0][0])
        second = everleaf.start(*words)
        wait_until(lambda: [(text,) for text in texts(folder)] == everleaf.sql("select value from challenges where value != ?", former) != [],
                   "the new value, and nothing else, to be there")
        web.open()
        second.communicate(timeout=60)  # how it ends is the CA's: which key it had in mind when it was asked first
    assert everleaf.sql("select id from challenges") == [] and texts(folder) == []
    if how == "hook":
        did = [line.split() for line in calls.read_text().splitlines()]
        assert did[:2] == [["deploy_challenge", former], ["clean_challenge", former]]
        assert did[2][0] == "deploy_challenge" and did[2][1] != former


@SEES
@pytest.mark.parametrize("chain", [False, True], ids=["one by one", "chain"])
def test_killed_while_the_ca_reads_what_a_hook_wrote(make_everleaf, proxy, tmp_path, name, chain, when):
    """What was deployed is not deployed again, and cleaned once."""
    everleaf, folder, calls = make_everleaf(proxy), tmp_path / "www/.well-known/acme-challenge", tmp_path / "calls"
    folder.mkdir(parents=True)
    hook = script(tmp_path / "hook", f'case $1 in *_challenge) echo "$@" >>{calls} ;; esac')
    with SlowWeb(proxy.http_port, tmp_path / "www") as web:
        killed_while_the_ca_looks(everleaf, proxy, web, when, "issue", name, "--hook", hook, "--challenge", "http-01", "--well-known",
                                  folder, "--no-preflight", *(["--hook-chain"] if chain else []))
    deployed, cleaned = [line.split() for line in calls.read_text().splitlines()]
    assert (deployed[0], cleaned[0]) == ("deploy_challenge", "clean_challenge") and deployed[1:] == cleaned[1:]
    assert list(folder.iterdir()) == []
    assert_good(everleaf.live(name), proxy.root_file())


@SEES
def test_killed_while_the_ca_asks_the_dns(tmp_path, lab, make_everleaf, name, when):
    key = Key.new("home")
    with Bind(tmp_path / "bind", [key], ["example.com"]) as bind, SlowDns(bind) as dns, \
            Pebble(tmp_path / "pebble", lab, dns.address) as pebble, FaultProxy(pebble, lab) as proxy:
        everleaf, before = make_everleaf(proxy), bind.whole()
        path = tmp_path / "credentials.yaml"
        path.write_text(f"server: {bind.server}\nservers: {bind.server}\nresolvers: {bind.server}\n"
                        f"key_name: {key.name}\nkey_secret: {key.secret}\n")
        everleaf.run("dns", "add", "rfc2136", "home", "--credentials", path)
        killed_while_the_ca_looks(everleaf, proxy, dns, when, "issue", name, "--dns", "home", "--no-preflight")
        assert bind.whole() == before
        assert_good(everleaf.live(name), proxy.root_file())


@SEES
def test_killed_when_one_of_two_names_was_validated(make_everleaf, proxy, tmp_path, new_name, when):
    """Nobody looks for that one's any more: it is taken away, and the other's is left alone."""
    everleaf, root, (quick, slow) = make_everleaf(proxy), tmp_path / "www", (new_name(), new_name())
    root.mkdir()
    words = ["issue", quick, slow, "--webroot", root, "--no-preflight"]
    orders, done = proxy.orders(), len(AUTHZ_DONE.findall(proxy.log()))
    with SlowWeb(proxy.http_port, root, slow) as web:
        first = everleaf.start(*words)
        wait_until(lambda: web.held >= LOOKS and len(AUTHZ_DONE.findall(proxy.log())) > done, "the CA to have looked at one")
        first.kill()
        first.communicate(timeout=10)
        assert len(list(root.rglob("acme-challenge/*"))) == 2
        finish(everleaf, proxy, web, when, *words)
    assert proxy.orders() - orders == 1
    assert list(root.iterdir()) == [] and everleaf.sql("select id from challenges") == []


def test_settings_changed_after_it_was_killed(make_everleaf, proxy, tmp_path, name):
    """The order is gone on with elsewhere; what was published in the former place is taken away."""
    everleaf, roots = make_everleaf(proxy), [tmp_path / "former", tmp_path / "now"]
    for root in roots:
        root.mkdir()
    orders = proxy.orders()
    with SlowWeb(proxy.http_port, roots[1]) as web:
        kill_while_the_ca_looks(everleaf, web, "issue", name, "--webroot", roots[0], "--no-preflight")
        assert list(roots[0].rglob("acme-challenge/*"))
        finish(everleaf, proxy, web, "/chalZ/", "issue", name, "--webroot", roots[1], "--no-preflight")
    assert proxy.orders() - orders == 1
    assert not list(roots[0].iterdir()) and not list(roots[1].iterdir())


def test_killed_and_never_gone_on_with(everleaf, pebble, tmp_path, name):
    """A run that cannot go on with the order leaves nothing of it published."""
    root = tmp_path / "www"
    root.mkdir()
    with SlowWeb(pebble.http_port, root) as web:
        kill_while_the_ca_looks(everleaf, web, "issue", name, "--webroot", root, "--no-preflight")
    assert list(root.rglob("acme-challenge/*"))
    everleaf.run("renew", status=(1, 3, 75), env={"https_proxy": "http://127.0.0.1:1"})
    assert list(root.iterdir()) == [] and everleaf.sql("select id from challenges") == []


def test_failed_commit_changes_nothing(everleaf, pebble, tmp_path, new_name):
    """Each commit of an issuance fails once: what is said to be issued has its version, and the next run ends well."""
    log = tmp_path / "steps"
    Everleaf(tmp_path / "whole", everleaf.ca, everleaf.lab, like=everleaf).issue(new_name(), env={"EVERLEAF_FAULT_LOG": str(log)})
    commits = [n for n, kind in enumerate(steps_of(log), 1) if kind == "commit"]
    assert len(commits) >= 5
    failed = 0
    for n in commits:
        copy, name = Everleaf(tmp_path / f"n{n}", everleaf.ca, everleaf.lab, like=everleaf), new_name()
        first = copy.run("issue", name, *copy.standalone(), status=None, env={"EVERLEAF_FAULT": f"fail:{n}"})
        failed += first.status != 0
        for row in copy.json("list"):
            (n_versions,), = copy.sql("select count(*) from versions")
            assert row["status"] != "issued" or n_versions == 1, f"step {n}\n{first}"
        copy.issue(name)
        assert copy.show(name)["status"] == "issued"
        assert_good(copy.live(name), pebble.root_file())
    assert failed > 0, "no commit that matters was met"


@pytest.mark.kill
def test_killed_issuance_is_found_by_renew(everleaf, pebble, nginx, tmp_path, new_name):
    """Cron's `renew` alone, with no name, finds what was killed, finishes it, and knows when to come again."""
    found = 0
    for n in range(1, MOST, 3):
        copy, name = Everleaf(tmp_path / f"n{n}", everleaf.ca, everleaf.lab, like=everleaf), new_name()
        first = copy.run("issue", name, "--webroot", nginx.web_root, status=None, env={"EVERLEAF_FAULT": f"exit:{n}"})
        if first.status == KILLED and not copy.sql("select 1 from certs"):
            continue  # killed before there was anything to find
        if first.status == KILLED:
            found += 1
            second = copy.run("renew")
        assert copy.show(name)["status"] == "issued", f"step {n}\n{second}"
        assert_good(copy.live(name), pebble.root_file())
        (check_at, run_at), = copy.sql("select ari_check_at, run_at from certs join jobs on subject = name")
        assert check_at > 0 and run_at > time.time(), f"step {n}\n{second}"
        assert not list(nginx.web_root.rglob("acme-challenge/*"))
        if first.status != KILLED:
            break
    assert found >= 10


def test_killed_dry_run_is_swept(bare, proxy, lab, nginx, tmp_path, name):
    bare.run("ca", "add", "staging", proxy.directory, "--ca-bundle", lab.root, "--resolver", proxy.dns,
             "--http-port", proxy.http_port)
    bare.run("ca", "add", "lab", "https://127.0.0.1:1/dir", "--staging", "staging", "--ca-bundle", lab.root)
    bare.run_killed(proxy, "/chalZ/", "issue", name, "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--dry-run",
                    "--webroot", nginx.web_root)
    assert list(nginx.web_root.rglob("acme-challenge/*")), "it was killed with its token published"
    bare.run("renew")
    assert not list(nginx.web_root.rglob("acme-challenge/*"))
    assert bare.names() == []
