"""OVHcloud: against a stateful fake that checks signatures by the vendor's own example; test_dns_cassettes.py holds our
requests to recorded ones."""

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Contract, Faults
from env.small_fakes import OVHFake, ovh_signature


@pytest.fixture(scope="module")
def fake():
    with OVHFake() as server:
        yield server


def test_the_fake_checks_signatures_as_the_vendor_does():
    """The example of OVHcloud's "First steps with the API"."""
    made = ovh_signature("EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF", "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1", "GET",
                         "https://eu.api.ovh.com/1.0/domains/", "", 1366560945)
    assert made == "$1$d3705e8afb27a0d2970a322b96550abfc67bb798"


class OVH(Contract):
    provider = "ovh"
    settings = {"application_key": OVHFake.KEYS[0], "application_secret": OVHFake.KEYS[1], "consumer_key": OVHFake.KEYS[2]}
    public = ("application_key",)
    wrong = {"application_secret": "ovh-wrong-secret-0123456789"}
    wrong_words = "application_secret or consumer_key is wrong: .*Invalid signature"
    denied = (403, {}, {"errorCode": "NOT_GRANTED_CALL", "httpCode": "403 Forbidden", "message": "This call has not been granted"})
    denied_words = r"the right POST /domain/zone/\* is missing: .*not been granted"
    write = ("POST", "/record")
    remove = ("DELETE", "/record/")
    read = ("GET", "/record[?]")
    base_path = "/1.0"

    @pytest.fixture
    def account(self, box, base_url, fake):
        self.make(box, base_url)
        yield box
        for request in fake.requests:
            assert not [s for s in box.secrets if s in request.target]
        assert not fake.unpublished(), "a change was never published"


class TestOVH(OVH, Acts, Faults):
    def test_a_wrong_consumer_key(self, box, base_url, fake):
        self.make(box, base_url, consumer_key="ovh-wrong-consumer-0123456789")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "check the keys", "credential is not valid")

    def test_the_services_clock_is_the_one_that_counts(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        assert len(fake.seen("GET", "/auth/time")) == 1 and "x-ovh-signature" not in fake.seen("GET", "/auth/time")[0].headers

    def test_published_after_a_failure_in_between(self, account, fake):
        fake.before(lambda request: fake.spoil((403, {}, {"message": "no more"}), "POST", "/record$", times=None), "POST", "/record$", nth=1)
        account.error("dns", "present", "acct", NAME, ONE, TWO, status=1)
        assert fake.seen("POST", "/refresh") and not fake.unpublished()

    def test_published_by_the_next_run(self, account, fake):
        """A run that ended before its refresh."""
        fake.spoil((403, {}, {"message": "This call has not been granted"}), "POST", "/refresh", times=None)
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "refresh", "is missing")
        fake.faults.clear()
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == [] and not fake.unpublished()

    def test_a_service_account(self, box, base_url, fake):
        self.make(box, base_url, **dict.fromkeys(self.settings), client_id=fake.CLIENT[0], client_secret=box.secret(fake.CLIENT[1]),
                  token_url=f"{fake.url}/auth/oauth2/token")
        box.secret(fake.CLIENT[2])
        box.run("dns", "present", "acct", NAME, ONE, TWO)
        assert sorted(fake.txt(NAME)) == sorted([ONE, TWO]) and len(fake.seen("POST", "/oauth2/token")) == 1
        assert not fake.seen("GET", "/auth/time")

    def test_a_wrong_service_account(self, box, base_url, fake):
        self.make(box, base_url, **dict.fromkeys(self.settings), client_id=fake.CLIENT[0], client_secret=box.secret("wrong-0123456789abc"),
                  token_url=f"{fake.url}/auth/oauth2/token")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "token for client_id ovh-client", "authentication failed")

    @pytest.mark.parametrize("over, words", [({"consumer_key": None}, "all of one of the two"), ({"client_id": "x"}, "all of one of the two"),
                                             ({"endpoint": "ovh-xx"}, "unknown endpoint")])
    def test_settings_that_do_not_go_together(self, box, base_url, over, words):
        with pytest.raises(AssertionError, match=words):
            self.make(box, base_url, **over)

    def test_the_service_says_when_it_is_deployed(self, box, base_url, fake):
        self.make(box, base_url, propagation="provider")
        box.run("dns", "test", "acct", "www.example.org")
        assert fake.seen("GET", "/domain/zone/example.org/status")
