"""The systemd unit: what systemd's own tools say of it, without one running."""

import os
import re
import shutil
import subprocess

import pytest

from env.debs import ROOT

UNIT = ROOT / "packaging/everleaf.service"
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                                   reason="data are absent: no systemd-analyze on this machine")


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
