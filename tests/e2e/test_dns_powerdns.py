"""PowerDNS: its own server with its own HTTP API, through a front that only adds faults."""

import json

import pytest

from dns_contract import NAME, ONE, TWO, Acts, Contract, Faults
from env.powerdns import PowerDns
from env.powerdns_front import ZONES, PowerDnsFront
from env.prism import Prism, description

KEY = "powerdns-right-0123456789"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with PowerDns(tmp_path_factory.mktemp("powerdns"), api_key=KEY) as started:
        yield started


@pytest.fixture(scope="module")
def fake(server):
    with PowerDnsFront(server) as front:
        yield front


class PowerDNS(Contract):
    provider = "powerdns"
    settings = {"api_key": KEY}
    wrong = {"api_key": "powerdns-wrong-0123456789"}
    wrong_words = "status 401: Unauthorized"
    denied = (403, {}, "Forbidden")
    denied_words = "status 403"
    write = ("PATCH", "/zones/")
    remove = ("PATCH", "/zones/")
    read = ("GET", "zones/example.org")


class TestPowerDNS(PowerDNS, Acts, Faults):
    def test_the_server_refuses_wrong_forms(self, fake):
        """Why the answers above mean something."""
        def patch(content, name=f"{NAME}."):
            return fake.ask("PATCH", f"{ZONES}/example.org.", {"rrsets": [{"name": name, "type": "TXT", "ttl": 60, "changetype": "REPLACE",
                                                                        "records": [{"content": content, "disabled": False}]}]})
        assert patch('"quoted"')[0] == 204
        assert patch("unquoted")[0] == 422
        assert patch('"quoted"', NAME)[0] == 422  # no dot at its end
        assert patch('"quoted"', "a.elsewhere.example.")[0] == 422
        assert fake.ask("GET", ZONES, key="another")[0] == 401

    def test_name_servers_answer_with_it(self, account, fake, server):
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        assert sorted(server.txt(NAME)) == sorted([ONE, TWO])

    def test_the_servers_are_watched(self, box, base_url, fake, server):
        self.make(box, base_url, propagation="authoritative", servers=[server.server])
        box.run("dns", "test", "acct", "www.example.org")
        assert fake.txt(NAME) == []

    def test_secondaries_are_told(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        assert [(it.target, it.status) for it in fake.seen("PUT")] == [(f"{ZONES}/example.org./notify", 200)]

    def test_a_zone_without_secondaries(self, account, fake):
        fake.add_zone("native.example", kind="Native")
        account.run("dns", "present", "acct", "_acme-challenge.native.example", ONE)
        assert fake.txt("_acme-challenge.native.example") == [ONE] and not fake.seen("PUT")

    def test_a_copy_of_another_primary_is_refused(self, account, fake):
        fake.add_zone("copy.example", kind="Slave", masters=["127.0.0.1:1"])
        before = fake.whole()
        self.names_all(account.error("dns", "present", "acct", "_acme-challenge.copy.example", ONE, status=1), "copy.example", "only copies", "Slave")
        assert fake.whole() == before

    def test_what_is_disabled_stays_so(self, account, fake):
        fake.plant(NAME, "not served", disabled=True)
        before = fake.whole()
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.whole() == before

    def test_our_value_that_somebody_disabled(self, account, fake):
        fake.plant(NAME, ONE, disabled=True)
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    def test_two_names_in_one_call(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        assert len(fake.seen("PATCH")) == 1 and len(fake.seen("PATCH")[0].json["rrsets"][0]["records"]) == 2

    def test_the_address_is_needed(self, box):
        with pytest.raises(AssertionError, match="base_url is missing"):
            self.make(box, None)

    def test_another_server_name(self, box, base_url, fake):
        self.make(box, base_url, server_id="elsewhere")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "404|servers/elsewhere")

    def test_a_zone_by_its_number(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org", zone_id="example.org.")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/zones[?]")

    def test_a_set_asked_for_by_name_lacks_what_is_disabled(self, fake):
        """Why the zone is read whole."""
        fake.plant(NAME, "served")
        fake.plant(NAME, "not served", disabled=True)
        rrset, = fake.ask("GET", f"{ZONES}/example.org.?rrset_name={NAME}.&rrset_type=TXT")[1]["rrsets"]
        assert [record["content"] for record in rrset["records"]] == ['"served"']


class TestPowerDNSByPrism(PowerDNS, Acts):
    """Through the vendor's description of the API, and to the real server: both hold our requests to account."""

    @pytest.fixture(scope="class")
    def prism(self, fake, tmp_path_factory):
        folder = tmp_path_factory.mktemp("prism")
        document = json.loads(description("powerdns-api").read_text())
        base = document.pop("servers")[0]["url"]  # Prism itself would leave it out
        document["paths"] = {base + path: it for path, it in document["paths"].items()}
        for call in (call for path in document["paths"].values() for call in path.values() if isinstance(call, dict)):
            for answer in call.get("responses", {}).values():
                answer.pop("content", None)  # the real server's answers are not as described: they win
        (folder / "powerdns.json").write_text(json.dumps(document))
        with Prism(folder / "powerdns.json", fake.url, folder) as server:
            yield server

    @pytest.fixture
    def base_url(self, prism):
        return prism.url

    def test_prism_refuses_wrong_forms(self, prism):
        head = {"X-API-Key": KEY, "Content-Type": "application/json"}
        assert prism.ask("GET", "/api/v1/servers/localhost/zones")[0] == 401
        assert prism.ask("PATCH", "/api/v1/servers/localhost/zones/example.org.", '{"rrsets": [{"name": 5}]}', head)[0] == 422
