"""Recorded traffic of the real services (dns-lexicon's cassettes) played again: answers by method and path, each once and
in order, the last of them again when it is asked for once more. What Everleaf sent is paired with what was recorded."""

import json
import re
import urllib.parse

from env.everleaf import Everleaf, made
from env.fake import Answer, Fake
from env.prism import data_folder


def scenario(provider, name):
    """The exchanges of one recorded test; skips where the data are absent."""
    exchanges = json.loads((data_folder("cassettes") / f"{provider}.json").read_text())[name]
    return [unfolded(exchange) for exchange in exchanges]


def unfolded(exchange):
    request, url = exchange["request"], urllib.parse.urlsplit(exchange["request"]["url"])
    body = request["body"] or ""
    return {"method": request["method"], "path": url.path, "query": urllib.parse.parse_qs(url.query, keep_blank_values=True),
            "text": body, "json": json.loads(body) if body[:1] in ("{", "[") else None,
            "status": exchange["response"]["status"],
            "body": exchange["response"]["body"] or "", "headers": exchange["response"]["headers"], "used": False}


class Recorded(Fake):
    """extra: {(method, path): answer} for calls that the recorded client did not make. An unknown call is a 404."""

    def __init__(self, exchanges, extra=None):
        self.exchanges, self.extra, self.paired = exchanges, extra or {}, []
        super().__init__()

    def find(self, request):
        same = [it for it in self.exchanges if (it["method"], it["path"]) == (request.method, request.path)]
        return next((it for it in same if not it["used"]), same[-1] if same else None)

    def answer(self, request):
        recorded = self.find(request)
        if recorded is None:
            return self.extra.get((request.method, request.path), (404, {"message": "not recorded", "code": "NOT_FOUND"}))
        recorded["used"] = True
        self.paired.append((recorded, request))
        kind = {key: value for key, value in recorded["headers"].items() if key.lower() == "content-type"}
        return Answer(recorded["status"], recorded["body"], kind)

    def pairs(self, method, path=""):
        return [(recorded, ours) for recorded, ours in self.paired if ours.method == method and re.search(path, ours.path)]

    def account(self, tmp_path, contract, **over):
        """Everleaf with the account `acct` of this contract's provider, opened at the recording."""
        box = Everleaf(tmp_path / "everleaf", like=made())
        contract().make(box, self.url + contract.base_path, **over)
        return box
