"""Single promises, each once broken: whose the state is, what is refused, what is kept, what is said."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from env import Everleaf
from env.certs import assert_good, load, openssl, same_serial
from env.everleaf import BINARY

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: RUN THIS AS ROOT TOO")


@pytest.fixture
def open_folder():
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="everleaf-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@needs_root
def test_no_home_and_no_state(open_folder):
    program = shutil.copy(BINARY, open_folder / "everleaf")
    env = {"PATH": os.environ["PATH"]}
    for words in (["list"], ["ca", "add", "x", "https://127.0.0.1:1/dir"]):
        done = subprocess.run([program, *words], env=env, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True,
                              text=True)
        assert done.returncode == 2 and "--state" in done.stderr, done


@needs_root
def test_root_takes_the_owners_place(pebble, lab, open_folder, name):
    """What root does on another user's state is that user's, and so is the hook that runs."""
    root = shutil.copy(lab.root, open_folder / "root.pem")
    os.chmod(root, 0o644)
    everleaf = Everleaf(open_folder / "home", pebble, SimpleNamespace(root=root))
    everleaf.state.mkdir(mode=0o700)
    os.chown(everleaf.folder, NOBODY, NOBODY)
    os.chown(everleaf.state, NOBODY, 0)  # the folder's group is root's, and must not become the hook's
    hook = open_folder / "hook"
    hook.write_text(f"#!/bin/sh\nid -u >{everleaf.folder}/user\nid -G >>{everleaf.folder}/user\n")
    hook.chmod(0o755)
    everleaf.register()
    everleaf.issue(name, "--deploy-hook", hook)
    assert_good(everleaf.live(name), pebble.root_file())
    assert (everleaf.folder / "user").read_text().split() == [str(NOBODY)] * 2
    strangers = [path for path in everleaf.folder.rglob("*") if path != everleaf.state and (path.lstat().st_uid, path.lstat().st_gid) != (NOBODY, NOBODY)]
    assert not strangers


def test_check_is_silent_for_a_fresh_short_one(make_everleaf, profiled, name):
    """Six days are all it ever has: what counts is whether its renewal is late."""
    everleaf = make_everleaf(profiled)
    everleaf.issue(name, "--profile", "shortlived")
    result = everleaf.run("check")
    assert (result.out, result.err) == ("", "")
    assert name in everleaf.run("check", "--days", "7", status=1).out


@pytest.mark.parametrize("before", [[], ["jks"]], ids=["none before", "another before"])
def test_another_key_store_is_a_new_folder(everleaf, pebble, name, before):
    password = everleaf.secret_file("password", "a-keystore-password")
    with_password = ["--keystore-password-file", password]
    everleaf.issue(name, *(["--keystore", *before, *with_password] if before else []))
    old = everleaf.live(name).resolve()
    files = {path.name: path.read_bytes() for path in old.iterdir()}
    everleaf.run("set", name, "--keystore", "pkcs12", *with_password)
    everleaf.run("renew", name)
    new = everleaf.live(name).resolve()
    assert new != old and (new / "keystore.p12").exists() and not (new / "keystore.jks").exists()
    assert {path.name: path.read_bytes() for path in old.iterdir()} == files, "who reads the old folder is not disturbed"
    assert (new / "cert.pem").read_bytes() == files["cert.pem"], "it is the same certificate"
    assert_good(everleaf.live(name), pebble.root_file())
    everleaf.run("renew", name)
    assert everleaf.live(name).resolve() == new, "once is enough"


def test_nothing_is_asked_for_besides_a_request(everleaf, pebble, tmp_path, name):
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "csr.pem",
            "-subj", "/", "-addext", f"subjectAltName=DNS:{name}")
    orders = pebble.orders()
    assert "--csr" in everleaf.error("issue", "--csr", tmp_path / "csr.pem", "--key-type", "ec384", *everleaf.standalone(), status=2)
    assert everleaf.names() == [] and pebble.orders() == orders


def test_first_reason_stays(everleaf, pebble, name):
    everleaf.issue(name)
    serial = everleaf.show(name)["serial"]
    everleaf.run("revoke", name, "--reason", "superseded")
    everleaf.run("revoke", name, "--reason", "cessationOfOperation")
    assert [version["revocation_reason"] for version in everleaf.show(name)["versions"]] == ["superseded"]
    status = pebble.certificate_status(serial)
    assert status["Status"] == "Revoked" and status["Reason"] == 4


def test_export_takes_the_kept_password(everleaf, tmp_path, name):
    everleaf.issue(name, "--keystore", "pkcs12", "--keystore-password-file", everleaf.secret_file("password", "a-keystore-password"))
    everleaf.run("export", name, "--format", "pkcs12", "-o", tmp_path / "store.p12")
    text = openssl("pkcs12", "-in", tmp_path / "store.p12", "-passin", f"file:{everleaf.folder}/password", "-nodes")
    assert "PRIVATE KEY" in text and "BEGIN CERTIFICATE" in text
    openssl("pkcs12", "-in", tmp_path / "store.p12", "-passin", "pass:", "-noout", status=1)


def test_unknown_profile_leaves_nothing(make_everleaf, profiled, name):
    everleaf = make_everleaf(profiled)
    error = everleaf.error("issue", name, "--profile", "shortlivd", *everleaf.standalone(), status=2)
    assert "shortlivd" in error and "shortlived" in error and "brief" in error
    assert everleaf.names() == [] and not everleaf.live(name).exists()


def test_name_as_it_is_typed(everleaf, pebble, name):
    typed = f"Bücher-{name}"
    made, = everleaf.issue(typed)["issued"]
    assert made == typed.encode("idna").decode().lower() and everleaf.names() == [made]
    assert everleaf.show(typed)["name"] == made
    assert everleaf.json("renew", typed)["unchanged"] == [made]
    assert everleaf.json("renew", typed, "--force")["renewed"] == [made]
    certificate = load(everleaf.live(made, "cert.pem"))
    assert same_serial(everleaf.show(typed)["serial"], certificate)
    assert everleaf.run("export", typed, "--part", "cert").out == everleaf.live(made, "cert.pem").read_text()
