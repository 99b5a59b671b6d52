"""Fixtures: one Pebble for each process that runs tests, a state folder and names of its own for each test."""

import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from env import ChallTestSrv, Everleaf, FaultProxy, Lab, Nginx, Pebble, made  # noqa: E402
from env import postgres  # noqa: E402
from env.everleaf import BINARY  # noqa: E402
from env.order import SCHEDULERS  # noqa: E402
from env.pebble import PROFILES  # noqa: E402

_counter = itertools.count(1)
LONGEST_S = 600


def pytest_configure(config):
    config.addinivalue_line("markers", "option(command, *options): the options of a command whose effect the test "
                                       "sees outside; test_options.py fails for one that no test names")
    config.addinivalue_line("markers", "random: draws its moments by lot: what failed once may be a fault all the same")
    config.addinivalue_line("markers", "kill: stops the program at every counted step")
    config.addinivalue_line("markers", "slow: waits on purpose")
    config.addinivalue_line("markers", "pebble_says(*patterns): lines that the CA writes into its log because of what the "
                                       "test does; any other that is not ordinary fails it")
    config.addinivalue_line("markers", "sqlite(why): left out where the others run on PostgreSQL")
    config.addinivalue_line("markers", "threads: many workers at once; run under the thread sanitizer too")
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not built: tests/run does it, or set EVERLEAF_BINARY", 4)


class Reports:
    """What the thread sanitizer says, in files: of programs that are killed too, and of those whose errors nobody reads."""

    def __init__(self, folder):
        self.folder, self.read = folder, {}
        folder.chmod(0o777)  # a program that is started as root may have become somebody else

    def new(self):
        found = ""
        for path in sorted(self.folder.iterdir()):
            text = path.read_text(errors="replace")
            found += text[self.read.get(path, 0):]
            self.read[path] = len(text)
        return found


@pytest.fixture(scope="session", autouse=True)
def reports(tmp_path_factory):
    reports = Reports(tmp_path_factory.mktemp("reports"))
    os.environ["TSAN_OPTIONS"] = f"{os.environ.get('TSAN_OPTIONS', '')}:log_path={reports.folder}/threads"
    yield reports
    assert not (found := reports.new()), found


@pytest.fixture(autouse=True)
def threads_agree(reports):
    """No race, and no locks in two orders, whatever the test looks at itself."""
    yield
    assert not (found := reports.new()), found


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    scheduler = SCHEDULERS.get(config.getvalue("dist"))
    return scheduler(config, log) if scheduler else None


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("random"):
            item.user_properties.append(("random", "yes"))
    if os.environ.get("EVERLEAF_TEST_DATABASE") != "postgresql":
        return
    left_out = [item for item in items if item.get_closest_marker("sqlite")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def ends():
    """One that waits for ever fails, and does not keep all others from their end. Those of `make soak` take their time."""
    def late(*_):
        raise AssertionError(f"it did not end within {LONGEST_S} s")

    if any(name in os.environ for name in ("EVERLEAF_TEST_NODES_CERTIFICATES", "EVERLEAF_TEST_HELD")):
        yield
        return
    former = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)


@pytest.fixture(autouse=True)
def databases():
    """Those that a test made on PostgreSQL end with it."""
    with postgres.swept():
        yield


@pytest.fixture(autouse=True)
def ca_is_content(request):
    """Nothing made the CA panic, or complain of what it was sent, that the test does not expect."""
    yield
    expected = [pattern for mark in request.node.iter_markers("pebble_says") for pattern in mark.args]
    assert not Pebble.unexpected_lines(expected)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def dns(tmp_path_factory):
    with ChallTestSrv(tmp_path_factory.mktemp("dns")) as server:
        yield server


@pytest.fixture(scope="session")
def pebble(tmp_path_factory, lab, dns):
    """The CA that most tests share: two chains, two intermediates each."""
    with Pebble(tmp_path_factory.mktemp("pebble"), lab, dns.dns,
                env={"PEBBLE_ALTERNATE_ROOTS": "1", "PEBBLE_CHAIN_LENGTH": "2"}) as server:
        yield server


@pytest.fixture(scope="session")
def profiled(tmp_path_factory, lab, dns):
    """A CA with the profiles default, shortlived (six days) and brief (three seconds)."""
    with Pebble(tmp_path_factory.mktemp("pebble"), lab, dns.dns, config={"profiles": PROFILES}) as server:
        yield server


@pytest.fixture
def make_pebble(tmp_path_factory, lab, dns):
    """make_pebble(config={…}, env={…}) starts one with other settings, stopped after the test."""
    started = []

    def make(**settings):
        started.append(Pebble(tmp_path_factory.mktemp("pebble"), lab, dns.dns, **settings).start())
        return started[-1]

    yield make
    for server in started:
        server.stop()


@pytest.fixture
def proxy(pebble, lab):
    """A fault-injecting proxy before the shared Pebble."""
    with FaultProxy(pebble, lab) as server:
        yield server


@pytest.fixture
def nginx(tmp_path, pebble):
    """A web server where the CA looks for http-01."""
    with Nginx(tmp_path / "nginx", http_port=pebble.http_port) as server:
        yield server
    assert not server.unexpected_errors()


@pytest.fixture
def bare(request, tmp_path, pebble, lab):
    """Everleaf on an empty state folder that knows no CA and no account; where there is `everleaf` too, that one."""
    if "everleaf" in request.fixturenames:
        return request.getfixturevalue("everleaf")
    return Everleaf(tmp_path / "everleaf", pebble, lab)


@pytest.fixture
def everleaf(tmp_path, pebble, lab):
    """Everleaf with an account at the shared Pebble."""
    return Everleaf(tmp_path / "everleaf", pebble, lab, like=made(pebble, lab)).register()


@pytest.fixture
def make_everleaf(tmp_path, pebble, lab):
    """make_everleaf(CA) gives another state folder with an account at that CA."""

    def make(ca):
        like = made(pebble, lab) if ca is pebble else made()
        return Everleaf(tmp_path / f"everleaf{next(_counter)}", ca, lab, like=like).register(ca=ca)

    return make


@pytest.fixture
def new_name(request):
    """new_name() gives a domain name that no other test uses."""
    label = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    return lambda: f"{label}-{next(_counter)}.example.com"


@pytest.fixture
def name(new_name):
    return new_name()


@pytest.fixture(scope="session")
def has_keytool():
    return subprocess.run(["sh", "-c", "command -v keytool"], stdout=subprocess.DEVNULL).returncode == 0
