"""Azure DNS: against a stateful fake, the same through Microsoft's own description, and against recorded traffic."""

import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from dns_contract import NAME, ONE, TWO, Acts, Contract, Faults
from env import Everleaf
from env.azure_fake import (CLIENT, FEDERATED, GROUP, IDENTITY_HEADER, SECRET, SUBSCRIPTION, TENANT, AzureFake)
from env.fake import Answer, Together
from env.ports import free_port
from env.prism import Prism, description
from env.recorded import Recorded, scenario

APEX = "_acme-challenge.example.org"
SET = f"/TXT/{NAME.removesuffix('.example.org')}[?]"
LOGIN = "^/login/"
DENIED = {"error": {"code": "AuthorizationFailed", "message": f"The client '{CLIENT}' with object id '{CLIENT}' does not have "
                    "authorization to perform action 'Microsoft.Network/dnszones/TXT/write' over scope '/subscriptions/x'."}}


@pytest.fixture(scope="module")
def fake():
    with AzureFake() as server:
        yield server


@pytest.fixture(scope="module")
def prism(fake, tmp_path_factory):
    with Prism(description("azure-dns-2018-05-01"), fake.url, tmp_path_factory.mktemp("prism")) as server:
        yield server


class Azure(Contract):
    provider = "azure"
    settings = {"subscription_id": SUBSCRIPTION, "resource_group": GROUP, "tenant_id": TENANT, "client_id": CLIENT,
                "client_secret": SECRET}
    public = ("subscription_id", "resource_group", "tenant_id", "client_id")
    wrong = {"client_secret": "wrong~secret.0123456789"}
    wrong_words = r"no access token: .*the client secret is wrong: its value is wanted, not its ID \(AADSTS7000215"
    denied = (403, {"Content-Type": "application/json"}, json.dumps(DENIED))
    denied_words = r"the right Microsoft.Network/dnszones/TXT/write is missing; give the role DNS Zone Contributor"
    write = ("PUT", "/TXT/")
    remove = ("DELETE", "/TXT/")
    read = ("GET", "/TXT/")
    login = None

    @pytest.fixture(autouse=True)
    def entrance(self, clean, fake):
        self.login = fake.url + "/login"

    def lines(self, base_url, **over):
        return super().lines(base_url, **{"login_url": self.login or base_url, **over})


class TestAzure(Azure, Acts, Faults):
    def remove_call(self):
        return "PUT", "/TXT/"  # the neighbour stays, so the set is written

    @pytest.mark.parametrize("fault", [(503, {}, "down"), "cut-before", "cut-after", (429, {"Retry-After": "1"}, "")])
    def test_deleting_the_whole_set_survives(self, account, fake, fault):
        before = fake.whole()
        account.run("dns", "present", "acct", NAME, ONE)
        spoilt = fake.spoil(fault, "DELETE")
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert spoilt.n == 1 and fake.whole() == before

    # --- sets

    def test_what_is_written(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        put, = fake.seen("PUT")
        assert put.json == {"properties": {"TTL": 60, "TXTRecords": [{"value": [ONE]}]}}
        assert put.headers["if-none-match"] == "*" and "if-match" not in put.headers
        assert put.path == (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP.lower()}/providers/Microsoft.Network/"
                            "dnsZones/example.org/TXT/_acme-challenge.www")
        account.run("dns", "cleanup", "acct", NAME, ONE)
        delete, = fake.seen("DELETE")
        assert delete.headers["if-match"].startswith("etag-")

    def test_others_chunks_metadata_and_ttl_stay(self, account, fake):
        fake.plant("example.org", "x" * 250, ttl=7200)
        held = fake.whole()["example.org", "@", "TXT"]
        assert held["metadata"] == {"owner": "mail"} and [len(c) for c in held["TXTRecords"][1]["value"]] == [100, 100, 50]
        account.run("dns", "present", "acct", "example.org", ONE)
        assert fake.whole()["example.org", "@", "TXT"] == {**held, "TXTRecords": held["TXTRecords"] + [{"value": [ONE]}]}
        assert fake.seen("PUT", "/TXT/@[?]"), "the apex is written @"
        account.run("dns", "cleanup", "acct", "example.org", ONE)
        assert fake.whole()["example.org", "@", "TXT"] == held

    def test_a_long_value_is_cut(self, account, fake):
        long = "é" + "0123456789" * 60
        account.run("dns", "present", "acct", NAME, long)
        chunks, = [record["value"] for record in fake.seen("PUT")[0].json["properties"]["TXTRecords"]]
        assert "".join(chunks) == long and [len(chunk.encode()) for chunk in chunks] == [255, 255, 92]
        account.run("dns", "cleanup", "acct", NAME, long)
        assert fake.txt(NAME) == []

    def test_two_programs_that_share_no_lock(self, box, base_url, fake, tmp_path):
        """Two machines: only the ETag keeps them apart."""
        before = fake.whole()
        other = Everleaf(tmp_path / "other")
        self.make(box, base_url)
        self.make(other, base_url)
        for act, there in (("present", {ONE, TWO}), ("cleanup", set())):
            fake.hooks.clear()
            fake.forget()
            fake.before(Together(2), "PUT", SET)  # both have read before either writes
            started = [it.start("dns", act, "acct", NAME, value) for it, value in ((box, ONE), (other, TWO))]
            for process in started:
                assert process.wait(60) == 0, process.stderr.read()
            assert set(fake.txt(NAME)) == there
            assert 412 in [request.status for request in fake.requests], "they never met"
        assert fake.whole() == before

    @pytest.mark.parametrize("act", ["present", "cleanup"])
    def test_a_neighbour_between_reading_and_writing(self, account, fake, act):
        if act == "cleanup":
            account.run("dns", "present", "acct", NAME, ONE)
        fake.before(lambda _: fake.plant(NAME, "neighbour"), "PUT" if act == "present" else "DELETE", SET, nth=1)
        account.run("dns", act, "acct", NAME, ONE)
        assert fake.txt(NAME) == (["neighbour", ONE] if act == "present" else ["neighbour"])

    def test_a_full_set(self, account, fake):
        for n in range(20):
            fake.plant(NAME, f"value {n}")
        before = fake.whole()
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "20")
        assert fake.whole() == before

    # --- zones

    def test_many_zones_have_pages(self, account, fake):
        for n in range(250):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z249.example", ONE)
        assert fake.txt("_acme-challenge.z249.example") == [ONE]
        assert [request.arg("$skipToken") for request in fake.seen("GET", "/dnsZones[?]")] == [None, "100", "200"]

    def test_a_list_that_leads_elsewhere_gets_no_token(self, account, fake):
        fake.page = 1
        with AzureFake() as other:
            for public in (other.url, fake.url + "0", fake.url.replace("//", "//user@"), f"http://127.0.0.1:{fake.port}.example"):
                fake.public = public
                self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "another host", "token")
            assert not other.requests

    def test_zones_of_all_groups(self, box, base_url, fake):
        fake.add_zone("far.example", group="Another")
        fake.add_zone("inside.example", kind="Private")
        self.make(box, base_url, resource_group=None)
        box.run("dns", "present", "acct", "_acme-challenge.far.example", ONE)
        assert fake.txt("_acme-challenge.far.example") == [ONE]
        assert fake.seen("PUT", "/resourceGroups/another/"), "the group comes from the zone's ID"
        self.names_all(box.error("dns", "present", "acct", "_acme-challenge.inside.example", ONE, status=1), "inside.example")

    def test_rights_on_one_zone_only(self, box, base_url, fake):
        """With zone and resource_group the list is not asked for."""
        self.make(box, base_url, zone="example.org")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/dnsZones[?]")

    def test_a_zone_id(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org", zone_id=fake.zone_json("example.org")["id"], resource_group=None)
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/dnszones[?]") and not fake.seen("GET", "/dnsZones/[^/]*[?]")

    def test_a_zone_id_of_nothing(self, box, base_url, fake):
        self.make(box, base_url, zone="gone.example", zone_id=fake.zone_json("example.org")["id"].replace(".org", ".gone"))
        self.names_all(box.error("dns", "present", "acct", "_acme-challenge.gone.example", ONE, status=1), "no such zone")

    @pytest.mark.parametrize("over, words", [
        ({"subscription_id": "0" * 36}, "SubscriptionNotFound"),
        ({"resource_group": "nowhere"}, "ResourceGroupNotFound.*nowhere"),
        ({"tenant_id": "0" * 36}, "no such tenant: check tenant_id"),
        ({"client_id": "0" * 36}, "client_id is not known in this tenant"),
    ])
    def test_wrong_settings_are_named(self, box, base_url, fake, over, words):
        self.make(box, base_url, **over)
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), words)

    @pytest.mark.parametrize("have, missing", [(set(), "dnszones/read"), ({"read"}, "TXT/read"), ({"read", "TXT/read"}, "TXT/write")])
    def test_each_missing_right(self, account, fake, have, missing):
        fake.rights = have
        before = fake.whole()
        line = account.error("dns", "present", "acct", NAME, ONE, status=1)
        self.names_all(line, f"Microsoft.Network/(dnszones/)?{missing} is missing", "DNS Zone Contributor")
        assert fake.whole() == before

    def test_the_missing_right_to_delete(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        fake.rights = {"read", "TXT/read", "TXT/write"}
        self.names_all(account.error("dns", "cleanup", "acct", NAME, ONE, status=1), "TXT/delete is missing", "example.org")

    def test_a_read_only_zone(self, account, fake):
        fake.locked = True
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "ScopeLocked.*read-only")
        assert len(fake.seen("PUT")) == 1

    # --- tokens

    @pytest.mark.parametrize("life", [3599, "3599"])
    def test_one_token_for_all_calls(self, account, fake, life):
        fake.expires_in = life
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        login, = fake.seen("POST", LOGIN)
        assert login.form == {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                              "scope": "https://management.azure.com/.default"}

    def test_a_token_near_its_end_is_renewed(self, account, fake):
        fake.expires_in = 1
        account.run("dns", "present", "acct", NAME, ONE)
        assert len(fake.seen("POST", LOGIN)) > 1

    def test_a_token_that_ends_early_is_renewed_once(self, account, fake):
        fake.uses = 1
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and len(fake.seen("POST", LOGIN)) == 3

    def test_a_token_that_is_never_taken(self, account, fake):
        fake.uses = 0
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "401.*ExpiredAuthenticationToken")
        assert len(fake.seen("POST", LOGIN)) == 2

    @pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": "a\r\nX-Evil: 1"}, {"access_token": 5}, {"access_token": "é"}])
    def test_a_token_that_is_none(self, account, fake, body):
        fake.spoil(Answer(200, body), "POST", LOGIN)
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "no access_token")

    def test_another_cloud(self, box, base_url, fake):
        self.make(box, base_url, cloud="china")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.seen("POST", LOGIN)[0].form["scope"] == "https://management.chinacloudapi.cn/.default"

    # --- certificates

    @staticmethod
    def certificate(key=None, days=30):
        key = key or rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "everleaf")])
        end = datetime.datetime.utcnow() + datetime.timedelta(days=days)
        made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
                .not_valid_before(end - datetime.timedelta(days=60)).not_valid_after(end).sign(key, hashes.SHA256()))
        return made, key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption()).decode()

    @staticmethod
    def pem(certificate):
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    @pytest.mark.parametrize("key_first", [True, False])
    def test_by_certificate(self, box, base_url, fake, key_first):
        made, _, key = self.certificate()
        fake.certificates.append(made)
        path = box.folder / "client.pem"
        path.write_text(key + self.pem(made) if key_first else self.pem(made) + key)
        self.make(box, base_url, client_secret=None, client_certificate_file=str(path))
        box.secret(key.splitlines()[3])
        path.unlink()
        fake.uses = 1
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and len(fake.assertions) == 3

    @pytest.mark.parametrize("days, known, words", [(30, False, "not one of the app registration: upload it"), (-1, True, "has expired on")])
    def test_a_certificate_that_is_refused(self, box, base_url, fake, days, known, words):
        made, _, key = self.certificate(days=days)
        fake.certificates.append(made if known else self.certificate()[0])
        path = box.folder / "client.pem"
        path.write_text(key + self.pem(made))
        self.make(box, base_url, client_secret=None, client_certificate_file=str(path))
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), words)

    def test_certificates_that_do_not_fit(self, box, base_url, fake):
        made, _, key = self.certificate()
        elliptic, _, elliptic_key = self.certificate(ec.generate_private_key(ec.SECP256R1()))
        for text, words in ((key, "the certificate is missing"), (self.pem(made), "the key is missing"),
                            (key + self.pem(self.certificate()[0]), "do not belong together"),
                            (elliptic_key + self.pem(elliptic), "RSA keys only")):
            (box.folder / "client.pem").write_text(text)
            path = box.folder / "bad.json"
            path.write_text(json.dumps(self.lines(base_url, client_certificate_file=str(box.folder / "client.pem"),
                                                  credential="certificate")))
            assert words in box.error("dns", "add", "azure", "acct", "--credentials", path, status=2)

    # --- workloads and machines

    @pytest.mark.parametrize("by_environment", [True, False])
    def test_by_workload_identity(self, box, base_url, fake, by_environment):
        path = box.folder / "token"
        path.write_text(box.secret(FEDERATED))
        env = {}
        if by_environment:
            env = {"AZURE_FEDERATED_TOKEN_FILE": str(path), "AZURE_CLIENT_ID": CLIENT, "AZURE_TENANT_ID": TENANT}
            self.make(box, base_url, client_secret=None, client_id=None, tenant_id=None)
        else:
            self.make(box, base_url, client_secret=None, federated_token_file=str(path))
        box.run("dns", "present", "acct", NAME, ONE, env=env)
        assert fake.txt(NAME) == [ONE] and fake.seen("POST", LOGIN)[0].form["client_assertion"] == FEDERATED

    @pytest.mark.parametrize("client", [CLIENT, None])
    def test_by_a_machines_identity(self, box, base_url, fake, client):
        self.make(box, base_url, client_secret=None, client_id=client, metadata_url=fake.url)
        fake.spoil((410, {}, ""), "GET", "/metadata/")
        box.run("dns", "present", "acct", NAME, ONE)
        asked = fake.seen("GET", "/metadata/")[-1]
        assert fake.txt(NAME) == [ONE] and asked.arg("client_id") == client and asked.headers["metadata"] == "true"

    def test_a_machines_identity_is_asked_past_proxies(self, box, base_url, fake):
        self.make(box, base_url, client_secret=None, metadata_url=f"http://localhost:{fake.port}")
        box.run("dns", "present", "acct", NAME, ONE, env={"http_proxy": f"http://127.0.0.1:{free_port()}", "no_proxy": "127.0.0.1"})
        assert fake.txt(NAME) == [ONE]

    def test_a_machine_without_an_identity(self, box, base_url, fake):
        self.make(box, base_url, client_secret=None, metadata_url=fake.url)
        fake.spoil(Answer(400, {"error": "invalid_request", "error_description": "Identity not found"}), "GET", "/metadata/")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "no managed identity", "Identity not found")

    def test_by_app_service(self, box, base_url, fake):
        self.make(box, base_url, client_secret=None, client_id=None)
        box.secret(IDENTITY_HEADER)
        env = {"IDENTITY_ENDPOINT": fake.url + "/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}
        box.run("dns", "present", "acct", NAME, ONE, env=env)
        assert fake.txt(NAME) == [ONE]

    def test_by_azure_arc(self, box, base_url, fake):
        folder = box.folder / "tokens"
        folder.mkdir()
        (folder / "1.key").write_text("challenge-0123456789")
        fake.arc_key = folder / "1.key"
        self.make(box, base_url, client_secret=None, client_id=None, arc_folder=str(folder))
        env = {"IDENTITY_ENDPOINT": fake.url + "/arc/token", "IMDS_ENDPOINT": fake.url}
        box.run("dns", "present", "acct", NAME, ONE, env=env)
        assert fake.txt(NAME) == [ONE]

    @pytest.mark.parametrize("told", ["/etc/passwd", "{0}/../secret.key", "{0}/x/../../secret.key", "{0}/1.txt", "{0}/link.key",
                                      "{1}/1.key", ""])
    def test_a_challenge_outside_of_its_folder_is_not_read(self, box, base_url, fake, told):
        folder = box.folder / "tokens"
        folder.mkdir()
        (box.folder / "secret.key").write_text(box.secret("challenge-0123456789"))
        (folder / "1.txt").write_text("challenge-0123456789")
        (folder / "link.key").symlink_to(box.folder / "secret.key")
        other = box.folder / "tokenz"
        other.mkdir()
        (other / "1.key").write_text("challenge-0123456789")
        fake.arc_key = told.format(folder, other)
        self.make(box, base_url, client_secret=None, client_id=None, arc_folder=str(folder))
        env = {"IDENTITY_ENDPOINT": fake.url + "/arc/token", "IMDS_ENDPOINT": fake.url}
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1, env=env), "challenge")
        assert not [r for r in fake.requests if "authorization" in r.headers]

    def test_azure_arc_elsewhere_is_not_asked(self, box, base_url, fake):
        self.make(box, base_url, client_secret=None, client_id=None)
        env = {"IDENTITY_ENDPOINT": "http://192.0.2.1/arc/token", "IMDS_ENDPOINT": "http://192.0.2.1"}
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=2, env=env), "not on this machine")

    @pytest.mark.parametrize("over, words", [
        ({"subscription_id": None}, "subscription_id"),
        ({"tenant_id": None}, "client_secret goes with tenant_id and client_id"),
        ({"client_secret": None, "credential": "secret"}, "client_secret is missing"),
        ({"credential": "password"}, "must be secret, certificate, workload or managed"),
        ({"cloud": "mars"}, "must be public, china or usgov"),
        ({"client_certificate": "x"}, "are both given"),
        ({"client_secrt": "x"}, "client_secrt"),
        ({"login_url": "login.example"}, "must begin with https://"),
        ({"metadata_url": "/latest"}, "must begin with https://"),
        ({"zone_id": "x"}, "zone_id needs zone"),
    ])
    def test_settings_that_do_not_fit(self, box, base_url, fake, over, words):
        path = box.folder / "bad.yaml"
        path.write_text(json.dumps({key: value for key, value in self.lines(base_url, **over).items() if value is not None}))
        assert words in box.error("dns", "add", "azure", "acct", "--credentials", path, status=2)


class TestAzureByPrism(Azure, Acts):
    @pytest.fixture
    def base_url(self, prism):
        return prism.url

    def test_zones_of_all_groups(self, box, base_url, fake):
        fake.page, fake.public = 1, base_url
        self.make(box, base_url, resource_group=None)
        box.run("dns", "present", "acct", "_acme-challenge.example.net", ONE)
        assert fake.txt("_acme-challenge.example.net") == [ONE] and len(fake.seen("GET", "/dnszones[?]")) == 3

    def test_zone_by_name(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]

    def test_refusals_fit_the_description_too(self, account, fake):
        fake.rights = {"read"}
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "TXT/read is missing")

    @pytest.mark.parametrize("body", [{"properties": {"TTL": "60", "TXTRecords": [{"value": ["v"]}]}},
                                      {"properties": {"TTL": 60, "TXTRecords": [{"value": "v"}]}},
                                      {"properties": {"TTL": 60, "TXTRecords": {"value": ["v"]}}}])
    def test_prism_refuses_wrong_forms(self, prism, fake, body):
        """What makes the rest of this class worth something."""
        path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network/dnsZones/example.org/TXT/a"
        head = {"Authorization": "Bearer x", "Content-Type": "application/json"}
        assert prism.ask("PUT", path + "?api-version=2018-05-01", json.dumps(body), head)[0] == 422
        assert prism.ask("PUT", path, json.dumps({"properties": {}}), head)[0] == 422
        assert prism.ask("PUT", path + "?api-version=2018-05-01", json.dumps({"properties": {}}), {})[0] in (401, 415)
        assert not fake.requests

    def test_prism_refuses_the_fakes_inventions(self, prism, fake):
        """A zone without its location is not what Azure answers."""
        fake.spoil((200, {"Content-Type": "application/json"}, json.dumps({"value": [{"name": "example.org"}]})), "GET")
        status, text = prism.ask("GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/dnszones?api-version=2018-05-01",
                                 headers={"Authorization": "Bearer x"})
        assert status == 500 and "VIOLATIONS" in text and "location" in text


class TestAzureRecorded:
    """Requests as the recorded client sent them, the real answers understood. It asked for a token in the old way, listed
    all TXT sets where we read one, and used no guard."""

    TOKEN = {("POST", "/TENANT_ID/oauth2/v2.0/token"): {"access_token": "TOKEN", "expires_in": "3599"}}
    BASE = "/subscriptions/SUBSCRIPTION_ID/resourceGroups/dns-test/providers/Microsoft.Network/dnsZones"
    ACCOUNT = {"subscription_id": "SUBSCRIPTION_ID", "resource_group": "dns-test", "tenant_id": "TENANT_ID", "ttl": 3600}

    def service(self, name, sets=None):
        """The recording, its listing of sets also found under each set's own address."""
        exchanges = scenario("azure", name)
        for it in exchanges:
            it["path"] = it["path"].replace("/dnszones/", "/dnsZones/")
        absent = 404, {"code": "NotFound", "message": "The resource record does not exist."}
        extra = {**self.TOKEN, **{("GET", it["path"]): absent for it in exchanges}}
        return Recorded([it for it in exchanges if it["method"] != "POST"], {**extra, **(sets or {})})

    def last_list(self, name):
        """The sets as recorded in a scenario's listing: {(method, address): set}."""
        found = {}
        for it in scenario("azure", name):
            if it["method"] == "GET" and it["path"].endswith("/TXT"):
                for one in json.loads(it["body"])["value"]:
                    found["GET", f"{self.BASE}/full4ir.tk/TXT/{one['name']}"] = one
        return found

    @pytest.mark.parametrize("name, label", [("create_record_for_TXT_with_fqdn_name_and_content", "_acme-challenge.fqdn"),
                                             ("create_record_for_TXT_with_valid_name_and_content", "_acme-challenge.test")])
    def test_creating(self, tmp_path, name, label):
        with self.service(name) as service:
            box = service.account(tmp_path, Azure, **self.ACCOUNT)
            box.run("dns", "present", "acct", f"{label}.full4ir.tk", "challengetoken")
            recorded, ours = service.pairs("PUT")[0]
            assert ours.json == recorded["json"] and ours.path == recorded["path"] and ours.query == recorded["query"]
            assert ours.status == 201
            recorded, ours = service.pairs("GET", "dnsZones$")[0]
            assert (ours.path, ours.query) == (recorded["path"], recorded["query"])

    def test_a_second_value(self, tmp_path):
        name = "create_record_multiple_times_should_create_record_set"
        sets = {key: it for key, it in self.last_list(name).items() if key[1].endswith("createrecordset")}
        assert len(sets) == 1
        with self.service(name, sets) as service:
            box = service.account(tmp_path, Azure, **self.ACCOUNT)
            box.run("dns", "present", "acct", "_acme-challenge.createrecordset.full4ir.tk", "challengetoken2")
            (_, ours), = service.pairs("PUT")
            recorded = [it for it in service.exchanges if it["method"] == "PUT"][-1]
            assert ours.json == recorded["json"]
            assert ours.headers["if-match"] == next(iter(sets.values()))["etag"]

    def test_one_of_two_goes(self, tmp_path):
        name = "delete_record_with_record_set_by_content_should_leave_others_untouched"
        label = "_acme-challenge.deleterecordinset"
        exchanges = scenario("azure", name)
        both = [one for it in exchanges if it["method"] == "PUT" for one in [json.loads(it["body"])]
                if one["name"] == label and len(one["properties"]["TXTRecords"]) == 2][0]
        with self.service(name, {("GET", f"{self.BASE}/full4ir.tk/TXT/{label}"): both}) as service:
            box = service.account(tmp_path, Azure, **self.ACCOUNT)
            box.run("dns", "cleanup", "acct", f"{label}.full4ir.tk", "challengetoken1")
            recorded, = [it for it in service.exchanges if it["method"] == "PATCH"]  # with read-only members
            (_, ours), = service.pairs("PUT")
            assert ours.json == {"properties": {key: recorded["json"]["properties"][key] for key in ("TTL", "TXTRecords")}}
            assert ours.path == recorded["path"] and ours.headers["if-match"] == both["etag"]

    def test_the_last_value_goes(self, tmp_path):
        name = "delete_record_by_filter_should_remove_record"
        there = [json.loads(it["body"]) for it in scenario("azure", name) if it["method"] == "PUT"][0]
        address = f"{self.BASE}/full4ir.tk/TXT/{there['name']}"
        with self.service(name, {("GET", address): there}) as service:
            box = service.account(tmp_path, Azure, **self.ACCOUNT)
            box.run("dns", "cleanup", "acct", f"{there['name']}.full4ir.tk", there["properties"]["TXTRecords"][0]["value"][0])
            (recorded, ours), = service.pairs("DELETE")
            assert ours.path == recorded["path"] and ours.status == 200

    def test_no_such_zone(self, tmp_path):
        with self.service("authenticate_with_unmanaged_domain_should_fail") as service:
            box = service.account(tmp_path, Azure, **self.ACCOUNT)
            assert "full4ir.tk" in box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", ONE, status=1)
