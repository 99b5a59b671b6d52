"""acme-dns: against a stateful fake with a real name server. Nothing independent of us refuses a wrong form here."""

import pytest

from dns_contract import HTML, PASSING, Contract
from env.duckdns_fake import AcmeDnsFake

FULL = AcmeDnsFake.FULL
ONE, TWO = "1" + "a-_Z9" * 8 + "xx", "2" + "b-_Y8" * 8 + "yy"  # 43 of base64url: the service takes nothing else


@pytest.fixture(scope="module")
def fake(dns):
    with AcmeDnsFake(dns) as server:
        yield server


class TestAcmeDns(Contract):
    provider = "acme-dns"
    settings = {"api_user": AcmeDnsFake.USER, "api_key": AcmeDnsFake.KEY, "subdomain": FULL.split(".")[0], "fulldomain": FULL}
    public = ("api_user", "subdomain", "fulldomain")

    def lines(self, base_url, **over):
        return {**super().lines(base_url, **over), "servers": [self.server], "resolvers": [self.server]}

    @pytest.fixture(autouse=True)
    def name_server(self, dns):
        type(self).server = dns.dns

    def test_a_value_and_its_wildcards(self, account, fake):
        account.run("dns", "present", "acct", FULL, ONE, TWO)
        assert fake.txt(FULL) == [ONE, TWO]
        account.run("dns", "cleanup", "acct", FULL, ONE, TWO)
        assert len(fake.requests) == 2

    def test_there_already_is_not_written_again(self, account, fake):
        """Writing TWO again would push ONE out."""
        account.run("dns", "present", "acct", FULL, ONE)
        account.run("dns", "present", "acct", FULL, TWO)
        account.run("dns", "present", "acct", FULL, TWO)
        assert fake.txt(FULL) == [ONE, TWO] and len(fake.requests) == 2

    @pytest.mark.parametrize("fault", PASSING)
    @pytest.mark.parametrize("nth", [1, 2])
    def test_two_values_survive(self, account, fake, fault, nth):
        if nth == 1:
            fake.spoil(PASSING[fault], "POST")
        else:
            fake.before(lambda request: fake.spoil(PASSING[fault], "POST"), "POST", nth=1)
        account.run("dns", "present", "acct", FULL, ONE, TWO)
        assert sorted(fake.txt(FULL)) == sorted([ONE, TWO])

    def test_an_alias_leads_there(self, account, fake, dns, new_name):
        name = new_name()
        dns.set_cname(f"_acme-challenge.{name}", FULL)
        result = account.run("dns", "present", "acct", f"_acme-challenge.{name}", ONE)
        assert fake.txt(FULL) == [ONE] and FULL in result.out

    def test_no_alias_yet(self, account, fake):
        line = account.error("dns", "present", "acct", "_acme-challenge.nowhere.example.com", ONE, status=1)
        self.names_all(line, "create the record: _acme-challenge.nowhere.example.com. CNAME " + FULL)
        assert fake.requests == []

    def test_three_values_are_too_many(self, account, fake):
        line = account.error("dns", "present", "acct", FULL, ONE, TWO, ONE[::-1], status=1)
        assert "acme-dns holds no more than 2 values" in line and fake.requests == []

    def test_a_wrong_key_is_named(self, box, base_url, fake):
        self.make(box, base_url, api_key=box.secret("wrong-0123456789"))
        self.names_all(box.error("dns", "present", "acct", FULL, ONE, status=1), "check api_user and api_key", "allowfrom", "forbidden")

    def test_a_value_that_the_service_refuses(self, account):
        self.names_all(account.error("dns", "present", "acct", FULL, "short", status=1), "bad_txt")

    def test_a_page_in_html_is_told(self, account, fake):
        fake.spoil(HTML, times=None)
        self.names_all(account.error("dns", "present", "acct", FULL, ONE, status=1), "not JSON")

    def test_subdomain_and_fulldomain_belong_together(self, box, base_url):
        with pytest.raises(AssertionError, match="fulldomain must begin with subdomain and a dot"):
            self.make(box, base_url, fulldomain="another.auth.example.org")
