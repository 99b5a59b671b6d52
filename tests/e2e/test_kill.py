"""
The kill test: the program is ended (or one act of it fails) at every counted step of an issuance and of a renewal, then
run again. However far it came, there is in the end one live certificate with its key, one order at the CA, one certificate
made by the CA, and nothing of a challenge left.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from env import Everleaf, Nginx, Pebble
from env.bind import Bind
from env.certs import assert_good, load
from env.nameserver import Key
from test_renew import PAST

pytestmark = [pytest.mark.kill, pytest.mark.random]

# The fewest steps a whole run has had; fewer would mean that something is not counted any more.
FEWEST = {("webroot", "issue"): 44, ("webroot", "renew"): 44, ("standalone", "issue"): 44, ("standalone", "renew"): 44,
          ("alpn", "issue"): 42, ("alpn", "renew"): 42, ("hook", "issue"): 50, ("hook", "renew"): 50,
          ("dns", "issue"): 54, ("dns", "renew"): 52}
MOST = 400
KEY = Key.new("home")
KILLED = 137
# Steps between the newOrder request and its answer being written down: only there may a second order be made, and where
# the CA itself closed the first one, having looked for the challenge while nobody answered it.
ORDER_LOST = 4
REFUSED = 3  # steps that a newOrder takes which the CA refuses for its `replaces`, before the one without

HOOK = """#!/bin/sh
host=_acme-challenge.$2.
case $1 in
deploy_challenge) curl -sf -d "{{\\"host\\":\\"$host\\",\\"value\\":\\"$4\\"}}" {url}/set-txt && echo "$2" >>{live} ;;
clean_challenge) curl -sf -d "{{\\"host\\":\\"$host\\"}}" {url}/clear-txt; echo "$2" >>{cleaned} ;;
esac
exit 0
"""


class Bench:
    """A CA, a web server and a template of a state folder for one worker."""

    def __init__(self, folder, lab, dns, method):
        self.folder, self.lab, self.dns, self.method = folder, lab, dns, method
        self.bind = Bind(folder / "bind", [KEY], ["example.com"]).start() if method == "dns" else None
        self.pebble = Pebble(folder / "pebble", lab, self.bind.server if self.bind else dns.dns).start()
        self.nginx = Nginx(folder / "nginx", self.pebble.http_port).start() if method == "webroot" else None
        self.template = Everleaf(folder / "template", self.pebble, lab).register()
        self.deploy = folder / "deploy"
        self.deploy.write_text('#!/bin/sh\nexec test -s "$RENEWED_LINEAGE/privkey.pem"\n')
        self.deploy.chmod(0o755)
        self.password = folder / "password"
        self.password.write_text("changeit\n")
        if self.bind:
            self.zone = self.bind.whole()
            self.add_account()

    def add_account(self):
        path, server = self.folder / "credentials.yaml", self.bind.server
        path.write_text(f"server: {server}\nservers: {server}\nresolvers: {server}\nkey_name: {KEY.name}\nkey_secret: {KEY.secret}\n")
        self.template.run("dns", "add", "rfc2136", "home", "--credentials", path)

    def stop(self):
        for server in (self.nginx, self.pebble, self.bind):
            if server:
                server.stop()

    def copy(self, n):
        return Everleaf(self.folder / f"n{n}", self.pebble, self.lab, like=self.template)

    def how(self, n):
        if self.method == "webroot":
            return ["--webroot", self.nginx.web_root]
        if self.method == "dns":
            return ["--dns", "home"]
        if self.method == "standalone":
            return self.template.standalone()
        if self.method == "alpn":
            return ["--alpn", self.pebble.tls_address]
        hook = self.folder / f"hook{n}"
        hook.write_text(HOOK.format(url=self.dns.url, live=self.folder / f"live{n}", cleaned=self.folder / f"cleaned{n}"))
        hook.chmod(0o755)
        return ["--hook", hook]

    @property
    def is_plain(self):
        """With nothing to run after it is live, other records are made together."""
        return self.method == "alpn"

    def issue(self, name, n):
        more = [] if self.is_plain else ["--deploy-hook", self.deploy, "--keystore", "pkcs12",
                                         "--keystore-password-file", self.password]
        names = [name, f"*.{name}"] if self.method == "dns" else [name]
        return ["issue", *names, *self.how(n), *more]

    def leftovers(self, n):
        if self.nginx:
            return [path for path in self.nginx.web_root.rglob("*") if path.name != "index.html"]
        if self.bind:
            return sorted(set(self.bind.whole()) ^ set(self.zone))
        live, cleaned = self.folder / f"live{n}", self.folder / f"cleaned{n}"
        lines = [path.read_text().split() if path.exists() else [] for path in (live, cleaned)]
        return sorted(set(lines[0]) - set(lines[1]))


def assert_one_certificate(bench, everleaf, name, n):
    row = everleaf.show(name)
    assert row["status"] == "issued", row
    live = everleaf.live(name)
    assert_good(live, bench.pebble.root_file())
    assert f"{load(live / 'cert.pem').serial_number:x}" == row["serial"].lstrip("0")
    assert bench.is_plain or (live / "keystore.p12").exists()
    assert everleaf.names() == [name]
    folder = everleaf.state / "versions" / name
    assert all(path.name.isdigit() for path in folder.iterdir()), "half-written versions are swept"
    assert sorted(path.name for path in (everleaf.state / "live").iterdir()) == [name]
    assert not bench.leftovers(n), f"left behind: {bench.leftovers(n)}"


def one(bench, story, mode, n, trace):
    """The run that is stopped at step n, and the one after. False when the first got through without meeting step n."""
    name, everleaf = f"n{n}-{mode}-{story}-{bench.method}.example.com", bench.copy(n)
    command = bench.issue(name, n)
    if story == "renew":
        everleaf.run(*command)
        first_serial = load(everleaf.live(name, "cert.pem")).serial_number
        bench.pebble.set_renewal_info(everleaf.live(name, "cert.pem").read_text(), PAST)
        command = ["renew", name]
    orders, made, closed = bench.pebble.orders(), bench.pebble.certificates(), bench.pebble.closed_orders()
    asked = bench.pebble.orders_asked_for()
    log = everleaf.folder / "steps"
    first = everleaf.run(*command, status=None, env={"EVERLEAF_FAULT": f"{mode}:{n}", "EVERLEAF_FAULT_LOG": str(log)})
    refused = max(0, bench.pebble.orders_asked_for() - asked - 1)
    steps = [line.split()[1] for line in log.read_text().splitlines()] if log.exists() else []
    reached = first.status == KILLED if mode == "exit" else len(steps) >= n
    second = everleaf.run(*command, status=None)
    try:
        assert second.status == 0, second
        assert_one_certificate(bench, everleaf, name, n)
        if story == "renew":
            assert load(everleaf.live(name, "cert.pem")).serial_number != first_serial, "it was renewed"
        assert bench.pebble.certificates() - made == 1, "the CA made one certificate"
        assert bench.pebble.orders() - orders in (1, 2)
    except AssertionError as error:
        kind = steps[n - 1] if len(steps) >= n else "?"
        raise AssertionError(f"step {n} ({kind}), {mode}, {story} by {bench.method}\n--- first\n{first}\n--- second\n{second}\n"
                             f"--- {error}") from error
    if bench.pebble.orders() - orders == 2 and bench.pebble.closed_orders() == closed:
        trace.append((n, REFUSED * refused, " ".join(steps[:n]), first.err, second.err))
    everleaf.forget()
    return reached


def worker(bench, story, mode, numbers, trace):
    n = 0
    for n in numbers:
        if not one(bench, story, mode, n, trace):
            return n - 1
    raise AssertionError(f"no run got through within {MOST} steps")


CASES = [("webroot", "issue", "exit"), ("webroot", "issue", "fail"), ("webroot", "renew", "exit"), ("webroot", "renew", "fail"),
         ("standalone", "issue", "exit"), ("standalone", "renew", "exit"), ("alpn", "issue", "exit"), ("alpn", "issue", "fail"),
         ("alpn", "renew", "exit"), ("hook", "issue", "exit"), ("hook", "renew", "exit"), ("dns", "issue", "exit"), ("dns", "issue", "fail"),
         ("dns", "renew", "exit")]


@pytest.mark.parametrize("method,story,mode", CASES, ids=["-".join(case) for case in CASES])
def test_stopped_at_every_step(tmp_path, lab, dns, capsys, method, story, mode):
    benches, trace = [Bench(tmp_path / str(i), lab, dns, method) for i in (0, 1)], []
    try:
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(worker, bench, story, mode, range(1 + i, MOST, 2), trace) for i, bench in enumerate(benches)]
            steps = max(run.result() for run in runs)
    finally:
        for bench in benches:
            bench.stop()
    with capsys.disabled():
        print(f"\n  kill: {story} by {method}, {mode} at each of {steps} steps")
    assert steps >= FEWEST[method, story], "fewer steps are counted than before"
    trace.sort()
    told = "\n".join(f"{n}: {steps}\n--- first\n{first}\n--- second\n{second}" for n, _, steps, first, second in trace)
    late = [n for n, before, *_ in trace if n - before - trace[0][0] >= ORDER_LOST]
    assert not late, f"orders were made twice at the steps {told}"


def test_what_is_counted(everleaf, name, tmp_path):
    """Every kind of step is met in an ordinary run, and the count is written."""
    log, count = tmp_path / "log", tmp_path / "count"
    hook = tmp_path / "deploy"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    everleaf.run("issue", name, "--deploy-hook", hook, *everleaf.standalone(),
                 env={"EVERLEAF_FAULT": f"count:{count}", "EVERLEAF_FAULT_LOG": str(log)})
    kinds = re.findall(r"^\d+ (\w+)$", log.read_text(), re.M)
    assert set(kinds) == {"send", "answer", "commit", "fsync", "rename", "bind", "spawn"}
    assert int(count.read_text()) == len(kinds)
