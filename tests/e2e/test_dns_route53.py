"""Route 53 against moto, which verifies each signature and right; its keys from everywhere AWS's own tools take them; and the
traffic that was recorded from the service itself."""

import json
import re
import socket
import xml.etree.ElementTree as ElementTree

import pytest

from dns_contract import NAME, ONE, TWO, ZONE, Acts, Contract, Faults
from env import Everleaf, made
from env.fake import Fake
from env.moto import Aws, Moto, moto_folder, refusal
from env.recorded import Recorded, scenario

pytest.importorskip("boto3", reason="python3-boto3 is not installed (make deps)")
STATIC = {"access_key_id": None, "secret_access_key": None}  # no keys in the account itself
CHANGED = "User: arn:aws:iam::123456789012:user/everleaf is not authorized to perform: route53:ChangeResourceRecordSets"


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    try:
        moto_folder()
    except RuntimeError:
        pytest.skip("python3-moto cannot be fetched from the machine's mirror")
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="module")
def fake(moto):
    with Aws(moto) as server:
        yield server


class Route53(Contract):
    provider = "route53"
    wrong = {"secret_access_key": "wrong+secret+0123456789abcdefghijklmnop"}
    wrong_words = "refuses the signature: the secret access key of the account's settings is wrong"
    denied = (403, {"Content-Type": "text/xml"}, refusal(403, "AccessDenied", CHANGED).body)
    denied_words = r"the right route53:ChangeResourceRecordSets on arn:aws:route53:::hostedzone/[A-Z0-9]+ is missing"
    write = remove = ("POST", "/rrset/")
    read = ("GET", "/rrset")
    public = ("access_key_id",)

    @pytest.fixture(autouse=True)
    def clean(self, fake):
        fake.reset()
        self.settings = {"access_key_id": fake.keys["AccessKeyId"], "secret_access_key": fake.keys["SecretAccessKey"]}

    @pytest.fixture
    def box(self, tmp_path):
        box = Everleaf(tmp_path / "everleaf", like=made())
        box.env = {key: value for key, value in box.env.items() if not key.startswith("AWS_")}
        return box

    def works(self, box, fake, env=None):
        before = fake.whole()
        box.run("dns", "present", "acct", NAME, ONE, env=env)
        assert fake.txt(NAME) == [ONE]
        box.run("dns", "cleanup", "acct", NAME, ONE, env=env)
        assert fake.whole() == before

    def fails(self, box, fake, *words, env=None, status=(1, 2)):
        before = fake.whole()
        self.names_all(box.error("dns", "present", "acct", NAME, ONE, env=env, status=status), *words)
        assert fake.whole() == before


class TestRoute53(Route53, Acts, Faults):
    def test_the_policy_of_the_help_is_enough(self, account, fake):
        text = account.run("dns", "help", "route53").out
        text = text[text.index('{"Version"'):]
        policy = json.JSONDecoder().raw_decode(re.sub(r"\s*\n\s*", " ", text))[0]
        fake.allow(json.loads(json.dumps(policy["Statement"]).replace("ZONE", fake.id_of(ZONE))))
        self.works(account, fake)
        line = account.error("dns", "present", "acct", "_acme-challenge.example.net", ONE, status=1)
        self.names_all(line, f"route53:ListResourceRecordSets on arn:aws:route53:::hostedzone/{fake.id_of('example.net')}")

    @pytest.mark.parametrize("right", ["ListHostedZonesByName", "ListResourceRecordSets", "ChangeResourceRecordSets"])
    def test_each_right_is_named(self, account, fake, right):
        fake.allow(fake.policy_for("*", without=right))
        self.fails(account, fake, f"the right route53:{right} on .* is missing", "dns help route53")

    def test_an_unknown_key(self, box, base_url, fake):
        self.make(box, base_url, access_key_id="AKIAUNKNOWN000000000")
        self.fails(box, fake, "AWS does not know the access key of the account's settings", "InvalidClientTokenId")

    @pytest.mark.parametrize("part", ["signature", "body", "query", "date"])
    def test_one_byte_changed_is_refused(self, account, fake, part):
        def change(request, serve):
            if part == "signature":
                value = request.headers["authorization"]
                request.headers["authorization"] = value[:-1] + ("0" if value[-1] != "0" else "1")
            elif part == "date":
                value = request.headers["x-amz-date"]
                request.headers["x-amz-date"] = value[:-2] + ("0" if value[-2] != "0" else "1") + "Z"
            elif part == "query":
                request.target = request.target.replace("type=TXT", "type=TXS")
            else:
                request.body = request.body.replace(ONE.encode(), TWO.encode())
            return serve()

        fake.spoil(change, "GET" if part == "query" else "POST", "/rrset", times=None)
        self.fails(account, fake, "refuses the signature")

    @pytest.mark.parametrize("code", ["Throttling", "PriorRequestNotComplete"])
    def test_throttling_is_waited_for(self, account, fake, code):
        for call in (("POST", "/rrset/"), ("GET", "/rrset"), ("GET", "hostedzonesbyname")):
            fake.spoil(refusal(400, code, "Rate exceeded"), *call)
        self.works(account, fake)
        assert all(fault.n == 1 for fault in fake.faults)

    def test_somebody_else_is_faster(self, account, fake):
        """Between our reading and our writing the set changes: nothing of it is lost."""
        fake.plant(NAME, "theirs", ttl=120)
        fake.before(lambda request: fake.plant(NAME, "theirs too", ttl=240), "POST", "/rrset/", nth=1)
        account.run("dns", "present", "acct", NAME, ONE)
        assert sorted(fake.txt(NAME)) == sorted(["theirs", "theirs too", ONE])
        assert [one["TTL"] for _, one in fake.sets_at(NAME)] == [240]
        assert [r.status for r in fake.seen("POST", "/rrset/")] == [400, 200]

    def test_somebody_else_makes_the_set(self, account, fake):
        fake.before(lambda request: fake.plant(NAME, "theirs", ttl=120), "POST", "/rrset/", nth=1)
        account.run("dns", "present", "acct", NAME, ONE)
        assert sorted(fake.txt(NAME)) == sorted(["theirs", ONE])

    def test_values_go_in_one_batch(self, account, fake):
        account.run("dns", "present", "acct", NAME, ONE, TWO)
        posts = fake.seen("POST", "/rrset/")
        assert len(posts) == 1 and b"UPSERT" not in posts[0].body
        assert posts[0].headers["content-type"] == "application/xml"

    def test_a_set_with_a_routing_policy_is_left_alone(self, account, fake):
        fake.change(fake.id_of(ZONE), [("CREATE", {"Name": NAME, "Type": "TXT", "TTL": 60, "SetIdentifier": "europe", "Weight": 7,
                                                   "ResourceRecords": [{"Value": '"theirs"'}]})])
        self.fails(account, fake, "routing policy", "europe", "CNAME")

    def test_lists_have_pages(self, account, fake):
        fake.zones.update({f"ZFAKE{n}": f"a{n:03}.example" for n in range(250)})
        account.run("dns", "present", "acct", NAME, ONE)
        assert len(fake.seen("GET", "hostedzonesbyname")) == 3
        fake.zones.update({f"ZFAKF{n}": f"b{n:03}.example" for n in range(600)})
        fake.forget()
        account.run("dns", "present", "acct", NAME, TWO)
        assert len(fake.seen("GET", "hostedzonesbyname")) < 5 + len(NAME.split("."))
        fake.zones = {number: name for number, name in fake.zones.items() if "FAK" not in number}
        assert sorted(fake.txt(NAME)) == sorted([ONE, TWO])

    def test_private_zones_are_passed_over(self, account, fake):
        private = fake.add_zone("www.example.org", private=True)
        self.works(account, fake)
        assert not fake.seen(path=private)

    def test_two_public_zones_of_a_name(self, account, base_url, box, fake):
        second = fake.add_zone(ZONE)
        self.fails(account, fake, "2 public hosted zones", second, fake.id_of(ZONE), "zone_id")
        self.make(box, base_url, name="fixed", zone=ZONE, zone_id=f"/hostedzone/{second}")
        fake.forget()
        box.run("dns", "present", "fixed", NAME, ONE)
        assert not fake.seen(path="hostedzonesbyname")
        assert [number for number, _ in fake.sets_at(NAME)] == [second]

    PENDING = (200, {"Content-Type": "text/xml"}, "<GetChangeResponse><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>"
                                                  "</ChangeInfo></GetChangeResponse>")

    def test_route_53_says_when_it_is_everywhere(self, box, base_url, fake):
        self.make(box, base_url, propagation="provider")
        pending = fake.spoil(self.PENDING, "GET", "/change/", times=2)
        box.run("dns", "present", "acct", NAME, ONE)
        asked = fake.seen("GET", "/2013-04-01/change/C")
        assert pending.n == 2 and [r.status for r in asked] == [200] * 3
        box.run("dns", "cleanup", "acct", NAME, ONE)

    def test_it_never_says_so(self, box, base_url, fake):
        self.make(box, base_url, propagation="provider", propagation_timeout=2)
        fake.spoil(self.PENDING, "GET", "/change/", times=None)
        line = box.error("dns", "present", "acct", NAME, ONE, status=1)
        self.names_all(line, "not up to date", "propagation_timeout", ZONE)

    def test_without_the_right_to_ask_the_name_servers_are_asked(self, box, base_url, fake):
        fake.allow(fake.policy_for("*", without="GetChange"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            self.make(box, base_url, propagation="provider", propagation_timeout=2,
                      servers=[f"127.0.0.1:{server.getsockname()[1]}"])
            result = box.run("-v", "dns", "present", "acct", NAME, ONE, status=(1, 75))
            assert re.search("the right route53:GetChange on arn:aws:route53:::change/C[A-Z0-9]+ is missing", result.err)
            server.settimeout(5)
            assert b"_acme-challenge" in server.recv(512)

    def test_a_zone_id_that_is_none(self, account, base_url, box, fake):
        self.make(box, base_url, name="fixed", zone=ZONE, zone_id="ZNOWHERE")
        line = box.error("dns", "present", "fixed", NAME, ONE, status=1)
        assert "no hosted zone ZNOWHERE" in line and "zone_id" in line
        assert "zone_id must be" in self.refused(box, base_url, zone=ZONE, zone_id="not one")

    def refused(self, box, base_url, **over):
        with pytest.raises(AssertionError) as told:
            self.make(box, base_url, name="refused", **over)
        assert "expected status 0" in str(told.value)
        return str(told.value)

    @pytest.mark.parametrize("over, words", [
        ({"secret_access_key": None}, "secret_access_key is missing"),
        ({"region": "us east"}, "region must be"),
        ({"role_arn": "admin"}, "role_arn must be"),
        ({"external_id": "x"}, "external_id is of use only with role_arn"),
        ({"profile": "x"}, "cannot go together"),
        ({"role_arn": "arn:aws:iam::123456789012:role/dns", "role_session_name": "a b"}, "role_session_name must be"),
        ({"sts_url": "ftp://x"}, "sts_url must be"),
    ])
    def test_settings_that_do_not_fit(self, box, base_url, over, words):
        assert words in self.refused(box, base_url, **over)


# --- keys from elsewhere

class Beside(Fake):
    """The metadata service of an instance (version 2 only), and the credentials service of a container."""

    def reset_state(self):
        self.credentials, self.authorization, self.role = None, None, "dns-role"

    def answer(self, request):
        if request.path == "/latest/api/token":
            ok = request.method == "PUT" and request.headers.get("x-aws-ec2-metadata-token-ttl-seconds") == "21600"
            return (200, "imds-token-0123456789") if ok else (400, "")
        if request.path.startswith("/latest/meta-data/iam/security-credentials/"):
            if request.headers.get("x-aws-ec2-metadata-token") != "imds-token-0123456789":
                return 401, ""
            name = request.path.rsplit("/", 1)[1]
            return (200, self.role) if not name else (200, {"Code": "Success", **self.credentials}) if name == self.role else (404, "")
        if request.path == "/v2/credentials/1":
            if request.headers.get("authorization") != self.authorization:
                return 403, {"message": "no"}
            return 200, self.credentials
        return 404, ""


@pytest.fixture(scope="module")
def beside():
    with Beside() as server:
        yield server


def as_json(keys, token="Token"):
    """Temporary keys of STS as the services beside a container or an instance give them."""
    return {"AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"], token: keys["SessionToken"],
            "Expiration": keys["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")}


class TestKeys(Route53):
    @pytest.fixture(autouse=True)
    def empty(self, beside, clean):
        beside.reset()

    @pytest.fixture
    def role(self, fake):
        fake.allow([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}])
        return fake.role()

    @pytest.fixture
    def temporary(self, fake, role):
        keys = fake.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        assert keys["AccessKeyId"].startswith("ASIA")
        return keys

    def used(self, fake):
        """The access keys that Route 53 saw."""
        return {re.search("Credential=([A-Z0-9]+)/[0-9]{8}/us-east-1/route53/", r.headers["authorization"])[1]
                for r in fake.seen(path="2013-04-01")}

    def env_of(self, keys):
        return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                **({"AWS_SESSION_TOKEN": keys["SessionToken"]} if "SessionToken" in keys else {})}

    def test_the_environment(self, box, base_url, fake):
        self.make(box, base_url, **STATIC)
        self.works(box, fake, env=self.env_of(fake.keys))
        self.fails(box, fake, "the environment", "is missing", env={"AWS_ACCESS_KEY_ID": fake.keys["AccessKeyId"]})

    def test_the_settings_come_before_the_environment(self, account, fake):
        self.works(account, fake, env={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000000", "AWS_SECRET_ACCESS_KEY": "x",
                                       "AWS_SESSION_TOKEN": "y"})

    def test_a_session_token(self, box, base_url, fake, temporary):
        keys = {"access_key_id": temporary["AccessKeyId"], "secret_access_key": temporary["SecretAccessKey"]}
        self.make(box, base_url, session_token=box.secret(temporary["SessionToken"]), **keys)
        self.works(box, fake)
        self.make(box, base_url, name="acct2", **keys)
        line = box.error("dns", "present", "acct2", NAME, ONE, status=1)
        assert "session token is missing: set session_token" in line

    def test_a_role(self, box, base_url, fake, role):
        self.make(box, base_url, role_arn=role, external_id="from-us-42", role_session_name="leaf", sts_url=fake.url)
        self.works(box, fake)
        form = [r for r in fake.seen("POST") if r.path == "/"][0].form
        assert form == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "leaf",
                        "ExternalId": "from-us-42"}
        assert not self.used(fake) & {fake.keys["AccessKeyId"]}

    def test_a_role_that_may_not_be_assumed(self, box, base_url, fake):
        self.make(box, base_url, role_arn=fake.role(), sts_url=fake.url)
        self.fails(box, fake, "sts:AssumeRole", "role/dns", "trust policy")

    def test_an_expired_token_is_renewed_once(self, box, base_url, fake, role):
        self.make(box, base_url, role_arn=role, sts_url=fake.url)
        fake.spoil(refusal(403, "ExpiredToken", "The security token included in the request is expired"), "GET", "/rrset")
        self.works(box, fake)
        assert len([r for r in fake.seen("POST") if r.path == "/"]) == 3  # twice for present, once for cleanup
        fake.spoil(refusal(403, "ExpiredToken", "The security token included in the request is expired"), "GET", "/rrset", None)
        self.fails(box, fake, "has expired")

    def test_throttled_by_sts(self, box, base_url, fake, role):
        self.make(box, base_url, role_arn=role, sts_url=fake.url)
        fake.spoil(refusal(400, "Throttling", "Rate exceeded"), "POST", "^/$")
        self.works(box, fake)

    def test_a_web_identity(self, box, base_url, fake, role, tmp_path):
        token = tmp_path / "token"
        token.write_text(box.secret("eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl") + "\n")
        self.make(box, base_url, sts_url=fake.url, **STATIC)
        self.works(box, fake, env={"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": role})
        sts = [r for r in fake.seen("POST") if r.path == "/"][0]
        assert "authorization" not in sts.headers
        assert sts.form["WebIdentityToken"] == token.read_text().strip() and sts.form["RoleSessionName"] == "everleaf"
        self.make(box, base_url, name="named", sts_url=fake.url, role_arn=role, web_identity_token_file=str(token), **STATIC)
        box.run("dns", "present", "named", NAME, TWO, env={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000000"})
        token.unlink()
        line = box.error("dns", "present", "named", NAME, ONE, status=(1, 2))
        assert "web identity" in line and str(token) in line

    def profiles(self, box, config, credentials=""):
        folder = box.folder / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(config)
        (folder / "credentials").write_text(credentials)
        return folder

    def static(self, keys):
        return f"aws_access_key_id = {keys['AccessKeyId']}\naws_secret_access_key={keys['SecretAccessKey']}\n"

    def test_profiles(self, box, base_url, fake, role):
        fake.allow([{"Effect": "Allow", "Action": ["sts:AssumeRole", "route53:*"], "Resource": "*"}])
        folder = self.profiles(box, f"""# AWS's own form
[default]
region = eu-west-1
s3 =
    max_concurrent_requests = 20
[profile dns]
role_arn = {role}
source_profile = base   ; these keys
external_id = x
role_session_name = by-profile
[profile self]
role_arn = {role}
source_profile = self
[profile ring]
role_arn = {role}
source_profile = ring2
[profile ring2]
role_arn = {role}
source_profile = ring
[profile browser]
sso_session = corp
[profile device]
role_arn = {role}
source_profile = base
mfa_serial = arn:aws:iam::1:mfa/x
[profile from-env]
role_arn = {role}
credential_source = Environment
""", f"[base]\n{self.static(fake.keys)}[self]\n{self.static(fake.keys)}[default]\n{self.static(fake.keys)}")
        box.secret(fake.keys["SecretAccessKey"])
        self.make(box, base_url, sts_url=fake.url, **STATIC)
        self.works(box, fake)
        assert self.used(fake) == {fake.keys["AccessKeyId"]}
        fake.forget()
        self.works(box, fake, env={"AWS_PROFILE": "dns"})
        assert fake.keys["AccessKeyId"] not in self.used(fake)
        form = [r for r in fake.seen("POST") if r.path == "/"][0].form
        assert (form["RoleSessionName"], form["ExternalId"]) == ("by-profile", "x")
        self.works(box, fake, env={"AWS_PROFILE": "self"})
        self.works(box, fake, env={"AWS_PROFILE": "from-env", "HOME": "/nowhere", "AWS_CONFIG_FILE": str(folder / "config"),
                                   **self.env_of(fake.keys)})
        for profile, words in {"ring": "name each other", "browser": "needs a person", "device": "mfa_serial",
                               "none": "there is no profile none"}.items():
            self.fails(box, fake, words, env={"AWS_PROFILE": profile})

    def test_a_profile_in_a_file_of_its_own(self, box, base_url, fake, tmp_path):
        path = tmp_path / "keys.ini"
        path.write_text(f"[acme]\n{self.static(fake.keys)}")
        self.make(box, base_url, profile="acme", credentials_file=str(path), **STATIC)
        self.works(box, fake, env={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000000", "AWS_SECRET_ACCESS_KEY": "x"})
        path.write_text("[acme\n")
        self.fails(box, fake, "keys.ini:1", r"section without its \]")
        path.unlink()
        self.fails(box, fake, "keys.ini")

    def test_a_credential_process(self, box, base_url, fake, temporary, tmp_path):
        printed = tmp_path / "with blank.json"
        printed.write_text(json.dumps({"Version": 1, **as_json(temporary, "SessionToken")}))
        self.profiles(box, f"[default]\ncredential_process = cat \"{printed}\"\n")
        box.secret(temporary["SecretAccessKey"])
        self.make(box, base_url, **STATIC)
        self.works(box, fake)
        printed.write_text("{}")
        self.fails(box, fake, "credential_process of profile default", "is missing")
        self.profiles(box, "[default]\ncredential_process = false\n")
        self.fails(box, fake, "credential_process of profile default ended with status 1")
        self.profiles(box, "[default]\ncredential_process = cat 'x\n")
        self.fails(box, fake, "quote")

    def test_a_container(self, box, base_url, fake, beside, temporary, tmp_path):
        beside.credentials = as_json(temporary)
        self.make(box, base_url, container_url=beside.url, **STATIC)
        self.works(box, fake, env={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"})
        beside.authorization = box.secret("Bearer pod-token-0123456789")
        token = tmp_path / "token"
        token.write_text("Bearer pod-token-0123456789\n")
        full = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{beside.url}/v2/credentials/1"}
        self.works(box, fake, env={**full, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)})
        self.works(box, fake, env={**full, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer pod-token-0123456789"})
        self.fails(box, fake, "container's credentials service", "403", env=full)
        beside.forget()
        for url in ("http://192.0.2.1/", "http://127.0.0.1@192.0.2.1/", "http://127.0.0.1.example.org/", "ftp://127.0.0.1/"):
            self.fails(box, fake, "AWS_CONTAINER_CREDENTIALS_FULL_URI", env={
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer pod-token-0123456789"})

    def test_an_instance(self, box, base_url, fake, beside, temporary):
        beside.credentials = as_json(temporary)
        self.make(box, base_url, metadata_url=beside.url, **STATIC)
        beside.spoil((503, {}, ""), "GET", "security-credentials/$")
        self.works(box, fake)
        assert [r.method for r in beside.seen(path="token")] == ["PUT", "PUT"]
        beside.role = "../../x y"
        self.fails(box, fake, "names no role")
        self.fails(box, fake, "there are no AWS keys", env={"AWS_EC2_METADATA_DISABLED": "true"})

    def test_no_instance_is_told_soon(self, box, base_url, fake, beside):
        self.make(box, base_url, metadata_url=beside.url, **STATIC)
        beside.spoil(30, "PUT", times=None)
        self.fails(box, fake, "no AWS keys", "hop limit", status=2)
        assert len(beside.seen("PUT")) == 1

    def test_a_metadata_service_is_asked_past_any_proxy(self, box, base_url, fake, beside, temporary):
        """The proxy is dead, and only Route 53 is excepted from it."""
        beside.credentials = as_json(temporary)
        self.make(box, base_url.replace("127.0.0.1", "localhost"), metadata_url=beside.url, **STATIC)
        self.works(box, fake, env={"http_proxy": "http://127.0.0.1:1", "no_proxy": "localhost"})


# --- the service's own traffic

RECORDED_ZONE = "fullcr1stal.tk"
NS = {"r": "https://route53.amazonaws.com/doc/2013-04-01/"}


def set_of(element):
    """A set as its model has it: name, type, TTL, values, and the order of its members."""
    return (*(element.findtext(f"r:{member}", None, NS) for member in ("Name", "Type", "TTL")),
            [value.text for value in element.iterfind("r:ResourceRecords/r:ResourceRecord/r:Value", NS)],
            [child.tag for child in element])


def batch(body):
    root = ElementTree.fromstring(body)
    assert root.tag == "{%s}ChangeResourceRecordSetsRequest" % NS["r"]
    return [(change.findtext("r:Action", None, NS), set_of(change.find("r:ResourceRecordSet", NS)))
            for change in root.iterfind("r:ChangeBatch/r:Changes/r:Change", NS)]


def sets_in(answer):
    return [set_of(element) for element in ElementTree.fromstring(answer).iterfind(".//r:ResourceRecordSet", NS)]


@pytest.fixture
def played(tmp_path):
    """played(NAME) gives Everleaf with an account at that recording, and the recording."""
    started = []

    def play(name):
        server = Recorded(scenario("route53", name)).start()
        started.append(server)
        box = Everleaf(tmp_path / "everleaf")
        path = box.folder / "acct.yaml"
        path.write_text(f"access_key_id: AKIAEXAMPLE000000000\nsecret_access_key: {box.secret('x' * 40)}\n"
                        f"base_url: {server.url}\npropagation: none\nttl: 3600\n")
        box.run("dns", "add", "route53", "acct", "--credentials", path)
        return box, server

    yield play
    for server in started:
        server.stop()


@pytest.mark.parametrize("recording, name, steps", [
    ("create_record_for_TXT_with_fqdn_name_and_content", "fqdn", [("present", "challengetoken")]),
    ("create_record_for_TXT_with_valid_name_and_content", "test", [("present", "challengetoken")]),
    ("create_record_multiple_times_should_create_record_set", "createrecordset",
     [("present", "challengetoken1"), ("present", "challengetoken2")]),
    ("delete_record_with_record_set_by_content_should_leave_others_untouched", "deleterecordinset",
     [("present", "challengetoken1"), ("present", "challengetoken2"), ("cleanup", "challengetoken1")]),
    ("delete_record_with_record_set_name_remove_all", "deleterecordset",
     [("present", "challengetoken1"), ("present", "challengetoken2"), ("cleanup", "challengetoken1", "challengetoken2")]),
])
def test_recorded_traffic(played, recording, name, steps):
    """What another client wrote with UPSERT we write with DELETE and CREATE: the set deleted is the one that was answered
    before, the set made is the same as theirs."""
    box, server = played(recording)
    for verb, *values in steps:
        box.run("dns", verb, "acct", f"_acme-challenge.{name}.{RECORDED_ZONE}", *values)
    posts = server.pairs("POST")
    assert len(posts) == len(steps)
    reads = [theirs["body"] for theirs, _ in server.pairs("GET", "/rrset$")]
    for (theirs, ours), read in zip(posts, reads):
        wanted = [one for action, one in batch(theirs["text"]) if action != "DELETE"]
        there = [one for one in sets_in(read) if (one[0], one[1]) == (batch(theirs["text"])[0][1][0], "TXT")]
        assert batch(ours.body) == [("DELETE", one) for one in there] + [("CREATE", one) for one in wanted]
    reading = server.seen("GET", "/rrset")[0].query
    assert reading == {"name": [f"_acme-challenge.{name}.{RECORDED_ZONE}."], "type": ["TXT"], "maxitems": ["1"]}


def test_recorded_value_that_is_there_already(played):
    box, server = played("create_record_with_duplicate_records_should_be_noop")
    for _ in range(2):
        box.run("dns", "present", "acct", f"_acme-challenge.noop.{RECORDED_ZONE}", "challengetoken")
    assert len(server.pairs("POST")) == 1


def test_recorded_zones(played):
    box, _ = played("authenticate_with_unmanaged_domain_should_fail")
    line = box.error("dns", "present", "acct", "_acme-challenge.example.org", ONE, status=1)
    assert RECORDED_ZONE in line and "example.org" in line
