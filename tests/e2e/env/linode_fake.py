"""Linode's domains and their records: numbered, narrowed by X-Filter, TTLs of a list, read-only copies refused."""

import json

from env.records_fake import RecordsFake, page_of

TOKENS = {"linode-right-0123456789": {"read", "write"}, "linode-reader-0123456789": {"read"}}
TTLS = [300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800, 1209600, 2419200]


def failure(status, reason, **more):
    return status, {"errors": [{"reason": reason, **more}]}


class LinodeFake(RecordsFake):
    def reset_state(self):
        super().reset_state()
        self.add_zone("copy.example")
        self.zones["copy.example"]["type"] = "slave"

    def answer(self, request):
        rights = TOKENS.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if rights is None:
            return failure(401, "Invalid Token")
        if request.method != "GET" and "write" not in rights:
            return failure(403, "Your OAuth token is not authorized to use this endpoint.")
        assert request.parts[:2] == ["v4", "domains"], request.target
        rest = request.parts[2:]
        if not rest:
            return self.paged(request, [self.zone_row(zone) for zone in self.zones])
        zone = self.zone_by_id(rest[0])
        if not zone:
            return failure(404, "Not found")
        assert rest[1] == "records"
        if len(rest) == 3 and request.method == "DELETE":
            return self.delete(zone, int(rest[2]))
        if request.method == "GET":
            return self.paged(request, [self.row(record, zone) for record in self.zones[zone]["records"]])
        return self.create(request, zone)

    def zone_row(self, zone):
        return {"id": self.zones[zone]["id"], "domain": zone, "type": self.zones[zone].get("type", "master"), "status": "active",
                "soa_email": "admin@example.org", "description": "-", "ttl_sec": 0, "refresh_sec": 0, "retry_sec": 0,
                "expire_sec": 0, "master_ips": [], "axfr_ips": [], "tags": []}

    def paged(self, request, rows):
        wanted = json.loads(request.headers.get("x-filter", "{}"))
        assert set(wanted) <= {"type", "name", "target", "domain"}, wanted
        rows = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
        page, size = int(request.arg("page", "1")), int(request.arg("page_size", "100"))
        if not 25 <= size <= 500:
            return failure(400, "Must be 25-500", field="page_size")
        return {"data": page_of(rows, page, size), "page": page, "pages": max(1, -(-len(rows) // size)), "results": len(rows)}

    def row(self, record, zone):
        row = {"id": record["id"], "type": record["type"], "name": self.relative(record, zone, ""), "target": record["value"],
               "ttl_sec": record["ttl"], "priority": 0, "weight": 0, "port": 0, "service": None, "protocol": None, "tag": None}
        if not row["name"] and self.strict:
            del row["name"]
        return row

    strict = False  # the description wants a name of at least one character where there is one

    def create(self, request, zone):
        body = request.json
        if self.zones[zone].get("type") == "slave":
            return failure(400, "You cannot add records to a slave domain.")
        if not body.get("target"):
            return failure(400, "target is required", field="target")
        ttl = min(TTLS, key=lambda it: abs(it - body["ttl_sec"])) if body["ttl_sec"] else 0
        record = self.put(zone, self.absolute(body.get("name"), zone), body["type"], body["target"], ttl)
        return self.row(record, zone)

    def delete(self, zone, number):
        records = self.zones[zone]["records"]
        kept = [record for record in records if record["id"] != number]
        if len(kept) == len(records):
            return failure(404, "Not found")
        self.zones[zone]["records"] = kept
        return {}
