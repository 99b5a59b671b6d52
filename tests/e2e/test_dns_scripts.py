"""acme.sh's provider scripts as Debian's package has them, unmodified: against BIND, PowerDNS, moto (which verifies each
signature), and the vendors' fakes that Prism holds to the vendors' own descriptions."""

import json
import re
import shutil

import pytest

from env import Everleaf
from env.bind import Bind
from env.cloudflare_fake import CloudflareFake
from env.digitalocean_fake import DigitalOceanFake
from env.dnsapi_lab import Tunnel, acme_sh, open_folder  # noqa: F401
from env.linode_fake import LinodeFake
from env.nameserver import Key
from env.powerdns import PowerDns

ONE = "ZV8mF0hXwzmjZ0Jyh6W3kX6wAqJ0M1-one_0123456"
TWO = "q9dK2m7bTtGqYx0uQyqT5o3pLh-dS8d2two_0123456"
NAME = "_acme-challenge.www.example.org"


@pytest.fixture
def box(tmp_path):
    return Everleaf(tmp_path / "everleaf")


def make(box, script, environment):
    path = box.folder / "credentials.yaml"
    settings = {"script": script, "folder": [str(acme_sh() / "dnsapi")], "propagation": "none", "environment": environment}
    path.write_text(json.dumps(settings))  # JSON is YAML
    path.chmod(0o600)
    box.run("dns", "add", "dnsapi", "acct", "--credentials", path)
    return box


def goes_and_comes(box, server, name, *others):
    """Two values come beside what is there, and go one after the other; everything is then as before."""
    before = server.whole()
    box.run("dns", "present", "acct", name, ONE)
    box.run("dns", "present", "acct", name, TWO)
    assert sorted(server.txt(name)) == sorted([*others, ONE, TWO])
    box.run("dns", "cleanup", "acct", name, ONE)
    assert sorted(server.txt(name)) == sorted([*others, TWO])
    box.run("dns", "cleanup", "acct", name, TWO)
    assert server.whole() == before


@pytest.mark.skipif(not shutil.which("nsupdate"), reason="nsupdate is not installed")
def test_nsupdate_with_bind(box, tmp_path, open_folder):
    key, wrong = Key.new("everleaf"), Key.new("everleaf")
    files = [open_folder / "right.key", open_folder / "wrong.key"]
    for path, which in zip(files, (key, wrong)):
        path.write_text(which.bind)
    with_key = {"NSUPDATE_SERVER": "127.0.0.1"}
    server = Bind(tmp_path / "bind", keys=[key]).start()
    try:
        make(box, "dns_nsupdate", {**with_key, "NSUPDATE_SERVER_PORT": str(server.port), "NSUPDATE_KEY": str(files[0])})
        before, name = server.whole(), "_acme-challenge.new.example.test"
        box.run("dns", "present", "acct", name, ONE, TWO)
        assert server.txt(name) == sorted([ONE, TWO])
        box.run("dns", "cleanup", "acct", name, ONE)  # this script takes all values at the name away
        assert server.whole() == before
        box.run("dns", "delete", "acct")
        make(box, "dns_nsupdate", {**with_key, "NSUPDATE_SERVER_PORT": str(server.port), "NSUPDATE_KEY": str(files[1])})
        line = box.error("dns", "present", "acct", name, ONE, status=1)
        assert "error updating domain" in line and server.whole() == before
    finally:
        server.stop()


def test_powerdns(box, tmp_path):
    server = PowerDns(tmp_path / "pdns", api_key=box.secret("powerdns-api-key-0123")).start()
    try:
        make(box, "dns_pdns.sh", {"PDNS_Url": server.url, "PDNS_ServerId": "localhost", "PDNS_Token": server.api_key, "PDNS_Ttl": "60"})
        before, name = server.whole(), "_acme-challenge.new.example.test"
        box.run("dns", "present", "acct", name, ONE)
        box.run("dns", "present", "acct", name, TWO)
        assert server.txt(name) == sorted([ONE, TWO])
        box.run("dns", "cleanup", "acct", name, ONE)
        assert server.txt(name) == [TWO]
        box.run("dns", "cleanup", "acct", name, TWO)
        assert server.whole() == before
    finally:
        server.stop()


class Compact:
    """Answers without the blanks that a fake's JSON and moto's XML have."""

    def act(self, request):
        answer = super().act(request)
        if isinstance(answer.body, (dict, list)):
            answer.headers = {"Content-Type": "application/json", **answer.headers}
            answer.body = json.dumps(answer.body, separators=(",", ":"))
        elif answer.body:
            text = answer.body if isinstance(answer.body, str) else answer.body.decode()
            answer.body = re.sub(r">\s+<", "><", text)
        return answer


class CompactCloudflare(Compact, CloudflareFake):
    pass


class Vendor:
    def __init__(self, script, fake, host, settings, wrong, words):
        self.script, self.fake, self.host, self.settings, self.wrong, self.words = script, fake, host, settings, wrong, words


VENDORS = [
    Vendor("dns_cf", CompactCloudflare, "api.cloudflare.com", {"CF_Token": "right-token-0123456789"}, {"CF_Token": "wrong-token-0123456789"},
           "invalid domain"),
    Vendor("dns_dgon", DigitalOceanFake, "api.digitalocean.com", {"DO_API_KEY": "dop_v1_right0123456789"},
           {"DO_API_KEY": "dop_v1_wrong0123456789"}, "domain"),
    Vendor("dns_linode_v4", LinodeFake, "api.linode.com", {"LINODE_V4_API_KEY": "linode-right-0123456789"},
           {"LINODE_V4_API_KEY": "linode-wrong-0123456789"}, "domain"),
]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.script)
def test_a_vendor_s_script(box, open_folder, vendor):
    with vendor.fake() as fake, Tunnel(open_folder, fake.port, vendor.host) as tunnel:
        network = {"https_proxy": tunnel.url, "CA_BUNDLE": str(tunnel.bundle)}
        for secret in (*vendor.settings.values(), *vendor.wrong.values()):
            box.secret(secret)
        make(box, vendor.script, {**vendor.settings, **network})
        fake.plant("_acme-challenge.other.example.org", "a neighbour")
        goes_and_comes(box, fake, NAME)
        assert set(tunnel.hosts) == {f"{vendor.host}:443"}
        assert fake.requests[0].headers["user-agent"] == "Everleaf"
        box.run("dns", "delete", "acct")
        before = fake.whole()
        make(box, vendor.script, {**vendor.wrong, **network})
        assert vendor.words in box.error("dns", "present", "acct", NAME, ONE, status=1)
        assert fake.whole() == before


def test_route53_where_each_signature_is_verified(box, tmp_path, open_folder):
    """Four HMACs in a row, over what curl really sent: moto checks them with botocore."""
    pytest.importorskip("boto3", reason="python3-boto3 is not installed (make deps)")
    from env.moto import Aws, Moto

    class CompactAws(Compact, Aws):
        def forward(self, request):
            # not signed; moto loses the body of what says it is a form, as curl does unless told otherwise
            if request.headers.get("content-type", "").endswith("form-urlencoded"):
                request.headers["content-type"] = "text/xml"
            return super().forward(request)

    with Moto(tmp_path / "moto") as moto, CompactAws(moto) as aws:
        aws.allow([{"Effect": "Allow", "Action": "route53:*", "Resource": "*"}])
        with Tunnel(open_folder, aws.port, "route53.global.api.aws", "route53.amazonaws.com") as tunnel:
            network = {"https_proxy": tunnel.url, "CA_BUNDLE": str(tunnel.bundle), "AWS_DNS_SLOWRATE": "0"}
            secret = box.secret(aws.keys["SecretAccessKey"])
            make(box, "dns_aws", {"AWS_ACCESS_KEY_ID": aws.keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": secret, **network})
            # Reading first, as the script does, needs more than moto has: it takes the service's &quot; by the letter.
            box.run("dns", "present", "acct", NAME, ONE)
            assert aws.txt(NAME) == [ONE] and aws.requests[-1].method == "POST" and aws.requests[-1].status == 200
            box.run("dns", "delete", "acct")
            wrong = box.secret(secret[:-1] + ("a" if secret[-1] != "a" else "b"))
            make(box, "dns_aws", {"AWS_ACCESS_KEY_ID": aws.keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": wrong, **network})
            before = aws.whole()
            box.error("dns", "present", "acct", f"other.{NAME}", ONE, status=1)
            assert aws.whole() == before and aws.requests[-1].status == 403
