"""ClouDNS: against a stateful fake; test_dns_cassettes.py holds both our requests to recorded ones."""

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Faults
from env.small_fakes import ClouDNSFake


@pytest.fixture(scope="module")
def fake():
    with ClouDNSFake() as server:
        yield server


class TestClouDNS(Acts, Faults):
    provider = "cloudns"
    settings = {"auth_id": "1234", "auth_password": "cloudns-right-0123456789"}
    public = ("auth_id",)
    wrong = {"auth_password": "cloudns-wrong-0123456789"}
    wrong_words = "incorrect auth-id or auth-password.*allowed addresses"
    denied = (200, {}, {"status": "Failed", "statusDescription": "Missing domain-name"})
    denied_words = "sub-user sees only the zones delegated to it"
    write = ("POST", "/add-record")
    remove = ("POST", "/delete-record")
    read = ("POST", "/records.json")
    base_path = "/dns"

    @pytest.mark.parametrize("who", [{"sub_auth_id": "56"}, {"sub_auth_user": "certs"}])
    def test_sub_users(self, box, base_url, fake, who):
        self.make(box, base_url, auth_id=None, **who)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    @pytest.mark.parametrize("over", [{"sub_auth_id": "56"}, {"auth_id": None}])
    def test_exactly_one_identity(self, box, base_url, over):
        with pytest.raises(AssertionError, match="exactly one of auth_id, sub_auth_id and sub_auth_user"):
            self.make(box, base_url, **over)

    def test_a_wrong_sub_user(self, box, base_url, fake):
        self.make(box, base_url, auth_id=None, sub_auth_user="nobody")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "incorrect sub-auth-id, sub-auth-user")

    @pytest.mark.parametrize("given, sent", [(None, "60"), (61, "300"), (3600, "3600"), (86399, "86400")])
    def test_ttl_is_one_of_the_list(self, box, base_url, fake, given, sent):
        self.make(box, base_url, ttl=given)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST", "/add-record")[0].form["ttl"] == sent

    def test_lists_have_pages(self, account, fake):
        for n in range(120):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z119.example", ONE)
        assert fake.txt("_acme-challenge.z119.example") == [ONE] and len(fake.seen("POST", "list-zones")) == 2

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        assert fake.seen("POST", "/add-record")[0].form["host"] == ""
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before

    def test_the_service_says_when_all_its_servers_have_it(self, box, base_url, fake):
        self.make(box, base_url, propagation="provider")
        fake.lagging = 1
        box.run("dns", "test", "acct", "www.example.org")
        assert len(fake.seen("POST", "/update-status")) == 2

    def test_many_names_are_looked_at_once(self, account, fake):
        fake.plant(NAME, TWO)
        account.run("dns", "cleanup", "acct", NAME, TWO)
        assert len(fake.seen("POST", "list-zones")) == 1 and len(fake.seen("POST", "/records.json")) == 1
