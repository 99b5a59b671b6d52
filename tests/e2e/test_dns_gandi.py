"""Gandi: against a stateful fake; test_dns_cassettes.py holds our requests to recorded ones."""

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Faults
from env.small_fakes import AnyOf, GandiFake


@pytest.fixture(scope="module")
def fake():
    with GandiFake() as server:
        yield server


class TestGandi(Acts, Faults):
    provider = "gandi"
    settings = {"personal_access_token": "gandi-right-0123456789"}
    wrong = {"personal_access_token": "gandi-wrong-0123456789"}
    wrong_words = "Access was denied to this resource"
    denied = (403, {}, {"code": 403, "message": "Access was denied to this resource.", "object": "HTTPForbidden", "cause": "Forbidden"})
    denied_words = "Manage domain name technical configurations"
    write = (AnyOf("POST", "PUT"), "/TXT")
    remove = (AnyOf("DELETE", "PUT"), "/TXT")
    read = ("GET", "/TXT")
    base_path = "/v5/livedns"

    def test_an_old_key(self, box, base_url, fake):
        self.make(box, base_url, personal_access_token=None, api_key=box.secret("gandi-old-key-0123456789"))
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    def test_one_of_token_and_key(self, box, base_url):
        with pytest.raises(AssertionError, match="personal_access_token, or an old api_key; not both"):
            self.make(box, base_url, api_key="gandi-old-key-0123456789")

    def test_somebody_else_creates_the_set_first(self, account, fake):
        fake.before(lambda request: fake.plant(NAME, TWO, ttl=900), "POST", nth=1)
        account.run("dns", "present", "acct", NAME, ONE)
        assert sorted(fake.txt(NAME)) == sorted([ONE, TWO])
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == [TWO] and (NAME, "TXT", f'"{TWO}"', 900) in fake.whole()["example.org"]

    def test_lists_have_pages(self, account, fake):
        for n in range(120):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z119.example", ONE)
        assert fake.txt("_acme-challenge.z119.example") == [ONE]

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before and fake.seen("PUT", "/records/@/TXT")
