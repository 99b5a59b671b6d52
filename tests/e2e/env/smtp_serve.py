"""
Run by env/smtp.py in a process of its own: aiosmtpd (Debian's) with what the test wants of it, keeping each message as a
file: a line of JSON with the envelope, then the message as it came.
"""

import json
import ssl
import sys
import threading
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

options = json.loads(sys.argv[1])
folder = Path(options["folder"])


class Keep:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if (folder / "busy").exists():
            return "451 4.3.0 the disk is full"
        Keep.count += 1
        head = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "helo": session.host_name,
                "tls": session.ssl is not None or options["tls"] == "tls", "login": session.auth_data}
        path = folder / f"{Keep.count:04}.part"
        path.write_bytes(json.dumps(head).encode() + b"\n" + envelope.original_content)
        path.rename(path.with_suffix(".mail"))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = [data.login.decode(), data.password.decode()] == options["login"]
    return AuthResult(success=good, handled=good, auth_data=data.login.decode())


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(options["certificate"], options["key"])
    return made


settings = {}
if options["login"]:
    settings.update(authenticator=authenticate, auth_required=True, auth_require_tls=options["tls"] == "starttls")
if options["tls"] == "starttls":
    settings.update(tls_context=context(), require_starttls=True)
server = Controller(Keep(), hostname="127.0.0.1", port=options["port"], ready_timeout=20,
                    ssl_context=context() if options["tls"] == "tls" else None, **settings)
server.start()
print("ready", flush=True)
threading.Event().wait()
