"""Accounts when two commands meet, when one is killed, and when there are several: no key and no account is lost."""

import time

import pytest

from env.certs import assert_good


def only_account(everleaf):
    row, = everleaf.json("account", "list")
    return row["name"]


def accounts_made(proxy):
    """The addresses of the accounts that the CA gave for requests for a new one."""
    answers = [dict(exchange.answer_headers) for exchange in proxy.seen("/sign-me-up", "POST") if exchange.status in (200, 201)]
    return {headers["Location"] for headers in answers}


def test_slow_look_does_not_bring_back_the_old_key(make_everleaf, proxy, name):
    """`show` asks with the old key while `rollover` makes a new one: what it writes down must not have the old key in it."""
    everleaf = make_everleaf(proxy)
    everleaf.issue(name)
    mine, rollover = only_account(everleaf), []

    def hold(handler, exchange):
        handler.forward(exchange)
        rollover.append(everleaf.start("account", "rollover", mine))
        deadline = time.monotonic() + 1.5
        while rollover[0].poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        handler.pass_on(exchange)

    with proxy.spoiling("/my-account/", hold, nth=1):
        everleaf.run("account", "show", mine)
    _, err = rollover[0].communicate(timeout=60)
    assert rollover[0].returncode == 0, err
    everleaf.run("account", "show", mine)
    everleaf.run("renew", name, "--force")
    assert_good(everleaf.live(name), proxy.root_file())


@pytest.mark.parametrize("ca_acts", [False, True], ids=["never asked", "answer lost"])
def test_killed_registration_is_gone_on_with(bare, proxy, lab, name, ca_acts):
    """The key in the row may be known to the CA, so the row stays, whatever is refused in between."""
    command = ["account", "register", "--ca", "lab", "--email", "a@example.org"]
    bare.run("ca", "add", "lab", proxy.directory, "--ca-bundle", lab.root, "--resolver", proxy.dns, "--http-port", proxy.http_port)
    bare.run_killed(proxy, "/sign-me-up", *command, "--agree-tos", ca_acts=ca_acts)
    rows = bare.sql("select id, name, created_at from accounts")
    assert len(rows) == 1
    assert "--agree-tos" in bare.error(*command, status=(1, 2))
    assert bare.sql("select id, name, created_at from accounts") == rows
    bare.run(*command, "--agree-tos")
    assert bare.sql("select id, name, created_at from accounts") == rows
    assert [row["status"] for row in bare.json("account", "list")] == ["valid"]
    keys = [exchange.protected["jwk"] for exchange in proxy.seen("/sign-me-up", "POST")]
    assert len(keys) >= 2 and keys.count(keys[0]) == len(keys), "it asks with the same key"
    assert len(accounts_made(proxy)) == 1
    bare.issue(name)


def test_killed_deactivation_is_finished(make_everleaf, proxy):
    everleaf = make_everleaf(proxy)
    mine = only_account(everleaf)
    everleaf.run_killed(proxy, "/my-account/", "account", "deactivate", mine, "--yes", ca_acts=True)
    everleaf.run("account", "deactivate", mine, "--yes")
    assert [row["status"] for row in everleaf.json("account", "list")] == ["deactivated"]


def test_nobody_there_leaves_no_account(bare, pebble, lab):
    bare.run("ca", "add", "dead", "https://127.0.0.1:1/dir", "--ca-bundle", lab.root)
    bare.error("account", "register", "--ca", "dead", "--email", "a@example.org", "--agree-tos", status=(1, 75))
    assert bare.sql("select name, status from accounts") == []


def test_renewals_stay_with_the_account(make_everleaf, proxy, new_name):
    """The certificate says whose it is, said or not said at its issue; another default changes only what comes new."""
    everleaf = make_everleaf(proxy)
    first, (one, two, other) = only_account(everleaf), [new_name() for _ in range(3)]
    everleaf.issue(one)
    everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", "second")
    everleaf.issue(two, "--account", first)
    everleaf.run("account", "default", "second")
    everleaf.issue(other)
    url = {row["name"]: row["url"] for row in (everleaf.json("account", "show", each) for each in (first, "second"))}
    for name, account in ((one, first), (two, first), (other, "second")):
        proxy.clear()
        everleaf.run("renew", name, "--force")
        exchange, = proxy.seen("/order-plz", "POST")
        assert exchange.protected["kid"] == url[account]
        assert everleaf.show(name)["account"] == account
        assert_good(everleaf.live(name), proxy.root_file())
