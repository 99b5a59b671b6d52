"""
A small Azure: Microsoft Entra's token service under /login, the metadata services of a machine, App Service and Arc,
and Azure DNS with zones of record sets. A set is only written under its ETag; assertions are verified with a library of
others. Held to account by Prism and recorded traffic.
"""

import base64
import copy
import json
import re
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from env.fake import Answer, Fake

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
CLIENT = "99999999-8888-7777-6666-555555555555"
SECRET = "right~secret.0123456789"
GROUP = "DNS-group"
FEDERATED = "federated.token.of-the-cluster"
IDENTITY_HEADER = "identity-header-0123456789"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MANAGEMENT = "https://management.azure.com"
CHUNK = 100  # what others wrote is cut in pieces of this size: ours are of 255, so a set that is cut anew is noticed


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def error(status, code, message, headers=None):
    return Answer(status, {"error": {"code": code, "message": message}}, headers or {})


def entra(status, code, text):
    return Answer(status, {"error": "invalid_client", "error_codes": [code],
                           "error_description": f"AADSTS{code}: {text}\r\nTrace ID: 0\r\nCorrelation ID: 0"})


class AzureFake(Fake):
    def reset_state(self):
        self.public = None          # where nextLink leads; None: here
        self.page = 100             # zones in one
        self.tokens, self.uses = {}, None   # uses: calls after which a token has expired for the service
        self.expires_in = 3599
        self.rights = None          # None: all
        self.locked = False
        self.certificates, self.assertions = [], set()
        self.arc_key = None         # file of the challenge, as told
        self.serial = 0
        self.zones = {}
        for name in ("example.org", "sub.example.org", "example.net"):
            self.add_zone(name)

    def add_zone(self, name, kind="Public", group=GROUP):
        self.zones[name] = {"group": group, "kind": kind, "sets": {}}
        self.put(name, "@", "NS", {"TTL": 172800, "NSRecords": [{"nsdname": "ns1-05.azure-dns.com."}]})
        self.put(name, "www", "A", {"TTL": 300, "ARecords": [{"ipv4Address": "192.0.2.1"}]})
        self.put(name, "@", "TXT", {"TTL": 3600, "TXTRecords": [{"value": ["v=spf1 -all"]}], "metadata": {"owner": "mail"}})

    def put(self, zone, relative, kind, properties):
        self.serial += 1
        self.zones[zone]["sets"][relative, kind] = {"etag": f"etag-{self.serial}", "properties": properties}

    # --- for tests

    def place(self, name):
        name = name.lower().rstrip(".")
        zone = max((z for z in self.zones if name == z or name.endswith("." + z)), key=len)
        return zone, name.removesuffix(zone).rstrip(".") or "@"

    def plant(self, name, value, ttl=3600, metadata=None):
        with self.lock:
            zone, relative = self.place(name)
            old = self.zones[zone]["sets"].get((relative, "TXT"), {"properties": {"TXTRecords": [], "metadata": {"by": "another"}}})
            properties = copy.deepcopy(old["properties"])
            properties["TTL"] = ttl
            properties["TXTRecords"].append({"value": [value[at:at + CHUNK] for at in range(0, len(value), CHUNK)]})
            self.put(zone, relative, "TXT", properties)

    def txt(self, name):
        with self.lock:
            zone, relative = self.place(name)
            held = self.zones[zone]["sets"].get((relative, "TXT"))
            return ["".join(record["value"]) for record in held["properties"]["TXTRecords"]] if held else []

    def whole(self):
        with self.lock:
            return copy.deepcopy({(name, *key): it["properties"] for name, zone in self.zones.items()
                                  for key, it in zone["sets"].items()})

    # --- tokens

    def new_token(self, extra=None):
        self.serial += 1
        token = f"token-{self.serial}"
        self.tokens[token] = self.uses
        return {"token_type": "Bearer", "expires_in": self.expires_in, "access_token": token, **(extra or {})}

    def claims_of(self, assertion, url):
        """Checks an assertion as Entra does; gives an answer if it is refused."""
        head, body, signature = assertion.split(".")
        header, claims = json.loads(unbase64(head)), json.loads(unbase64(body))
        found = [c for c in self.certificates if base64.urlsafe_b64encode(c.fingerprint(hashes.SHA256())).decode().rstrip("=")
                 == header.get("x5t#S256")]
        if not found:
            return entra(401, 700027, "Client assertion contains an invalid signature. The key was not found.")
        try:
            assert header["alg"] == "PS256" and header["typ"] == "JWT"
            found[0].public_key().verify(unbase64(signature), f"{head}.{body}".encode(),
                                         padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        except InvalidSignature:
            return entra(401, 700027, "Client assertion failed signature validation.")
        now = time.time()
        if not claims["nbf"] <= now < claims["exp"] <= now + 600:
            return entra(401, 700024, "Client assertion is not within its valid time range.")
        assert claims["iss"] == claims["sub"] == CLIENT and claims["aud"] == url, claims
        assert claims["jti"] not in self.assertions, "an assertion was used twice"
        self.assertions.add(claims["jti"])
        return None

    def login(self, request):
        if request.method != "POST" or not re.fullmatch(r"/login/[^/]+/oauth2/v2.0/token", request.path):
            return error(404, "NotFound", request.target)
        form = request.form
        if request.parts[1] != TENANT:
            return entra(400, 90002, f"Tenant '{request.parts[1]}' not found.")
        if form["client_id"] != CLIENT:
            return entra(400, 700016, f"Application with identifier '{form['client_id']}' was not found in the directory.")
        assert form["grant_type"] == "client_credentials" and form["scope"].endswith("/.default"), form
        if "client_assertion" not in form:
            if form["client_secret"] != SECRET:
                return entra(401, 7000215, "Invalid client secret provided.")
            return self.new_token()
        assert form["client_assertion_type"] == ASSERTION_TYPE and "client_secret" not in form, form
        if form["client_assertion"] == FEDERATED:
            return self.new_token()
        return self.claims_of(form["client_assertion"], self.url + request.path) or self.new_token()

    def machine(self, request):
        head = request.headers
        if request.arg("resource") != MANAGEMENT + "/" or request.arg("api-version") is None:
            return 400, {"error": "invalid_resource"}
        if request.arg("client_id", CLIENT) != CLIENT:
            return 400, {"error": "invalid_request", "error_description": "Identity not found"}
        if request.path == "/metadata/identity/oauth2/token":
            if head.get("metadata") != "true" or "x-forwarded-for" in head:
                return 400, {"error": "bad_request_102", "error_description": "Required metadata header not specified"}
            return self.new_token({"expires_in": str(self.expires_in), "resource": MANAGEMENT + "/"})
        if request.path == "/msi/token":
            if head.get("x-identity-header") != IDENTITY_HEADER:
                return 401, {"statusCode": 401, "message": "Unauthorized"}
            token = self.new_token({"expires_on": str(int(time.time()) + self.expires_in)})
            return {key: value for key, value in token.items() if key != "expires_in"}
        if head.get("authorization") != "Basic challenge-0123456789":
            return Answer(401, None, {"WWW-Authenticate": f"Basic realm={self.arc_key}"})
        return self.new_token({"expires_in": str(self.expires_in)})

    # --- DNS

    def answer(self, request):
        if request.path.startswith("/login/"):
            return self.login(request)
        if request.path.startswith(("/metadata/", "/msi/", "/arc/")):
            return self.machine(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if self.tokens[token] is not None:
            if self.tokens[token] == 0:
                return error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
            self.tokens[token] -= 1
        if request.arg("api-version") != "2018-05-01":
            return error(400, "InvalidApiVersionParameter", "The api-version is invalid.")
        parts = request.parts
        if [part.lower() for part in parts[:1]] != ["subscriptions"] or parts[1] != SUBSCRIPTION:
            return error(404, "SubscriptionNotFound", f"The subscription '{parts[1]}' could not be found.")
        return self.resource(request, parts)

    def resource(self, request, parts):
        lower = [part.lower() for part in parts]
        group = parts[3] if lower[2] == "resourcegroups" else None
        rest = parts[4 if group else 2:]
        assert [part.lower() for part in rest[:3]] == ["providers", "microsoft.network", "dnszones"], request.target
        if group and group.lower() not in {zone["group"].lower() for zone in self.zones.values()}:
            return error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        if len(rest) <= 4:
            return self.forbidden("read", request) or self.list(request, group, rest[3:])
        zone, kind, relative = rest[3].lower(), rest[4], rest[5].lower()
        if zone not in self.zones:
            return error(404, "ParentResourceNotFound", "Failed to perform the operation on resource(s) of type 'dnszones/TXT', "
                         f"because the parent resource '{request.path}' could not be found.")
        return self.record_set(request, zone, relative, kind)

    def forbidden(self, action, request):
        if self.rights is None or action in self.rights:
            return None
        return error(403, "AuthorizationFailed", f"The client '{CLIENT}' with object id '{CLIENT}' does not have authorization "
                     f"to perform action 'Microsoft.Network/dnszones/{action}' over scope '{request.path}' or the scope is "
                     "invalid. If access was recently granted, please refresh your credentials.")

    def list(self, request, group, name):
        names = [n for n, zone in self.zones.items() if not group or zone["group"].lower() == group.lower()]
        if name:
            return self.zone_json(name[0].lower()) if name[0].lower() in names else error(404, "ResourceNotFound", "No such zone.")
        at = int(request.arg("$skipToken", 0))
        answer = {"value": [self.zone_json(n) for n in names[at:at + self.page]]}
        if at + self.page < len(names):
            answer["nextLink"] = f"{self.public or self.url}{request.path}?api-version=2018-05-01&$skipToken={at + self.page}"
        return answer

    def zone_json(self, name):
        zone = self.zones[name]
        return {"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{zone['group'].lower()}/providers/Microsoft.Network/dnszones/{name}",
                "name": name, "type": "Microsoft.Network/dnszones", "etag": "e", "location": "global", "tags": {},
                "properties": {"maxNumberOfRecordSets": 10000, "nameServers": ["ns1-05.azure-dns.com.", "ns2-05.azure-dns.net."],
                               "numberOfRecordSets": len(zone["sets"]), "zoneType": zone["kind"]}}

    def set_json(self, zone, relative, kind):
        held = self.zones[zone]["sets"][relative, kind]
        return {"id": self.zone_json(zone)["id"] + f"/{kind}/{relative}", "name": relative, "etag": held["etag"],
                "type": f"Microsoft.Network/dnszones/{kind}",
                "properties": {"fqdn": f"{relative}.{zone}.", "targetResource": {}, "provisioningState": "Succeeded",
                               **held["properties"]}}

    def record_set(self, request, zone, relative, kind):
        act = {"GET": "read", "PUT": "write", "DELETE": "delete"}[request.method]
        refused = self.forbidden(f"{kind}/{act}", request)
        if refused:
            return refused
        sets, key = self.zones[zone]["sets"], (relative, kind)
        held = sets.get(key)
        if request.method == "GET":
            if held is None:
                return 404, {"code": "NotFound", "message": f"The resource record '{relative}' does not exist."}
            return self.set_json(zone, relative, kind)
        if self.locked:
            return error(409, "ScopeLocked", f"The scope '{request.path}' cannot perform {act} operation because following "
                         "scope(s) are locked: '/subscriptions'. Please remove the lock and try again.")
        match, none = request.headers.get("if-match"), request.headers.get("if-none-match")
        assert match or none == "*", f"a set is written without a guard: {request}"
        if (none and held) or (match and (held is None or match != held["etag"])):
            if request.method == "DELETE" and held is None:
                return Answer(204)
            return error(412, "PreconditionFailed", f"The condition '{match or none}' in the request was not satisfied.")
        if request.method == "DELETE":
            del sets[key]
            return Answer(200)
        return self.write(request.json, zone, relative, kind, held)

    def write(self, body, zone, relative, kind, held):
        given = body["properties"]
        assert set(given) <= {"TTL", "TXTRecords", "metadata"}, f"unknown or read-only members are sent: {given}"
        assert kind == "TXT" and isinstance(given["TTL"], int) and given["TTL"] >= 1 and given["TXTRecords"]
        for record in given["TXTRecords"]:
            assert set(record) == {"value"} and all(0 < len(chunk.encode()) <= 255 for chunk in record["value"]), record
        if len(given["TXTRecords"]) > 20:
            return error(400, "BadRequest", "The number of records in the record set exceeds the limit of 20.")
        self.put(zone, relative, kind, given)
        return 200 if held else 201, self.set_json(zone, relative, kind)
