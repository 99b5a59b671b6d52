"""Cloudflare: against a stateful fake, the same through its own description, and against recorded traffic."""

import json

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Contract, Faults
from env.cloudflare_fake import EMAIL, KEY, CloudflareFake, failure
from env.prism import Prism, description
from env.recorded import Recorded, scenario
from env.records_fake import quote


@pytest.fixture(scope="module")
def fake():
    with CloudflareFake() as server:
        yield server


@pytest.fixture(scope="module")
def prism(fake, tmp_path_factory):
    with Prism(description("cloudflare-dns-2024-08-06"), fake.url + "/client/v4", tmp_path_factory.mktemp("prism")) as server:
        yield server


class Cloudflare(Contract):
    provider = "cloudflare"
    settings = {"api_token": "right-token-0123456789"}
    wrong = {"api_token": "wrong-token-0123456789"}
    wrong_words = r"does not accept the API token: .*6003.*Invalid format for Authorization header \(code 6111\)"
    denied = (*failure(403, 10000, "Authentication error")[:1], {}, failure(403, 10000, "Authentication error")[1])
    denied_words = r"DNS:Edit.*missing.*Authentication error"
    write = ("POST", "/dns_records")
    remove = ("DELETE", "/dns_records/")
    base_path = "/client/v4"


class TestCloudflare(Cloudflare, Acts, Faults):
    def test_a_token_of_one_zone_asks_by_name(self, box, base_url, fake):
        self.make(box, base_url, api_token="one-zone-token-0123456789")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]
        asked = [request.arg("name") for request in fake.seen("GET", "/zones[?]")]
        assert asked == [None, "www.example.org", "example.org"]  # no name with an underscore is a zone's

    def test_without_zone_read(self, box, base_url, fake):
        self.make(box, base_url, api_token="dns-token-0123456789")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "Zone:Read", "missing", "zone_id")

    def test_without_dns_edit(self, box, base_url, fake):
        self.make(box, base_url, api_token="zone-token-0123456789")
        before = fake.whole()
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "DNS:Edit", "missing", "example.org")
        assert fake.whole() == before

    def test_a_zone_that_is_given_needs_no_zone_read(self, box, base_url, fake):
        self.make(box, base_url, api_token="dns-token-0123456789", zone="example.org", zone_id=fake.zones["example.org"]["id"])
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/zones[?]")

    def test_a_zone_id_that_is_none(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org", zone_id="0" * 32)
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "code 7003", "object identifier")

    def test_a_token_for_reading_zones_only(self, box, base_url, fake):
        self.make(box, base_url, api_token="dns-token-0123456789", zone_token="zone-token-0123456789")
        box.secret("zone-token-0123456789")
        box.run("dns", "present", "acct", NAME, ONE)
        box.run("dns", "cleanup", "acct", NAME, ONE)
        tokens = {(request.path.endswith("/zones"), request.headers["authorization"]) for request in fake.requests}
        assert tokens == {(True, "Bearer zone-token-0123456789"), (False, "Bearer dns-token-0123456789")}

    def test_email_and_global_key(self, box, base_url, fake):
        self.make(box, base_url, api_token=None, email=EMAIL, api_key=box.secret(KEY))
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and all("authorization" not in request.headers for request in fake.requests)

    def test_a_wrong_global_key(self, box, base_url, fake):
        self.make(box, base_url, api_token=None, email=EMAIL, api_key=box.secret("x" * 37))
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "e-mail and Global API Key", "9103")

    @pytest.mark.parametrize("over, word", [
        ({"api_token": None}, "api_token is missing"),
        ({"api_token": None, "email": EMAIL}, "api_token is missing"),
        ({"email": EMAIL, "api_key": KEY}, "exclude each other"),
        ({"comment": "x" * 101}, "100 characters"),
    ])
    def test_settings_that_do_not_fit(self, box, base_url, fake, over, word):
        path = box.folder / "bad.yaml"
        path.write_text(json.dumps({key: value for key, value in self.lines(base_url, **over).items() if value is not None}))
        assert word in box.error("dns", "add", "cloudflare", "acct", "--credentials", path, status=(1, 2))

    @pytest.mark.parametrize("given, sent", [(None, 60), (1, 1), (2, 60), (120, 120)])
    def test_ttl(self, box, base_url, fake, given, sent):
        self.make(box, base_url, ttl=given)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json == {"type": "TXT", "name": NAME, "content": f'"{ONE}"', "ttl": sent}

    def test_comment(self, box, base_url, fake):
        self.make(box, base_url, comment="for Everleaf")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST")[0].json["comment"] == "for Everleaf"

    def test_many_zones_have_pages(self, account, fake):
        for n in range(120):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.a.z119.example", ONE)
        assert fake.txt("_acme-challenge.a.z119.example") == [ONE]
        assert [request.arg("page") for request in fake.seen("GET", "/zones[?]")] == ["1", "2", "3"]

    def test_more_zones_than_are_listed(self, account, fake):
        for n in range(600):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z599.example", ONE)
        assert fake.txt("_acme-challenge.z599.example") == [ONE]
        assert len(fake.seen("GET", "/zones[?]page=")) == 10

    def test_records_have_pages(self, account, fake):
        for n in range(230):
            fake.plant(NAME, f"plain {n}")
        account.run("dns", "present", "acct", NAME, ONE)
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert ONE not in fake.txt(NAME) and len(fake.txt(NAME)) == 230

    def test_a_value_that_is_kept_without_quotes(self, account, fake):
        fake.put("example.org", NAME, "TXT", ONE, 120)
        fake.put("example.org", NAME, "TXT", TWO + "x", 120)
        account.run("dns", "cleanup", "acct", NAME, ONE, TWO)
        assert fake.txt(NAME) == [TWO + "x"]

    def test_a_zone_that_was_moved_away_is_none(self, account, fake):
        fake.add_zone("moved.example")
        fake.zones["moved.example"]["status"] = "moved"
        self.names_all(account.error("dns", "present", "acct", "_acme-challenge.moved.example", ONE, status=1), "moved.example")

    @pytest.mark.parametrize("code", [81057, 81058])
    def test_success_false_with_200(self, account, fake, code):
        fake.spoil((200, {}, failure(200, code, "Record already exists.")[1]), *self.write)
        account.run("dns", "present", "acct", NAME, ONE)
        fake.spoil((200, {}, failure(200, 9999, "No such luck")[1]), *self.write)
        self.names_all(account.error("dns", "present", "acct", NAME, TWO, status=1), r"No such luck \(code 9999\)")

    def test_gone_between_looking_and_deleting(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        record = next(r for r in fake.zones["example.org"]["records"] if r["value"] == quote(ONE))
        fake.before(lambda _: fake.zones["example.org"]["records"].remove(record), *self.remove)
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == []


class TestCloudflareByPrism(Cloudflare, Acts):
    @pytest.fixture
    def base_url(self, prism):
        return prism.url

    def test_prism_refuses_wrong_forms(self, prism):
        """What makes the rest of this class worth something."""
        head = {"Authorization": "Bearer right-token-0123456789", "Content-Type": "application/json"}
        path = "/zones/00000000000000000000000004000001/dns_records"
        for body in ({"type": "TXT", "name": NAME, "ttl": 60}, {"type": "TXTX", "name": NAME, "content": "v", "ttl": 60},
                     {"type": "TXT", "name": NAME, "content": "v", "ttl": "60"}, {"type": "TXT", "name": NAME, "content": "v", "ttl": 5}):
            assert prism.ask("POST", path, json.dumps(body), head)[0] == 422, body
        assert prism.ask("GET", "/zones", headers={})[0] == 401
        assert prism.ask("GET", "/zones?per_page=51", headers=head)[0] == 422


class TestCloudflareRecorded:
    """Requests as the recorded client sent them, but for the quotes; the real answers understood."""

    def strip(self, body):
        body = {key: value for key, value in body.items() if value is not None}
        if "content" in body:
            body["content"] = body["content"].strip('"')
        return body

    def test_two_values_of_which_one_goes(self, tmp_path):
        with Recorded(scenario("cloudflare", "delete_record_with_record_set_by_content_should_leave_others_untouched")) as service:
            box = service.account(tmp_path, Cloudflare, ttl=3600)
            name = "_acme-challenge.deleterecordinset.byemike.org"
            box.run("dns", "present", "acct", name, "challengetoken1", "challengetoken2")
            box.run("dns", "cleanup", "acct", name, "challengetoken1")
            for recorded, ours in service.pairs("POST"):
                assert self.strip(ours.json) == self.strip(recorded["json"]) and ours.path == recorded["path"]
            (recorded, ours), = service.pairs("DELETE")
            assert ours.path == recorded["path"]
            recorded, ours = service.pairs("GET", "/dns_records")[0]
            assert ours.path == recorded["path"]
            assert ours.query == {key: value for key, value in recorded["query"].items() if key != "content"}
            recorded, ours = service.pairs("GET", "/zones")[0]
            assert ours.query["page"] == recorded["query"]["page"] and ours.path == recorded["path"]

    def test_there_already(self, tmp_path):
        with Recorded(scenario("cloudflare", "create_record_with_duplicate_records_should_be_noop")) as service:
            box = service.account(tmp_path, Cloudflare, ttl=3600)
            box.run("dns", "present", "acct", "_acme-challenge.noop.byemike.org", "challengetoken")
            (recorded, ours), = service.pairs("POST")[:1]
            assert self.strip(ours.json) == self.strip(recorded["json"]) and ours.status == 400

    def test_no_such_zone(self, tmp_path):
        with Recorded(scenario("cloudflare", "authenticate_with_unmanaged_domain_should_fail")) as service:
            box = service.account(tmp_path, Cloudflare)
            line = box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", "v", status=1)
            assert "thisisadomainidonotown.com" in line and "byemike.org" in line
