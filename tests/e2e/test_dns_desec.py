"""deSEC: against a stateful fake; test_dns_cassettes.py holds our requests to recorded ones."""

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Faults
from env.small_fakes import AnyOf, DeSECFake


@pytest.fixture(scope="module")
def fake():
    with DeSECFake() as server:
        yield server


class TestDeSEC(Acts, Faults):
    provider = "desec"
    settings = {"token": "desec-right-0123456789"}
    wrong = {"token": "desec-wrong-0123456789"}
    wrong_words = "Invalid token"
    denied = (403, {}, {"detail": "You do not have permission to perform this action."})
    denied_words = "policy must allow writing TXT records at this name.*You do not have permission"
    write = (AnyOf("POST", "PATCH"), "/rrsets/")
    remove = ("PATCH", "/rrsets/")
    read = ("GET", "/rrsets/")
    base_path = "/api/v1"

    @pytest.mark.parametrize("given, sent", [(None, 3600), (60, 3600), (7200, 7200)])
    def test_ttl_is_at_least_the_domains(self, box, base_url, fake, given, sent):
        self.make(box, base_url, ttl=given)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json["ttl"] == sent

    def test_a_domain_that_allows_less(self, box, base_url, fake, monkeypatch):
        monkeypatch.setattr(fake, "MINIMUM", 60)
        self.make(box, base_url, ttl=120)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json["ttl"] == 120

    def test_somebody_else_creates_the_set_first(self, account, fake):
        fake.before(lambda request: fake.plant(NAME, TWO, ttl=7200), "POST", nth=1)
        account.run("dns", "present", "acct", NAME, ONE)
        assert sorted(fake.txt(NAME)) == sorted([ONE, TWO])
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == [TWO]

    def test_lists_have_pages(self, account, fake, monkeypatch):
        monkeypatch.setattr(fake, "PAGE", 50)
        for n in range(120):
            fake.add_zone(f"z{n:03}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z119.example", ONE)
        assert fake.txt("_acme-challenge.z119.example") == [ONE] and len(fake.seen("GET", "/domains/[?]cursor=")) == 3

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before and fake.seen("PATCH", "/rrsets/@/TXT/")
