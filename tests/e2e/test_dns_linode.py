"""Linode: against a stateful fake, the same through its own description, and against recorded traffic."""

import json

import pytest

from dns_contract import NAME, ONE, Acts, Contract, Faults
from env.linode_fake import LinodeFake, failure
from env.prism import Prism, description
from env.recorded import Recorded, scenario


@pytest.fixture(scope="module")
def fake():
    with LinodeFake() as server:
        yield server


@pytest.fixture(scope="module")
def prism(fake, tmp_path_factory):
    with Prism(description("linode-domains"), fake.url + "/v4", tmp_path_factory.mktemp("prism")) as server:
        yield server


class Linode(Contract):
    provider = "linode"
    settings = {"api_token": "linode-right-0123456789"}
    wrong = {"api_token": "linode-wrong-0123456789"}
    wrong_words = "does not accept the API token: .*Invalid Token"
    denied = (403, {}, failure(403, "Your OAuth token is not authorized to use this endpoint.")[1])
    denied_words = "domains:read_write.*not authorized to use this endpoint"
    write = ("POST", "/records")
    remove = ("DELETE", "/records/")
    read = ("GET", "/records")
    base_path = "/v4"


class TestLinode(Linode, Acts, Faults):
    def test_a_token_that_only_reads(self, box, base_url, fake):
        self.make(box, base_url, api_token="linode-reader-0123456789")
        before = fake.whole()
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "domains:read_write", "example.org")
        assert fake.whole() == before

    def test_lists_have_pages(self, account, fake):
        for n in range(520):
            fake.add_zone(f"z{n}.example")
        for n in range(520):
            fake.plant("_acme-challenge.a.z519.example", f"plain {n}")
        account.run("dns", "present", "acct", "_acme-challenge.a.z519.example", ONE)
        account.run("dns", "present", "acct", "_acme-challenge.a.z519.example", ONE)
        assert fake.txt("_acme-challenge.a.z519.example").count(ONE) == 1
        account.run("dns", "cleanup", "acct", "_acme-challenge.a.z519.example", ONE)
        assert len(fake.txt("_acme-challenge.a.z519.example")) == 520

    def test_only_the_name_is_asked_for(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        asked = json.loads(fake.seen("GET", "/records")[0].headers["x-filter"])
        assert asked == {"type": "TXT", "name": "_acme-challenge.www"}

    def test_the_zone_itself(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", "example.org", ONE)
        assert "name" not in fake.seen("POST")[0].json and ONE in fake.txt("example.org")
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole() == before

    @pytest.mark.parametrize("given, sent", [(None, 300), (60, 300), (301, 3600), (3600, 3600), (86400, 86400)])
    def test_ttl_is_one_of_the_list(self, box, base_url, fake, given, sent):
        self.make(box, base_url, ttl=given)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json == {"type": "TXT", "name": "_acme-challenge.www", "target": ONE, "ttl_sec": sent}

    def test_a_copy_of_another_primary_is_no_zone(self, account, fake):
        before = fake.whole()
        self.names_all(account.error("dns", "present", "acct", "_acme-challenge.copy.example", ONE, status=1), "copy.example")
        assert fake.whole() == before

    def test_a_zone_by_its_number(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org", zone_id=str(fake.zones["example.org"]["id"]))
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/domains[?]")

    def test_a_zone_by_its_name(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org")
        box.run("dns", "present", "acct", NAME, ONE)
        assert json.loads(fake.seen("GET", "/domains[?]")[0].headers["x-filter"]) == {"domain": "example.org"}


class TestLinodeByPrism(Linode, Acts):
    @pytest.fixture
    def base_url(self, prism, fake):
        fake.strict = True
        yield prism.url
        fake.strict = False

    def test_prism_refuses_wrong_forms(self, prism):
        head = {"Authorization": "Bearer linode-right-0123456789", "Content-Type": "application/json"}
        for body in ({"name": "a", "target": "v"}, {"type": "TXTX", "target": "v"}, {"type": "TXT", "target": 5}, {"type": "TXT", "name": "", "target": "v"},
                     {"type": "TXT", "target": "v", "ttl_sec": "60"}):
            assert prism.ask("POST", "/domains/70000001/records", json.dumps(body), head)[0] == 422, body
        assert prism.ask("GET", "/domains")[0] == 401
        assert prism.ask("GET", "/domains?page_size=501", headers=head)[0] == 422


class TestLinodeRecorded:
    """The same requests as the recorded client's, but for the TTL it left out; the real answers understood."""

    def test_two_values_of_which_one_goes(self, tmp_path):
        with Recorded(scenario("linode", "delete_record_with_record_set_by_content_should_leave_others_untouched")) as service:
            box = service.account(tmp_path, Linode)
            name = "_acme-challenge.deleterecordinset.lexicon-test.com"
            box.run("dns", "present", "acct", name, "challengetoken1", "challengetoken2")
            assert len(service.pairs("POST")) == 2
            for recorded, ours in service.pairs("POST"):
                assert {**ours.json, "ttl_sec": 0} == recorded["json"] and ours.path == recorded["path"]
            for it in service.exchanges:
                it["used"] = it["used"] or (it["method"] == "GET" and "deleterecordinset" not in it["body"])
            box.run("dns", "cleanup", "acct", name, "challengetoken1")
            (recorded, ours), = service.pairs("DELETE")
            assert ours.path == recorded["path"] and ours.status == 200

    def test_no_such_zone(self, tmp_path):
        with Recorded(scenario("linode", "authenticate_with_unmanaged_domain_should_fail")) as service:
            box = service.account(tmp_path, Linode)
            line = box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", "v", status=1)
            assert "thisisadomainidonotown.com" in line
