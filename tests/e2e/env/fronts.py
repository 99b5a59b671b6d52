"""
Web servers before the daemon, unpacked privately, with the parts of `everleaf snippet` as their whole configuration: each
class says where a part goes. A port for http, which is the one where the CA looks, and one for TLS.
"""

import os
import shutil
import socket
import subprocess

from env.debs import nginx_program
from env.ports import free_port
from env.process import Daemon
from env.unpacked import unpacked


def is_root():
    return os.geteuid() == 0


class Front(Daemon):
    kind = None

    def __init__(self, folder, http_port):
        super().__init__(self.kind, folder)
        self.http_port, self.https_port = http_port, free_port()
        self.config = self.folder / "config"

    def program(self):
        """(path, environment)"""
        return shutil.which(self.kind, path="/usr/sbin:/usr/bin"), dict(os.environ)

    def use(self, parts, name=None):
        """Starts it with these parts; with a name, the last part is about its certificate."""
        self.stop()
        texts = [part["text"] for part in parts]
        self.config.write_text(self.text(texts[:-1] if name else texts, texts[-1] if name else None, name))
        path, env = self.program()
        tested = subprocess.run([path, *self.test_words()], env=env, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=60)
        assert tested.returncode == 0, f"{self.kind} does not take the snippet:\n{self.config.read_text()}\n{tested.stdout}"
        self.spawn([path, *self.run_words()], env=env)
        port = self.https_port if name else self.http_port
        self.await_ready(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None)
        return self


class NginxFront(Front):
    kind = "nginx"

    def program(self):
        return nginx_program(), dict(os.environ)

    def text(self, challenge, tls, name):
        secure = f"server {{ listen 127.0.0.1:{self.https_port} ssl; {tls} }}" if tls else ""
        temporary = " ".join(f"{word}_temp_path {self.folder}/{word};"
                             for word in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return (f"daemon off; pid {self.folder}/pid; {'user root;' if is_root() else ''} error_log stderr;\n"
                f"events {{ }}\nhttp {{ access_log off; {temporary}\n"
                f"server {{ listen 127.0.0.1:{self.http_port}; root {self.folder};\n{challenge[0]}}}\n{secure}\n}}\n")

    def test_words(self):
        return ["-t", "-p", self.folder, "-c", self.config, "-e", "stderr"]

    def run_words(self):
        return self.test_words()[1:]


class ApacheFront(Front):
    kind = "apache"

    def program(self):
        return unpacked("apache2-bin", "usr/sbin/apache2")

    def text(self, challenge, tls, name):
        modules = self.program()[0].parents[1] / "lib/apache2/modules"
        load = "\n".join(f"LoadModule {word}_module {modules}/mod_{word}.so" for word in
                         ("mpm_event", "authz_core", "proxy", "proxy_http", "ssl"))
        user = "User www-data\nGroup www-data" if is_root() else ""
        secure = f"Listen 127.0.0.1:{self.https_port}\n<VirtualHost 127.0.0.1:{self.https_port}>\n{tls}</VirtualHost>" if tls else ""
        return (f"ServerRoot {self.folder}\nServerName localhost\nPidFile {self.folder}/pid\nErrorLog /dev/stderr\n"
                f"DefaultRuntimeDir {self.folder}\nMutex file:{self.folder}\n{load}\n{user}\n"
                f"Listen 127.0.0.1:{self.http_port}\n<VirtualHost 127.0.0.1:{self.http_port}>\n"
                f"DocumentRoot {self.folder}\n</VirtualHost>\n{challenge[0]}\n{secure}\n")

    def test_words(self):
        return ["-t", "-f", self.config]

    def run_words(self):
        return ["-DFOREGROUND", "-f", self.config]


class HaproxyFront(Front):
    kind = "haproxy"

    def program(self):
        return unpacked("haproxy", "usr/sbin/haproxy")

    def text(self, challenge, tls, name):
        secure = f"frontend tls\n{tls}    default_backend site\n".replace("bind :443", f"bind 127.0.0.1:{self.https_port}") if tls else ""
        return (f"defaults\n    mode http\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n"
                f"frontend web\n    bind 127.0.0.1:{self.http_port}\n{challenge[0]}    default_backend site\n{secure}"
                f"backend site\n    http-request return status 404\n{challenge[1]}")

    def test_words(self):
        return ["-c", "-f", self.config]

    def run_words(self):
        return ["-db", "-f", self.config]


class CaddyFront(Front):
    kind = "caddy"

    def program(self):
        path, env = unpacked("caddy", "usr/bin/caddy")
        return path, {**env, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}

    def text(self, challenge, tls, name):
        secure = f"https://{name} {{\n{tls}respond hello\n}}\n" if tls else ""
        return (f"{{\nadmin off\nskip_install_trust\nhttp_port {self.http_port}\nhttps_port {self.https_port}\n"
                f"default_bind 127.0.0.1\n}}\n{challenge[0]}{secure}")

    def test_words(self):
        return ["validate", "--adapter", "caddyfile", "--config", self.config]

    def run_words(self):
        return ["run", "--adapter", "caddyfile", "--config", self.config]


FRONTS = {front.kind: front for front in (NginxFront, ApacheFront, HaproxyFront, CaddyFront)}
