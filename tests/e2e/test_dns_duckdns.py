"""DuckDNS: against a stateful fake with a real name server; test_dns_cassettes.py holds our requests to recorded ones."""

import pytest

from dns_contract import ONE, Acts, Faults
from env.duckdns_fake import TOKEN, DuckDNSFake

TWO = "2" + "b-_Y8" * 8 + "yy"  # has the form of a challenge's value
NAME = "_acme-challenge.testlexicon.duckdns.org"


@pytest.fixture(scope="module")
def fake(dns):
    with DuckDNSFake(dns) as server:
        yield server


class TestDuckDNS(Acts, Faults):
    provider = "duckdns"
    settings = {"token": TOKEN}
    wrong = {"token": "wrong-5e1f2a37-duck-0123456789ab"}
    wrong_words = "KO: the token is wrong, or testlexicon.duckdns.org is not a domain of its account"
    denied = (200, {}, "KO")
    denied_words = "KO"
    write = remove = ("GET", "/update")
    two_values = neighbours = False
    name = NAME

    def lines(self, base_url, **over):
        return {**super().lines(base_url, **over), "servers": [self.server]}

    @pytest.fixture(autouse=True)
    def name_server(self, dns):
        type(self).server = dns.dns

    @pytest.fixture
    def account(self, box, base_url):
        """The service has no other way than the token in the address; box.run() sees that it is nowhere else."""
        self.make(box, base_url)
        return box

    def remove_call(self):
        return "GET", "clear=true"

    def test_a_missing_right_is_named(self, account, fake):
        self.names_all(account.error("dns", "present", "acct", "_acme-challenge.mine-not.duckdns.org", ONE, status=1), "duckdns.org", "KO")
        assert fake.whole() == {}

    def test_another_value_is_not_cleared(self, account, fake):
        fake.plant(NAME, TWO)
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == [TWO] and not fake.seen("GET", "/update")

    def test_what_is_no_challenge_is_not_overwritten(self, account, fake):
        fake.plant(NAME, "v=spf1 -all")
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "testlexicon", "keeps only one", "clear it first")
        assert fake.txt(NAME) == ["v=spf1 -all"]

    def test_a_challenge_that_was_left_is_overwritten(self, account, fake):
        fake.plant(NAME, TWO)
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    def test_two_values_at_once_are_refused(self, account, fake):
        line = account.error("dns", "present", "acct", NAME, ONE, TWO, status=1)
        assert "DuckDNS holds no more than 1 value" in line and fake.whole() == {}

    def test_the_value_of_another_is_not_cleared_by_whoever_came_first(self, account, fake):
        """It keeps the last one: the first program's going leaves the second's value."""
        account.run("dns", "present", "acct", NAME, TWO)
        account.run("dns", "present", "acct", NAME, ONE)
        account.run("dns", "cleanup", "acct", NAME, TWO)
        assert fake.txt(NAME) == [ONE]

    def test_a_name_below(self, account, fake):
        account.run("dns", "present", "acct", "_acme-challenge.www.testlexicon.duckdns.org", ONE)
        assert fake.seen("GET", "domains=testlexicon&") and fake.txt(NAME) == [ONE]

    @pytest.mark.parametrize("args", [("-vv",), ("--json", "-vv")])
    @pytest.mark.parametrize("answer", [(500, {}, "oops"), (404, {}, f"no /update?token={TOKEN} here"), (200, {}, f"what is {TOKEN}?"), "cut-before"])
    def test_the_token_is_nowhere(self, account, fake, args, answer):
        fake.spoil(answer, times=2)
        account.run(*args, "dns", "present", "acct", NAME, ONE, status=None)  # run() looks through everything that was said
        account.run("dns", "cleanup", "acct", NAME, ONE, status=None)

    def test_an_address_that_is_none(self, box):
        with pytest.raises(AssertionError, match="base_url"):
            self.make(box, "duckdns.org")
