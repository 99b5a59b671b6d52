"""
What a CA can do at all: a load generator that does the least that an ACME server accepts. One account, one key for every
certificate, one request per step, nothing stored or checked. Several processes, each with one warm connection and one
order at a time, so that the CA is never without work; the answers to its challenges come from a loop that knows one word.
"""

import base64
import http.client
import json
import multiprocessing
import socket
import socketserver
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PROCESSES = 4  # Pebble can deadlock with more orders than that at work


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Responder(socketserver.ThreadingTCPServer):
    """Answers every token with the one account's key authorization."""
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 512

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            token = self.rfile.readline(4096).split(b" ")[1].rsplit(b"/", 1)[1].decode()
            body = f"{token}.{self.server.thumbprint}"
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

    def __init__(self, port, thumbprint):
        self.thumbprint = thumbprint
        super().__init__(("127.0.0.1", port), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Account:
    def __init__(self, port, cafile):
        self.port, self.cafile = port, cafile
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.leaf = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
        digest = hashes.Hash(hashes.SHA256())
        digest.update(json.dumps(self.jwk, sort_keys=True, separators=(",", ":")).encode())
        self.thumbprint = b64(digest.finalize())
        self.kid = None


class Session:
    """One connection to the CA, and the nonce of its last answer."""

    def __init__(self, account):
        self.account, self.nonce = account, None
        self.connection = http.client.HTTPSConnection("127.0.0.1", account.port, timeout=60,
                                                      context=ssl.create_default_context(cafile=account.cafile))
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.directory = json.loads(self.ask("GET", "/dir")[1])
        self.ask("HEAD", self.directory["newNonce"])

    def ask(self, method, url, body=None):
        path = url.split(f":{self.account.port}", 1)[-1]
        self.connection.request(method, path, body, {"Content-Type": "application/jose+json", "User-Agent": "ceiling"})
        answer = self.connection.getresponse()
        data = answer.read()
        self.nonce = answer.headers.get("Replay-Nonce", self.nonce)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:300]}")
        return answer.headers, data

    def post(self, url, payload):
        who = {"kid": self.account.kid} if self.account.kid else {"jwk": self.account.jwk}
        head = b64(json.dumps({"alg": "ES256", "nonce": self.nonce, "url": url, **who}).encode())
        text = b64(json.dumps(payload).encode()) if payload is not None else ""
        r, s = decode_dss_signature(self.account.key.sign(f"{head}.{text}".encode(), ec.ECDSA(hashes.SHA256())))
        body = {"protected": head, "payload": text, "signature": b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}
        return self.ask("POST", url, json.dumps(body))

    def await_status(self, url, wanted):
        while True:
            document = json.loads(self.post(url, None)[1])
            if document["status"] in wanted:
                return document
            if document["status"] == "invalid":
                raise RuntimeError(f"the CA refuses: {document}")
            time.sleep(0.001)

    def certificate(self, name):
        headers, data = self.post(self.directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})
        url, order = headers["Location"], json.loads(data)
        authorization = json.loads(self.post(order["authorizations"][0], None)[1])
        challenge = next(one for one in authorization["challenges"] if one["type"] == "http-01")
        self.post(challenge["url"], {})
        self.await_status(url, ("ready",))
        request = (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
                   .sign(self.account.leaf, hashes.SHA256()))
        self.post(order["finalize"], {"csr": b64(request.public_bytes(serialization.Encoding.DER))})
        done = self.await_status(url, ("valid",))
        self.post(done["certificate"], None)


def work(account, names, failed):
    try:
        session = Session(account)
        for name in iter(names.get, None):
            session.certificate(name)
    except Exception as error:  # noqa: BLE001: told to the parent, whatever it is
        failed.put(repr(error))


def run(port, cafile, http_port, names):
    """Seconds for all names, from the first order on."""
    account = Account(port, cafile)
    responder = Responder(http_port, account.thumbprint)
    try:
        session = Session(account)
        headers, _ = session.post(session.directory["newAccount"], {"termsOfServiceAgreed": True})
        account.kid = headers["Location"]
        fork = multiprocessing.get_context("fork")
        queue, failed = fork.SimpleQueue(), fork.SimpleQueue()
        workers = [fork.Process(target=work, args=(account, queue, failed)) for _ in range(PROCESSES)]
        began = time.monotonic()
        for worker in workers:
            worker.start()
        for name in [*names, *[None] * PROCESSES]:
            queue.put(name)
        for worker in workers:
            worker.join()
        took = time.monotonic() - began
        if not failed.empty():
            raise RuntimeError(failed.get())
        return took
    finally:
        responder.shutdown()
        responder.server_close()
