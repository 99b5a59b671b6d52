"""pebble-challtestsrv as the DNS server that Pebble asks: every name is 127.0.0.1 unless a test says otherwise."""

import json
import socket
import urllib.request

from env.debs import pebble_folder
from env.ports import free_port
from env.process import Daemon


class ChallTestSrv(Daemon):
    def __init__(self, folder, ipv4="127.0.0.1", ipv6=""):
        super().__init__("challtestsrv", folder)
        self.ipv4, self.ipv6 = ipv4, ipv6
        self.dns_port, self.management_port = free_port(), free_port()

    @property
    def dns(self):
        return f"127.0.0.1:{self.dns_port}"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.management_port}"

    def start(self):
        self.spawn([pebble_folder() / "pebble-challtestsrv", "-dnsserver", self.dns, "-http01", "", "-https01", "",
                    "-tlsalpn01", "", "-doh", "", "-management", f"127.0.0.1:{self.management_port}",
                    "-defaultIPv4", self.ipv4, "-defaultIPv6", self.ipv6])
        self.await_ready(lambda: all(socket.create_connection(("127.0.0.1", port), 1).close() is None
                                     for port in (self.dns_port, self.management_port)))
        return self

    def post(self, command, **body):
        request = urllib.request.Request(f"{self.url}/{command}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def set_txt(self, host, value):
        """Adds one value; several calls make several values of one record set."""
        self.post("set-txt", host=host.rstrip(".") + ".", value=value)

    def clear_txt(self, host):
        self.post("clear-txt", host=host.rstrip(".") + ".")

    def set_cname(self, host, target):
        self.post("set-cname", host=host.rstrip(".") + ".", target=target.rstrip(".") + ".")

    def add_a(self, host, *addresses):
        self.post("add-a", host=host.rstrip(".") + ".", addresses=addresses)

    def add_aaaa(self, host, *addresses):
        self.post("add-aaaa", host=host.rstrip(".") + ".", addresses=addresses)

    def set_servfail(self, host):
        self.post("set-servfail", host=host.rstrip(".") + ".")

    def clear_servfail(self, host):
        self.post("clear-servfail", host=host.rstrip(".") + ".")

    def queries(self, host):
        """What was asked about a name, as the server noted it."""
        return json.loads(self.post("dns-request-history", host=host.rstrip(".") + "."))
