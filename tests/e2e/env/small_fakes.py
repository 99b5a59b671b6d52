"""Small fakes of the services that only recorded traffic exists of: ClouDNS, Hetzner, OVHcloud, Gandi, deSEC. Shapes and
words as recorded where they are recorded; what is not (throttling, missing rights) is told as the vendors' pages do."""

import hashlib
import json
import time

from env.fake import Answer
from env.records_fake import RecordsFake, page_of, quote, unquote


class AnyOf:
    """A method that a fault is for: any of these."""

    def __init__(self, *methods):
        self.methods = methods

    def __eq__(self, other):
        return other in self.methods


class Sets(RecordsFake):
    """Records kept one by one, seen as sets of a name."""

    def rows(self, zone, name):
        name = self.absolute(name, zone)
        return [row for row in self.zones[zone]["records"] if row["type"] == "TXT" and row["name"] == name]

    def plant(self, name, value, ttl=3600):
        """A set has one TTL."""
        with self.lock:
            zone = self.zone_of(name)
            here = [row for row in self.zones[zone]["records"] if row["type"] == "TXT" and row["name"] == name]
            return super().plant(name, value, here[0]["ttl"] if here else ttl)

    def replace(self, zone, name, values, ttl):
        for row in self.rows(zone, name):
            self.zones[zone]["records"].remove(row)
        for value in values:
            self.put(zone, self.absolute(name, zone), "TXT", value, ttl)


class ClouDNSFake(RecordsFake):
    TTLS = ["60", "300", "900", "1800", "3600", "21600", "43200", "86400", "172800", "259200", "604800", "1209600", "2592000"]

    def reset_state(self):
        super().reset_state()
        self.lagging = 0

    def answer(self, request):
        assert request.method == "POST" and not request.query, f"{request}: credentials belong in the body"
        form = request.form
        who = {name: form.pop(name, None) for name in ("auth-id", "sub-auth-id", "sub-auth-user", "auth-password")}
        if who not in self.known():
            kind = "auth-id or auth-password" if who["auth-id"] else "sub-auth-id, sub-auth-user or auth-password"
            return self.failed(f"Invalid authentication, incorrect {kind}.")
        command = request.parts[-1].removesuffix(".json").replace("-", "_")
        if command != "list_zones" and form.get("domain-name") not in self.zones:
            return self.failed("Missing domain-name")
        return getattr(self, command)(form)

    def known(self):
        empty = {"auth-id": None, "sub-auth-id": None, "sub-auth-user": None, "auth-password": "cloudns-right-0123456789"}
        return [{**empty, "auth-id": "1234"}, {**empty, "sub-auth-id": "56"}, {**empty, "sub-auth-user": "certs"}]

    def failed(self, words):
        return {"status": "Failed", "statusDescription": words}

    def zone_row(self, name):
        return {"name": name, "type": "master", "zone": "domain", "status": "1"}

    def get_zone_info(self, form):
        return self.zone_row(form["domain-name"])

    def list_zones(self, form):
        if form["rows-per-page"] not in ("10", "20", "30", "50", "100"):
            return self.failed("Wrong rows-per-page")
        return page_of([self.zone_row(name) for name in self.zones], int(form["page"]), int(form["rows-per-page"]))

    def records(self, form):
        zone, host = form["domain-name"], form.get("host")
        rows = {str(row["id"]): {"id": str(row["id"]), "type": row["type"], "host": self.relative(row, zone, ""), "record": row["value"],
                                 "ttl": str(row["ttl"]), "status": 1}
                for row in self.zones[zone]["records"] if row["type"] == form["type"]}
        return {key: row for key, row in rows.items() if host in (None, row["host"])} or []

    def add_record(self, form):
        if form["ttl"] not in self.TTLS:
            return self.failed("Wrong TTL")
        zone = form["domain-name"]
        row = self.put(zone, self.absolute(form["host"], zone), form["record-type"], form["record"], int(form["ttl"]))
        return {"status": "Success", "statusDescription": "The record was added successfully.", "data": {"id": row["id"]}}

    def delete_record(self, form):
        rows = self.zones[form["domain-name"]]["records"]
        found = [row for row in rows if str(row["id"]) == form["record-id"]]
        if not found:
            return self.failed("Missing record-id")
        rows.remove(found[0])
        return {"status": "Success", "statusDescription": "The record was deleted successfully."}

    def update_status(self, form):
        self.lagging -= 1
        return [{"server": f"pns{n}.example.net", "ip4": "192.0.2.1", "ip6": "", "updated": n != 8 or self.lagging < 0} for n in range(1, 9)]


class HetznerFake(Sets):
    TOKENS = {"hetzner-right-0123456789": "rw", "hetzner-reader-0123456789": "r"}

    def reset_state(self):
        self.actions, self.running = {}, 1
        super().reset_state()
        self.add_zone("copy.example")

    def form(self, value):
        return quote(value)

    def error(self, status, code, message):
        return status, {"error": {"code": code, "message": message, "details": None}}

    def answer(self, request):
        rights = self.TOKENS.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if not rights:
            return self.error(401, "unauthorized", "unable to authenticate")
        if request.method != "GET" and rights == "r":
            return self.error(403, "forbidden", "insufficient permissions")
        parts = request.parts[1:]
        assert request.parts[0] == "v1" and parts[0] == "zones", request.target
        if len(parts) == 1:
            return self.paged(request, "zones", [self.zone_row(name) for name in self.zones])
        if parts[1] == "actions":
            return self.action(int(parts[2]))
        zone = parts[1] if parts[1] in self.zones else self.zone_by_id(parts[1])
        if not zone:
            return self.error(404, "not_found", "Zone not found")
        if len(parts) == 2:
            return {"zone": self.zone_row(zone)}
        if parts[2:] == ["actions"]:
            rows = [self.action(number)["action"] for number in list(self.actions)]
            return {"actions": [row for row in rows if row["status"] == request.arg("status")]}
        if parts[2:] == ["rrsets"]:
            return self.rrsets(request, zone)
        return self.change(zone, parts[3], parts[-1], request.json)

    def paged(self, request, what, rows):
        page, size = int(request.arg("page", "1")), int(request.arg("per_page", "25"))
        assert size <= 100
        more = page + 1 if len(rows) > page * size else None
        return {what: page_of(rows, page, size), "meta": {"pagination": {"page": page, "per_page": size, "next_page": more}}}

    def zone_row(self, name):
        return {"id": self.zones[name]["id"], "name": name, "mode": "primary", "ttl": 86400, "status": "ok",
                "authoritative_nameservers": {"assigned": ["hydrogen.ns.hetzner.com."]}}

    def rrsets(self, request, zone):
        name = request.arg("name")
        rows = self.rows(zone, name)
        assert request.arg("type") == "TXT"
        return {"rrsets": [{"id": f"{name}/TXT", "name": name, "type": "TXT", "ttl": rows[0]["ttl"], "zone": self.zones[zone]["id"],
                            "records": [{"value": row["value"], "comment": ""} for row in rows]}] if rows else []}

    def change(self, zone, name, verb, body):
        here, values = self.rows(zone, name), [record["value"] for record in body["records"]]
        if zone == "copy.example":
            return self.error(422, "incorrect_zone_mode", "This operation is not supported for this Zone's mode.")
        if not all(value.startswith('"') and value.endswith('"') for value in values):
            return self.error(422, "invalid_input", "TXT values must be quoted")
        if verb == "add_records":
            if here and body.get("ttl", here[0]["ttl"]) != here[0]["ttl"]:
                return self.error(422, "invalid_input", "the TTL differs from the set's")
            if {row["value"] for row in here} & set(values):
                return self.error(422, "invalid_input", "duplicate value")
            for value in values:
                self.put(zone, self.absolute(name, zone), "TXT", value, here[0]["ttl"] if here else body["ttl"])
        else:
            assert verb == "remove_records" and set(body) == {"records"}
            if not set(values) <= {row["value"] for row in here}:
                return self.error(422, "invalid_input", "no such value")
            self.replace(zone, name, [row["value"] for row in here if row["value"] not in values], here[0]["ttl"])
        number = self.new_id()
        self.actions[number] = self.running
        return 201, {"action": self.row_of(number, "running")}

    def row_of(self, number, status):
        error = {"code": "action_failed", "message": "Action failed"} if status == "error" else None
        return {"id": number, "status": status, "command": "change", "progress": 0, "error": error}

    def action(self, number):
        left = self.actions[number]
        if left == "error":
            return {"action": self.row_of(number, "error")}
        self.actions[number] = max(0, left - 1)
        return {"action": self.row_of(number, "running" if left else "success")}


def ovh_signature(secret, consumer, method, url, body, at):
    text = "+".join([secret, consumer, method, url, body, str(at)])
    return "$1$" + hashlib.sha1(text.encode()).hexdigest()


class OVHFake(RecordsFake):
    """refreshed: the zones as they are published. The clock is not ours."""
    KEYS = ("ovh-app-key", "ovh-right-secret-0123456789", "ovh-right-consumer-0123456789")
    CLIENT = ("ovh-client", "ovh-client-secret-0123456789", "ovh-bearer-0123456789")
    SKEW = 4000

    def reset_state(self):
        self.published = {}
        super().reset_state()
        for zone in self.zones:
            self.publish(zone)

    def publish(self, zone):
        self.published[zone] = sorted(row["value"] for row in self.zones[zone]["records"])

    def unpublished(self):
        return [zone for zone, it in self.zones.items()
                if sorted(unquote(row["value"]) for row in it["records"]) != sorted(map(unquote, self.published[zone]))]

    def form(self, value):
        return quote(value)

    def error(self, status, code, message):
        return status, {"errorCode": code, "httpCode": f"{status}", "message": message}

    def answer(self, request):
        if request.target == "/1.0/auth/time":
            return Answer(200, str(int(time.time()) + self.SKEW), {"Content-Type": "application/json"})
        if request.target == "/auth/oauth2/token":
            return self.token(request.form)
        return self.refusal(request) or self.zone_call(request)

    def token(self, form):
        if (form["client_id"], form["client_secret"]) != self.CLIENT[:2] or form["grant_type"] != "client_credentials":
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        return {"access_token": self.CLIENT[2], "token_type": "Bearer", "expires_in": 3599, "scope": form["scope"]}

    def refusal(self, request):
        if "authorization" in request.headers:
            right = request.headers["authorization"] == f"Bearer {self.CLIENT[2]}"
            return None if right else self.error(403, "INVALID_CREDENTIAL", "This token is not valid")
        application, secret, consumer = self.KEYS
        if request.headers.get("x-ovh-application") != application:
            return self.error(403, "INVALID_KEY", "This application key is invalid")
        if request.headers.get("x-ovh-consumer") != consumer:
            return self.error(403, "INVALID_CREDENTIAL", "This credential is not valid")
        at = int(request.headers["x-ovh-timestamp"])
        right = ovh_signature(secret, consumer, request.method, self.url + request.target, request.body.decode(), at)
        if request.headers["x-ovh-signature"] != right or abs(at - time.time() - self.SKEW) > 30:
            return self.error(400, "INVALID_SIGNATURE", "Invalid signature")
        return None

    def zone_call(self, request):
        parts = request.parts
        assert parts[:3] == ["1.0", "domain", "zone"], request.target
        if len(parts) == 3:
            return Answer(200, list(self.zones))
        zone = parts[3]
        if zone not in self.zones:
            return self.error(404, "NOT_FOUND", "This service does not exist")
        if parts[4] == "refresh":
            self.publish(zone)
            return Answer(200, "null")
        if parts[4] == "status":
            return {"warnings": None, "errors": None, "isDeployed": zone not in self.unpublished()}
        rows = self.zones[zone]["records"]
        if request.method == "POST":
            body = request.json
            return self.row(self.put(zone, self.absolute(body["subDomain"], zone), body["fieldType"], body["target"], body["ttl"]), zone)
        if len(parts) == 5:
            name = self.absolute(request.arg("subDomain"), zone) if request.arg("subDomain") is not None else None
            return Answer(200, [row["id"] for row in rows if row["type"] == request.arg("fieldType") and name in (None, row["name"])])
        found = next((row for row in rows if str(row["id"]) == parts[5]), None)
        if not found:
            return self.error(404, "NOT_FOUND", "The requested object (id) does not exist")
        if request.method == "GET":
            return self.row(found, zone)
        rows.remove(found)
        return Answer(200, "null")

    def row(self, row, zone):
        return {"id": row["id"], "zone": zone, "fieldType": row["type"], "subDomain": self.relative(row, zone, ""),
                "target": row["value"], "ttl": row["ttl"]}


class GandiFake(Sets):
    KNOWN = {"Bearer gandi-right-0123456789", "Apikey gandi-old-key-0123456789"}

    def form(self, value):
        return quote(value)

    def error(self, status, message, cause):
        return status, {"code": status, "message": message, "object": "dns-record", "cause": cause}

    def answer(self, request):
        if request.headers.get("authorization") not in self.KNOWN:
            return self.error(403, "Access was denied to this resource.", "Forbidden")
        parts = request.parts[3:]
        assert request.parts[:3] == ["v5", "livedns", "domains"], request.target
        if not parts:
            return page_of([{"fqdn": name} for name in self.zones], int(request.arg("page", "1")), int(request.arg("per_page", "100")))
        zone = parts[0]
        if zone not in self.zones:
            return self.error(404, "The resource could not be found.", "Not Found")
        if len(parts) == 1:
            return {"fqdn": zone, "automatic_snapshots": True}
        assert parts[1] == "records" and parts[3] == "TXT", request.target
        return self.record(request, zone, parts[2])

    def record(self, request, zone, name):
        here = self.rows(zone, name)
        if request.method in ("GET", "DELETE") and not here:
            return self.error(404, f"Can't find the DNS record {name}/TXT in the zone", "Not Found")
        if request.method == "GET":
            return {"rrset_type": "TXT", "rrset_ttl": here[0]["ttl"], "rrset_name": name, "rrset_values": [row["value"] for row in here]}
        if request.method == "DELETE":
            self.replace(zone, name, [], 0)
            return 204, None
        if request.method == "POST" and here:
            return self.error(409, "A DNS Record already exists with same value", "Conflict")
        body = request.json
        if body.get("rrset_ttl", 10800) < 300:
            return self.error(400, "rrset_ttl: must be between 300 and 2592000", "Bad Request")
        values = [value if value.startswith('"') else quote(value) for value in body["rrset_values"]]
        if request.method == "PUT" and not values:
            return self.error(400, "rrset_values: must not be empty", "Bad Request")
        self.replace(zone, name, values, body.get("rrset_ttl", 10800))
        return 201, {"message": "DNS Record Created"}


class DeSECFake(Sets):
    MINIMUM = 3600
    PAGE = 500

    def form(self, value):
        return quote(value)

    def answer(self, request):
        if request.headers.get("authorization") != "Token desec-right-0123456789":
            return 401, {"detail": "Invalid token."}
        parts = request.parts[3:]
        assert request.parts[:3] == ["api", "v1", "domains"] and request.path.endswith("/"), request.target
        if not parts:
            return self.domains(request)
        zone = parts[0]
        if zone not in self.zones:
            return 404, {"detail": "No Domain matches the given query."}
        if len(parts) == 1:
            return self.zone_row(zone)
        if request.method == "GET":
            assert request.arg("type") == "TXT"
            rows = self.rows(zone, request.arg("subname"))
            return Answer(200, [self.set_row(zone, request.arg("subname"), rows)] if rows else [])
        body = request.json
        if len(parts) > 2:
            body = {**body, "subname": "" if parts[2] == "@" else parts[2], "type": parts[3]}
            if not self.rows(zone, body["subname"]):
                return 404, {"detail": "Not found."}
        return self.write(request.method, zone, body)

    def domains(self, request):
        names = sorted(self.zones)
        if "cursor" not in request.query and len(names) > self.PAGE:
            return 400, {"detail": "Pagination required."}
        at = int(request.arg("cursor") or 0)
        link = f'<{self.url}/api/v1/domains/?cursor=>; rel="first"'
        if at + self.PAGE < len(names):
            link += f', <{self.url}/api/v1/domains/?cursor={at + self.PAGE}>; rel="next"'
        return Answer(200, [self.zone_row(name) for name in names[at:at + self.PAGE]], {"Link": link})

    def zone_row(self, zone):
        return {"name": zone, "minimum_ttl": self.MINIMUM}

    def set_row(self, zone, name, rows):
        return {"created": "2025-10-15T23:22:16.693600Z", "domain": zone, "subname": name, "name": f"{name}.{zone}.", "type": "TXT",
                "records": [row["value"] for row in rows], "ttl": rows[0]["ttl"], "touched": "2025-10-15T23:22:16.702366Z"}

    def write(self, method, zone, body):
        """Whole or not at all."""
        wanted = body if isinstance(body, list) else [body]
        for it in wanted:
            if it["ttl"] < self.MINIMUM:
                return 400, {"ttl": [f"Ensure this value is greater than or equal to {self.MINIMUM}."]}
            if not all(value.startswith('"') for value in it["records"]):
                return 400, {"records": ["Data for TXT records must be given using quotation marks."]}
            if method == "POST" and self.rows(zone, it["subname"]):
                return 400, {"non_field_errors": ["Another RRset with the same subdomain and type exists for this domain."]}
        for it in wanted:
            self.replace(zone, it["subname"], it["records"], it["ttl"])
        if isinstance(body, list):
            return Answer(200, json.dumps(body))
        rows = self.rows(zone, body["subname"])
        return (201 if method == "POST" else 200, self.set_row(zone, body["subname"], rows)) if rows else (204, None)
