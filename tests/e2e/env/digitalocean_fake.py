"""DigitalOcean's domains and their records: pages with links, a value kept twice when it is asked for twice."""

from env.records_fake import RecordsFake, page_of

TOKENS = {"dop_v1_right0123456789": {"read", "create", "delete"}, "dop_v1_reader0123456789": {"read"}}
NOT_FOUND = 404, {"id": "not_found", "message": "The resource you were accessing could not be found."}


class DigitalOceanFake(RecordsFake):
    def answer(self, request):
        rights = TOKENS.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if rights is None:
            return 401, {"id": "Unauthorized", "message": "Unable to authenticate you"}
        if {"GET": "read", "POST": "create", "DELETE": "delete"}[request.method] not in rights:
            return 403, {"id": "Forbidden", "message": "You are not authorized to perform this operation"}
        assert request.parts[:2] == ["v2", "domains"], request.target
        rest = request.parts[2:]
        if not rest:
            return self.paged(request, "domains", [self.zone_row(zone) for zone in self.zones])
        if rest[0] not in self.zones:
            return NOT_FOUND
        if len(rest) == 1:
            return {"domain": self.zone_row(rest[0])}
        assert rest[1] == "records"
        if len(rest) == 3 and request.method == "DELETE":
            return self.delete(rest[0], int(rest[2]))
        return self.list(request, rest[0]) if request.method == "GET" else self.create(request, rest[0])

    def zone_row(self, zone):
        return {"name": zone, "ttl": 1800, "zone_file": f"$ORIGIN {zone}.\n"}

    def paged(self, request, member, rows):
        page, per_page = int(request.arg("page", "1")), int(request.arg("per_page", "20"))
        assert 1 <= per_page <= 200
        last = max(1, -(-len(rows) // per_page))
        links = {}
        if last > page:  # the address is the real service's, wherever it was asked
            links = {"pages": {"next": f"https://api.digitalocean.com{request.path}?page={page + 1}",
                               "last": f"https://api.digitalocean.com{request.path}?page={last}"}}
        return {member: page_of(rows, page, per_page), "links": links, "meta": {"total": len(rows)}}

    def row(self, record, zone):
        return {"id": record["id"], "type": record["type"], "name": self.relative(record, zone), "data": record["value"],
                "priority": None, "port": None, "ttl": record["ttl"], "weight": None, "flags": None, "tag": None}

    def list(self, request, zone):
        rows = [self.row(record, zone) for record in self.zones[zone]["records"]
                if request.arg("type") in (None, record["type"]) and request.arg("name") in (None, record["name"])]
        return self.paged(request, "domain_records", rows)

    def create(self, request, zone):
        body = request.json
        if body["ttl"] < 30:
            return 422, {"id": "unprocessable_entity", "message": "Ttl must be greater than or equal to 30"}
        return 201, {"domain_record": self.row(
            self.put(zone, self.absolute(body["name"], zone), body["type"], body["data"], body["ttl"]), zone)}

    def delete(self, zone, number):
        records = self.zones[zone]["records"]
        kept = [record for record in records if record["id"] != number]
        if len(kept) == len(records):
            return NOT_FOUND
        self.zones[zone]["records"] = kept
        return 204, None
