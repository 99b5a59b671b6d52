"""Who has a whole network of IPv6 is one party: its connections, wrong passwords and wrong tokens count together."""

import itertools
import json

import pytest

from env.inside import Inside
from env.namespace import Namespace
from env.process import wait_until

HOME, OTHER, THIRD = "2001:db8:0:1", "2001:db8:0:2", "2001:db8:0:3"
MOST = 768  # connections from one of them
# of the server, each of which takes connections: both may find room for the last one
THREADS = 2


@pytest.fixture
def daemon(bare):
    if not Namespace.is_possible():
        pytest.skip("no network namespace can be made here")
    namespace = Namespace().start("2001:db8::1")
    for network in (HOME, OTHER, THIRD):  # each of their addresses is the machine's own
        namespace.run("ip", "-6", "route", "add", "local", f"{network}::/64", "dev", "lo")
    running = Inside(bare, namespace, "2001:db8::1")
    try:
        with running:
            yield running
    finally:
        namespace.stop()


def addresses(network):
    """Ever others of the 2^64."""
    return (f"{network}:{n * 40503 % 65536:x}::{n:x}" for n in itertools.count(1))


def test_connections(daemon):
    mine = addresses(HOME)
    daemon.do("hold", [daemon.host, daemon.port], list(itertools.islice(mine, MOST + 20)))
    wait_until(lambda: daemon.do("held") <= MOST + THREADS - 1, "connections that are too many to be closed")
    assert daemon.do("held") >= MOST
    status, _, why = daemon.ask_from(next(mine), "/healthz")
    assert status == 0, f"answered though there is no room: {status} {why}"
    assert daemon.ask_from(next(addresses(OTHER)), "/healthz")[0] == 200
    daemon.do("let_go")
    wait_until(lambda: daemon.ask_from(next(mine), "/healthz")[0] == 200, "room for one more")


def test_wrong_passwords_and_tokens(daemon):
    def sign_in(source, user):
        body = json.dumps({"user": user, "password": "wrong password"})
        return daemon.ask_from(source, "/api/v1/session", "POST", body, {"Content-Type": "application/json"})[0]

    def show(source):
        return daemon.ask_from(source, "/api/v1/version", headers={"Authorization": "Bearer wrong"})[0]

    # No user twice: only where they come from is the same. Twenty are free; what comes then waits longer and longer, which a
    # slow machine does by itself at first.
    statuses = []
    for n, source in enumerate(itertools.islice(addresses(HOME), 28)):
        statuses.append(sign_in(source, f"user{n}"))
        if statuses[-1] != 401:
            break
    assert len(statuses) > 20 and statuses[-1] == 429, statuses
    statuses = [show(source) for source in itertools.islice(addresses(OTHER), 60)]
    assert statuses[0] == 401 and statuses[-1] == 429, statuses
    third = addresses(THIRD)
    assert sign_in(next(third), "somebody") == 401 and show(next(third)) == 401
