"""The HTTP API of a real PowerDNS as the contract's tests want a service: zones put back between tests, faults on the
way, and a look at everything in it. What it answers is PowerDNS's own."""

import http.client
import json

from env.fake import Answer, Fake
from env.records_fake import HERE, quote, unquote

ZONES = "/api/v1/servers/localhost/zones"


class PowerDnsFront(Fake):
    def __init__(self, server):
        self.real = server
        super().__init__()

    def ask(self, method, path, body=None, key=None):
        """A call of our own to the real server: status and JSON."""
        answer = self.forward(method, path, json.dumps(body).encode() if body is not None else b"",
                              {"X-API-Key": key or self.real.api_key, "Content-Type": "application/json"})
        return answer.status, json.loads(answer.body) if answer.body[:1] in (b"{", b"[") else answer.body

    def forward(self, method, target, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.real.api_port, timeout=10)
        connection.request(method, target, body or None, headers)
        with connection.getresponse() as answer:
            return Answer(answer.status, answer.read(), {"Content-Type": answer.headers.get("Content-Type", "text/plain")})

    def answer(self, request):
        kept = {name: value for name, value in request.headers.items() if name in ("x-api-key", "content-type", "accept")}
        return self.forward(request.method, request.target, request.body, kept)

    def reset_state(self):
        for zone in self.ask("GET", ZONES)[1]:
            self.ask("DELETE", f"{ZONES}/{zone['id']}")
        for zone in ("example.org", "sub.example.org", "example.net"):
            self.add_zone(zone, HERE)

    def add_zone(self, zone, rows=(), kind="Master", **more):
        sets = {}
        for relative, form, value, ttl in rows:
            name = f"{relative}.{zone}." if relative else f"{zone}."
            content = quote(value) if form == "TXT" else value + "." if form in ("MX", "CNAME") else value
            sets.setdefault((name, form), {"name": name, "type": form, "ttl": ttl, "records": []})["records"].append({"content": content, "disabled": False})
        status, said = self.ask("POST", ZONES, {"name": f"{zone}.", "kind": kind, "nameservers": [], "rrsets": list(sets.values()), **more})
        assert status == 201, said

    def zones(self):
        return {it["name"]: self.ask("GET", f"{ZONES}/{it['id']}")[1] for it in self.ask("GET", ZONES)[1]}

    def set_at(self, name):
        return next((it for zone in self.zones().values() for it in zone["rrsets"] if it["type"] == "TXT" and it["name"] == f"{name.lower()}."), None)

    def plant(self, name, value, ttl=3600, disabled=False):
        here = self.set_at(name) or {"ttl": ttl, "records": []}
        zone = max((zone for zone in self.zones() if f".{name}.".endswith("." + zone)), key=len)
        records = here["records"] + [{"content": quote(value), "disabled": disabled}]
        status, said = self.ask("PATCH", f"{ZONES}/{zone}", {"rrsets": [
            {"name": f"{name}.", "type": "TXT", "changetype": "REPLACE", "ttl": here["ttl"], "records": records}]})
        assert status == 204, said

    def txt(self, name):
        return [unquote(record["content"]) for record in (self.set_at(name) or {"records": []})["records"] if not record["disabled"]]

    def whole(self):
        return {name: sorted((it["name"], it["type"], it["ttl"], record["content"], record["disabled"])
                             for it in zone["rrsets"] if it["type"] != "SOA" for record in it["records"])
                for name, zone in self.zones().items()}
