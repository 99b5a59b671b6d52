"""Jobs: what was asked for is done once however the daemon ends, with the rights its asker has then."""

import signal

import pytest

from env import Serve
from env.api import Api
from env.certs import assert_good, load
from env.client import Refused, user
from env.process import wait_until
from env.ports import free_port
from env.proxy import never
from env.smtp import SmtpServer
from env.tcp import TcpServer

pytestmark = pytest.mark.threads


@pytest.fixture
def config(everleaf, nginx):
    path = everleaf.folder / "everleaf.yaml"
    path.write_text(f"""
webroots:
  - {{name: main, path: {nginx.web_root}}}
deploy_hooks:
  - {{name: wait, path: {everleaf.folder}/wait.sh}}
""")
    everleaf.env["EVERLEAF_CONFIG"] = str(path)
    hook = everleaf.folder / "wait.sh"
    gate = everleaf.folder / "gate"
    hook.write_text(f"#!/bin/sh\necho begun >> {everleaf.folder}/begun\nuntil [ -e {gate} ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    return gate


def begun(everleaf):
    path = everleaf.folder / "begun"
    return path.read_text().count("begun") if path.exists() else 0


def test_a_job_is_begun_at_once_and_a_queued_one_can_be_taken_back(everleaf, config, new_name):
    held, queued = new_name(), new_name()
    with Serve(everleaf, "--jobs", "1") as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        other = user(everleaf, daemon, "other", "admin")
        first = admin.post("/certificates", domains=[held], webroot="main", deploy_hooks=["wait"])
        wait_until(lambda: begun(everleaf) == 1, "its hook")
        assert admin.get(f"/jobs/{first['id']}")["state"] == "running"
        with pytest.raises(Refused) as told:
            admin.delete(f"/jobs/{first['id']}")
        assert told.value.status == 409 and "begun" in told.value.document["detail"]
        second = other.post("/certificates", domains=[queued], webroot="main")
        assert [j["id"] for j in admin.get("/jobs", state="queued")["items"]] == [second["id"]]
        assert [j["id"] for j in admin.all("/jobs", limit=1)] == [second["id"], first["id"]]
        other.delete(f"/jobs/{second['id']}")
        job = other.get(f"/jobs/{second['id']}")
        assert job["state"] == "failed" and "taken back by user:other" in job["error"]["detail"]
        config.touch()
        assert admin.done(first)["issued"] == [held]
        with pytest.raises(Refused):
            admin.get(f"/certificates/{queued}")
    assert everleaf.sql("select count(*) from tasks where input is not null") == [(0,)]


def test_killed_in_the_middle(everleaf, pebble, config, name):
    """The next daemon takes it up: one certificate, one order."""
    orders = pebble.orders()
    daemon = Serve(everleaf).start()
    admin = user(everleaf, daemon, "root", "admin")
    job = admin.post("/certificates", domains=[name], webroot="main", deploy_hooks=["wait"])
    wait_until(lambda: begun(everleaf) == 1, "its hook")
    serial = load(everleaf.live(name, "cert.pem")).serial_number
    daemon.kill()
    config.touch()
    with daemon:
        ended = admin.ended(job)
        assert ended["state"] == "done", ended
        wait_until(lambda: begun(everleaf) == 2, "its hook again")
    assert load(everleaf.live(name, "cert.pem")).serial_number == serial
    assert pebble.orders() == orders + 1
    assert_good(everleaf.live(name), pebble.root_file())


def test_stopped_in_the_middle(everleaf, pebble, config, name):
    """What does not end in time is parked, and done anew by the next daemon."""
    orders = pebble.orders()
    daemon = Serve(everleaf).start()
    admin = user(everleaf, daemon, "root", "admin")
    job = admin.post("/certificates", domains=[name], webroot="main", deploy_hooks=["wait"])
    wait_until(lambda: begun(everleaf) == 1, "its hook")
    daemon.process.terminate()
    wait_until(lambda: "stopping" in daemon.log(), "the first word")
    daemon.stop()  # the second one ends the wait
    assert everleaf.sql("select state, lease from tasks") == [("queued", None)]
    assert everleaf.show(name)["failures"] == 0 and everleaf.sql("select at from events where kind = 'hook-failed'") == []
    config.touch()
    with daemon:
        assert admin.ended(job)["state"] == "done"
    assert pebble.orders() == orders + 1
    assert_good(everleaf.live(name), pebble.root_file())


def test_stopped_after_a_forced_renewal(everleaf, pebble, config, name):
    """Done anew, it does what is left: it is not forced anew."""
    config.touch()
    daemon = Serve(everleaf).start()
    admin = user(everleaf, daemon, "root", "admin")
    admin.done(admin.post("/certificates", domains=[name], webroot="main", deploy_hooks=["wait"]))
    config.unlink()
    orders = pebble.orders()
    job = admin.post(f"/certificates/{name}/renew", force=True)
    wait_until(lambda: begun(everleaf) == 2, "its hook")
    daemon.process.terminate()
    wait_until(lambda: "stopping" in daemon.log(), "the first word")
    daemon.stop()
    assert everleaf.sql("select state from tasks order by id") == [("done",), ("queued",)]
    config.touch()
    with daemon:
        assert admin.done(job)["renewed"] == [name]
        assert begun(everleaf) == 3, "its hook again"
    assert pebble.orders() == orders + 1
    assert_good(everleaf.live(name), pebble.root_file())


# Waits at one call of a hook script, once it is to.
AT_CALL = """#!/bin/sh
[ "$1" = {call} ] && [ -e {folder}/wait ] || exit 0
echo "$1" >> {folder}/waits
until [ -e {folder}/go ]; do sleep 0.05; done
"""


@pytest.mark.parametrize("call", ["deploy_cert", "exit_hook"])
@pytest.mark.parametrize("asked", [{"force": True}, {"days": 36500}, None], ids=["force", "days", "new challenge"])
def test_killed_after_it_has_issued(everleaf, nginx, pebble, tmp_path, name, asked, call):
    """What makes a job issue whatever the state of things does so once: the next daemon takes the job up and ends it well."""
    well_known, hook = nginx.web_root / ".well-known/acme-challenge", tmp_path / "hook"
    well_known.mkdir(parents=True)
    hook.write_text(AT_CALL.format(call=call, folder=tmp_path))
    hook.chmod(0o755)
    everleaf.run("issue", name, "--hook", hook, "--challenge", "http-01", "--well-known", well_known)
    (tmp_path / "wait").touch()
    orders, made = pebble.orders(), pebble.certificates()
    daemon = Serve(everleaf).start()
    admin = user(everleaf, daemon, "root", "admin")
    job = admin.post(f"/certificates/{name}/{'new-challenge' if asked is None else 'renew'}", **(asked or {}))
    wait_until((tmp_path / "waits").exists, call)
    daemon.kill()
    (tmp_path / "go").touch()
    with daemon:
        assert admin.done(job)["renewed"] == [name]
        again = admin.post(f"/certificates/{name}/renew", force=True)
        assert admin.done(again)["renewed"] == [name], "another job is another matter"
    assert (pebble.orders() - orders, pebble.certificates() - made) == (2, 2)
    assert everleaf.show(name)["live_version"] == 3
    assert_good(everleaf.live(name), pebble.root_file())


def renew_as_seen(api, name):
    """A job that renews it, if it is still as it is now."""
    tag = api.get(f"/certificates/{name}").headers["ETag"]
    return api.post(f"/certificates/{name}/renew", {"force": True}, headers={"If-Match": tag}, status=202).json


def test_what_was_changed_before_the_job_was_begun(everleaf, config, new_name):
    """If-Match is compared when the job is taken in, and again when it is done."""
    held, changed, alike = new_name(), new_name(), new_name()
    with Serve(everleaf, "--jobs", "1") as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        api = Api(daemon, admin.token)
        for name in (changed, alike):
            admin.done(admin.post("/certificates", domains=[name], webroot="main"))
        first = admin.post("/certificates", domains=[held], webroot="main", deploy_hooks=["wait"])
        wait_until(lambda: begun(everleaf) == 1, "its hook")
        jobs = [renew_as_seen(api, name) for name in (changed, alike)]
        admin.patch(f"/certificates/{changed}", organization="Another")
        config.touch()
        admin.done(first)
        ended = admin.ended(jobs[0])
        assert ended["state"] == "failed" and ended["error"]["status"] == 412 and ended["error"]["code"] == "changed", ended
        assert admin.done(jobs[1])["renewed"] == [alike]
    assert [everleaf.show(name)["live_version"] for name in (changed, alike)] == [1, 2]


def test_what_is_changed_while_the_job_waits_for_its_turn(everleaf, nginx, tmp_path, name):
    """Somebody else has the certificate's lease, and leaves another version behind."""
    well_known, hook = nginx.web_root / ".well-known/acme-challenge", tmp_path / "hook"
    well_known.mkdir(parents=True)
    hook.write_text(AT_CALL.format(call="deploy_challenge", folder=tmp_path))
    hook.chmod(0o755)
    everleaf.run("issue", name, "--hook", hook, "--challenge", "http-01", "--well-known", well_known)
    (tmp_path / "wait").touch()
    other = everleaf.start("renew", name, "--force")
    wait_until((tmp_path / "waits").exists, "its turn")
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        job = renew_as_seen(Api(daemon, admin.token), name)
        wait_until(lambda: "waiting up to" in daemon.log(), "the job to wait")
        (tmp_path / "go").touch()
        assert admin.ended(job)["error"]["status"] == 412
    _, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    assert everleaf.show(name)["live_version"] == 2


def test_what_the_job_itself_has_changed(everleaf, config, name):
    """Taken up anew, it does not find fault with what it did before."""
    config.touch()
    daemon = Serve(everleaf).start()
    admin = user(everleaf, daemon, "root", "admin")
    admin.done(admin.post("/certificates", domains=[name], webroot="main", deploy_hooks=["wait"]))
    config.unlink()
    job = renew_as_seen(Api(daemon, admin.token), name)
    wait_until(lambda: begun(everleaf) == 2, "its hook")
    daemon.kill()
    config.touch()
    with daemon:
        assert admin.done(job)["renewed"] == [name]
    assert everleaf.show(name)["live_version"] == 2


@pytest.fixture
def held_at(everleaf, nginx, tmp_path, name):
    """held_at(CALL) gives a daemon and an administrator's job that renews a certificate if it is as it was seen; it has come to
    that call of its hook script, in which it stays until the file `go` is there."""
    daemon = Serve(everleaf)

    def start(call):
        well_known, hook = nginx.web_root / ".well-known/acme-challenge", tmp_path / "hook"
        well_known.mkdir(parents=True)
        hook.write_text(AT_CALL.format(call=call, folder=tmp_path))
        hook.chmod(0o755)
        everleaf.run("issue", name, "--hook", hook, "--challenge", "http-01", "--well-known", well_known)
        (tmp_path / "wait").touch()
        daemon.start()
        admin = user(everleaf, daemon, "root", "admin")
        while True:
            job = renew_as_seen(Api(daemon, admin.token), name)
            wait_until(lambda: (tmp_path / "waits").exists() or admin.get(f"/jobs/{job['id']}")["state"] == "done", call)
            if (tmp_path / "waits").exists():
                return daemon, admin, job
            # one in a hundred: Pebble took the valid authorization again, and wants no challenge

    yield start
    daemon.stop()


@pytest.mark.parametrize("changed", [True, False], ids=["changed meanwhile", "left as it was"])
def test_killed_before_it_has_changed_anything(everleaf, held_at, tmp_path, name, changed):
    """Taken up anew, the job rests on what was seen still: nothing goes over what somebody did in between."""
    daemon, admin, job = held_at("startup_hook")
    daemon.kill()
    if changed:
        everleaf.run("set", name, "--organization", "Another")
    (tmp_path / "go").touch()
    daemon.start()
    ended = admin.ended(job)
    if changed:
        assert ended["state"] == "failed" and ended["error"]["status"] == 412 and ended["error"]["code"] == "changed", ended
    else:
        assert ended["result"]["renewed"] == [name], ended
    assert everleaf.show(name)["live_version"] == (1 if changed else 2)


@pytest.mark.parametrize("call", ["deploy_challenge", "deploy_cert"])
def test_killed_after_it_has_changed_something(everleaf, held_at, pebble, tmp_path, name, call):
    """Its order, its challenge or its version is there: that is no reason to refuse itself."""
    daemon, admin, job = held_at(call)
    orders = pebble.orders()
    daemon.kill()
    (tmp_path / "go").touch()
    daemon.start()
    assert admin.done(job)["renewed"] == [name]
    issued = [event["kind"] for event in everleaf.json("log", name)].count("issued")
    assert everleaf.show(name)["live_version"] == issued and pebble.orders() == orders


def test_killed_while_the_ca_is_asked_to_revoke(make_everleaf, proxy, nginx, name):
    """Renewed before the next daemon is there, it is another certificate: that one is not revoked."""
    everleaf = make_everleaf(proxy)
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    daemon = Serve(everleaf).start()
    admin = user(everleaf, daemon, "root", "admin")
    tag = Api(daemon, admin.token).get(f"/certificates/{name}").headers["ETag"]
    with proxy.spoiling("revoke", never()) as asked:
        job = Api(daemon, admin.token).post(f"/certificates/{name}/revoke", {}, headers={"If-Match": tag}, status=202).json
        wait_until(lambda: asked.seen, "the CA to be asked")
        daemon.kill()
    everleaf.run("renew", name, "--force")
    with daemon:
        ended = admin.ended(job)
        assert ended["state"] == "failed" and ended["error"]["status"] == 412, ended
        assert everleaf.show(name)["status"] == "issued"
        tag = Api(daemon, admin.token).get(f"/certificates/{name}").headers["ETag"]
        again = Api(daemon, admin.token).post(f"/certificates/{name}/revoke", {}, headers={"If-Match": tag}, status=202).json
        admin.done(again)
    assert everleaf.show(name)["status"] == "revoked"


def test_however_many_others_are_at_work(everleaf, nginx, name):
    """What is at work on other hosts does not keep a job that waits out of sight."""
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        everleaf.sql("with recursive n(i) as (select 1 union all select i + 1 from n where i < 400) "
                     "insert into tasks (operation, state, input, created_at, lease, lease_until) "
                     "select 'events_verify', 'running', '{}', 1, 'elsewhere|b|1|1|everleaf serve, job|1', 4000000000 from n")
        job = admin.post(f"/certificates/{name}/renew", force=True)
        assert admin.done(job)["renewed"] == [name]


@pytest.mark.sqlite
def test_one_whose_end_cannot_be_written_at_first(everleaf, nginx, name):
    """It ends as soon as it can be, while the daemon goes on."""
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        everleaf.sql("create trigger full before update of ended_at on tasks begin select raise(abort, 'the disk is full'); end")
        job = admin.post(f"/certificates/{name}/renew", force=True)
        wait_until(lambda: f"job {job['id']}: " in daemon.log(), "the first attempt")
        everleaf.sql("drop trigger full")
        assert admin.done(job)["renewed"] == [name]
    assert everleaf.show(name)["live_version"] == 2


def has_connection(port):
    """Whether somebody is connected to that port of this machine."""
    lines = [line.split() for path in ("/proc/net/tcp", "/proc/net/tcp6") for line in open(path)]
    return any(words[1].endswith(f":{port:04X}") and words[3] == "01" for words in lines)


def test_what_is_changed_behind_a_mail(everleaf, nginx, lab, tmp_path, name):
    """It was as it was seen when the mail left: that it is another now is no failure of what was sent."""
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    with SmtpServer(tmp_path / "smtp", lab) as smtp, Serve(everleaf) as daemon:
        everleaf.secret(smtp.login[1])
        settings = everleaf.folder / "mail.yaml"
        settings.write_text(smtp.settings(timeout=60))
        settings.chmod(0o600)
        everleaf.run("notify", "add", "mail", "mail", "--settings", settings)
        smtp.forget()
        admin = user(everleaf, daemon, "root", "admin")
        api = Api(daemon, admin.token)
        tag = api.get(f"/certificates/{name}").headers["ETag"]
        smtp.process.send_signal(signal.SIGSTOP)
        job = api.post(f"/certificates/{name}/send", {"to": ["leser@example.net"]}, headers={"If-Match": tag}, status=202).json
        wait_until(lambda: has_connection(smtp.port), "the mail to be on its way")
        admin.patch(f"/certificates/{name}", organization="Another")
        smtp.process.send_signal(signal.SIGCONT)
        admin.done(job)
        assert [mail.recipients for mail in smtp.received] == [["leser@example.net"]]


def test_whoever_may_not_any_more(everleaf, config, new_name):
    """Rights are looked at when a job is done, not when it was asked for."""
    held, later = new_name(), new_name()
    with Serve(everleaf, "--jobs", "1") as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        anna = user(everleaf, daemon, "anna", "user", [later, "--method", "webroot"])
        first = admin.post("/certificates", domains=[held], webroot="main", deploy_hooks=["wait"])
        wait_until(lambda: begun(everleaf) == 1, "its hook")
        job = anna.post("/certificates", domains=[later], webroot="main")
        everleaf.run("user", "disable", "anna")
        config.touch()
        admin.done(first)
        ended = admin.ended(job)
        assert ended["state"] == "failed" and "not allowed to do this any more" in ended["error"]["detail"]
        assert ended["error"]["status"] == 403
        with pytest.raises(Refused):
            admin.get(f"/certificates/{later}")


def test_what_follows_a_job_that_failed_before_its_turn(everleaf, pebble, config, new_name):
    """Its stand-in is there, nobody obtains it: `explain` says when the daemon does, and the daemon does it then."""
    held, later = new_name(), new_name()
    with Serve(everleaf, "--jobs", "1") as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        anna = user(everleaf, daemon, "anna", "user", [later, "--method", "webroot"])
        first = admin.post("/certificates", domains=[held], webroot="main", deploy_hooks=["wait"])
        wait_until(lambda: begun(everleaf) == 1, "its hook")
        job = anna.post("/certificates", domains=[later], webroot="main", self_signed_first=True)
        everleaf.run("user", "disable", "anna")
        config.touch()
        admin.done(first)
        assert admin.ended(job)["state"] == "failed"
        said = everleaf.json("explain", later)
        assert said["next"] == "the attempt to obtain it" and said["next_at"] == said["renew_at"] == everleaf.show(later)["renew_at"]
        assert said["next_at"] in said["why"]
        text = everleaf.run("explain", later).out
        assert "(in " in text and "just now" not in text and "at once" not in text
        assert "at once" in everleaf.run("explain", later, env={"EVERLEAF_CLOCK_OFFSET_S": "400"}).out
        daemon.clock(310)
        wait_until(lambda: everleaf.is_live(later), "its attempt")


def test_one_that_failed_says_why(everleaf, config, name):
    """The job has a problem document, and what came of it as well."""
    path = everleaf.folder / "everleaf.yaml"
    (everleaf.folder / "empty").mkdir()
    path.write_text(path.read_text().replace("webroots:", f"webroots:\n  - {{name: empty, path: {everleaf.folder}/empty}}"))
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        job = admin.ended(admin.post("/certificates", domains=[name], webroot="empty"))
        assert job["state"] == "failed"
        assert job["error"]["status"] >= 400 and name in job["error"]["detail"]
        failed, = job["result"]["failed"]
        assert failed["name"] == name and failed["error"] and failed["code"]


def test_a_stand_in_is_there_at_once_however_busy(everleaf, config, new_name):
    """All workers have something else to do."""
    held, wanted = new_name(), new_name()
    with Serve(everleaf, "--jobs", "1") as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        first = admin.post("/certificates", domains=[held], webroot="main", deploy_hooks=["wait"])
        wait_until(lambda: begun(everleaf) == 1, "its hook")
        second = admin.post("/certificates", domains=[wanted], webroot="main", self_signed_first=True, city="Berlin")
        assert "Berlin" in load(everleaf.live(wanted, "cert.pem")).issuer.rfc4514_string()
        assert admin.get(f"/jobs/{second['id']}")["state"] == "queued"
        config.touch()
        admin.done(first)
        assert admin.done(second)["issued"] == [wanted]
        assert "Berlin" not in load(everleaf.live(wanted, "cert.pem")).issuer.rfc4514_string()


class TarPit(TcpServer):
    """Takes what comes and never answers. left: how many waited in vain and went."""

    def __init__(self):
        super().__init__(free_port())
        self.came = self.left = 0

    def serve(self, client):
        self.came += 1
        try:
            while client.recv(4096):
                pass
        except OSError:
            pass
        self.left += 1


def test_a_dead_webhook_holds_nobody(everleaf, config, name):
    """News is delivered beside the jobs, even where one at a time is worked on; who only looks delivers nothing."""
    with TarPit() as pit, Serve(everleaf, "--jobs", "1") as daemon:
        settings = everleaf.folder / "pit.yaml"
        settings.write_text(f"url: http://127.0.0.1:{pit.port}/\nsecret: a-secret-of-the-pit\ntimeout: 60\n"
                            "allow_http: true\nallow_private: true\n")
        settings.chmod(0o600)
        everleaf.run("notify", "add", "webhook", "pit", "--settings", settings, "--event", "issued", "--event", "revoked")
        admin = user(everleaf, daemon, "root", "admin")
        reader = user(everleaf, daemon, "reader", "auditor")
        config.touch()
        assert admin.done(admin.post("/certificates", domains=[name], webroot="main"))["issued"] == [name]
        wait_until(lambda: pit.came == 1, "the news")
        admin.done(admin.post(f"/certificates/{name}/revoke"))
        reader.get("/expiring")
        assert (pit.came, pit.left) == (1, 0)
        assert everleaf.json("notify", "show", "pit")["waiting"] == 2
        daemon.stop()


def test_jobs_are_counted_and_told_in_the_log(everleaf, config, new_name):
    """As the turns that nobody asked for are: one line each, with the certificate's name before it."""
    good, bad = new_name(), new_name()
    path = everleaf.folder / "everleaf.yaml"
    (everleaf.folder / "empty").mkdir()
    path.write_text(path.read_text().replace("webroots:", f"webroots:\n  - {{name: empty, path: {everleaf.folder}/empty}}"))
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        admin.done(admin.post("/certificates", domains=[good], webroot="main"))
        admin.done(admin.post(f"/certificates/{good}/renew", force=True))
        assert admin.ended(admin.post("/certificates", domains=[bad], webroot="empty"))["state"] == "failed"
        assert [daemon.turns(outcome) for outcome in ("issued", "renewed", "failed")] == [1, 1, 1]
        assert daemon.metrics()["everleaf_failures_total"] == 1
        lines = [line for line in daemon.log().splitlines() if f"{good}: " in line or f"{bad}: " in line]
        assert [line.rpartition(f"{good}: ")[2] for line in lines if good in line] == ["issued", "renewed"]
        failed, = [line for line in lines if bad in line]
        assert failed.count(bad) >= 1 and len(failed) > len(bad) + 20
