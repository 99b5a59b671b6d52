"""
Recorded traffic of a real service as a server that knows nothing else: a request is answered only if the recorded
client sent the same one (method, path, query, and the body of a write), with what the real service answered. Any other
request is refused, and stop() fails with it. So the recording holds our requests to account, not only our decoding.

Time goes on with the writes: a read is answered by what was recorded between the same two writes, if it was made then.
What may differ is declared by the test: `form` brings a call (ours or recorded) to the form that is compared, and
`extra` answers calls that the recorded client did not make.
"""

import json
import re
import urllib.parse

from env.fake import Answer, Fake
from env.prism import data_folder


def scenarios(provider):
    return json.loads((data_folder("cassettes") / f"{provider}.json").read_text())


def call(method, target, body, kind=""):
    """A call as it is compared: fields of a form, or a JSON value, as `body`."""
    url = urllib.parse.urlsplit(target)
    if isinstance(body, bytes):
        body = body.decode()
    if body and "form" in kind:
        body = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
    elif body and body[:1] in "{[":
        body = json.loads(body)
    return {"method": method, "path": re.sub("//+", "/", url.path),
            "query": dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
            "body": (body or None) if method != "GET" else None}


class Cassette(Fake):
    """form: function(call) that changes it in place; extra: {(method, path): Answer or value}."""

    def __init__(self, exchanges, form=lambda it: None, extra=None):
        self.form, self.extra = form, extra or {}
        self.recorded = []
        for exchange in exchanges:
            request, answer = exchange["request"], exchange["response"]
            url = urllib.parse.urlsplit(request["url"])
            kind = {key.lower(): value for key, value in request["headers"].items()}.get("content-type", "")
            row = call(request["method"], f"{url.path}?{url.query}", request["body"], kind)
            self.form(row)
            self.recorded.append({"call": row, "writes": request["method"] != "GET", "answer": answer, "played": False})
        self.now = 0  # what comes before was recorded before our last write
        self.unknown = []
        super().__init__()

    def find(self, wanted):
        same = [n for n, it in enumerate(self.recorded) if it["call"] == wanted]
        if not same:
            return None
        if self.recorded[same[0]]["writes"]:
            return next((n for n in same if not self.recorded[n]["played"]), same[-1])
        end = next((n for n, it in enumerate(self.recorded) if n >= self.now and it["writes"]), len(self.recorded))
        meanwhile = [n for n in same if self.now <= n < end]
        fresh = [n for n in meanwhile if not self.recorded[n]["played"]]
        before = [n for n in same if n < self.now]
        if 0 < len(fresh) < len(meanwhile):
            return fresh[-1]  # a state that is waited for: the first answer, then the last
        return (fresh or meanwhile[-1:] or before[-1:] or same)[0]

    def answer(self, request):
        ours = call(request.method, request.target, request.body, request.headers.get("content-type", ""))
        self.form(ours)
        n = self.find(ours)
        if n is None:
            if (request.method, request.path) in self.extra:
                return self.extra[request.method, request.path]
            self.unknown.append(ours)
            return 400, {"message": "the recorded client made no such call"}
        it = self.recorded[n]
        it["played"] = True
        if it["writes"]:
            self.now = max(self.now, n + 1)
        kind = {key: value for key, value in it["answer"]["headers"].items() if key.lower() in ("content-type", "link")}
        return Answer(it["answer"]["status"], it["answer"]["body"] or None, kind)

    def left(self):
        """The recorded writes that we have not made; one that the recorded client made twice is owed once."""
        made = [it["call"] for it in self.recorded if it["played"]]
        return [it["call"] for it in self.recorded if it["writes"] and it["call"] not in made]

    def stop(self):
        super().stop()
        known = "\n".join(str(it["call"]) for it in self.recorded)
        assert not self.unknown, f"the recorded client did not send {self.unknown[0]}\nbut only\n{known}"
