"""Hetzner: against a stateful fake; test_dns_cassettes.py holds our requests to recorded ones."""

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Faults
from env.small_fakes import HetznerFake


@pytest.fixture(scope="module")
def fake():
    with HetznerFake() as server:
        yield server


class TestHetzner(Acts, Faults):
    provider = "hetzner"
    settings = {"api_token": "hetzner-right-0123456789"}
    wrong = {"api_token": "hetzner-wrong-0123456789"}
    wrong_words = "unable to authenticate"
    denied = (403, {}, {"error": {"code": "forbidden", "message": "insufficient permissions"}})
    denied_words = "Read & Write.*insufficient permissions"
    write = ("POST", "/actions/add_records")
    remove = ("POST", "/actions/remove_records")
    read = ("GET", "/rrsets")
    base_path = "/v1"

    def test_a_token_that_only_reads(self, box, base_url, fake):
        self.make(box, base_url, api_token="hetzner-reader-0123456789")
        before = fake.whole()
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "Read & Write", "insufficient permissions")
        assert fake.whole() == before

    def test_two_values_go_in_one_action_that_is_waited_for(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        assert len(fake.seen("POST")) == 1 and len(fake.seen("POST")[0].json["records"]) == 2
        assert len(fake.seen("GET", "/zones/actions/")) == fake.running + 1

    def test_an_action_that_fails_is_told(self, account, fake):
        fake.running = "error"
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "Action failed")

    @pytest.mark.parametrize("code, status", [("locked", 423), ("conflict", 409)])
    def test_a_locked_zone_is_waited_for(self, account, fake, code, status):
        fake.spoil((status, {}, {"error": {"code": code, "message": "resource is locked"}}), *self.write)
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    def test_a_copy_of_another_primary_is_refused(self, account, fake):
        before = fake.whole()
        line = account.error("dns", "present", "acct", "_acme-challenge.copy.example", ONE, status=1)
        self.names_all(line, "copy.example", "not supported for this Zone's mode")
        assert fake.whole() == before

    def test_lists_have_pages(self, account, fake):
        for n in range(120):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z119.example", ONE)
        assert fake.txt("_acme-challenge.z119.example") == [ONE]

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        assert "/rrsets/%40/TXT/" in fake.seen("POST")[0].target or "/rrsets/@/TXT/" in fake.seen("POST")[0].target
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before

    def test_a_zone_by_its_number(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org", zone_id=str(fake.zones["example.org"]["id"]), ttl=600)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json["ttl"] == 600 and not fake.seen("GET", "/zones[?]|/zones/example.org$")
