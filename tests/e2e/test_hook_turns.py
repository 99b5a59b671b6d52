"""One call of a hook script at a time on this host, whichever certificate, thread or process it is for."""

import json
import shlex
import signal

import pytest

from env import Serve
from env.certs import load
from env.client import user
from env.everleaf import BINARY
from env.process import wait_until
from test_jobs import begun, config  # noqa: F401

pytestmark = pytest.mark.threads

# Notes when each call begins and ends; a call of SLOW lasts until a file is there.
SCRIPT = """#!/bin/sh
echo "begins $1" >> {log}
while [ "$1" = "{slow}" ] && [ ! -e {folder}/go ]; do sleep 0.05; done
{more}
sleep 0.03
echo "ends $1" >> {log}
"""


class Script:
    def __init__(self, folder, slow="none", more=""):
        folder.mkdir()
        self.folder, self.path, self.log = folder, folder / "hook", folder / "log"
        self.path.write_text(SCRIPT.format(log=self.log, folder=folder, slow=slow, more=more))
        self.path.chmod(0o755)

    @property
    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def overlaps(self):
        """Calls that began while another was running."""
        running, found = 0, 0
        for line in self.lines:
            running += 1 if line.startswith("begins") else -1
            found += line.startswith("begins") and running > 1
        assert running == 0
        return found


@pytest.fixture
def well_known(nginx):
    folder = nginx.web_root / ".well-known/acme-challenge"
    folder.mkdir(parents=True)
    return folder


def by_hook(script, well_known):
    return ["--hook", script.path, "--challenge", "http-01", "--well-known", well_known]


def two_passes(everleaf, names, *options):
    """Half of the names in one process, half in another, at the same time."""
    processes = [everleaf.start(*options, "renew", *half, "--force", "--jobs", "4") for half in (names[::2], names[1::2])]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err


@pytest.fixture
def authorizations_before(pebble):
    return pebble.authorizations()


@pytest.fixture
def eight(everleaf, well_known, tmp_path, new_name):
    """Eight certificates whose challenges and deployment are one script's, called by two names."""
    script = Script(tmp_path / "script")
    (tmp_path / "alias").symlink_to(script.path)
    names = [new_name() for _ in range(8)]
    (tmp_path / "names").write_text("".join(f"{name}\n" for name in names))
    everleaf.run("issue", "--from", tmp_path / "names", "--jobs", "4", *by_hook(script, well_known), "--deploy-hook", tmp_path / "alias")
    return script, names


@pytest.mark.threads
def test_two_processes_and_their_threads_take_turns(everleaf, pebble, authorizations_before, eight):
    script, names = eight
    two_passes(everleaf, names)
    begun = [line.split(" ", 1)[1] for line in script.lines if line.startswith("begins")]
    assert begun.count("deploy_challenge") == begun.count("clean_challenge") == pebble.authorizations() - authorizations_before
    assert begun.count("deploy_cert") == begun.count("") == 16, "the deploy hook"
    assert script.overlaps() == 0


def test_side_by_side_where_the_configuration_says_so(everleaf, eight, tmp_path):
    script, names = eight
    (tmp_path / "everleaf.yaml").write_text("parallel_hooks: true\n")
    two_passes(everleaf, names, "--config", tmp_path / "everleaf.yaml")
    assert script.overlaps() > 0


@pytest.fixture
def held(everleaf, well_known, tmp_path, new_name):
    """A process whose call of a script goes on, and another certificate of the same script."""
    script = Script(tmp_path / "script", slow="unchanged_cert")
    names = [new_name(), new_name()]
    for name in names:
        everleaf.run("issue", name, *by_hook(script, well_known))
    before = len(script.lines)
    holder = everleaf.start("renew", names[0])
    wait_until(lambda: "begins unchanged_cert" in script.lines, "the script to be called")
    yield script, holder, names[1], before
    (script.folder / "go").touch()
    holder.kill()
    holder.communicate(timeout=60)


def waiter(everleaf, name):
    """A process that waits for its turn, and the lines it logged until then."""
    process = everleaf.start("-v", "renew", name, "--force")
    for line in process.stderr:
        if "waiting for" in line and "/hook" in line:
            return process
    raise AssertionError("it did not wait")


def test_a_wait_is_told_and_ends_with_the_call(everleaf, held):
    script, holder, other, _ = held
    process = waiter(everleaf, other)
    (script.folder / "go").touch()
    for each in (process, holder):
        _, err = each.communicate(timeout=60)
        assert each.returncode == 0, err
    assert script.overlaps() == 0


def test_a_wait_that_is_cancelled_ends(everleaf, held):
    script, holder, other, _ = held
    process = waiter(everleaf, other)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75 and "interrupted" in err
    assert holder.poll() is None and script.lines[-1] == "begins unchanged_cert"


def test_a_killed_process_leaves_no_turn(everleaf, held):
    script, holder, other, _ = held
    process = waiter(everleaf, other)
    holder.kill()
    holder.wait(10)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_nothing_has_failed_while_another_process_is_at_it(everleaf, held):
    """The daemon leaves what a command line works on alone, and counts no failure of it."""
    script, _, _, _ = held
    daemon = Serve(everleaf)
    daemon.clock(75 * 86400)
    with daemon:
        wait_until(lambda: daemon.turns("unchanged") > 0, "the daemon to find it taken")
        assert daemon.turns("failed") == 0
        (script.folder / "go").touch()
        wait_until(lambda: daemon.turns("renewed") == 2, "both renewals", 60)
        assert daemon.turns("failed") == 0


def calls_everleaf(everleaf, script, call, name, to):
    """From now on that call of the script renews the certificate of that name."""
    environment = " ".join(f"{key}={shlex.quote(value)}" for key, value in everleaf.env.items() if key.startswith("EVERLEAF_"))
    again = f"{environment} {BINARY} --json renew {name} > {to}"
    script.path.write_text(SCRIPT.format(log=script.log, folder=script.folder, slow="none", more=f'[ "$1" != {call} ] || {again}'))


def test_a_script_that_runs_everleaf_does_not_wait_for_itself(everleaf, well_known, tmp_path, new_name):
    one, two = new_name(), new_name()
    script = Script(tmp_path / "script")
    everleaf.run("issue", one, *by_hook(script, well_known))
    calls_everleaf(everleaf, script, "deploy_cert", one, tmp_path / "within")
    everleaf.run("issue", two, *by_hook(script, well_known))
    assert json.loads((tmp_path / "within").read_text())["unchanged"] == [one]


def test_nor_if_another_script_is_between(everleaf, well_known, tmp_path, new_name):
    outer, between = Script(tmp_path / "outer"), Script(tmp_path / "between")
    one, two, three = new_name(), new_name(), new_name()
    everleaf.run("issue", one, *by_hook(outer, well_known))
    everleaf.run("issue", two, *by_hook(between, well_known))
    calls_everleaf(everleaf, between, "unchanged_cert", one, tmp_path / "innermost")
    calls_everleaf(everleaf, outer, "deploy_cert", two, tmp_path / "within")
    everleaf.run("issue", three, *by_hook(outer, well_known))
    assert json.loads((tmp_path / "within").read_text())["unchanged"] == [two]
    assert json.loads((tmp_path / "innermost").read_text())["unchanged"] == [one]


def test_a_request_does_not_wait_for_hooks(everleaf, config, new_name):
    """However many ask while one hangs: their stand-ins are in place, and their jobs run the hooks, once each."""
    names = [new_name() for _ in range(3)]
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        first = admin.post("/certificates", domains=[new_name()], webroot="main", deploy_hooks=["wait"])
        wait_until(lambda: begun(everleaf) == 1, "its hook")
        jobs = [admin.post("/certificates", domains=[name], webroot="main", deploy_hooks=["wait"], self_signed_first=True)
                for name in names]
        for name in names:
            stand_in = load(everleaf.live(name, "cert.pem"))
            assert stand_in.issuer == stand_in.subject
        assert begun(everleaf) == 1
        config.touch()
        for job, name in zip([first, *jobs], [None, *names]):
            assert name is None or admin.done(job)["issued"] == [name]
    assert begun(everleaf) == 1 + 2 * len(names), "of the stand-ins, and of what replaced them"


def test_nor_for_one_that_is_told_of_the_stand_in(everleaf, well_known, tmp_path, name):
    """The request is answered while the script hangs; the job goes on when it is done."""
    script = Script(tmp_path / "script", slow="sync_cert")
    path = everleaf.folder / "everleaf.yaml"
    path.write_text(f"hooks:\n  - {{name: slow, path: {script.path}, well_known: {well_known}}}\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(path)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        job = admin.post("/certificates", domains=[name], hook="slow", challenge="http-01", self_signed_first=True)
        wait_until(lambda: "begins sync_cert" in script.lines, "the script to be told")
        assert admin.get(f"/jobs/{job['id']}")["state"] == "running"
        (script.folder / "go").touch()
        assert admin.done(job)["issued"] == [name]
    assert script.lines.count("begins sync_cert") == 2, "of the stand-in, and of what replaced it"


@pytest.fixture
def two_at_once(everleaf):
    (everleaf.folder / "everleaf.yaml").write_text("jobs: 2\n")
    everleaf.env["EVERLEAF_CONFIG"] = str(everleaf.folder / "everleaf.yaml")


def test_a_deploy_hook_that_is_not_called_yet_has_not_failed(everleaf, nginx, tmp_path, two_at_once, new_name):
    """More wait for one that hangs than may: they are put back, nothing is told of them, and it runs for each in the end."""
    script = Script(tmp_path / "script", slow="")
    names, annas = [new_name() for _ in range(13)], [new_name() for _ in range(2)]
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        user(everleaf, daemon, "anna", "user")
        for name in names + annas:
            everleaf.run("issue", name, "--webroot", nginx.web_root)
            everleaf.run("set", name, "--deploy-hook", script.path, *(["--owner", "anna"] if name in annas else []))
        jobs = [admin.post(f"/certificates/{name}/renew", force=True) for name in names]
        wait_until(lambda: "begins " in script.lines, "the hook to be called")
        wait_until(lambda: [job["state"] for job in admin.all("/jobs")].count("queued") >= 3, "some to be put back", 120)
        of_anna = admin.post("/certificates/renew", force=True, owner="anna")
        wait_until(lambda: admin.get(f"/jobs/{of_anna['id']}")["state"] == "running", "two at once to come to their turn", 60)
        wait_until(lambda: admin.get(f"/jobs/{of_anna['id']}")["state"] != "running", "both to be put back", 120)
        assert script.lines == ["begins "], "it hangs still"
        assert {job["state"] for job in admin.all("/jobs")} <= {"queued", "running"}, admin.all("/jobs")
        (script.folder / "go").touch()
        for name, job in zip(names, jobs):
            assert admin.ended(job, 200)["result"]["renewed"] == [name]
        assert sorted(admin.ended(of_anna, 200)["result"]["renewed"]) == sorted(annas)
        assert daemon.turns("failed") == 0
    assert everleaf.sql("select sum(failures), sum(hook_failures) from certs") == [(0, 0)]
    assert everleaf.sql("select count(*) from events where kind in ('failed', 'hook-failed')") == [(0,)]
    assert script.overlaps() == 0


def test_a_script_that_hangs_does_not_hold_all_threads(everleaf, nginx, well_known, tmp_path, two_at_once, new_name):
    """More certificates wait for it than there are threads: others come to their turn, and nobody is said to have failed."""
    script = Script(tmp_path / "script", slow="deploy_challenge")
    names, other = [new_name() for _ in range(20)], new_name()
    for name in names:
        everleaf.run("issue", name, "--webroot", nginx.web_root)
        everleaf.run("set", name, *by_hook(script, well_known), "--no-preflight")
    everleaf.run("issue", other, "--webroot", nginx.web_root)
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        held = [admin.post(f"/certificates/{name}/renew", force=True) for name in names]
        wait_until(lambda: "begins deploy_challenge" in script.lines, "the script to be called")
        job = admin.post(f"/certificates/{other}/renew", force=True)
        wait_until(lambda: admin.get(f"/jobs/{job['id']}")["state"] == "done", "another certificate to be renewed", 120)
        assert script.lines[-1] == "begins deploy_challenge", "it hangs still"
        assert {admin.get(f"/jobs/{each['id']}")["state"] for each in held} <= {"queued", "running", "waiting"}
        (script.folder / "go").touch()
        wait_until(lambda: {admin.get(f"/jobs/{each['id']}")["state"] for each in held} == {"done"}, "the others to be renewed", 200)
    assert everleaf.sql("select sum(failures) from certs") == [(0,)]
    assert script.overlaps() == 0
