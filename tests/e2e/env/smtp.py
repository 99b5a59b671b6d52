"""A real mail server (Debian's aiosmtpd, unpacked): STARTTLS or TLS, a login, refused recipients, messages kept."""

import email
import email.policy
import json
import os
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from env.debs import fetched
from env.ports import free_port
from env.process import Daemon, wait_until

PACKAGES = ["python3-aiosmtpd", "python3-attr", "python3-public", "python3-typing-extensions", "python3-pkg-resources"]


@dataclass
class Received:
    sender: str
    recipients: list
    tls: bool
    login: str
    raw: bytes
    message: EmailMessage

    @property
    def subject(self):
        return str(self.message["Subject"])

    @property
    def text(self):
        return self.message.get_body().get_content()


class SmtpServer(Daemon):
    def __init__(self, folder, lab, tls="starttls", login=("everleaf", "mail-password-0123456789")):
        super().__init__("smtp", folder)
        self.lab, self.tls, self.login, self.port = lab, tls, login, free_port()

    def start(self):
        for path in self.folder.glob("*.part"):
            path.unlink()
        options = {"folder": str(self.folder / "mails"), "port": self.port, "tls": self.tls,
                   "login": list(self.login) if self.login else None, "certificate": str(self.lab.certificate),
                   "key": str(self.lab.key)}
        (self.folder / "mails").mkdir(exist_ok=True)
        self.log_path.unlink(missing_ok=True)
        path = ":".join(str(fetched(package) / "usr/lib/python3/dist-packages") for package in PACKAGES)
        self.spawn(["/usr/bin/python3", Path(__file__).with_name("smtp_serve.py"), json.dumps(options)],
                   env={**os.environ, "PYTHONPATH": path})
        self.await_ready(lambda: "ready" in self.log())
        return self

    def settings(self, **more):
        """A settings file's text for `notify add mail`."""
        lines = {"server": f"localhost:{self.port}", "tls": self.tls, "from": "everleaf@example.org",
                 "to": ["admin@example.org"], "ca_bundle": str(self.lab.root), "timeout": 10}
        if self.login:
            lines.update(user=self.login[0], password=self.login[1])
        lines.update(more)
        return json.dumps({key: value for key, value in lines.items() if value is not None})

    @property
    def received(self):
        """Oldest first."""
        found = []
        for path in sorted((self.folder / "mails").glob("*.mail")):
            head, raw = path.read_bytes().split(b"\n", 1)
            envelope = json.loads(head)
            found.append(Received(envelope["from"], envelope["to"], envelope["tls"], envelope["login"], raw,
                                  email.message_from_bytes(raw, policy=email.policy.default)))
        return found

    def subjects(self):
        return [mail.subject for mail in self.received]

    def await_mails(self, n):
        return wait_until(lambda: len(self.received) >= n and self.received, f"{n} mails")

    def forget(self):
        for path in (self.folder / "mails").glob("*.mail"):
            path.unlink()

    def busy(self, yes=True):
        """The disk is full: messages are put off."""
        mark = self.folder / "mails" / "busy"
        mark.touch() if yes else mark.unlink(missing_ok=True)


