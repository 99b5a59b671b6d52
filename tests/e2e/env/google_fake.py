"""
A small Google: the token service at /token, the metadata server of a machine, and Cloud DNS with zones of record sets.
A change is made whole or not at all, and its deletions must match to the letter. Assertions are verified with a library
of others. Held to account by Prism and recorded traffic.
"""

import copy
import json
import re
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from env.azure_fake import unbase64
from env.fake import Answer, Fake
from env.records_fake import quote, unquote

PROJECT = "named-archway-209418"
EMAIL = f"everleaf@{PROJECT}.iam.gserviceaccount.com"
KEY_ID = "0123456789abcdef0123456789abcdef01234567"
SCOPE = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
STRING = re.compile(r'"(?:[^"\\]|\\.){0,255}"')


def error(status, reason, message):
    return Answer(status, {"error": {"code": status, "message": message,
                                     "errors": [{"message": message, "domain": "global", "reason": reason}]}})


class GoogleFake(Fake):
    key = rsa.generate_private_key(65537, 2048)

    def reset_state(self):
        self.page = 100
        self.tokens, self.uses, self.serial = set(), None, 0
        self.rights = None      # None: all
        self.pending_for = 0    # how often a change is asked for until it is done
        self.flavor = {"Metadata-Flavor": "Google"}
        self.zones = {}
        for name in ("example.org", "sub.example.org", "example.net"):
            self.add_zone(name)

    def add_zone(self, name, visibility="public", **members):
        sets = {(f"{name}.", "NS"): {"ttl": 21600, "rrdatas": ["ns-cloud-c1.googledomains.com."]},
                (f"www.{name}.", "A"): {"ttl": 300, "rrdatas": ["192.0.2.1"]},
                (f"{name}.", "TXT"): {"ttl": 3600, "rrdatas": ['"v=spf1 -all"']}}
        self.zones[name.replace(".", "-") + ("" if visibility == "public" else "-inside")] = {
            "dnsName": f"{name}.", "visibility": visibility, "sets": sets, "changes": [], **members}

    def account(self, **over):
        """What Google gives as a key's file."""
        pem = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return {"type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID, "private_key": pem.decode(),
                "client_email": EMAIL, "client_id": "1", "token_uri": f"{self.url}/token", **over}

    # --- for tests

    def sets_of(self, name):
        name = name.lower().rstrip(".") + "."
        fits = [z for z in self.zones.values() if z["visibility"] == "public" and f".{name}".endswith("." + z["dnsName"])]
        return max(fits, key=lambda z: len(z["dnsName"]))["sets"], name

    def plant(self, name, value, ttl=3600):
        with self.lock:
            sets, name = self.sets_of(name)
            old = sets.get((name, "TXT"), {"rrdatas": []})
            sets[name, "TXT"] = {"ttl": ttl, "rrdatas": old["rrdatas"] + [quote(value)]}

    def txt(self, name):
        with self.lock:
            sets, name = self.sets_of(name)
            return [unquote(value) for value in sets.get((name, "TXT"), {"rrdatas": []})["rrdatas"]]

    def whole(self):
        with self.lock:
            return copy.deepcopy({(name, *key): one for name, zone in self.zones.items() for key, one in zone["sets"].items()})

    # --- tokens

    def new_token(self):
        self.serial += 1
        self.tokens.add(f"token-{self.serial}")
        return {"access_token": f"token-{self.serial}", "expires_in": 3599, "token_type": "Bearer"}

    def login(self, request):
        def refuse(text):
            return 400, {"error": "invalid_grant", "error_description": text}

        form = request.form
        assert set(form) == {"grant_type", "assertion"} and form["grant_type"] == GRANT, form
        head, body, signature = form["assertion"].split(".")
        header, claims = json.loads(unbase64(head)), json.loads(unbase64(body))
        assert header == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, header
        if claims["iss"] != EMAIL:
            return refuse("Invalid grant: account not found")
        try:
            self.key.public_key().verify(unbase64(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return refuse("Invalid JWT Signature.")
        assert claims["scope"] == SCOPE and claims["aud"] == f"{self.url}/token", claims
        if not claims["iat"] - 5 <= time.time() < claims["exp"] <= claims["iat"] + 3600:
            return refuse("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                          "Check your iat and exp values in the JWT claim.")
        return self.new_token()

    def machine(self, request):
        if request.headers.get("metadata-flavor") != "Google":
            return Answer(403, "Missing Metadata-Flavor:Google header.")
        if request.path.endswith("/project/project-id"):
            return Answer(200, PROJECT, self.flavor)
        assert request.path == "/computeMetadata/v1/instance/service-accounts/default/token", request.path
        return Answer(200, self.new_token(), self.flavor)

    # --- DNS

    def answer(self, request):
        if request.path == "/token":
            return self.login(request)
        if request.path.startswith("/computeMetadata/"):
            return self.machine(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return error(401, "authError", "Request had invalid authentication credentials.")
        if self.uses is not None:
            self.uses -= 1
            if self.uses < 0:
                self.uses = None
                self.tokens.clear()
                return error(401, "authError", "Request had invalid authentication credentials.")
        parts = request.parts
        assert parts[:3] == ["dns", "v1", "projects"] and parts[4] == "managedZones", request.target
        if parts[3] != PROJECT:
            return error(403, "forbidden", "The caller does not have permission")
        return self.resource(request, parts[5:])

    def forbidden(self, right):
        return error(403, "forbidden", "Forbidden") if self.rights is not None and right not in self.rights else None

    def resource(self, request, rest):
        if not rest:
            return self.forbidden("managedZones.list") or self.list(request)
        if rest[0] not in self.zones:
            return error(404, "notFound", f"The 'parameters.managedZone' resource named '{rest[0]}' does not exist.")
        zone = self.zones[rest[0]]
        if rest[1:] == ["rrsets"]:
            return self.forbidden("resourceRecordSets.list") or self.rrsets(request, zone)
        if request.method == "POST":
            return self.forbidden("changes.create") or self.change(request.json, zone)
        for one in zone["changes"]:
            if one["left"] <= 0:
                one["status"] = "done"
        if len(rest) == 2:
            listed = self.forbidden("changes.list") or {"changes": [self.told(one) for one in reversed(zone["changes"])]}
            for one in zone["changes"]:
                one["left"] -= 1
            return listed
        one = zone["changes"][int(rest[2])]
        one["left"] -= 1
        return self.forbidden("changes.get") or self.told(one)

    def list(self, request):
        wanted = request.arg("dnsName")
        names = [name for name, zone in self.zones.items() if wanted in (None, zone["dnsName"])]
        at = int(request.arg("pageToken", 0))
        answer = {"kind": "dns#managedZonesListResponse"}
        if names:
            answer["managedZones"] = [{"kind": "dns#managedZone", "name": name, "dnsName": self.zones[name]["dnsName"], "id": str(n),
                                       "visibility": self.zones[name]["visibility"], "nameServers": ["ns-cloud-c1.googledomains.com."]}
                                      for n, name in enumerate(names)][at:at + self.page]
        if at + self.page < len(names):
            answer["nextPageToken"] = str(at + self.page)
        return answer

    def rrsets(self, request, zone):
        found = [(key, one) for key, one in zone["sets"].items() if key == (request.arg("name").lower(), request.arg("type"))]
        return {"kind": "dns#resourceRecordSetsListResponse",
                "rrsets": [{"kind": "dns#resourceRecordSet", "name": name, "type": kind, **one} for (name, kind), one in found]}

    def told(self, change):
        return {key: value for key, value in change.items() if key != "left"}

    def change(self, body, zone):
        assert set(body) <= {"additions", "deletions"}, body
        sets = dict(zone["sets"])
        for n, one in enumerate(body.get("deletions", [])):
            self.check(one, zone)
            held = sets.pop((one["name"].lower(), one["type"]), None)
            what = f"entity.change.deletions[{n}]"
            if held is None:
                return error(404, "notFound", f"The '{what}' resource named '{one['name']} ({one['type']})' does not exist.")
            if (held["ttl"], sorted(held.get("rrdatas", []))) != (one["ttl"], sorted(one["rrdatas"])):
                return error(412, "conditionNotMet", f"Precondition not met for '{what}'")
        for n, one in enumerate(body.get("additions", [])):
            self.check(one, zone)
            if (one["name"].lower(), one["type"]) in sets:
                return error(409, "alreadyExists", f"The resource 'entity.change.additions[{n}]' named '{one['name']} "
                                                   f"({one['type']})' already exists")
            sets[one["name"].lower(), one["type"]] = {"ttl": one["ttl"], "rrdatas": one["rrdatas"]}
        zone["sets"] = sets
        zone["changes"].append({"kind": "dns#change", "id": str(len(zone["changes"])), "status": "pending", "left": self.pending_for,
                                "startTime": "2026-11-22T00:00:00.000Z", **{k: v for k, v in body.items() if v}})
        return self.told(zone["changes"][-1])

    def check(self, one, zone):
        assert set(one) == {"name", "type", "ttl", "rrdatas"} and one["type"] == "TXT" and one["rrdatas"], one
        assert one["name"].endswith(zone["dnsName"]), one
        for value in one["rrdatas"]:
            assert STRING.sub("", value).strip() == "" and value.startswith('"'), f"not quoted: {value}"
