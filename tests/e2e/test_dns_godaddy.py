"""GoDaddy: against a stateful fake, the same through its own description, and against recorded traffic."""

import json

import pytest

from dns_contract import NAME, NEIGHBOURS, ONE, TWO, Acts, Contract, Faults
from env.godaddy_fake import KEY, SECRET, GoDaddyFake
from env.prism import Prism, description
from env.recorded import Recorded, scenario


@pytest.fixture(scope="module")
def fake():
    with GoDaddyFake() as server:
        yield server


@pytest.fixture(scope="module")
def prism(fake, tmp_path_factory):
    with Prism(description("godaddy-domains-v1-dns"), fake.url, tmp_path_factory.mktemp("prism")) as server:
        yield server


class GoDaddy(Contract):
    provider = "godaddy"
    settings = {"api_key": KEY, "api_secret": SECRET}
    wrong = {"api_secret": "gd-wrong-0123456789"}
    wrong_words = "does not accept api_key and api_secret.*Could not authenticate"
    denied = (403, {}, {"code": "ACCESS_DENIED", "message": "Authenticated user is not allowed access"})
    denied_words = "10 or more domains.*Discount Domain Club.*ACCESS_DENIED"
    write = ("PATCH", "/records")
    remove = ("PUT", "/records/TXT/")  # beside a neighbour; DELETE for the last one
    read = ("GET", "/records/TXT/")


class TestGoDaddy(GoDaddy, Acts, Faults):
    @pytest.mark.parametrize("fault", [(429, {"Retry-After": "1"}, {"code": "TOO_MANY_REQUESTS", "retryAfterSec": 1}), (500, {}, {}),
                                       "cut-before", "cut-after"])
    def test_deleting_the_set_survives(self, account, fake, fault):
        before = fake.whole()
        account.run("dns", "present", "acct", NAME, ONE)
        spoilt = fake.spoil(fault, "DELETE")
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert spoilt.n == 1 and fake.whole() == before

    def test_a_wait_that_is_asked_for_in_the_body(self, account, fake):
        fake.spoil((429, {}, {"code": "TOO_MANY_REQUESTS", "message": "Too many requests", "retryAfterSec": 3600}), times=None)
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=75, timeout=20), "TOO_MANY_REQUESTS")
        assert len(fake.requests) == 1

    @pytest.mark.parametrize("patch", ["adds", "replaces", "refuses", "forgets"])
    def test_whatever_patch_does_nothing_is_lost(self, account, fake, patch):
        fake.patch = patch
        for value, ttl in NEIGHBOURS:
            fake.plant(NAME, value, ttl=ttl)
        before = fake.whole()
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        assert sorted(fake.txt(NAME)) == sorted([ONE, TWO] + [value for value, _ in NEIGHBOURS])
        assert bool(fake.seen("PUT")) == (patch != "adds")
        account.run("dns", "cleanup", "acct", NAME, ONE, TWO)
        assert fake.whole() == before

    def test_a_duplicate_made_meanwhile_is_fine(self, account, fake):
        fake.before(lambda _: fake.plant(NAME, ONE), "PATCH")
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("PUT")

    @pytest.mark.parametrize("leftover", ["", " "])
    def test_leftovers_without_data(self, account, fake, leftover):
        """They cannot be written: harmless beside a value, and gone with the set that is written."""
        fake.plant(NAME, leftover)
        fake.plant(NAME, NEIGHBOURS[0][0])
        account.run("dns", "present", "acct", NAME, ONE)
        assert sorted(fake.txt(NAME)) == sorted([leftover, NEIGHBOURS[0][0], ONE])
        result = account.run("-v", "dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == [NEIGHBOURS[0][0]] and "without data" in result.err

    def test_the_last_value_goes_by_delete(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert [request.method for request in fake.requests][-1] == "DELETE" and not fake.seen("PUT")

    def test_many_domains_have_pages(self, account, fake):
        for n in range(1010):
            fake.add_zone(f"z{n:04}.example")
        account.run("dns", "present", "acct", "_acme-challenge.a.z1009.example", ONE)
        assert fake.txt("_acme-challenge.a.z1009.example") == [ONE]
        assert [request.arg("marker") for request in fake.seen("GET", "/domains[?]")] == [None, "z0496.example", "z0996.example"]

    def test_a_cancelled_domain_is_none(self, account, fake):
        fake.add_zone("gone.example")
        fake.zones["gone.example"]["status"] = "CANCELLED"
        self.names_all(account.error("dns", "present", "acct", "_acme-challenge.gone.example", ONE, status=1), "gone.example")

    def test_shopper(self, box, base_url, fake):
        self.make(box, base_url, shopper_id="123456789")
        box.run("dns", "present", "acct", NAME, ONE)
        assert {request.headers.get("x-shopper-id") for request in fake.requests} == {"123456789"}

    @pytest.mark.parametrize("given, sent", [(None, 600), (60, 600), (3600, 3600)])
    def test_ttl(self, box, base_url, fake, given, sent):
        self.make(box, base_url, ttl=given)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("PATCH")[0].json == [{"type": "TXT", "name": "_acme-challenge.www", "data": ONE, "ttl": sent}]

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        assert fake.seen("PATCH")[0].json[0]["name"] == "@" and len(fake.txt("example.org")) == 2
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before


class TestGoDaddyByPrism(GoDaddy, Acts):
    @pytest.fixture
    def base_url(self, prism):
        return prism.url

    def test_prism_refuses_wrong_forms(self, prism):
        head = {"Authorization": f"sso-key {KEY}:{SECRET}", "Content-Type": "application/json"}
        for body in ({"type": "TXT"}, [{"type": "TXT", "name": "a"}], [{"name": "a", "data": "v"}], [{"type": "TXTX", "name": "a", "data": "v"}],
                     [{"type": "TXT", "name": "a", "data": "v", "ttl": "600"}]):
            assert prism.ask("PATCH", "/v1/domains/example.org/records", json.dumps(body), head)[0] == 422, body
        assert prism.ask("GET", "/v1/domains")[0] == 401
        assert prism.ask("GET", "/v1/domains/example.org/records/TXTX/a", headers=head)[0] == 422


class TestGoDaddyRecorded:
    """The recorded client writes whole sets, as we do where PATCH does not add; the real answers understood."""

    def test_two_values(self, tmp_path):
        with Recorded(scenario("godaddy", "create_record_multiple_times_should_create_record_set")) as service:
            box = service.account(tmp_path, GoDaddy, ttl=3600, zone="fullm3tal.online")
            name = "_acme-challenge.createrecordset.fullm3tal.online"
            service.extra["PATCH", "/v1/domains/fullm3tal.online/records"] = 422, {"code": "INVALID_BODY", "message": "no"}
            empty = next(it for it in service.exchanges if it["method"] == "GET" and it["body"] == "[]")
            service.exchanges.insert(service.exchanges.index(empty), dict(empty))  # it is read back after the PATCH
            box.run("dns", "present", "acct", name, "challengetoken1")
            one = next(it for it in service.exchanges if it["method"] == "GET" and "challengetoken1" in it["body"])
            service.exchanges.insert(service.exchanges.index(one), dict(one))
            box.run("dns", "present", "acct", name, "challengetoken2")
            for method in ("GET", "PUT"):
                assert [(ours.path, ours.query) for _, ours in service.pairs(method)] == [
                    (recorded["path"], recorded["query"]) for recorded, _ in service.pairs(method)]
            puts = service.pairs("PUT")
            assert len(puts) == 2 and all(ours.json == recorded["json"] for recorded, ours in puts)

    def test_there_already(self, tmp_path):
        with Recorded(scenario("godaddy", "create_record_with_duplicate_records_should_be_noop")[-1:]) as service:
            service.exchanges += scenario("godaddy", "authenticate")
            box = service.account(tmp_path, GoDaddy, ttl=3600, zone="fullm3tal.online")
            box.run("dns", "present", "acct", "_acme-challenge.noop.fullm3tal.online", "challengetoken")
            assert {request.method for request in service.requests} == {"GET"}

    def test_no_such_zone(self, tmp_path):
        with Recorded(scenario("godaddy", "authenticate_with_unmanaged_domain_should_fail")) as service:
            box = service.account(tmp_path, GoDaddy, zone="thisisadomainidonotown.com")
            line = box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", "v", status=1)
            assert "thisisadomainidonotown.com" in line and "not found for shopper" in line
