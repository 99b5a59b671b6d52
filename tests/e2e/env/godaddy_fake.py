"""GoDaddy's domains and records: sets read by type and name, added to by PATCH, replaced by PUT, deleted whole."""

from env.records_fake import RecordsFake

KEY, SECRET = "gd-key-0123456789", "gd-secret-0123456789"
TIME = "2018-02-02T14:26:44.000Z"
PERSON = {"nameFirst": "A", "nameLast": "B", "email": "admin@example.org", "phone": "+1.4805551234",
          "addressMailing": {"address1": "1 Street", "city": "Town", "state": "AZ", "postalCode": "85001", "country": "US"}}


def failure(status, code, message, **more):
    return status, {"code": code, "message": message, **more}


class GoDaddyFake(RecordsFake):
    """patch: "adds" as described; "replaces" as some feared; "refuses" with 422; "forgets" the request."""

    def reset_state(self):
        super().reset_state()
        self.patch = "adds"

    def answer(self, request):
        if request.headers.get("authorization") != f"sso-key {KEY}:{SECRET}":
            return failure(401, "UNABLE_TO_AUTHENTICATE", "Unauthorized : Could not authenticate API key/secret")
        assert request.parts[:2] == ["v1", "domains"], request.target
        rest = request.parts[2:]
        if not rest:
            return self.list_domains(request)
        if rest[0] not in self.zones:
            return failure(404, "NOT_FOUND", f"Domain {rest[0]} not found for shopper")
        if len(rest) == 1:
            return self.domain(rest[0], whole=True)
        assert rest[1] == "records"
        if len(rest) == 2 and request.method == "PATCH":
            return self.add(rest[0], request.json)
        assert len(rest) == 4 and rest[2] == "TXT", request.target
        return self.set_of(request, rest[0], self.absolute(rest[3], rest[0]))

    def list_domains(self, request):
        limit, marker = int(request.arg("limit", "100")), request.arg("marker")
        assert 1 <= limit <= 1000
        names = sorted(self.zones)
        return [self.domain(name) for name in names if marker is None or name > marker][:limit]

    def domain(self, zone, whole=False):
        row = {"createdAt": TIME, "domain": zone, "domainId": 1000 + len(zone), "expirationProtected": False,
               "expires": TIME, "exposeWhois": False, "holdRegistrar": False, "locked": True,
               "nameServers": ["ns09.domaincontrol.com", "ns10.domaincontrol.com"], "privacy": False, "renewAuto": True,
               "renewDeadline": TIME, "renewable": True, "status": self.zones[zone].get("status", "ACTIVE"),
               "transferProtected": False, "contactRegistrant": PERSON}
        people = {f"contact{role}": PERSON for role in ("Admin", "Billing", "Tech")}
        return {**row, **people, "authCode": "auth-code"} if whole else row

    def at(self, zone, name):
        return [r for r in self.zones[zone]["records"] if r["type"] == "TXT" and r["name"] == name]

    def add(self, zone, rows):
        assert rows and all(row["type"] == "TXT" and row["ttl"] >= 600 for row in rows), rows
        if self.patch == "refuses":
            return failure(422, "INVALID_BODY", "Request body doesn't fulfill schema, see details in `fields`")
        if self.patch == "forgets":
            return 200, None
        names = {self.absolute(row["name"], zone) for row in rows}
        for name in names:
            there = {record["value"] for record in self.at(zone, name)}
            if self.patch == "replaces":
                self.zones[zone]["records"] = [r for r in self.zones[zone]["records"] if r not in self.at(zone, name)]
            elif there & {row["data"] for row in rows if self.absolute(row["name"], zone) == name}:
                return failure(422, "DUPLICATE_RECORD", "Another record with the same attributes already exists",
                               fields=[{"code": "DUPLICATE_RECORD", "message": "Another record with the same attributes already exists",
                                        "path": "records[0]"}])
        for row in rows:
            self.put(zone, self.absolute(row["name"], zone), "TXT", row["data"], row["ttl"])
        return 200, None

    def set_of(self, request, zone, name):
        there = self.at(zone, name)
        if request.method == "GET":
            return [{"data": r["value"], "name": self.relative(r, zone), "ttl": r["ttl"], "type": "TXT"} for r in there]
        if request.method == "DELETE" and not there:
            return failure(404, "NOT_FOUND", "No records of this type and name")
        rows = request.json if request.method == "PUT" else []
        if request.method == "PUT" and (not rows or not all(row["data"].strip() for row in rows)):
            return failure(422, "INVALID_BODY", "Request body doesn't fulfill schema, see details in `fields`",
                           fields=[{"code": "NOT_EMPTY", "path": "data", "message": "is empty"}])
        if any(row.get("ttl", 600) < 600 for row in rows):
            return failure(422, "INVALID_BODY", "ttl must be at least 600")
        self.zones[zone]["records"] = [r for r in self.zones[zone]["records"] if r not in there]
        for row in rows:
            self.put(zone, name, "TXT", row["data"], row.get("ttl", 3600))
        return (200, None) if request.method == "PUT" else (204, None)
