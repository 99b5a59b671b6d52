"""The systemd unit: what systemd's own tools say of it, without one running."""

import os
import re
import shutil
import subprocess

import pytest

from env.debs import ROOT

UNIT = ROOT / "packaging/everleaf.service"
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                                   reason="systemd-analyze is not installed; tools/deps does it")


@pytest.fixture
def unit(tmp_path):
    """As it is installed, for a program that is there."""
    program = tmp_path / "everleaf"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = tmp_path / "everleaf.service"
    path.write_text(UNIT.read_text().replace("@bindir@", str(tmp_path)))
    return path


def analyze(*args):
    done = subprocess.run(["systemd-analyze", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning", "SYSTEMD_COLORS": "0"})
    return done.returncode, done.stdout


@needs_systemd
def test_verify(unit):
    status, out = analyze("verify", "--man=no", unit)
    assert status == 0 and unit.name not in out, out


@needs_systemd
def test_sandbox(unit):
    _, out = analyze("security", "--offline=true", "--no-pager", unit)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)
    assert level, out
    assert float(level[1]) < 2.0, out


def test_it_starts_what_there_is(bare):
    """Its command is one that the program knows, its documentation a page that there is."""
    text = UNIT.read_text()
    words = re.search(r"^ExecStart=\S+/everleaf (.*)$", text, re.M)[1].split()
    assert words[0] in [row["command"] for row in bare.json("commands")["commands"]]
    page = re.search(r"man:everleaf-(\w+)\(1\)", text)[1]
    assert (ROOT / f"docs/man/{page}.txt").exists()


# the Debian package; tests/package installs it

DEBIAN = ROOT / "packaging/debian"


def test_configuration_shipped(bare, tmp_path):
    """It is all comments, and each of them is one that works when it is taken away."""
    shipped = (ROOT / "packaging/everleaf.yaml").read_text()
    assert all(line.startswith("#") or not line for line in shipped.splitlines())
    turned_on = re.sub(r"(?m)^#(?=\S|  - )", "", shipped)
    assert "\ntls_name: " in turned_on and "\n  - you@example.org" in turned_on
    for text in (shipped, turned_on):
        path = tmp_path / "everleaf.yaml"
        path.write_text(text)
        bare.run("--config", path, "list")


def test_package_agrees_with_the_tree():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert re.match(r"everleaf \((\S+)\)", (DEBIAN / "changelog").read_text())[1] == version
    deps = (ROOT / "tools/deps").read_text()
    needed = set(re.search(r"^build=\((.*?)\)", deps, re.M | re.S)[1].split()) - {"build-essential"}
    stated = re.search(r"^Build-Depends:(.*?)^\S", (DEBIAN / "control").read_text(), re.M | re.S)[1]
    stated = {re.sub(r"\(.*?\)", "", item).strip() for item in stated.split(",")} - {"debhelper-compat"}
    assert stated == needed


@pytest.mark.parametrize("script", ["postinst", "postrm"])
def test_maintainer_scripts_are_scripts(script):
    assert subprocess.run(["sh", "-n", DEBIAN / f"everleaf.{script}"]).returncode == 0
