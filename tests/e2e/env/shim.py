"""A DNS account of an acme.sh script that a test writes, and the server that takes what the script sends."""

import json
import os
import shutil

import pytest

from env import Everleaf, made
from env.dnsapi_lab import Taker

NAME = "_acme-challenge.www.example.org"
ONE = "ZV8mF0hXwzmjZ0Jyh6W3kX6wAqJ0M1-one_0123456"
TWO = "q9dK2m7bTtGqYx0uQyqT5o3pLh-dS8d2two_0123456"
ROOT = os.geteuid() == 0
SECRET = "the-key-0123456789-is-secret"

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="scripts need curl")
as_root = pytest.mark.skipif(not ROOT, reason="only root can change the user of a child")


@pytest.fixture(scope="module")
def taker():
    with Taker() as server:
        yield server


@pytest.fixture(autouse=True)
def clean(taker):
    taker.reset()


class Account:
    """A DNS account of a script written for the test."""

    def __init__(self, box, taker):
        self.box, self.taker = box, taker
        self.folder = box.folder / "dnsapi"
        self.folder.mkdir()
        self.path = self.folder / "dns_x.sh"

    def script(self, add=":", rm=":", head=""):
        self.path.write_text(f"#!/usr/bin/env sh\n{head}\ndns_x_add() {{\n{add}\n}}\ndns_x_rm() {{\n{rm}\n}}\n")
        self.path.chmod(0o644)
        return self

    def credentials(self, **settings):
        environment = {"FAKE": self.taker.url, **settings.pop("environment", {})}
        lines = {"script": str(self.path), "propagation": "none", **settings}
        lines = {key: value for key, value in lines.items() if value is not None}
        text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())
        text += "environment:\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in environment.items())
        path = self.box.folder / "credentials.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def add(self, **settings):
        self.box.run("dns", "add", "dnsapi", "acct", "--credentials", self.credentials(**settings))
        return self

    def present(self, *values, name=NAME, **options):
        return self.box.run("dns", "present", "acct", name, *(values or (ONE,)), **options)

    def cleanup(self, *values, name=NAME, **options):
        return self.box.run("dns", "cleanup", "acct", name, *(values or (ONE,)), **options)

    def error(self, *values, action="present", **options):
        return self.box.error("dns", action, "acct", NAME, *(values or (ONE,)), status=1, **options)


@pytest.fixture
def box(tmp_path):
    return Everleaf(tmp_path / "everleaf", like=made())


@pytest.fixture
def account(box, taker):
    return Account(box, taker)


def send(name, command):
    """Shell text that sends a command's output as the result `name`."""
    return f'{{ {command}\n}} >"$LE_WORKING_DIR/out"; _post "$(base64 -w 0 <"$LE_WORKING_DIR/out")" "$FAKE/result/{name}" >/dev/null'
