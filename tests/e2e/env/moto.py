"""Route 53, IAM and STS by moto (Debian's package, unpacked where the machine has none), which verifies each signature with
botocore and each right with the user's policies; and a relay before it, whose faults come from Fake."""

import http.client
import json
import os
import urllib.request

from env.debs import ROOT, fetched
from env.fake import Answer, Fake
from env.ports import free_port
from env.process import Daemon
from env.records_fake import HERE, ZONE, quote, unquote

PYTHON = "/usr/bin/python3"
HOP_HEADERS = ("connection", "transfer-encoding", "content-length", "date", "server", "keep-alive")
XMLNS = "https://route53.amazonaws.com/doc/2013-04-01/"
ERROR = (f'<?xml version="1.0"?>\n<ErrorResponse xmlns="{XMLNS}"><Error><Type>Sender'
         "</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>1</RequestId></ErrorResponse>")


def refusal(status, code, message=""):
    """An error as Route 53 words it."""
    return Answer(status, ERROR.format(code, message), {"Content-Type": "text/xml"})


def moto_folder():
    return fetched("python3-moto", "trixie", "forky", "sid") / "usr/lib/python3/dist-packages"


class Moto(Daemon):
    def __init__(self, folder):
        super().__init__("moto", folder)
        self.port = free_port()

    def start(self):
        env = {**os.environ, "PYTHONPATH": str(moto_folder()), "PYTHONDONTWRITEBYTECODE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
        self.spawn([PYTHON, "-P", ROOT / "tests/e2e/env/moto_server.py", str(self.port)], env)
        self.await_ready(lambda: self.call("GET", "/moto-api/data.json"))
        return self

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": "text/plain"}, method=method)
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20).read()

    def check_keys(self, on):
        """Whether signatures and rights are verified from now on."""
        self.call("POST", "/moto-api/reset-auth", b"0" if on else b"inf")


class Aws(Fake):
    """Two users: self.keys may do what `policy` says, self.admin everything."""

    def __init__(self, moto, **options):
        self.moto = moto
        self.keys = self.admin = None
        super().__init__(**options)

    def client(self, service, keys=None):
        import boto3
        from botocore.config import Config

        keys = keys or self.admin
        return boto3.client(service, region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{self.moto.port}",
                            aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
                            aws_session_token=keys.get("SessionToken"), config=Config(proxies={}))

    def reset_state(self):
        self.moto.check_keys(False)
        self.moto.call("POST", "/moto-api/reset", b"")
        self.admin = {"AccessKeyId": "AKIA0000000000000000", "SecretAccessKey": "x"}
        self.iam = self.client("iam")
        self.admin = self.user("admin", "*", "*")
        self.iam, self.dns = self.client("iam"), self.client("route53")
        self.keys = self.user("everleaf")
        self.zones, self.private = {}, set()
        for zone, rows in ((ZONE, HERE), ("sub.example.org", HERE[:3]), ("example.net", HERE)):
            self.add_zone(zone, rows)
        self.allow(self.policy_for("*"))
        self.moto.check_keys(True)

    def user(self, name, action=None, resource="*"):
        self.iam.create_user(UserName=name)
        if action:
            self.put_policy(name, [{"Effect": "Allow", "Action": action, "Resource": resource}])
        return self.iam.create_access_key(UserName=name)["AccessKey"]

    def put_policy(self, user, statements):
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_user_policy(UserName=user, PolicyName="rights", PolicyDocument=text)

    def allow(self, statements):
        """What Everleaf's user may do from now on."""
        self.put_policy("everleaf", statements)

    def policy_for(self, zone, without=None):
        """The four rights; zone: a zone's ID, or "*"."""
        rights = {"ListHostedZonesByName": "*", "GetChange": "arn:aws:route53:::change/*",
                  "ListResourceRecordSets": f"arn:aws:route53:::hostedzone/{zone}",
                  "ChangeResourceRecordSets": f"arn:aws:route53:::hostedzone/{zone}"}
        return [{"Effect": "Allow", "Action": f"route53:{right}", "Resource": on} for right, on in rights.items()
                if right != without]

    def role(self, name="dns", rights=True):
        """A role with the four rights; its ARN."""
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"},
                                                         "Action": "sts:AssumeRole"}]}
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if rights:
            text = json.dumps({"Version": "2012-10-17", "Statement": self.policy_for("*")})
            self.iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=text)
        return arn

    def add_zone(self, name, rows=(), private=False):
        """rows as in HERE; the zone's ID. private: only our list says so, moto's own wants a network for it."""
        zone = self.dns.create_hosted_zone(Name=name, CallerReference=f"{name}-{len(self.zones)}")["HostedZone"]
        number = zone["Id"].rsplit("/", 1)[1]
        self.zones[number] = name
        self.private |= {number} if private else set()
        sets = {}
        for relative, kind, value, ttl in rows:
            key = f"{relative}.{name}" if relative else name, kind
            sets.setdefault(key, {"Name": key[0], "Type": kind, "TTL": ttl, "ResourceRecords": []})["ResourceRecords"].append(
                {"Value": quote(value) if kind == "TXT" else value})
        self.change(number, [("CREATE", one) for one in sets.values()])
        return number

    def change(self, number, changes):
        if changes:
            self.dns.change_resource_record_sets(HostedZoneId=number, ChangeBatch={"Changes": [
                {"Action": action, "ResourceRecordSet": one} for action, one in changes]})

    def id_of(self, zone):
        return next(number for number, name in self.zones.items() if name == zone)

    def sets(self, number):
        pages = self.dns.get_paginator("list_resource_record_sets").paginate(HostedZoneId=number)
        return [one for page in pages for one in page["ResourceRecordSets"]]

    def sets_at(self, name):
        name = name.lower() + "."
        return [(number, one) for number in self.zones for one in self.sets(number)
                if one["Name"] == name and one["Type"] == "TXT"]

    # --- for tests

    def plant(self, name, value, ttl=3600):
        found = self.sets_at(name)
        records = found[0][1]["ResourceRecords"] if found else []
        number = found[0][0] if found else max((it for it in self.zones.items() if name.endswith(it[1])),
                                               key=lambda it: len(it[1]))[0]
        self.change(number, [("UPSERT", {"Name": name, "Type": "TXT", "TTL": ttl,
                                         "ResourceRecords": records + [{"Value": quote(value)}]})])

    def txt(self, name):
        return [unquote(record["Value"]) for _, one in self.sets_at(name) for record in one["ResourceRecords"]]

    def whole(self):
        return {number: sorted(((one["Name"], one["Type"], one.get("SetIdentifier"), one.get("TTL"),
                                 tuple(r["Value"] for r in one.get("ResourceRecords", []))) for one in self.sets(number)), key=str)
                for number in self.zones}

    # --- the relay

    def answer(self, request):
        answer = self.forward(request)
        if request.path.endswith("/hostedzonesbyname") and answer.status == 200:
            answer.body = self.zone_list(request.arg("dnsname"), request.arg("hostedzoneid"), int(request.arg("maxitems", 100)))
        return answer

    def zone_list(self, name, number, most):
        """Moto knows no pages: from this name and ID on, in the order of the reversed labels."""
        def key(it):
            return [*reversed(it[1].split("."))], it[0]

        rows = sorted(self.zones.items(), key=key)
        start = key((number or "", (name or "").rstrip(".")))
        rows = [it for it in rows if not name or key(it) >= start]
        zones = "".join(f"<HostedZone><Id>/hostedzone/{it}</Id><Name>{zone}.</Name><CallerReference>1</CallerReference><Config>"
                        f"<PrivateZone>{str(it in self.private).lower()}</PrivateZone></Config></HostedZone>"
                        for it, zone in rows[:most])
        more = rows[most:most + 1]
        tail = "".join(f"<NextDNSName>{zone}.</NextDNSName><NextHostedZoneId>{it}</NextHostedZoneId>" for it, zone in more)
        return (f'<?xml version="1.0"?><ListHostedZonesByNameResponse xmlns="{XMLNS}"><HostedZones>{zones}</HostedZones>'
                f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{tail}<MaxItems>{most}</MaxItems></ListHostedZonesByNameResponse>")

    def forward(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", self.moto.port, timeout=30)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                # Moto looks for these in the form in which botocore writes them.
                connection.putheader({"x-amz-security-token": "X-Amz-Security-Token", "x-amz-date": "X-Amz-Date"}.get(name, name),
                                     value)
            connection.endheaders(request.body)
            response = connection.getresponse()
            headers = {name: value for name, value in response.getheaders() if name.lower() not in HOP_HEADERS}
            return Answer(response.status, response.read(), headers)
        finally:
            connection.close()
