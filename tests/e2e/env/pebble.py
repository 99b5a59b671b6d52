"""Pebble, the ACME server. Every test module or test may have one of its own with other settings."""

import json
import os
import re
import ssl
import urllib.error
import urllib.request

from env.debs import pebble_folder
from env.ports import free_port
from env.process import Daemon

# Asked for none, Pebble takes one at random: so there is only one unless a test wants more and always says which.
DEFAULT_PROFILE = {"default": {"description": "ninety days", "validityPeriod": 7776000}}
PROFILES = {
    **DEFAULT_PROFILE,
    "shortlived": {"description": "six days", "validityPeriod": 518400},
    "brief": {"description": "some seconds, to see one expire", "validityPeriod": 3},
}

# What Pebble writes when nothing is wrong with what it is sent. Any other line (a panic, "malformed", a signature that does
# not verify) is told by unexpected_lines().
ORDINARY = re.compile(r"""^(Pebble\ )?[0-9/]+\ [0-9:]+\ (?:
    (?:Starting|Using|Root|Alternate|Management|Listening|ACME\ directory|Configured|Disabling|Setting|Loaded|Generated)\b
    | (?:GET|HEAD|POST|PUT)\ \S*\ ->\ calling\ handler
    | There\ are\ now\ \d+
    | Added\ order | Order\ \S+\ (?:is\ fully\ authorized|has\ been\ marked\ as\ replaced) | order\ \S+\ set\ INVALID\ by
    | ARI:\ order | authz\ \S+\ set\ (?:VALID|INVALID)\ by
    | Pulled\ a\ task | Attempting\ to\ validate | Sleeping\ for
    | Issued\ certificate | Successful\ newAccount\ Binding
    | Error\ updating\ replacement\ order:\ .*could\ not\ find\ an\ order  # of one that became invalid, which it drops first
    | http:\ TLS\ handshake\ error  # a client that was killed, or does not trust it
    )""", re.X)


class Pebble(Daemon):
    """
    config: members put over the configuration file's. env: PEBBLE_… variables put over ours, which are: no nonce
    refused, no sleep before validation, no reuse of authorizations.
    """

    running = []  # and those that were stopped since their logs were looked at

    def __init__(self, folder, lab, dns, config=None, env=None):
        super().__init__("pebble", folder)
        self.looked_at = 0
        self.lab, self.dns = lab, dns
        self.config, self.extra_env = config or {}, env or {}
        self.port, self.management_port = free_port(), free_port()
        self.http_port, self.tls_port = free_port(), free_port()
        self.tls = ssl.create_default_context(cafile=str(lab.root))

    @property
    def directory(self):
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def http_address(self):
        """Where the CA looks for http-01, as --standalone takes it."""
        return f"127.0.0.1:{self.http_port}"

    @property
    def tls_address(self):
        return f"127.0.0.1:{self.tls_port}"

    def start(self):
        config = {
            "listenAddress": f"127.0.0.1:{self.port}", "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(self.lab.certificate), "privateKey": str(self.lab.key),
            "httpPort": self.http_port, "tlsPort": self.tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": False, "caaIdentities": ["pebble.letsencrypt.org"],
            "domainBlocklist": ["blocked.example.com"], "retryAfter": {"authz": 0, "order": 0},
            "keyAlgorithm": "ecdsa", "profiles": DEFAULT_PROFILE, **self.config,
        }
        path = self.folder / "pebble.json"
        path.write_text(json.dumps({"pebble": config}))
        env = {**os.environ, "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
               **self.extra_env}
        Pebble.running.append(self)
        self.spawn([pebble_folder() / "pebble", "-strict=false", "-config", path, "-dnsserver", self.dns], env=env)
        self.await_ready(lambda: self.get(self.directory) and self.management("roots/0"))
        return self

    def new_lines(self):
        """Whole lines of its log since the last call."""
        with open(self.log_path, "rb") as log:
            log.seek(self.looked_at)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self.looked_at += len(text)
        return text.decode(errors="replace").splitlines()

    @classmethod
    def unexpected_lines(cls, expected=()):
        """What any of them wrote since the last call that is neither ordinary nor matched by a pattern of expected."""
        lines = [line for server in cls.running if server.log_path.exists() for line in server.new_lines()]
        cls.running = [server for server in cls.running if server.process]
        return [line for line in lines if not ORDINARY.match(line) and not any(re.search(one, line) for one in expected)]

    def get(self, url):
        with urllib.request.urlopen(url, timeout=10, context=self.tls) as answer:
            return answer.read()

    def management(self, path, data=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.management_port}/{path}", data)
        with urllib.request.urlopen(request, timeout=10, context=self.tls) as answer:
            return answer.read()

    def root(self, number=0):
        """The CA's root certificate number n, PEM bytes."""
        return self.management(f"roots/{number}")

    def root_file(self, number=0):
        path = self.folder / f"ca-root-{number}.pem"
        path.write_bytes(self.root(number))
        return path

    def certificate_status(self, serial):
        """What the CA says of a serial (hexadecimal): {"Status": "Valid"|"Revoked", "Reason", …}."""
        try:
            return json.loads(self.management(f"cert-status-by-serial/{serial.lstrip('0') or '0'}"))
        except urllib.error.HTTPError:
            return json.loads(self.management(f"cert-status-by-serial/{serial}"))

    def set_renewal_info(self, certificate_pem, answer):
        """Makes the CA give this renewal information (a dict, or any text for a damaged one) for a certificate."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.management("set-renewal-info/", json.dumps({"certificate": certificate_pem, "ariResponse": text}).encode())

    def orders(self):
        """How many orders were ever made, from its log."""
        return len(re.findall(r'Added order ".*" to the db', self.log()))

    def orders_asked_for(self):
        """How many newOrder requests have come, refused ones included."""
        return len(re.findall(r"POST /order-plz ", self.log()))

    def authorizations(self):
        """How many authorizations were ever made, and so had to be proved. One that is valid is used again in one order of a
        hundred even with PEBBLE_AUTHZREUSE=0, which Pebble compares with a number from 0 to 99 by "greater than"."""
        return len(re.findall(r"There are now \d+ authorizations in the db", self.log()))

    def closed_orders(self):
        """How many orders became invalid since a validation failed."""
        return len(re.findall(r"order \S+ set INVALID", self.log()))

    def certificates(self):
        return len(re.findall(r"Issued certificate serial", self.log()))
