"""Google Cloud DNS: against a stateful fake, the same through Google's own description, and against recorded traffic."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dns_contract import NAME, ONE, TWO, Acts, Contract, Faults
from env import Everleaf
from env.fake import Answer, Together
from env.google_fake import EMAIL, PROJECT, GoogleFake, error
from env.ports import free_port
from env.prism import Prism, description
from env.recorded import Recorded, scenario

RRSETS = "/rrsets[?]"


@pytest.fixture(scope="module")
def fake():
    with GoogleFake() as server:
        yield server


def described(folder):
    """Google's description is of v2. v1, which everybody uses, has the same shapes: without the location, and with its
    words in small letters. The bearer token is made a thing that Prism checks."""
    text = description("google-clouddns-v2").read_text().replace("/dns/v2/projects/{project}/locations/{location}", "/dns/v1/projects/{project}")
    whole = json.loads(text)

    def walk(value):
        if isinstance(value, list):
            for one in value:
                walk(one)
        if isinstance(value, dict):
            if isinstance(value.get("enum"), list):
                value["enum"] = [word.lower() for word in value["enum"]]
            for one in value.values():
                walk(one)

    walk(whole["components"]["schemas"])
    for path in whole["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation["security"] = [{"bearer": []}]
                operation["parameters"] = [p for p in operation.get("parameters", []) if p.get("name") != "location"]
    whole["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    file = folder / "google-clouddns-v1.json"
    file.write_text(json.dumps(whole))
    return file


@pytest.fixture(scope="module")
def prism(fake, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prism")
    with Prism(described(folder), fake.url, folder) as server:
        yield server


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


STRANGER = pem(rsa.generate_private_key(65537, 2048))


class Google(Contract):
    provider = "google"
    settings = {"service_account": ...}
    wrong = {"service_account": ...}
    wrong_words = f"no access token for {EMAIL}: .*the key is not \\(or no longer\\) one of this service account.*invalid_grant"
    denied = (403, {"Content-Type": "application/json"}, json.dumps(error(403, "forbidden", "Forbidden").body))
    denied_words = r"dns.changes.create .*is missing \(role DNS Administrator"
    write = ("POST", "/changes")
    remove = ("POST", "/changes")
    read = ("GET", RRSETS)
    opens = None

    @pytest.fixture(autouse=True)
    def entrance(self, clean, fake):
        self.opens = fake.account()
        self.shuts = fake.account(private_key=STRANGER)

    def lines(self, base_url, **over):
        """service_account: a dict stands for a key's file; ... for what opens the fake, or for `wrong`."""
        if over.get("service_account") is ...:
            over["service_account"] = self.shuts
        given = {"service_account": self.opens, **over}
        if isinstance(given["service_account"], dict):
            given["service_account"] = json.dumps(given["service_account"])
        return {**super().lines(base_url), **given}

    def make(self, box, base_url, name="acct", **over):
        lines = {key: value for key, value in self.lines(base_url, **over).items() if value is not None}
        path = box.folder / f"{name}.json"
        path.write_text(json.dumps(lines))
        path.chmod(0o600)
        if "service_account" in lines:
            box.secret(json.loads(lines["service_account"])["private_key"].splitlines()[3])
        box.run("dns", "add", self.provider, name, "--credentials", path)


class TestGoogle(Google, Acts, Faults):
    # --- sets

    def test_what_is_written(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        post, = fake.seen("POST", "/changes")
        assert post.path == f"/dns/v1/projects/{PROJECT}/managedZones/example-org/changes"
        assert post.json == {"additions": [{"name": NAME + ".", "type": "TXT", "ttl": 60, "rrdatas": [f'"{ONE}"']}], "deletions": []}

    def test_others_form_and_ttl_stay(self, account, fake):
        fake.plant(NAME, "neighbour", ttl=7200)
        account.run("dns", "present", "acct", NAME, ONE)
        change = fake.seen("POST", "/changes")[0].json
        whole = {"name": NAME + ".", "type": "TXT", "ttl": 7200}
        assert change == {"deletions": [{**whole, "rrdatas": ['"neighbour"']}],
                          "additions": [{**whole, "rrdatas": ['"neighbour"', f'"{ONE}"']}]}

    def test_two_programs_that_share_no_lock(self, box, base_url, fake, tmp_path):
        """Two machines: only the change's own guard keeps them apart."""
        before = fake.whole()
        other = Everleaf(tmp_path / "other")
        self.make(box, base_url)
        self.make(other, base_url)
        for act, there, guard in (("present", {ONE, TWO}, 409), ("cleanup", set(), 412)):
            fake.hooks.clear()
            fake.forget()
            fake.before(Together(2), "POST", "/changes")  # both have read before either writes
            started = [it.start("dns", act, "acct", NAME, value) for it, value in ((box, ONE), (other, TWO))]
            for process in started:
                assert process.wait(60) == 0, process.stderr.read()
            assert set(fake.txt(NAME)) == there
            assert guard in [request.status for request in fake.requests], "they never met"
        assert fake.whole() == before

    @pytest.mark.parametrize("act", ["present", "cleanup"])
    def test_a_neighbour_between_reading_and_writing(self, account, fake, act):
        if act == "cleanup":
            account.run("dns", "present", "acct", NAME, ONE)
        fake.forget()
        fake.before(lambda _: fake.plant(NAME, "neighbour"), "POST", "/changes", nth=1)
        account.run("dns", act, "acct", NAME, ONE)
        assert sorted(fake.txt(NAME)) == (sorted(["neighbour", ONE]) if act == "present" else ["neighbour"])

    def test_gone_between_reading_and_writing(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE)
        sets, name = fake.sets_of(NAME)
        fake.before(lambda _: fake.sets_of(NAME)[0].pop((name, "TXT")), "POST", "/changes", nth=1)
        account.run("dns", "cleanup", "acct", NAME, ONE)
        assert fake.txt(NAME) == []

    def test_a_routing_policy_is_left_alone(self, account, fake):
        sets, name = fake.sets_of(NAME)
        sets[name, "TXT"] = {"ttl": 60, "routingPolicy": {"wrr": {"items": []}}}
        before = fake.whole()
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), "routing policy")
        assert fake.whole() == before

    # --- zones

    def test_many_zones_have_pages(self, account, fake):
        for n in range(250):
            fake.add_zone(f"z{n}.example")
        account.run("dns", "present", "acct", "_acme-challenge.z249.example", ONE)
        assert fake.txt("_acme-challenge.z249.example") == [ONE]
        assert [request.arg("pageToken") for request in fake.seen("GET", "/managedZones($|[?])")] == [None, "100", "200"]

    def test_private_zones_are_passed_over(self, account, fake):
        fake.add_zone("example.org", visibility="private")
        fake.add_zone("inside.example", visibility="private")
        before = fake.whole()
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]
        account.run("dns", "cleanup", "acct", NAME, ONE)
        self.names_all(account.error("dns", "present", "acct", "_acme-challenge.inside.example", ONE, status=1), "inside.example")
        assert fake.whole() == before

    def test_a_zone_that_is_given(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and fake.seen("GET", "/managedZones[?]")[0].arg("dnsName") == "example.org."
        self.make(box, base_url, "other", zone="nowhere.example")
        assert "no public zone nowhere.example" in box.error("dns", "present", "other", "_acme-challenge.nowhere.example", ONE, status=1)

    def test_a_zone_id(self, box, base_url, fake):
        fake.rights = {"resourceRecordSets.list", "changes.create"}
        self.make(box, base_url, zone="example.org", zone_id="example-org")
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/managedZones($|[?])")

    def test_a_zone_id_of_nothing(self, box, base_url, fake):
        self.make(box, base_url, zone="example.org", zone_id="gone")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "404", "'gone' does not exist")

    def test_another_project(self, box, base_url, fake):
        self.make(box, base_url, project="another-project")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "does not have permission")
        assert fake.requests[-1].path == "/dns/v1/projects/another-project/managedZones"

    # --- refusals

    @pytest.mark.parametrize("have, missing", [(set(), "dns.managedZones.list"), ({"managedZones.list"}, "dns.resourceRecordSets.list"),
                                               ({"managedZones.list", "resourceRecordSets.list"}, "dns.changes.create")])
    def test_each_missing_right(self, account, fake, have, missing):
        fake.rights = have
        before = fake.whole()
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), f"the right {missing} .*missing", "forbidden: Forbidden")
        assert fake.whole() == before

    def test_throttled_by_403(self, account, fake):
        spoilt = fake.spoil(error(403, "userRateLimitExceeded", "User Rate Limit Exceeded"), "POST", "/changes", times=2)
        account.run("dns", "present", "acct", NAME, ONE)
        assert spoilt.n == 2 and fake.txt(NAME) == [ONE]

    @pytest.mark.parametrize("message, mend", [
        ("Cloud DNS API has not been used in project 1 before or it is disabled.", "switch the Cloud DNS API on"),
        ("Request had insufficient authentication scopes.", "access scope ndev.clouddns.readwrite")])
    def test_refusals_that_a_right_does_not_mend(self, account, fake, message, mend):
        fake.spoil(error(403, "forbidden", message), "GET")
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), mend, message[:20])

    # --- tokens

    def test_one_token_for_all_calls(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        assert len(fake.seen("POST", "^/token")) == 1

    def test_a_token_that_ends_early_is_renewed_once(self, account, fake):
        fake.uses = 1
        account.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE] and len(fake.seen("POST", "^/token")) == 2

    @pytest.mark.parametrize("text, mend", [
        ("Invalid grant: account not found", "does not exist any more"),
        ("Invalid JWT: Token must be a short-lived token; check your iat and exp values", "check this machine's clock")])
    def test_no_token(self, account, fake, text, mend):
        fake.spoil(Answer(400, {"error": "invalid_grant", "error_description": text}), "POST", "^/token")
        self.names_all(account.error("dns", "present", "acct", NAME, ONE, status=1), mend, "invalid_grant")

    def test_the_file_of_the_key(self, box, base_url, fake):
        path = box.folder / "account.json"
        path.write_text(json.dumps(fake.account(), indent=2))
        self.make(box, base_url, service_account=None, service_account_file=str(path))
        path.unlink()
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.txt(NAME) == [ONE]
        assert "PRIVATE KEY" not in box.run("dns", "show", "acct").out

    # --- machines

    def test_by_a_machines_account(self, box, base_url, fake):
        self.make(box, base_url, service_account=None, metadata_url=f"http://localhost:{fake.port}")
        box.run("dns", "present", "acct", NAME, ONE, env={"http_proxy": f"http://127.0.0.1:{free_port()}", "no_proxy": "127.0.0.1"})
        assert fake.txt(NAME) == [ONE]
        fake.reset()
        self.make(box, base_url, "other", service_account=None, project=PROJECT)
        box.run("dns", "present", "other", NAME, ONE, env={"GCE_METADATA_HOST": f"127.0.0.1:{fake.port}"})
        assert fake.txt(NAME) == [ONE] and not fake.seen("GET", "/project-id")

    def test_what_is_no_metadata_server(self, box, base_url, fake):
        fake.flavor = {}
        self.make(box, base_url, service_account=None, project=PROJECT, metadata_url=fake.url)
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "not Google's metadata server")
        assert not fake.seen(path="^/dns")

    def test_a_machine_without_an_account(self, box, base_url, fake):
        self.make(box, base_url, service_account=None, project=PROJECT, metadata_url=fake.url)
        fake.spoil(Answer(404, "service account not found", fake.flavor), "GET", "/token")
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, status=1), "no service account")

    # --- arrival

    def test_the_service_says_when_it_is_there(self, box, base_url, fake):
        self.make(box, base_url, propagation="provider")
        fake.pending_for = 2
        box.run("dns", "present", "acct", NAME, ONE)
        asked = fake.seen("GET", "/changes/0$")
        assert len(asked) == 3 and fake.zones["example-org"]["changes"][0]["status"] == "done"

    def test_settings_that_do_not_fit(self, box, base_url, fake):
        for over, words in (({"service_account": "{"}, "service_account"),
                            ({"service_account": fake.account(type="authorized_user")}, 'type "authorized_user"'),
                            ({"service_account": fake.account(private_key="-----BEGIN")}, "service_account"),
                            ({"service_account": fake.account(private_key=pem(ec.generate_private_key(ec.SECP256R1())))}, "no RSA key"),
                            ({"service_account": fake.account(token_uri="/token")}, "token_uri"),
                            ({"metadata_url": "/latest"}, "must begin with http://"),
                            ({"service_account": fake.account(client_email=None)}, "client_email"),
                            ({"service_account": fake.account(project_id=None)}, '"project" is missing')):
            path = box.folder / "bad.json"
            path.write_text(json.dumps(self.lines(base_url, **over)))
            assert words in box.error("dns", "add", "google", "acct", "--credentials", path, status=2)


class TestGoogleByPrism(Google, Acts):
    """The description has no refusals: those are not run through it."""

    @pytest.fixture
    def base_url(self, prism):
        return prism.url

    def test_pages_and_a_zone_by_name(self, box, base_url, fake):
        fake.page = 1
        self.make(box, base_url)
        box.run("dns", "present", "acct", NAME, ONE)
        self.make(box, base_url, "other", zone="example.net")
        box.run("dns", "present", "other", "_acme-challenge.example.net", ONE)
        assert fake.txt(NAME) == fake.txt("_acme-challenge.example.net") == [ONE]

    def test_the_service_says_when_it_is_there(self, box, base_url, fake):
        self.make(box, base_url, propagation="provider")
        fake.pending_for = 1
        box.run("dns", "present", "acct", NAME, ONE)
        assert fake.zones["example-org"]["changes"][0]["status"] == "done"

    @pytest.mark.parametrize("change", [
        {"additions": [{"name": "a.", "type": "TXT", "ttl": "60", "rrdatas": ['"v"']}]},
        {"additions": [{"name": "a.", "type": "TXT", "ttl": 60, "rrdatas": '"v"'}]},
        {"additions": {"name": "a.", "type": "TXT", "ttl": 60, "rrdatas": ['"v"']}},
        {"additions": [{"name": ["a."], "type": "TXT", "ttl": 60, "rrdatas": ['"v"']}]}])
    def test_prism_refuses_wrong_forms(self, prism, fake, change):
        """What makes the rest of this class worth something."""
        path, head = f"/dns/v1/projects/{PROJECT}/managedZones/example-org/changes", {"Content-Type": "application/json"}
        assert prism.ask("POST", path, json.dumps(change), {"Authorization": "Bearer x", **head})[0] == 422
        assert prism.ask("POST", path, "{}", head)[0] == 401
        assert not fake.requests

    def test_prism_refuses_the_fakes_inventions(self, prism, fake):
        fake.spoil(Answer(200, {"id": "0", "status": "maybe"}), "GET")
        status, text = prism.ask("GET", f"/dns/v1/projects/{PROJECT}/managedZones/example-org/changes/0", headers={"Authorization": "Bearer x"})
        assert status == 500 and "VIOLATIONS" in text and "status" in text


class TestGoogleRecorded:
    """Requests as the recorded client sent them, the real answers understood. It called zones by number where we use the
    name (the description allows both), and left out an empty list of additions or deletions in places."""

    ZONES = f"/dns/v1/projects/{PROJECT}/managedZones"
    NUMBER, NAMED = "/699036609868956548", "/fullm3tal-tk"

    def service(self, name):
        exchanges = scenario("googleclouddns", name)
        for it in exchanges:
            it["path"] = it["path"].replace(self.NUMBER, self.NAMED)
        token = next(it for it in exchanges if it["path"].endswith("/token"))
        return Recorded([it for it in exchanges if it is not token], {("POST", "/token"): json.loads(token["body"])})

    def account(self, service, tmp_path):
        box = Everleaf(tmp_path / "everleaf")
        google = Google()
        google.opens = GoogleFake.account(service, token_uri=f"{service.url}/token")
        google.make(box, service.url, ttl=3600)
        return box

    @staticmethod
    def sets(change):
        return {key: value for key, value in change.items() if value}

    @pytest.fixture(autouse=True)
    def key(self, monkeypatch):
        monkeypatch.setattr(Recorded, "key", GoogleFake.key, raising=False)

    def test_two_values_of_which_one_goes(self, tmp_path):
        """One by one: the recorded listing after each change is what is read before the next."""
        label = "_acme-challenge.deleterecordinset.fullm3tal.tk"
        with self.service("delete_record_with_record_set_by_content_should_leave_others_untouched") as service:
            box = self.account(service, tmp_path)
            box.run("dns", "present", "acct", label, "challengetoken1")
            box.run("dns", "present", "acct", label, "challengetoken2")
            reads = [it for it in service.exchanges if it["method"] == "GET" and it["path"].endswith("/rrsets")]
            assert [it["used"] for it in reads[:2]] == [True, True]
            box.run("dns", "cleanup", "acct", label, "challengetoken1")
            pairs = service.pairs("POST", "/changes")
            assert len(pairs) == 3
            for recorded, ours in pairs:
                assert self.sets(ours.json) == self.sets(recorded["json"]) and ours.path == recorded["path"]
            recorded, ours = service.pairs("GET", "/rrsets")[0]
            assert ours.query == recorded["query"] and ours.path == recorded["path"]
            recorded, ours = service.pairs("GET", "/managedZones$")[0]
            assert ours.query == recorded["query"] == {}

    def test_the_last_value_goes(self, tmp_path):
        with self.service("delete_record_by_filter_should_remove_record") as service:
            box = self.account(service, tmp_path)
            box.run("dns", "present", "acct", "delete.testfilt.fullm3tal.tk", "challengetoken")
            box.run("dns", "cleanup", "acct", "delete.testfilt.fullm3tal.tk", "challengetoken")
            pairs = service.pairs("POST", "/changes")
            assert len(pairs) == 2
            for recorded, ours in pairs:
                assert self.sets(ours.json) == self.sets(recorded["json"])

    def test_there_already(self, tmp_path):
        with self.service("create_record_with_duplicate_records_should_be_noop") as service:
            box = self.account(service, tmp_path)
            for _ in range(2):
                box.run("dns", "present", "acct", "_acme-challenge.noop.fullm3tal.tk", "challengetoken")
            (recorded, ours), = service.pairs("POST", "/changes")
            assert self.sets(ours.json) == self.sets(recorded["json"])

    def test_no_such_zone(self, tmp_path):
        with self.service("authenticate_with_unmanaged_domain_should_fail") as service:
            box = self.account(service, tmp_path)
            assert "fullm3tal.tk" in box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", ONE, status=1)
