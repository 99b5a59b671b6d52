"""A service as lego's httpreq provider calls it: POST /present and /cleanup, {"fqdn", "value"}. lego itself holds it to
account (test_dns_exec.py)."""

import base64

from env.fake import Fake

USER, PASSWORD = "everleaf", "right-password-0123456789"


class HttpreqFake(Fake):
    """One zone of TXT values, and what else is in it; with `dns`, a challtestsrv, the values are published there."""

    password = PASSWORD
    dns = None

    def reset_state(self):
        self.values = {"www.example.org": [("not for us", 300)]}

    def plant(self, name, value, ttl=300):
        self.values.setdefault(name, []).append((value, ttl))

    def txt(self, name):
        return [value for value, _ in self.values.get(name, [])]

    def whole(self):
        return {name: list(values) for name, values in self.values.items() if values}

    def answer(self, request):
        if self.password:
            right = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {right}":
                return 401, {"error": "who are you?"}
        if request.method != "POST" or request.parts[-1] not in ("present", "cleanup"):
            return 404, "no such page"
        if request.headers.get("content-type") != "application/json":
            return 400, {"error": "not JSON"}
        body = request.json
        assert set(body) == {"fqdn", "value"} and body["fqdn"].endswith("."), f"not lego's contract: {body}"
        getattr(self, request.parts[-1])(body["fqdn"][:-1], body["value"])
        return 200, ""

    def present(self, name, value):
        if value not in self.txt(name):
            self.plant(name, value, 60)
        if self.dns:
            self.dns.set_txt(name, value)

    def cleanup(self, name, value):
        self.values[name] = [pair for pair in self.values.get(name, []) if pair[0] != value]
        if self.dns:
            self.dns.clear_txt(name)
