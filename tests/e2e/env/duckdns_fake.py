"""DuckDNS and acme-dns, which tell nobody over HTTP what they hold: pebble-challtestsrv is their name server."""

import json
import re

from env.fake import Answer, Fake

TOKEN = "5e1f2a37-duck-4a5b-9c8d-0123456789ab"


class Published(Fake):
    """What is kept in self.values (name to list of values) is what the name server says."""

    def __init__(self, publisher):
        self.publisher, self.values = publisher, {}
        super().__init__()

    def publish(self, name, values):
        self.values[name] = list(values)
        self.publisher.clear_txt(name)
        for value in values:
            self.publisher.set_txt(name, value)

    def reset_state(self):
        for name in self.values:
            self.publish(name, [])

    def txt(self, name):
        return list(self.values.get(name, []))

    def whole(self):
        return {name: list(values) for name, values in self.values.items() if values}


class DuckDNSFake(Published):
    """One value for a domain and all below it; self.below: the names that tests ask the name server for."""
    domains = {"testlexicon", "other"}
    below = ["", "_acme-challenge.", "_acme-challenge.www."]

    def put(self, domain, value):
        for label in self.below:
            self.publish(f"{label}{domain}.duckdns.org", [value] if value else [])

    def plant(self, name, value, ttl=60):
        self.put(name.split(".")[-3], value)

    def answer(self, request):
        assert request.method == "GET" and request.path == "/update", request.target
        domain = request.arg("domains")
        if request.arg("token") != TOKEN or domain not in self.domains:
            return Answer(200, "KO")
        value = "" if request.arg("clear") == "true" else request.arg("txt")
        same = self.txt(f"{domain}.duckdns.org") == ([value] if value else [])
        self.put(domain, value)
        return Answer(200, f"OK\n{value}\n{'NOCHANGE' if same else 'UPDATED'}")


class AcmeDnsFake(Published):
    """Keeps two values; a new one takes the place of the one written first, as the server's own statement does."""
    FULL = "d420c923-bbd7-4056-ab64-c3ca54c9b3cf.auth.example.org"
    USER, KEY = "c36f50e8-4632-44f0-83fe-e070fef28a10", "htB9mR9DYgcu9bX_afHF62erXaH2TS7bg9KW3F7Z"

    def answer(self, request):
        assert request.method == "POST" and request.path == "/update", request.target
        body = request.json
        if (request.headers.get("x-api-user"), request.headers.get("x-api-key")) != (self.USER, self.KEY):
            return 401, {"error": "forbidden"}
        if body.get("subdomain") != self.FULL.split(".")[0]:
            return 401, {"error": "forbidden"}
        if not re.fullmatch("[A-Za-z0-9_-]{43}", body["txt"]):
            return 400, {"error": "bad_txt"}
        self.publish(self.FULL, [*self.txt(self.FULL), body["txt"]][-2:])
        return Answer(200, json.dumps({"txt": body["txt"]}), {"Content-Type": "application/json"})
