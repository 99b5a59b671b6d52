"""Fakes of services that keep one record for each value: zones as data, each record a dict of id, name (whole), type,
value (in the form in which the service keeps it) and ttl."""

import copy
import re

from env.fake import Fake

ZONE = "example.org"
HERE = [("", "A", "192.0.2.1", 3600), ("", "MX", "10 mail.example.org", 3600), ("www", "A", "192.0.2.2", 300),
        ("", "TXT", "v=spf1 -all", 3600), ("docs", "CNAME", "www.example.org", 3600), ("_dmarc", "TXT", "v=DMARC1; p=none", 3600)]


def quote(value):
    """As zone files have it: strings of 255 bytes, quoted."""
    parts = [value[at:at + 255] for at in range(0, len(value), 255)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


def unquote(text):
    if not text.startswith('"'):
        return text
    return "".join(re.sub(r"\\(\d{3}|.)", lambda m: chr(int(m[1])) if len(m[1]) == 3 else m[1], part)
                   for part in re.findall(r'"((?:[^"\\]|\\.)*)"', text))


class RecordsFake(Fake):
    """Subclasses answer requests; form() says in which form a value is kept that somebody else put there."""

    def reset_state(self):
        self.serial = 70000000
        self.zones = {}
        self.add_zone(ZONE, HERE)
        self.add_zone("sub.example.org", HERE[:3])
        self.add_zone("example.net", HERE)

    def add_zone(self, name, rows=()):
        self.zones[name] = {"id": self.new_id(), "records": []}
        for relative, kind, value, ttl in rows:
            self.put(name, f"{relative}.{name}" if relative else name, kind, self.form(value) if kind == "TXT" else value, ttl)

    def new_id(self):
        self.serial += 1
        return self.serial

    def put(self, zone, name, kind, value, ttl):
        record = {"id": self.new_id(), "name": name.lower(), "type": kind, "value": value, "ttl": ttl}
        self.zones[zone]["records"].append(record)
        return record

    def form(self, value):
        return value

    def zone_of(self, name):
        return max((zone for zone in self.zones if name == zone or name.endswith("." + zone)), key=len, default=None)

    def relative(self, record, zone, itself="@"):
        return itself if record["name"] == zone else record["name"].removesuffix("." + zone)

    def absolute(self, name, zone):
        return zone if name in ("", "@", None) else f"{name}.{zone}".lower()

    def zone_by_id(self, number):
        return next((name for name, zone in self.zones.items() if str(zone["id"]) == str(number)), None)

    # --- for tests

    def plant(self, name, value, ttl=3600):
        with self.lock:
            return self.put(self.zone_of(name), name, "TXT", self.form(value), ttl)

    def txt(self, name):
        with self.lock:
            return [unquote(record["value"]) for zone in self.zones.values() for record in zone["records"]
                    if record["type"] == "TXT" and record["name"] == name.lower()]

    def whole(self):
        with self.lock:
            return copy.deepcopy({zone: sorted((r["name"], r["type"], r["value"], r["ttl"]) for r in it["records"])
                                  for zone, it in self.zones.items()})


def page_of(rows, page, per_page):
    return rows[(page - 1) * per_page: page * per_page]
