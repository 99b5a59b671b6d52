"""Cloudflare's zones and dns_records: tokens with rights, pages, identical records refused."""

from env.records_fake import RecordsFake, page_of, quote, unquote

TIME = "2025-06-27T16:15:05.621864Z"
TOKENS = {"right-token-0123456789": {"zones", "list", "dns"}, "dns-token-0123456789": {"dns"},
          "zone-token-0123456789": {"zones", "list"}, "one-zone-token-0123456789": {"zones", "dns"}}
EMAIL, KEY = "admin@example.org", "37charactersofglobalapikey0123456789a"


def failure(status, code, message, **more):
    return status, {"success": False, "errors": [{"code": code, "message": message, **more}], "messages": [], "result": None}


def success(result, **more):
    return {"success": True, "errors": [], "messages": [], "result": result, **more}


class CloudflareFake(RecordsFake):
    def new_id(self):
        return f"{super().new_id():032x}"

    def form(self, value):
        return value if value.startswith(("plain", "v=")) else quote(value)  # it keeps both forms

    def rights(self, request):
        if request.headers.get("x-auth-email") == EMAIL and request.headers.get("x-auth-key") == KEY:
            return {"zones", "list", "dns"}
        return TOKENS.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    def answer(self, request):
        assert request.parts[:3] == ["client", "v4", "zones"], request.target
        rest = request.parts[3:]
        rights = self.rights(request)
        if rights is None and "x-auth-key" in request.headers:
            return failure(400, 9103, "Unknown X-Auth-Key or X-Auth-Email")
        if rights is None:
            return failure(400, 6003, "Invalid request headers",
                           error_chain=[{"code": 6111, "message": "Invalid format for Authorization header"}])
        if not rest:
            return self.list_zones(request, rights)
        zone = self.zone_by_id(rest[0])
        if not zone:
            return failure(404, 7003, f"Could not route to /zones/{rest[0]}/dns_records, perhaps your object identifier is invalid?")
        if "dns" not in rights:
            return failure(403, 10000, "Authentication error")
        if len(rest) == 3 and request.method == "DELETE":
            return self.delete(zone, rest[2])
        return {"GET": self.list, "POST": self.create}[request.method](request, zone)

    def list_zones(self, request, rights):
        name = request.arg("name")
        if "zones" not in rights or ("list" not in rights and not name):
            # recorded in a public discussion; the code there is 0, which the vendor's description does not allow
            return failure(403, 9109, "Actor 'com.cloudflare.api.token.1' requires permission 'com.cloudflare.api.account.zone.list' to list zones")
        found = [zone for zone in self.zones if name in (None, zone)]
        page, per_page = int(request.arg("page", "1")), int(request.arg("per_page", "20"))
        assert 5 <= per_page <= 50
        rows = page_of(found, page, per_page)
        return success([self.zone_row(zone) for zone in rows], result_info=self.info(page, per_page, rows, found))

    def info(self, page, per_page, rows, found):
        return {"page": page, "per_page": per_page, "count": len(rows), "total_count": len(found),
                "total_pages": max(1, -(-len(found) // per_page))}

    def zone_row(self, zone):
        return {"id": self.zones[zone]["id"], "name": zone, "status": self.zones[zone].get("status", "active"), "paused": False,
                "type": "full", "development_mode": 0, "name_servers": ["blakely.ns.cloudflare.com", "vin.ns.cloudflare.com"],
                "original_name_servers": None, "original_registrar": None, "original_dnshost": None, "modified_on": TIME,
                "created_on": TIME, "activated_on": TIME, "meta": {"page_rule_quota": 3, "phishing_detected": False},
                "owner": {"id": "2" * 32, "type": "user", "email": "admin@example.org"}, "account": {"id": "1" * 32, "name": "account"}}

    def row(self, record):
        return {"id": record["id"], "name": record["name"], "type": record["type"], "content": record["value"],
                "proxiable": False, "ttl": record["ttl"], "meta": {}, "comment": record.get("comment") or "",
                "tags": [], "created_on": TIME, "modified_on": TIME}

    def list(self, request, zone):
        found = [record for record in self.zones[zone]["records"]
                 if request.arg("type") in (None, record["type"]) and request.arg("name") in (None, record["name"])]
        page, per_page = int(request.arg("page", "1")), int(request.arg("per_page", "100"))
        rows = page_of(found, page, per_page)
        return success([self.row(record) for record in rows], result_info=self.info(page, per_page, rows, found))

    def create(self, request, zone):
        body = request.json
        if not (body["ttl"] == 1 or 60 <= body["ttl"] <= 86400):
            return failure(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
        name = body["name"].lower()
        assert name == zone or name.endswith("." + zone)
        for record in self.zones[zone]["records"]:
            if (record["name"], record["type"], unquote(record["value"])) == (name, body["type"], unquote(body["content"])):
                return failure(400, 81058, "An identical record already exists.")
        record = self.put(zone, name, body["type"], body["content"], body["ttl"])
        record["comment"] = body.get("comment")
        return success(self.row(record))

    def delete(self, zone, number):
        records = self.zones[zone]["records"]
        kept = [record for record in records if record["id"] != number]
        if len(kept) == len(records):
            return failure(404, 81044, "Record does not exist.")
        self.zones[zone]["records"] = kept
        return success({"id": number})
