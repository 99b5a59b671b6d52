"""acme.sh's provider scripts in a laboratory: scripts of our own, Debian's package of acme.sh, a server that takes what
they send, and a way for scripts that know only their vendor's host to reach a fake."""

import base64
import os
import re
import select
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from env.debs import fetched
from env.fake import Fake
from env.ports import free_port
from env.tcp import TcpServer

@pytest.fixture
def open_folder():
    """A folder that every user can enter; pytest closes its own again whenever another run starts."""
    with tempfile.TemporaryDirectory(prefix="everleaf-test-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


FUNCTION = re.compile(r"^\s*(?:function )?([A-Za-z_][A-Za-z0-9_]*)\s*\(\)", re.M)


def acme_sh():
    """Debian's acme.sh, unpacked: its folder, with acme.sh and dnsapi/. Debian 12 and 13 do not have it."""
    try:
        return fetched("acme.sh", "forky", "sid") / "usr/share/acme.sh"
    except RuntimeError:
        pytest.skip("Debian's package acme.sh cannot be fetched")


class Taker(Fake):
    """Keeps what scripts send. POST /result/NAME with base64 is a result; anything else is answered with what was asked
    for: /answer?status=…&body=…, /moved."""

    def reset_state(self):
        self.results, self.txt_values = {}, {}

    def answer(self, request):
        if request.parts[0] == "result":
            self.results.setdefault(request.parts[1], []).append(base64.b64decode(request.body, validate=True))
            return 204, None
        if request.parts[0] in ("add", "rm"):
            values = self.txt_values.setdefault(request.form["name"], [])
            if request.parts[0] == "add":
                values.append(request.form["value"])
            else:
                values.remove(request.form["value"])
            return 200, "ok"
        if request.parts[0] == "moved":
            return 302, "", {"Location": f"{self.url}/answer?body=found"}
        return int(request.arg("status", "200")), request.arg("body", ""), {"X-Answer": "yes", "Set-Cookie": "session=abc; Path=/"}

    def result(self, name):
        """The last one, as text."""
        return self.results[name][-1].decode()


class Tunnel(TcpServer):
    """An HTTP proxy whose CONNECT leads to one plain HTTP server, whatever host is asked for: it speaks TLS in that host's
    name, with a certificate that `bundle` trusts."""

    def __init__(self, folder, port, *hosts):
        super().__init__(free_port())
        self.to, self.hosts, self.url = port, [], f"http://127.0.0.1:{self.port}"
        self.bundle, key = folder / "vendors.pem", folder / "vendors.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=Vendors", "-addext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts),
                        "-keyout", key, "-out", self.bundle], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.bundle, key)

    def serve(self, plain):
        head = b""
        while b"\r\n\r\n" not in head:
            got = plain.recv(4096)
            if not got:
                return
            head += got
        self.hosts.append(head.split()[1].decode())
        plain.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.context.wrap_socket(plain, server_side=True) as client, socket.create_connection(("127.0.0.1", self.to)) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [], 30)
                if not ready:
                    return
                for source, target in ((client, server), (server, client)):
                    if source in ready:
                        try:
                            data = source.recv(65536)
                            while source is client and client.pending():
                                data += client.recv(65536)
                        except OSError:
                            return
                        if not data:
                            return
                        target.sendall(data)


def defined(text):
    """The functions that a shell script defines."""
    return set(FUNCTION.findall(text))


def with_acme_sh(script, folder, env):
    """Runs shell text after acme.sh's own functions; its standard output."""
    source = (acme_sh() / "acme.sh").read_text()
    assert re.search(r'^main "\$@"$', source, re.M), "acme.sh no longer ends as it did"
    library = Path(folder) / "acme-functions.sh"
    library.write_text(re.sub(r'^main "\$@"$', ":", source, flags=re.M))
    done = subprocess.run(["sh", "-c", f". '{library}'\n__initHome\n{script}"], env=env, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
