"""nginx, unpacked privately: serves a web root over http and what Everleaf installed over TLS."""

import signal
import socket
from pathlib import Path

from env.debs import nginx_program
from env.ports import free_port
from env.process import Daemon, wait_until

CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/tmp1; proxy_temp_path {folder}/tmp2; fastcgi_temp_path {folder}/tmp3;
    uwsgi_temp_path {folder}/tmp4; scgi_temp_path {folder}/tmp5;
    server {{ listen 127.0.0.1:{http_port}; root {web_root}; }}
    {tls}
}}
"""
TLS = """server {{ listen 127.0.0.1:{https_port} ssl; root {web_root};
             ssl_certificate {live}/fullchain.pem; ssl_certificate_key {live}/privkey.pem; }}"""


class Nginx(Daemon):
    def __init__(self, folder, http_port=None):
        super().__init__("nginx", folder)
        self.http_port, self.https_port = http_port or free_port(), free_port()
        self.web_root = self.folder / "www"
        self.web_root.mkdir(exist_ok=True)
        (self.web_root / "index.html").write_text("hello\n")
        self.live = None

    def configure(self):
        tls = TLS.format(https_port=self.https_port, web_root=self.web_root, live=self.live) if self.live else ""
        user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
        (self.folder / "nginx.conf").write_text(CONFIG.format(
            folder=self.folder, http_port=self.http_port, web_root=self.web_root, tls=tls, user=user))

    def start(self):
        self.configure()
        self.spawn([nginx_program(), "-p", self.folder, "-c", self.folder / "nginx.conf", "-e",
                    self.folder / "error.log"])
        self.await_ready(lambda: socket.create_connection(("127.0.0.1", self.http_port), 1).close() is None
                         and (self.folder / "nginx.pid").exists())
        return self

    def use_certificate(self, live):
        """Serves live/NAME over TLS from now on."""
        self.live = live
        self.configure()
        self.reload()
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.https_port)) == 0, "nginx to listen for TLS")

    def reload(self):
        before = self.error_log().count("gracefully shutting down")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.error_log().count("gracefully shutting down") > before, "nginx to reload")

    def error_log(self):
        path = self.folder / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def unexpected_errors(self):
        """Error lines beyond files that were not there, which a scan of the challenge folder makes."""
        return [line for line in self.error_log().splitlines()
                if any(f"[{level}]" in line for level in ("emerg", "alert", "crit", "error")) and "(2: No such" not in line]
