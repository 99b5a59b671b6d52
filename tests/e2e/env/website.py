"""A web server that shows the CA something else than all others, as a firewall, a CDN or another network would."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACME = "/.well-known/acme-challenge/"


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        site, name = self.server.site, self.headers.get("Host", "").split(":")[0]
        path = site.root / self.path.lstrip("/")
        is_there = self.path.startswith(ACME) and "/" not in self.path[len(ACME):] and path.is_file()
        if "everleaf" not in self.headers.get("User-Agent", ""):
            site.closing.wait(site.slow.get(name, 0))
            is_there = is_there and name not in site.broken
        body = path.read_bytes() if is_there else b""
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Website:
    """Serves the web root `root` on a loopback port. The CA gets 404 for the names in `broken`, and waits `slow[name]` seconds."""

    def __init__(self, root, port):
        self.root, self.port = root, port
        self.broken, self.slow = set(), {}
        self.closing = threading.Event()

    def __enter__(self):
        self.root.mkdir()
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), _Handler)
        self.server.site = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
