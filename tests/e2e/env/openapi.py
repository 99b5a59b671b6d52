"""
The REST API's own description: whether it is OpenAPI 3.1 (a validator from npm, installed once into tests/.cache from
the lock file in tests/e2e/openapi), and whether recorded requests and answers have the shapes that it says.
"""

import copy
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from urllib.parse import unquote

import pytest

from env.debs import ROOT

SOURCE = ROOT / "tests/e2e/openapi"
CACHE = ROOT / "tests/.cache"
FILES = [SOURCE / name for name in ("package.json", "package-lock.json", ".npmrc", "check.js")]


def program():
    """The folder of the validator, installed when it is not yet there."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: run `make deps`")
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in FILES)).hexdigest()[:12]
    folder = CACHE / f"openapi-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "openapi.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules/ajv").exists():
            install(folder)
    return folder


def install(folder):
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="npm-") as place:
        for file in FILES:
            shutil.copy(file, place)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
                              cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=400)
        assert done.returncode == 0, f"npm could not install the validator:\n{done.stdout[-3000:]}"
        shutil.rmtree(folder, ignore_errors=True)
        os.chmod(place, 0o755)
        os.rename(place, folder)
        os.mkdir(place)  # for the context manager to remove


def check(description, tmp_path, pairs=()):
    """description: the document's text. pairs: {"at", "schema", "value"}, see Compared."""
    folder = program()
    file, lines = tmp_path / "openapi.json", tmp_path / "pairs"
    file.write_text(description)
    lines.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    done = subprocess.run(["node", "check.js", file, lines] if pairs else ["node", "check.js", file], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:]


def operations(document):
    """{operationId: (method, path, row)}"""
    return {row["operationId"]: (method.upper(), path, row)
            for path, methods in document["paths"].items() for method, row in methods.items()}


def operation_of(document, method, path):
    """The row of a request, as the daemon routes it: written-out words before braces."""
    found = []
    for template, methods in document["paths"].items():
        pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
        if re.fullmatch(pattern, path) and method.lower() in methods:
            found.append((template.count("{"), template))
    return methods_row(document, method, min(found)[1]) if found else None


def methods_row(document, method, template):
    return document["paths"][template][method.lower()]


# Headers that every answer has, or that every one of its kind has; any other must be described.
EVERYWHERE = {"connection", "date", "server", "content-type", "content-length", "transfer-encoding", "cache-control",
              "x-content-type-options", "content-security-policy", "referrer-policy", "strict-transport-security", "x-accel-buffering"}
SENT_EVERYWHERE = {"authorization", "cookie", "x-csrf-token", "content-type", "accept", "x-forwarded-proto"}


def closed(document):
    """The same description, in which no record may have a member that is not described."""
    strict = copy.deepcopy(document)
    for schema in strict["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    return strict


class Compared:
    """What exchanges come to beside the description: `pairs` for check(), what is `wrong` already, and what of
    each operation was seen in `seen`."""

    def __init__(self, document, exchanges):
        self.document, self.pairs, self.wrong = document, [], []
        self.seen = {name: set() for name in operations(document)}
        for exchange in exchanges:
            self.compare(exchange)

    def missing(self):
        """The operations of which no request succeeded, or none with a body, or no job with a result, though that is described."""
        found = []
        for name, (_, _, row) in operations(self.document).items():
            wanted = {"answer"} | ({"body"} if "requestBody" in row else set()) | ({"result"} if "202" in row["responses"] else set())
            found += [f"{name}: {what}" for what in sorted(wanted - self.seen[name])]
        return found

    def hold(self, good, text):
        if not good:
            self.wrong.append(text)
        return good

    def pair(self, at, schema, value):
        self.pairs.append({"at": at, "schema": schema, "value": value})

    def shared(self, part):
        """A part of the description, or what it refers to."""
        while "$ref" in part:
            found = self.document
            for word in part["$ref"].removeprefix("#/").split("/"):
                found = found[word]
            part = found
        return part

    def compare(self, exchange):
        row = operation_of(self.document, exchange.method, exchange.path)
        status = exchange.answer.status
        at = f"{exchange.method} {exchange.path} {status}"
        if row is None:
            self.hold(status in (404, 405), f"{at} is not in the description")
            self.pair(at, {"$ref": "#/components/schemas/Problem"}, exchange.value)
            return
        seen = self.seen[row["operationId"]]
        if status < 400:
            self.request(at, row, exchange, seen)
        self.answer(at, row, exchange)
        if status < 300:
            seen.add("answer")
        for job in jobs_of(exchange):
            self.job(at, job)

    def request(self, at, row, exchange, seen):
        """What was accepted is what is described."""
        where = row.get("requestBody", {}).get("content", {}).get("application/json")
        if exchange.body:
            self.hold(where, f"{at}: it takes no body")
            seen.add("body")
        if where and exchange.body is not None:
            self.pair(at + " body", where["schema"], exchange.body)
        self.hold(exchange.body is not None or not row.get("requestBody", {}).get("required"), f"{at}: it needs a body")
        described = {(one["in"], one["name"].lower()): one for one in map(self.shared, row["parameters"])}
        given = {("query", name): [v for n, v in exchange.query if n == name] for name, _ in exchange.query}
        given |= {("path", name): [value] for name, value in path_parts(self.document, row, exchange.path).items()}
        given |= {("header", name.lower()): [value] for name, value in exchange.sent.items() if name.lower() not in SENT_EVERYWHERE}
        for key, values in given.items():
            if self.hold(key in described, f"{at}: {key} is not in the description"):
                self.pair(f"{at} {key}", described[key]["schema"], typed(described[key]["schema"], values))
        for key, one in described.items():
            self.hold(key in given or not one["required"], f"{at}: {key} is needed")

    def answer(self, at, row, exchange):
        status, kind, value = exchange.answer.status, exchange.kind, exchange.value
        response = row["responses"].get(str(status)) or (row["responses"]["default"] if status >= 400 else None)
        if not self.hold(response, f"{at} is not in the description"):
            return
        response = self.shared(response)
        self.headers(at, response, exchange.answer.headers)
        content = response.get("content", {})
        if not content:
            self.hold(value is None, f"{at}: the description has no body")
            return
        described = content.get(kind)
        if not self.hold(described is not None, f"{at}: {kind} is not in the description"):
            return
        if kind == "text/event-stream":
            for line in value.splitlines():
                if line.startswith("data: "):
                    self.pair(at + " event", {"$ref": "#/components/schemas/EventPageItems"}, json.loads(line[6:]))
        if "schema" in described:
            self.pair(at, described["schema"], value)

    def headers(self, at, response, got):
        described = {name.lower(): self.shared(one) for name, one in response.get("headers", {}).items()}
        came = {name.lower() for name in got.keys()}
        unknown = came - EVERYWHERE - set(described)
        self.hold(not unknown, f"{at}: {unknown} is not in the description")
        missing = {name for name, one in described.items() if one.get("required") and name not in came}
        self.hold(not missing, f"{at}: {missing} is described, and did not come")

    def job(self, at, job):
        """What a job came to is what its operation promises."""
        row = operations(self.document)[job["operation"]][2]
        promised = row.get("x-everleaf-result")
        if job["state"] == "done":
            self.hold(promised or job["result"] is None, f"{at}: {row['operationId']} promises no result")
            if promised:
                self.pair(f"{at} result of {row['operationId']}", promised, job["result"])
            self.seen[row["operationId"]].add("result")
        if job["state"] == "failed":
            self.pair(f"{at} error of {row['operationId']}", {"$ref": "#/components/schemas/Problem"}, job["error"])


def comply(document, exchanges, tmp_path):
    """What was said is as described, in every member."""
    compared = Compared(document, exchanges)
    assert not compared.wrong, "\n".join(compared.wrong)
    check(json.dumps(closed(document)), tmp_path, compared.pairs)
    return compared


def jobs_of(exchange):
    if exchange.method != "GET" or exchange.answer.status != 200 or not re.fullmatch("/jobs(/[0-9]+)?", exchange.path):
        return []
    return exchange.value["items"] if exchange.path == "/jobs" else [exchange.value]


def path_parts(document, row, path):
    template = next(template for template, methods in document["paths"].items() if row in methods.values())
    return {word[1:-1]: unquote(part) for word, part in zip(template.split("/"), path.split("/")) if word.startswith("{")}


def typed(schema, values):
    """A parameter's text as the value that it stands for."""
    kind = schema.get("type")
    if kind == "array":
        return values
    value, = values
    if kind == "integer" and re.fullmatch("-?[0-9]+", value):
        return int(value)
    return {"true": True, "false": False}.get(value, value) if kind == "boolean" else value
