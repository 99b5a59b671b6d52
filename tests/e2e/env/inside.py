"""A daemon in a network namespace, and a client there that asks from any address."""

import json
import subprocess
import sys

from env.serve import Serve

# One line in, one line out. Connections that were opened stay until the process ends.
CLIENT = r"""
import http.client, json, select, socket, ssl, sys

kept = []
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

IPV6_FREEBIND = 78  # an address that no interface has, but a route makes local

def reach(server, source):
    one = socket.socket(socket.AF_INET6)
    one.settimeout(60)
    one.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    one.bind((source, 0))
    one.connect(tuple(server))
    return one

def ask(server, source, method, path, body, headers):
    connection = http.client.HTTPSConnection(*server, timeout=60, context=context)
    try:
        connection.sock = context.wrap_socket(reach(server, source))
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return [answer.status, dict(answer.headers), answer.read().decode()]
    except OSError as e:
        return [0, {}, str(e)]
    finally:
        connection.close()

def hold(server, sources):
    kept.extend(reach(server, source) for source in sources)

def held():
    # a connection on which nothing was sent is readable when it was closed
    poll = select.poll()
    for one in kept:
        poll.register(one, select.POLLIN)
    return len(kept) - len(poll.poll(0))

def let_go():
    while kept:
        kept.pop().close()

for line in sys.stdin:
    name, *args = json.loads(line)
    print(json.dumps(globals()[name](*args)), flush=True)
"""


class Inside(Serve):
    """Listens on the address in the namespace, one of IPv6, with TLS."""

    def __init__(self, everleaf, namespace, host, *args):
        super().__init__(everleaf, *args)
        self.namespace, self.host, self.client = namespace, host, None

    @property
    def address(self):
        return f"[{self.host}]:{self.port}"

    def spawn(self, command, env=None):
        self.client = subprocess.Popen([*self.namespace.prefix, sys.executable, "-c", CLIENT], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        super().spawn([*self.namespace.prefix, *command], env)

    def stop(self):
        if self.client:
            self.client.stdin.close()
            self.client.wait(10)
            self.client.stdout.close()
            self.client = None
        super().stop()

    def do(self, *words):
        self.client.stdin.write(json.dumps(words) + "\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def ask_from(self, source, path, method="GET", body=None, headers=None):
        return self.do("ask", [self.host, self.port], source, method, path, body, headers or {})

    def get(self, path, method="GET", body=None, headers=None, timeout=10):
        return self.ask_from(self.host, path, method, body, headers)
