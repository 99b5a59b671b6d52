"""
The REST API's own description: whether it is OpenAPI 3.1 (a validator from npm, installed once into tests/.cache from
the lock file in tests/e2e/openapi), and whether recorded requests and answers have the shapes that it says.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

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
    """description: the document's text. pairs: see schema_pairs."""
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


def schema_pairs(document, exchanges):
    """What check() compares: the request's body (if it was not refused) and the answer's of each exchange (method, path
    below /api/v1, body, status, type, answer). Fails for an answer that the description has not."""
    for method, path, body, status, kind, answer in exchanges:
        row = operation_of(document, method, path)
        at = f"{method} {path} {status}"
        if row is None:
            assert status in (404, 405), f"{at} is not in the description"
            continue
        if body is not None and status < 300:
            where = row.get("requestBody", {}).get("content", {}).get("application/json")
            assert where or body == {}, f"{at} takes no body"
            if where:
                yield {"at": at + " body", "schema": where["schema"]["$ref"][1:], "value": body}
        responses = row["responses"]
        response = responses.get(str(status)) or (responses["default"] if status >= 400 else None)
        assert response, f"{at} is not in the description"
        if "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        if answer is not None:
            content = response.get("content", {})
            assert kind in content, f"{at}: {kind} is not in the description"
            yield {"at": at, "schema": content[kind]["schema"]["$ref"][1:], "value": answer}
