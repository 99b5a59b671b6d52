"""What is set for all nodes: it holds at once and everywhere, but where a configuration file says otherwise."""

import datetime
import json
import signal
import time

import pytest

from env import Serve
from env.certs import load
from env.client import Refused, user
from env.everleaf import Everleaf
from env.gate import SlowWeb
from env.process import wait_until
from test_nodes import cluster, two  # noqa: F401

pytestmark = pytest.mark.threads


@pytest.fixture
def daemon(everleaf, pebble):
    with Serve(everleaf, "--http", pebble.http_address) as daemon:
        yield daemon


@pytest.fixture
def admin(everleaf, daemon):
    return user(everleaf, daemon, "root", "admin")


def key_bits(everleaf, name):
    return load(everleaf.live(name, "cert.pem")).public_key().key_size


def issued(admin, name, **how):
    admin.done(admin.post("/certificates", domains=[name], method="standalone", **how))


def refused(call, *args, **body):
    with pytest.raises(Refused) as told:
        call(*args, **body)
    return told.value.status, told.value.document


def test_what_is_requested_afterwards_goes_by_them(everleaf, admin, new_name):
    first, second = new_name(), new_name()
    said = admin.patch("/settings", key_type="ec384", ca="lab")
    assert (said["key_type"], said["ca"], said["in_file"]) == ("ec384", "lab", [])
    issued(admin, first)
    assert key_bits(everleaf, first) == 384 and everleaf.show(first)["ca"] == "lab"
    assert admin.patch("/settings", key_type=None)["key_type"] == "ec256"
    issued(admin, second)
    assert key_bits(everleaf, second) == 256, "the default again, and still the CA that was set"
    kinds = [event["text"] for event in everleaf.json("log") if event["kind"] == "settings"]
    assert kinds == ["settings changed: ca: lab; key_type: ec384", "settings changed: key_type: as by default"]


def test_the_ca_that_all_go_by_is_not_deleted(everleaf, admin):
    admin.post("/cas", name="spare", url="https://ca.example.org/dir")
    admin.patch("/settings", ca="spare")
    assert refused(admin.delete, "/cas/spare")[1]["detail"].startswith("spare is used where no CA is named")
    # also where this host's own file says another
    own = everleaf.folder / "own.yaml"
    own.write_text("ca: letsencrypt\n")
    assert "spare is used" in everleaf.error("--config", own, "ca", "delete", "spare", status=1)
    admin.patch("/settings", ca=None)
    admin.delete("/cas/spare")


def test_all_that_was_changed_is_in_the_event(everleaf, admin):
    addresses = [f"{n}-{'a' * 60}@{'b' * 60}.example.org" for n in range(10)]
    admin.patch("/settings", email=addresses, agree_tos=True, wait_s=3600)
    text, = [event["text"] for event in everleaf.json("log") if event["kind"] == "settings"]
    assert text == "settings changed: email: 10 values; agree_tos: true; wait_s: 3600"


def test_what_a_newer_version_set_stays(everleaf):
    """And what cannot be read keeps nobody from the rest."""
    everleaf.sql("insert into meta (name, value) values ('settings', ?)", '{"future": 1, "wait_s": "1h", "key_type": "ec384"}')
    assert everleaf.json("settings", "show")["key_type"] == "ec384"
    everleaf.run("settings", "set", "wait_s=10")
    assert json.loads(everleaf.sql("select value from meta where name = 'settings'")[0][0]) == {"future": 1, "key_type": "ec384", "wait_s": 10}


def test_a_ca_of_this_host_alone_is_not_for_all(everleaf, tmp_path):
    (tmp_path / "cas.yaml").write_text("cas:\n  - name: inhouse\n    directory: https://ca.example.org/dir\n")
    config = tmp_path / "config"
    config.write_text(f"cas: {tmp_path}/cas.yaml\n")
    assert "on this host alone" in everleaf.error("--config", config, "settings", "set", "ca=inhouse", status=2)


def test_a_reload_amid_changes_is_not_lost(everleaf):
    config = everleaf.folder / "everleaf.yaml"
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    config.write_text("")
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        for n in range(1, 20):
            config.write_text(f"jobs: {n}\n")
            daemon.process.send_signal(signal.SIGHUP)
            admin.patch("/settings", wait_s=100 + n)
            wait_until(lambda n=n: admin.get("/settings")["jobs"] == n, "the file to be read again", 10)


@pytest.mark.option("settings set")
@pytest.mark.option("settings show")
@pytest.mark.option("settings reset")
def test_a_command_on_the_host_is_heard_by_the_daemon(everleaf, admin, daemon, new_name):
    name = new_name()
    everleaf.run("settings", "set", "key_type=ec384", "email=a@example.org", "email=b@example.org")
    assert everleaf.json("settings", "show")["email"] == ["a@example.org", "b@example.org"]
    wait_until(lambda: "settings were changed" in daemon.log(), "the daemon to see it")
    issued(admin, name, ca="lab")
    assert key_bits(everleaf, name) == 384
    everleaf.run("settings", "reset", "key_type", "email")
    assert everleaf.json("settings", "show")["email"] == [] and admin.get("/settings")["key_type"] == "ec256"
    assert "key_type" in everleaf.run("settings", "show").out


def test_the_file_of_a_host_stands(everleaf, pebble, new_name):
    config = everleaf.folder / "everleaf.yaml"
    config.write_text("key_type: rsa2048\nagree_tos: false\n")
    everleaf.run("settings", "set", "key_type=ec384", "wait_s=100", "agree_tos=true")
    everleaf.env["EVERLEAF_CONFIG"] = str(config)
    with Serve(everleaf, "--http", pebble.http_address) as daemon:
        admin, name = user(everleaf, daemon, "root", "admin"), new_name()
        said = admin.get("/settings")
        assert (said["key_type"], said["wait_s"], said["agree_tos"]) == ("rsa2048", 100, False)
        assert sorted(said["in_file"]) == ["agree_tos", "key_type"]
        issued(admin, name, ca="lab")
        assert key_bits(everleaf, name) == 2048
        status, document = refused(admin.patch, "/settings", wait_s=50, key_type="ec256")
        assert (status, document["member"]) == (403, "key_type") and "configuration file" in document["detail"]
        assert admin.get("/settings")["wait_s"] == 100, "nothing of it was done"
        # a file that is being written, and is not to be read yet, keeps nobody from the settings
        config.write_text("key_type: [\n")
        assert admin.patch("/settings", wait_s=200)["wait_s"] == 200
        assert admin.get("/settings")["key_type"] == "rsa2048"
        config.write_text("")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: admin.get("/settings")["key_type"] == "ec384", "the file to be read again")


@pytest.mark.parametrize("member, value", [
    ("key_type", "dsa"), ("renew_window", "25:00"), ("wait_s", 3601), ("wait_s", -1), ("wait_s", "10"), ("pass_within_days", 366),
    ("warn_days", [0]), ("warn_days", [7, 7]), ("warn_days", "7"), ("warn_days", {}),
    ("email", ["nobody"]), ("email", ["a@example.org"] * 11), ("email", "a@example.org"), ("ca", "nobody"), ("ca", "https://ca.example.org/dir"),
    ("ping_url", "https://watch.example.org/"), ("allow_private", True), ("webroots", ["/"]), ("in_file", []), ("jobs", 4),
])
def test_what_cannot_be(everleaf, admin, member, value):
    before = admin.get("/settings")
    status, document = refused(admin.patch, "/settings", **{"renew_window": "03:00", member: value} if member != "renew_window" else {member: value})
    assert status in (400, 403) and document["member"].startswith(member), document
    assert admin.get("/settings") == before and everleaf.sql("select count(*) from meta where name = 'settings'") == [(0,)]


@pytest.mark.parametrize("words", ["key_type", "foo=1", "wait_s=x", "wait_s=1 wait_s=2", "warn_days=x", "warn_days=0", "warn_days=1],[2", "agree_tos=perhaps"])
def test_words_that_cannot_be(everleaf, words):
    assert everleaf.run("settings", "set", *words.split(), status=2).err
    assert not any(event["kind"] == "settings" for event in everleaf.json("log"))


def test_only_as_they_were_seen(daemon, admin):
    asked = {"Authorization": f"Bearer {admin.token}", "Content-Type": "application/json"}
    _, headers, _ = daemon.get("/api/v1/settings", headers=asked)
    admin.patch("/settings", wait_s=10)
    told = daemon.get("/api/v1/settings", "PATCH", json.dumps({"wait_s": 20}), {**asked, "If-Match": headers["ETag"]})
    assert told[0] == 412 and admin.get("/settings")["wait_s"] == 10


def test_a_pass_that_is_late_by_them(everleaf):
    everleaf.sql("insert into meta (name, value) values ('last_pass', ?) on conflict (name) do update set value = excluded.value",
                 str(int(time.time()) - 5 * 86400))
    everleaf.run("settings", "set", "pass_within_days=6")
    assert everleaf.run("check").err == ""
    everleaf.run("settings", "set", "pass_within_days=4")
    assert "no pass has run since" in everleaf.run("check", status=1).err


def test_the_nightly_window_by_them(everleaf, admin, name):
    issued(admin, name, ca="lab", renew_before="30d")
    everleaf.sql("update certs set ari_id = null, ari_renew_at = 0, ari_start = 0, ari_end = 0, ari_check_at = 0")
    admin.patch("/settings", renew_window="01:30")
    assert admin.patch(f"/certificates/{name}", renew_before="29d")
    at = datetime.datetime.fromisoformat(admin.get(f"/certificates/{name}")["renew_at"].rstrip("Z")).replace(tzinfo=datetime.timezone.utc)
    assert "01:30" <= at.astimezone().strftime("%H:%M") <= "02:30"


def test_a_request_waits_as_long_as_they_say(everleaf, pebble, tmp_path, name):
    """The CA looks at a server that does not answer: 75 rather than 300 seconds of waiting."""
    everleaf.run("settings", "set", "wait_s=1")
    with SlowWeb(pebble.http_port, tmp_path) as web:
        assert "in 1 s" in everleaf.error("issue", name, "--webroot", tmp_path, "--no-preflight", status=75, timeout=40) and web.held


def test_an_account_is_registered_on_the_fly_by_them(bare, pebble, name):
    bare.add_ca(pebble)
    bare.run("settings", "set", "email=night@example.org", "agree_tos=true", "ca=lab")
    bare.run("issue", name, "--standalone", pebble.http_address)
    assert [row["contacts"] for row in bare.json("account", "list")] == [["night@example.org"]]


def test_all_nodes_go_by_them(two, pebble, new_name):  # noqa: F811
    a, b = two
    with Serve(a) as one, Serve(b, "--http", pebble.http_address) as other:
        here, there, name = user(a, one, "root", "admin"), None, new_name()
        here.patch("/settings", key_type="ec384")
        wait_until(lambda: "settings were changed" in other.log(), "the other node to see it")
        there = type(here)(other, here.token)
        issued(there, name, ca="lab")
        assert key_bits(b, name) == 384


def test_they_are_in_a_backup(everleaf, admin, lab, tmp_path):
    admin.patch("/settings", renew_window="04:30", email=["pki@example.org"])
    everleaf.run("backup", tmp_path / "backup", "--with-master-key")
    again = Everleaf(tmp_path / "again", None, lab)
    again.run("restore", tmp_path / "backup")
    said = again.json("settings", "show")
    assert (said["renew_window"], said["email"]) == ("04:30", ["pki@example.org"])
