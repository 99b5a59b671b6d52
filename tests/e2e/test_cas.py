"""cas.yaml: what is known of CAs is data, and an administrator's own file changes it without a new program."""

import re
import signal

import pytest

from env import Serve
from env.debs import ROOT
from env.limits import LimitedCA
from env.process import wait_until

BUILT_IN = ROOT / "src/model/cas.yaml"


class Host:
    """Everleaf with a cas.yaml of its own, which the configuration names."""

    def __init__(self, everleaf):
        self.everleaf = everleaf
        self.file = everleaf.folder / "cas.yaml"
        self.config = everleaf.folder / "everleaf.yaml"
        self.configure()
        everleaf.env["EVERLEAF_CONFIG"] = str(self.config)

    def configure(self, more=""):
        self.config.write_text(f"cas: {self.file}\n{more}")

    def say(self, text):
        self.file.write_text(text)

    def limits(self, ca, *before):
        return {row["limit"]: (row["count"], row["per"], row["source"])
                for row in self.everleaf.json(*before, "ca", "show", ca)["limits"]}


@pytest.fixture
def host(bare):
    host = Host(bare)
    host.say("")
    return host


def orders_of(ca, count, per):
    return f"cas:\n  - name: laboratory\n    directory: {ca.directory}\n    limits: [ {{ limit: new-orders, count: {count}, per: {per} }} ]\n"


def test_it_changes_what_is_allowed(host, proxy, new_name):
    """Before a CA that has the limits: what its figures here leave no room for is not sent, and goes once they do."""
    everleaf = host.everleaf.register(ca=proxy)
    model = LimitedCA(new_orders=(3, "30h"))
    model.watch(proxy)
    names = [new_name() for _ in range(5)]
    host.say(orders_of(proxy, 1, "10h"))
    everleaf.run("issue", names[0], *everleaf.standalone())
    error = everleaf.error("issue", names[1], *everleaf.standalone(), status=75)
    assert "lab allows 1 new orders of one account in 10h" in error
    assert len(proxy.seen("/order-plz", "POST")) == 1
    [state] = everleaf.json("limits")
    assert (state["used"], state["count"], state["per"], state["source"]) == (1, 1, "10h", "cas.yaml")
    assert re.search(r"^CA +LIMIT +USED +IN +FROM ", text := everleaf.run("limits").out) and "cas.yaml" in text
    host.say(orders_of(proxy, 3, "30h"))
    everleaf.run("renew", names[1])
    everleaf.run("issue", names[2], *everleaf.standalone())
    everleaf.run("issue", names[3], *everleaf.standalone(), status=75)
    assert len(proxy.seen("/order-plz", "POST")) == 3 and not model.refusals
    host.configure("limits: [ { ca: lab, limit: new-orders, count: 0 } ]\n")
    assert host.limits("lab") == {"new-orders": (0, None, "configured")}
    assert "too many new orders" in everleaf.error("issue", names[4], *everleaf.standalone(), status=75)
    assert len(model.refusals) == 1, "everleaf.yaml goes before cas.yaml"


def test_one_more_ca(host, pebble, name):
    """A name for --ca, without `ca add`."""
    host.say(f"cas:\n  - name: inhouse\n    directory: {pebble.directory}\n    staging: letsencrypt-staging\n    needs_eab: false\n"
             "    pages: [ https://ca.example.org/limits ]\n    read: 2026-11-22\n")
    everleaf = host.everleaf
    row = next(row for row in everleaf.json("ca", "list") if row["name"] == "inhouse")
    assert row["known"] and row["url"] == pebble.directory and row["staging"] == "letsencrypt-staging" and row["limits"] == []
    assert row["pages"] == ["https://ca.example.org/limits"] and row["read"] == "2026-11-22"
    everleaf.run("account", "register", "--ca", "inhouse", "--email", "a@example.org", "--agree-tos")
    everleaf.run("issue", name, "--ca", "inhouse", *everleaf.standalone(), "--no-preflight")
    assert everleaf.show(name)["ca"] == "inhouse"
    assert "known CA" in everleaf.error("ca", "add", "inhouse", "https://ca.example.org/dir", status=(1, 2))
    assert "cas.yaml" in everleaf.error("ca", "delete", "inhouse", status=(1, 2))
    host.say("")
    assert '"inhouse"' in everleaf.error("issue", "other." + name, "--ca", "inhouse", *everleaf.standalone(), status=2)


def test_a_known_ca_moves(host):
    """What is not said of it stays; one that was added before its name was known can still be deleted."""
    everleaf = host.everleaf
    before = everleaf.json("ca", "show", "letsencrypt")
    everleaf.run("ca", "add", "later", "https://later.example.org/dir")
    host.say("cas:\n  - name: letsencrypt\n    directory: https://acme-v03.example.org/directory\n"
             "    limits: [ { limit: exact-set, count: 7, per: 7d } ]\n"
             "  - name: later\n    directory: https://later.example.org/directory\n")
    after = everleaf.json("ca", "show", "letsencrypt")
    assert after["url"] == "https://acme-v03.example.org/directory"
    assert {key for key in before if before[key] != after[key]} == {"url", "limits"}
    assert after["limits"][3] == {"limit": "exact-set", "count": 7, "per": "7d", "source": "cas.yaml"}
    assert after["limits"][:3] == before["limits"][:3]
    goes_before = "CA later: the one that was added, https://later.example.org/dir, goes before that of cas.yaml"
    listed = everleaf.run("ca", "list")
    assert listed.err.count("goes before") == 1 and goes_before in listed.err
    with Serve(everleaf) as daemon:
        assert daemon.log().count(goes_before) == 1
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log().count(goes_before) == 2, "it to be said of what was read again")
    everleaf.run("ca", "delete", "later")
    assert everleaf.json("ca", "show", "later")["known"] and "goes before" not in everleaf.run("ca", "list").err


@pytest.mark.parametrize("text, line, words", [
    ("cas: everything\n", 1, '"cas" must be a list'),
    ("cas: []\nca: []\n", 2, '"ca" is not known here'),
    ("cas:\n  - name: lab\n    directory: https://x.example/\n    limit: []\n", 4, '"limit" is not known here'),
    ("cas:\n  - name: letsencrypt\n    limits:\n      - limit: exact-set\n        counts: 3\n", 5, '"counts" is not known here'),
    ("cas:\n  - name: letsencrypt\n    limits:\n      - limit: exact-set\n", 4, '"count" is missing'),
    ("cas:\n  - name: letsencrypt\n    limits:\n      - limit: exact\n        count: 3\n        per: 1h\n", 4, 'no limit "exact"'),
    ("cas:\n  - name: letsencrypt\n    limits:\n      - limit: exact-set\n        count: -3\n", 5, "count is -3"),
    ("cas:\n  - name: letsencrypt\n    limits:\n      - limit: exact-set\n        count: 3\n        per: soon\n", 6, "90s, 15m"),
    ("cas:\n  - name: letsencrypt\n    needs_eab: perhaps\n", 3, "true or false"),
    ("cas:\n  - name: nowhere\n", 2, '"directory" is missing'),
    ("cas:\n  - name: x\n    directory: ftp://x.example/\n", 3, "https://"),
    ("cas:\n  - name: x\n    directory: https://acme.zerossl.com/v2/DV90\n", 3, "that of zerossl"),
    ("cas:\n  - name: letsencrypt\n\n  - name: letsencrypt\n", 4, "twice"),
    ("cas:\n  - name: letsencrypt\n    staging: nowhere\n", 3, "staging"),
    ("cas:\n  - name: letsencrypt\n   limits: []\n", 3, ""),
    ("cas: &x []\n", 1, "anchors"),
])
def test_what_is_wrong_is_said(host, pebble, name, text, line, words):
    everleaf = host.everleaf.register()
    before = everleaf.snapshot()
    host.say(text)
    for command in (["issue", name, *everleaf.standalone()], ["list"], ["limits"], ["ca", "delete", "lab"]):
        error = everleaf.error(*command, status=2)
        assert f"{host.file}:{line}: " in error and words in error
    assert everleaf.snapshot() == before


def test_a_file_that_is_not_there(host):
    host.file.unlink()
    assert str(host.file) in host.everleaf.error("list", status=2)
    host.config.write_text("cas: cas.yaml\n")
    assert 'begins with "/"' in host.everleaf.error("list", status=2)
    host.config.write_text("")
    host.everleaf.run("list")


def test_reload(host, tmp_path):
    """The daemon takes it up, or goes on with what it had and says what is wrong."""
    everleaf = host.everleaf.register()
    everleaf.run("user", "add", "alice", "--role", "admin", "--email", "alice@example.org")
    token = everleaf.json("token", "create", "laptop", "--user", "alice", "--expires", "90d", shows_secrets=True)["token"]
    orders = "cas:\n  - name: letsencrypt\n    limits:\n      - { limit: new-orders, count: %s, per: 3h }\n"
    host.say(orders % 3000)
    with Serve(everleaf) as daemon:
        remote = ["--server", f"http://127.0.0.1:{daemon.port}", "--token-file", everleaf.secret_file("token", token)]

        def in_force():
            return host.limits("letsencrypt", *remote)["new-orders"]

        def reload(words):
            seen = daemon.log().count(words)
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: daemon.log().count(words) > seen, f"the daemon to say {words}")

        assert in_force() == (3000, "3h", "cas.yaml")
        host.say(orders % 4000)
        assert in_force() == (3000, "3h", "cas.yaml"), "not before it is told"
        reload("was read again")
        assert in_force() == (4000, "3h", "cas.yaml")
        host.say(orders % "many")
        reload(f"stays as it was: {host.file}:4: ")
        assert in_force() == (4000, "3h", "cas.yaml") and daemon.get("/readyz")[0] == 200
        host.file.unlink()
        reload("stays as it was: what is known of CAs: ")
        assert in_force() == (4000, "3h", "cas.yaml")
        host.say("")
        reload("was read again")
        assert in_force() == (300, "3h", "published")
    host.say("nonsense: 1\n")
    assert f"{host.file}:1: " in everleaf.error("serve", "--listen", daemon.address, status=2)


# the file that is shipped


def test_its_own_example_works(host):
    """The first lines of the file explain the form: what they show is taken."""
    comment = re.search(r"(?m)^#     cas:\n(?:#      .*\n)+", BUILT_IN.read_text())[0]
    host.say(re.sub(r"(?m)^#", "", comment))
    assert host.limits("letsencrypt")["new-orders"] == (3000, "3h", "cas.yaml")
    manual = (ROOT / "docs/man/limits.txt").read_text()
    host.say(re.search(r"(?m)^    cas:\n(?:     .*\n)+", manual)[0])
    assert host.limits("letsencrypt")["certificates-per-domain"] == (100, "7d", "cas.yaml")
    assert host.limits("internal") == {"new-orders": (20, "1h", "cas.yaml")}


def test_it_says_where_its_figures_are_from(bare):
    for name in ("letsencrypt", "letsencrypt-staging"):
        row = bare.json("ca", "show", name)
        assert row["limits"] and all(limit["source"] == "published" for limit in row["limits"])
        text = bare.run("ca", "show", name).out
        assert row["pages"][0].startswith("https://letsencrypt.org/docs/") and row["pages"][0] in text and row["read"] in text
