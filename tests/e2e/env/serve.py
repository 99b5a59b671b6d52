"""`everleaf serve` on a state folder, with a clock that the test moves while it runs."""

import http.client
import json
import os
import signal
import ssl
import subprocess

from env.everleaf import BINARY, SANITIZER
from env.ports import free_port
from env.process import Daemon


class Serve(Daemon):
    """args: further options. clock(seconds) moves its wall clock, forward or back."""

    def __init__(self, everleaf, *args, env=None):
        super().__init__("serve", everleaf.folder / "serve")
        self.everleaf, self.args, self.extra_env = everleaf, args, dict(env or {})
        self.port = free_port()
        self.clock_file = self.folder / "clock"
        self.looked_at = 0
        if not self.clock_file.exists():
            self.clock_file.write_text("0")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def clock(self, seconds):
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(str(int(seconds)))
        os.replace(fresh, self.clock_file)

    @property
    def clock_env(self):
        """For the command line beside it."""
        others = {key: value for key, value in self.extra_env.items() if key == "EVERLEAF_OTHERS_CLOCK_FILE"}
        return {"EVERLEAF_CLOCK_FILE": str(self.clock_file), **others}

    def others_clock(self, seconds):
        """What the clocks of its CA and its database's server say, from its next start; without it what its own says."""
        path = self.folder / "others"
        path.write_text(str(int(seconds)))
        self.extra_env["EVERLEAF_OTHERS_CLOCK_FILE"] = str(path)

    def start(self, asked="/readyz"):
        self.looked_at = len(self.log())
        self.spawn([BINARY, "serve", "--listen", self.address, *map(str, self.args)],
                   env={**self.everleaf.env, **self.clock_env, **self.extra_env})
        self.await_ready(lambda: self.get(asked)[0] == 200)
        return self

    def stop(self):
        """An orderly end, with status 0 and nothing that a sanitizer has to say."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process = None
        assert not SANITIZER.search(self.log()), self.log()[-6000:]
        assert status == 0, f"ended with {status}\n{self.log()[-4000:]}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def new_log(self):
        return self.log()[self.looked_at:]

    def connection(self, timeout=10):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path, method="GET", body=None, headers=None, timeout=10):
        """Status, headers and body of one request."""
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def problem(self, *args, **options):
        status, headers, body = self.get(*args, **options)
        assert headers["Content-Type"] == "application/problem+json", headers
        document = json.loads(body)
        assert document["status"] == status and document["title"]
        return document

    def metrics(self):
        """{"name": value} and {"name{label=\"x\"}": value}, read as Prometheus reads them."""
        from prometheus_client.parser import text_string_to_metric_families

        values = {}
        for family in text_string_to_metric_families(self.get("/metrics")[2]):
            for sample in family.samples:
                labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
                values[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
        return values

    def turns(self, outcome):
        return self.metrics()[f'everleaf_attempts_total{{outcome="{outcome}"}}']

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class TlsServe(Serve):
    """On every address of the machine, so with TLS; clients here trust whatever is served, or root."""

    @property
    def address(self):
        return f"0.0.0.0:{self.port}"

    def connection(self, timeout=10, root=None):
        context = ssl.create_default_context(cafile=root)
        if root is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)
