"""Hook scripts: dehydrated's contract call by call, certbot's variables for deploy hooks."""

import base64
import json
import stat

import pytest

from env.certs import assert_good, dns_names, load

# Notes every call, with its environment, as one JSON line; publishes and cleans like a real one.
HOOK = r'''#!/usr/bin/python3
import json, os, sys, urllib.request
with open({log!r}, "a") as log:
    log.write(json.dumps({{"args": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(),
                          "fds": sorted(os.listdir("/proc/self/fd"))}}) + "\n")
def post(command, **body):
    urllib.request.urlopen(urllib.request.Request({url!r} + "/" + command, json.dumps(body).encode()), timeout=10).read()
name, args = (sys.argv[1:] + [""])[0], sys.argv[2:]
fail = {fail!r}
if fail and name == fail:
    sys.stderr.write("the hook does not like it\n")
    sys.exit(7)
for i in range(0, len(args) - 2, 3):
    if name == "deploy_challenge" and os.environ.get("CHALLENGETYPE") != "http-01":
        post("set-txt", host="_acme-challenge." + args[i] + ".", value=args[i + 2])
    if name == "clean_challenge" and os.environ.get("CHALLENGETYPE") != "http-01":
        post("clear-txt", host="_acme-challenge." + args[i] + ".")
    if name == "deploy_challenge" and {www!r}:
        folder = {www!r} + "/.well-known/acme-challenge"
        os.makedirs(folder, exist_ok=True)
        open(os.path.join(folder, args[i + 1]), "w").write(args[i + 2])
    if name == "clean_challenge" and {www!r}:
        try:
            os.unlink({www!r} + "/.well-known/acme-challenge/" + args[i + 1])
        except FileNotFoundError:
            pass
'''
PROBE = "this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script"


class Hook:
    def __init__(self, folder, dns, fail="", www=""):
        self.path, self.log = folder / "hook", folder / "hook.log"
        self.path.write_text(HOOK.format(log=str(self.log), url=dns.url, fail=fail, www=str(www)))
        self.path.chmod(0o755)

    @property
    def calls(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def named(self, name):
        return [call for call in self.calls if call["args"][:1] == [name]]

    @property
    def names(self):
        return [call["args"][0] for call in self.calls]


@pytest.fixture
def make_hook(tmp_path, dns):
    def make(**settings):
        folder = tmp_path / f"hook{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return Hook(folder, dns, **settings)

    return make


@pytest.mark.option("issue", "--hook")
def test_dns_hook(everleaf, make_hook, pebble, new_name):
    hook = make_hook()
    one, two = new_name(), new_name()
    everleaf.run("issue", one, two, "--hook", hook.path)
    assert_good(everleaf.live(one), pebble.root_file())
    assert hook.named("startup_hook")
    deployed, cleaned = hook.named("deploy_challenge"), hook.named("clean_challenge")
    assert sorted(call["args"][1] for call in deployed) == sorted([one, two])
    for call in deployed:
        assert len(call["args"]) == 4 and len(base64.urlsafe_b64decode(call["args"][3] + "=")) == 32
    assert sorted(call["args"] [1:] for call in cleaned) == sorted(call["args"][1:] for call in deployed)
    assert hook.names.index("clean_challenge") > max(i for i, name in enumerate(hook.names) if name == "deploy_challenge")
    assert hook.names[-1] == "exit_hook" and hook.names.count("exit_hook") == 1
    assert PROBE in hook.names


def test_environment_of_the_hook(everleaf, make_hook, new_name):
    hook = make_hook()
    name = new_name()
    everleaf.env["SECRET_OF_THE_SHELL"] = "do not hand me on"
    everleaf.run("issue", name, "--hook", hook.path, "--key-type", "ec384")
    env = hook.named("deploy_challenge")[0]["env"]
    assert env["CHALLENGETYPE"] == "dns-01" and env["KEY_ALGO"] == "secp384r1"
    assert env["BASEDIR"] and env["CERTDIR"] and "WELLKNOWN" in env and "CONFIG" in env and env["COMMAND"] == "sign_domains"
    assert "ALPNCERTDIR" in env and env["PRIVATE_KEY_ROLLOVER"] in ("yes", "no")
    assert name in env["altnames"] and env["alias"] == name
    for call in hook.calls:
        assert "SECRET_OF_THE_SHELL" not in call["env"]
        assert "EVERLEAF_STATE" not in call["env"]
        assert len(call["fds"]) <= 5, "no open files are handed down"


def test_deploy_cert_and_unchanged_cert(everleaf, make_hook, new_name):
    hook = make_hook()
    name = new_name()
    everleaf.run("issue", name, "--hook", hook.path)
    call, = hook.named("deploy_cert")
    domain, key, cert, fullchain, chain, timestamp = call["args"][1:]
    live = everleaf.live(name)
    assert domain == name and timestamp.isdigit()
    assert [key, cert, fullchain, chain] == [str(live / f"{part}.pem") for part in ("privkey", "cert", "fullchain", "chain")]
    assert not hook.named("unchanged_cert")
    everleaf.run("issue", name, "--hook", hook.path)
    assert len(hook.named("deploy_cert")) == 1
    call, = hook.named("unchanged_cert")
    assert call["args"][1:] == [name, key, cert, fullchain, chain]
    everleaf.run("renew", name, "--force")
    assert len(hook.named("deploy_cert")) == 2


@pytest.mark.option("issue", "--hook-chain")
def test_hook_chain(everleaf, make_hook, new_name):
    hook = make_hook()
    one, two = new_name(), new_name()
    everleaf.run("issue", one, two, "--hook", hook.path, "--hook-chain")
    call, = hook.named("deploy_challenge")
    assert len(call["args"]) == 7 and sorted(call["args"][1::3]) == sorted([one, two])
    call, = hook.named("clean_challenge")
    assert len(call["args"]) == 7


def test_wildcard_with_its_apex(everleaf, make_hook, pebble, name):
    """Two values in one record set at the same time."""
    hook = make_hook()
    everleaf.run("issue", name, f"*.{name}", "--hook", hook.path)
    assert dns_names(load(everleaf.live(name, "cert.pem"))) == [f"*.{name}", name]
    calls = hook.named("deploy_challenge")
    assert [call["args"][1] for call in calls] == [name, name]
    assert calls[0]["args"][3] != calls[1]["args"][3]


def test_wildcard_has_a_folder_without_a_star(everleaf, make_hook, name):
    everleaf.run("issue", f"*.{name}", "--hook", make_hook().path)
    assert everleaf.names() == [f"_wildcard.{name}"]
    assert everleaf.live(f"_wildcard.{name}", "cert.pem").exists()


@pytest.mark.option("issue", "--challenge", "--well-known")
def test_http_hook(everleaf, make_hook, nginx, name):
    """As dehydrated: the file is written below WELLKNOWN before the hook is called."""
    hook = make_hook()
    folder = nginx.web_root / ".well-known/acme-challenge"
    folder.mkdir(parents=True)
    everleaf.run("issue", name, "--hook", hook.path, "--challenge", "http-01", "--well-known", folder)
    call, = hook.named("deploy_challenge")
    domain, token, value = call["args"][1:]
    assert domain == name and value.startswith(token + ".") and call["env"]["CHALLENGETYPE"] == "http-01"
    assert call["env"]["WELLKNOWN"].rstrip("/") == str(folder)
    assert not list(folder.iterdir())


def test_http_hook_that_publishes_itself(everleaf, make_hook, nginx, tmp_path, name):
    hook = make_hook(www=nginx.web_root)
    (tmp_path / "well-known").mkdir()
    everleaf.run("issue", name, "--hook", hook.path, "--challenge", "http-01", "--well-known", tmp_path / "well-known")
    assert not list((nginx.web_root / ".well-known/acme-challenge").iterdir())


def test_invalid_challenge_and_cleaning_up(everleaf, make_hook, dns, name):
    hook = make_hook()
    dns.set_servfail(f"_acme-challenge.{name}")
    everleaf.run("issue", name, "--hook", hook.path, status=1)
    call, = hook.named("invalid_challenge")
    assert call["args"][1] == name and len(call["args"]) == 3 and call["args"][2]
    assert hook.named("clean_challenge") and not hook.named("deploy_cert")
    assert hook.names[-1] == "exit_hook" and len(hook.calls[-1]["args"]) == 2, "exit_hook gets the error"


def test_failing_hook_stops_the_run(everleaf, make_hook, pebble, name):
    hook = make_hook(fail="deploy_challenge")
    error = everleaf.error("issue", name, "--hook", hook.path, status=1)
    assert "deploy_challenge" in error and "7" in error and "does not like it" in error
    assert not hook.named("deploy_cert") and everleaf.show(name)["status"] == "failed"


def test_request_failure(make_everleaf, proxy, make_hook, name):
    from env.proxy import problem

    hook = make_hook()
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz", problem(403, "rejectedIdentifier", "we do not serve this"), method="POST")
    everleaf.run("issue", name, "--hook", hook.path, status=1)
    call = hook.named("request_failure")[0]
    assert call["args"][1] == "403" and "we_do_not_serve_this" in call["args"][2].replace(" ", "_") and call["args"][3].lower() == "post"


def test_hook_that_rejects_unknown_names_is_refused(everleaf, tmp_path, pebble, name):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\ncase $1 in deploy_challenge|clean_challenge) ;; *) exit 1;; esac\n")
    broken.chmod(0o755)
    orders = pebble.orders()
    error = everleaf.error("issue", name, "--hook", broken, status=(1, 2))
    assert "unknown" in error
    assert pebble.orders() == orders


@pytest.mark.parametrize("what", ["missing", "not executable", "a folder"])
def test_hook_that_cannot_be_run(everleaf, tmp_path, name, what):
    path = tmp_path / "nohook"
    if what == "not executable":
        path.write_text("#!/bin/sh\n")
    elif what == "a folder":
        path.mkdir()
    error = everleaf.error("issue", name, "--hook", path, status=(1, 2))
    assert str(path) in error
    assert everleaf.names() == []


DEPLOY = '#!/bin/sh\n{{ echo "$RENEWED_LINEAGE"; echo "$RENEWED_DOMAINS"; id -u; pwd; env; }} >> {log}\n{more}\n'


def deploy_hook(folder, name="deploy", more=""):
    path, log = folder / name, folder / f"{name}.log"
    path.write_text(DEPLOY.format(log=log, more=more))
    path.chmod(0o755)
    return path, log


@pytest.mark.option("issue", "--deploy-hook")
def test_deploy_hooks(everleaf, tmp_path, new_name):
    one, two = new_name(), new_name()
    first, first_log = deploy_hook(tmp_path, "first")
    second, second_log = deploy_hook(tmp_path, "second")
    everleaf.env["SECRET_OF_THE_SHELL"] = "do not hand me on"
    everleaf.issue(one, two, "--deploy-hook", first, "--deploy-hook", second)
    for log in (first_log, second_log):
        lines = log.read_text().splitlines()
        assert lines[0] == str(everleaf.live(one)) and lines[1].split() == [one, two]
        assert "SECRET_OF_THE_SHELL" not in log.read_text()
        log.unlink()
    everleaf.run("renew", one)
    assert not first_log.exists(), "not for one that did not change"
    everleaf.run("renew", one, "--force")
    assert first_log.exists() and second_log.exists()


def test_deploy_hook_sees_the_new_certificate_live(everleaf, tmp_path, name):
    hook, log = deploy_hook(tmp_path, more=f'cp "$RENEWED_LINEAGE/cert.pem" {tmp_path}/seen.pem')
    everleaf.issue(name, "--deploy-hook", hook)
    assert (tmp_path / "seen.pem").read_text() == everleaf.live(name, "cert.pem").read_text()


def test_failing_deploy_hook_is_told_and_takes_nothing_back(everleaf, tmp_path, pebble, name):
    bad, _ = deploy_hook(tmp_path, "bad", "echo it went wrong >&2; exit 5")
    good, good_log = deploy_hook(tmp_path, "good")
    result = everleaf.run("issue", name, "--deploy-hook", bad, "--deploy-hook", good, *everleaf.standalone(), status=None)
    assert result.status in (0, 1) and str(bad) in result.err and "it went wrong" in result.err
    assert_good(everleaf.live(name), pebble.root_file())
    assert everleaf.show(name)["status"] == "issued" and good_log.exists()
    assert "it went wrong" in json.dumps(everleaf.json("log", name))


def test_deploy_hook_that_is_not_there(everleaf, tmp_path, name):
    error = everleaf.error("issue", name, "--deploy-hook", tmp_path / "nothing", *everleaf.standalone(), status=(1, 2))
    assert "nothing" in error and everleaf.names() == []


@pytest.mark.option("set", "--hook", "--hook-chain", "--webroot", "--alpn")
def test_set_changes_the_method(everleaf, make_hook, pebble, tmp_path, name):
    everleaf.issue(name)
    hook = make_hook()
    everleaf.run("set", name, "--hook", hook.path, "--hook-chain")
    everleaf.run("renew", name, "--force")
    assert hook.named("deploy_challenge")
    everleaf.run("set", name, "--alpn", pebble.tls_address)
    everleaf.run("renew", name, "--force")
    assert everleaf.show(name)["method"] == "alpn"
    (tmp_path / "www").mkdir()
    everleaf.run("set", name, "--webroot", tmp_path / "www")
    assert everleaf.show(name)["webroot"] == str(tmp_path / "www")


def test_relative_paths_are_kept_absolute(everleaf, make_hook, tmp_path, name):
    hook = make_hook()
    everleaf.run("issue", name, "--hook", "hook", cwd=hook.path.parent)
    everleaf.run("renew", name, "--force", cwd="/")
    assert len(hook.named("deploy_cert")) == 2
    assert stat.S_ISREG(hook.path.stat().st_mode)
