"""A client of the daemon's REST API, with somebody's token."""

import json
import urllib.parse

from env.process import wait_until


class Refused(AssertionError):
    def __init__(self, status, document):
        super().__init__(f"{status} {document}")
        self.status, self.document = status, document


class Client:
    """get, post, patch, delete give the answer's JSON; a problem document is raised as Refused."""

    def __init__(self, daemon, token):
        self.daemon, self.token = daemon, token

    def ask(self, method, path, body=None, /, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query, doseq=True)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, headers, text = self.daemon.get(f"/api/v1{path}", method, None if body is None else json.dumps(body), headers,
                                                timeout=60)
        if status >= 400:
            raise Refused(status, json.loads(text))
        return json.loads(text) if text and "json" in headers["Content-Type"] else text or None

    def get(self, path, /, **query):
        return self.ask("GET", path, **query)

    def post(self, path, **body):
        return self.ask("POST", path, body)

    def patch(self, path, **body):
        return self.ask("PATCH", path, body)

    def delete(self, path):
        return self.ask("DELETE", path)

    def all(self, path, /, **query):
        """Every page of a list."""
        found, cursor = [], {}
        while True:
            page = self.get(path, **query, **cursor)
            found += page["items"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}

    def ended(self, job, timeout_s=60):
        """The job as it ended."""
        wait_until(lambda: self.get(f"/jobs/{job['id']}")["state"] in ("done", "failed"), f"job {job['id']}", timeout_s)
        return self.get(f"/jobs/{job['id']}")

    def done(self, job):
        """Its result; it must not have failed."""
        job = self.ended(job)
        assert job["state"] == "done" and job["error"] is None, job
        return job["result"]


def user(everleaf, daemon, name, role, *bindings, email=None):
    """Makes a user, binds domains to them (each the words of `user bind`), and gives a client with their token."""
    everleaf.run("user", "add", name, "--role", role, *(["--email", email] if email else []), shows_secrets=True)
    for binding in bindings:
        everleaf.run("user", "bind", name, *binding)
    token = everleaf.run("--json", "token", "create", f"{name}-token", "--user", name, shows_secrets=True).json["token"]
    return Client(daemon, everleaf.secret(token))
