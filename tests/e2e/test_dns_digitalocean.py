"""DigitalOcean: against a stateful fake, the same through its own description, and against recorded traffic."""

import json

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Contract, Faults
from env.digitalocean_fake import DigitalOceanFake
from env.prism import Prism, description
from env.recorded import Recorded, scenario


@pytest.fixture(scope="module")
def fake():
    with DigitalOceanFake() as server:
        yield server


@pytest.fixture(scope="module")
def prism(fake, tmp_path_factory):
    with Prism(description("digitalocean-domains"), fake.url, tmp_path_factory.mktemp("prism")) as server:
        yield server


class DigitalOcean(Contract):
    provider = "digitalocean"
    settings = {"api_token": "dop_v1_right0123456789"}
    wrong = {"api_token": "dop_v1_wrong0123456789"}
    wrong_words = "does not accept the API token: .*Unable to authenticate you"
    denied = (403, {}, {"id": "Forbidden", "message": "You are not authorized to perform this operation"})
    denied_words = "lacks the scope domain:create: .*not authorized to perform"
    write = ("POST", "/records")
    remove = ("DELETE", "/records/")
    read = ("GET", "/records")


class TestDigitalOcean(DigitalOcean, Acts, Faults):
    def test_a_token_that_only_reads(self, box, base_url, fake):
        self.make(box, base_url, api_token="dop_v1_reader0123456789")
        before = fake.whole()
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "domain:create", "example.org")
        assert fake.whole() == before

    def test_pages_are_followed_by_number(self, account, fake):
        """The next page's address names the real service, and the token must not go anywhere it names."""
        for n in range(50):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.a.z49.example", ONE)
        assert fake.txt("_acme-challenge.a.z49.example") == [ONE]
        assert [request.arg("page") for request in fake.seen("GET", "/domains[?]")] == ["1", "2", "3"]

    def test_more_zones_than_are_listed(self, account, fake):
        for n in range(210):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z209.example", ONE)
        assert fake.txt("_acme-challenge.z209.example") == [ONE] and len(fake.seen("GET", "/domains[?]")) == 10

    def test_a_list_that_is_too_long_to_read(self, account, fake):
        """Each domain of the list comes with its whole zone file."""
        fake.spoil((200, {}, '{"domains": [], "x": "' + "x" * (2 << 20) + '"}'), "GET", "/domains[?]")
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    def test_records_have_pages(self, account, fake):
        for n in range(230):
            fake.plant(NAME, f"plain {n}")
        account.run("dns", "present", "acct", NAME, ONE)
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME).count(ONE) == 1
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert ONE not in fake.txt(NAME) and len(fake.txt(NAME)) == 230

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        assert fake.seen("POST")[0].json["name"] == "@" and ONE in fake.txt("example.org")
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before

    @pytest.mark.parametrize("given, sent", [(None, 60), (5, 30), (1800, 1800)])
    def test_ttl(self, box, base_url, fake, given, sent):
        self.make(box, base_url, ttl=given)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json == {"type": "TXT", "name": "_acme-challenge.www", "data": ONE, "ttl": sent}

    def test_a_zone_that_is_given_is_not_looked_for_in_the_list(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/domains[?]")


class TestDigitalOceanByPrism(DigitalOcean, Acts):
    @pytest.fixture
    def base_url(self, prism):
        return prism.url

    def test_prism_refuses_wrong_forms(self, prism):
        head = {"Authorization": "Bearer dop_v1_right0123456789", "Content-Type": "application/json"}
        for body in ({"name": "a", "data": "v"}, {"type": "TXT", "name": 5, "data": "v"}, {"type": "TXT", "name": "a", "data": "v", "ttl": "60"}):
            assert prism.ask("POST", "/v2/domains/example.org/records", json.dumps(body), head)[0] == 422, body
        assert prism.ask("GET", "/v2/domains")[0] == 401
        assert prism.ask("GET", "/v2/domains?per_page=201", headers=head)[0] == 422


class TestDigitalOceanRecorded:
    """The same requests as the recorded client's, but that records are asked for by name; the real answers understood."""

    def test_two_values_of_which_one_goes(self, tmp_path):
        with Recorded(scenario("digitalocean", "delete_record_with_record_set_by_content_should_leave_others_untouched")) as service:
            box = service.account(tmp_path, DigitalOcean, ttl=3600, zone="foxwoodswebsites.com")
            name = "_acme-challenge.deleterecordinset.foxwoodswebsites.com"
            box.run("dns", "present", "acct", name, "challengetoken1", "challengetoken2")
            assert [ours.json for _, ours in service.pairs("POST")] == [recorded["json"] for recorded, _ in service.pairs("POST")]
            assert len(service.pairs("POST")) == 1  # the second value was there already
            for it in service.exchanges:  # what was read before the records were made does not have them
                it["used"] = it["used"] or (it["method"] == "GET" and "challengetoken1" not in it["body"])
            box.run("dns", "cleanup", "acct", name, "challengetoken1")
            (recorded, ours), = service.pairs("DELETE")
            assert ours.path == recorded["path"] and ours.status == 204
            recorded, ours = service.pairs("GET", "/v2/domains/[^/]+$")[0]
            assert ours.query == recorded["query"] == {}

    def test_no_such_zone(self, tmp_path):
        with Recorded(scenario("digitalocean", "authenticate_with_unmanaged_domain_should_fail")) as service:
            box = service.account(tmp_path, DigitalOcean, zone="thisisadomainidonotown.com")
            line = box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", TWO, status=1)
            assert "thisisadomainidonotown.com" in line and "could not be found" in line
