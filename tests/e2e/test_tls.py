"""TLS of the daemon's own listener: a stand-in at once, the managed certificate when it is live, replaced while it serves."""

import signal
import socket
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from env import Serve, TlsServe
from env.certs import load
from env.process import wait_until

DAY = 86400
pytestmark = pytest.mark.threads


@pytest.fixture
def serve(everleaf):
    """serve(*options) starts the daemon on every address."""
    started = []

    def start(*args, kind=TlsServe, **options):
        started.append(kind(everleaf, *args, **options).start())
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


def handshake(daemon, root=None, name="127.0.0.1", version=None):
    """The certificate that a new connection gets; checked for the name with the root's file, if one is given."""
    context = ssl.create_default_context(cafile=root)
    if root is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as plain, \
            context.wrap_socket(plain, server_hostname=name) as tls:
        return x509.load_der_x509_certificate(tls.getpeercert(True))


def names_of(certificate):
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName)


def fingerprint(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


def serves(daemon, serial):
    wait_until(lambda: handshake(daemon).serial_number == serial, "the new certificate to be served")


@pytest.mark.option("serve", "--listen")
def test_beyond_loopback_there_is_tls(everleaf, serve):
    daemon = serve()
    first = handshake(daemon)
    assert first.issuer == first.subject
    assert names_of(first) == [socket.gethostname().lower()]
    assert fingerprint(first) in daemon.new_log(), "the log tells whom to trust"
    assert "https://0.0.0.0" in daemon.new_log()
    kept = everleaf.state / "stand-in.pem"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert handshake(daemon, root=kept, name=names_of(first)[0]) == first
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in plain.recv(4096), "answers without TLS"
    daemon.stop()
    daemon.start()
    assert handshake(daemon) == first, "the same one after a restart"
    daemon.clock(380 * DAY)
    wait_until(lambda: handshake(daemon) != first, "another one before it ends")


def test_only_new_versions_of_tls(serve):
    daemon = serve()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        handshake(daemon, version=version)
    for version, status in (("-tls1", 1), ("-tls1_1", 1), ("-tls1_2", 0)):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", version, "-cipher",
                               "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        assert done.returncode == status, (version, done.stderr)


@pytest.mark.option("serve", "--tls-name")
def test_replaced_while_it_serves(everleaf, pebble, serve, name):
    """The stand-in, then the real one, then its renewal; a connection that was there before goes on with what it has."""
    daemon = serve("--tls-name", name)
    stand_in = handshake(daemon)
    assert names_of(stand_in) == [name] and name in daemon.new_log()
    old = daemon.connection()
    old.request("GET", "/healthz")
    assert old.getresponse().read()
    everleaf.issue(name)
    serves(daemon, load(everleaf.live(name, "cert.pem")).serial_number)
    handshake(daemon, root=pebble.root_file(), name=name)  # its whole chain
    between = daemon.connection()
    for _ in range(2):
        everleaf.run("renew", name, "--force")
        serves(daemon, load(everleaf.live(name, "cert.pem")).serial_number)
        for connection in (old, between):
            connection.request("GET", "/readyz")
            assert connection.getresponse().read()
    assert x509.load_der_x509_certificate(old.sock.getpeercert(True)) == stand_in
    last = handshake(daemon)
    everleaf.run("delete", name)
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "read again" in daemon.new_log(), "the reload")
    assert handshake(daemon) == last, "one that is forgotten serves on"
    assert daemon.get("/readyz")[0] == 200


def test_what_did_not_change_is_not_read_again(everleaf, serve, name):
    """Each look is at a fingerprint: the key, which could not be read any more, is left alone until there is another."""
    everleaf.issue(name)
    daemon = serve("--tls-name", name)
    served = handshake(daemon)
    (key,), = everleaf.sql("select key from versions")
    everleaf.sql("update versions set key = 'sealed by nobody'")
    damaged_at = time.time()
    # the scheduler's looks are two seconds apart, those at the certificate one
    wait_until(lambda: daemon.metrics()["everleaf_last_look_timestamp_seconds"] > damaged_at + 4, "some looks")
    assert "TLS stays as it is" not in daemon.new_log()
    assert handshake(daemon) == served
    everleaf.sql("update versions set key = ?", key)
    everleaf.run("renew", name, "--force")
    serves(daemon, load(everleaf.live(name, "cert.pem")).serial_number)


def test_deleted_and_made_again(everleaf, serve, name):
    """Its versions are numbered anew: the first is live again, and another certificate."""
    everleaf.issue(name)
    daemon = serve("--tls-name", name)
    former = handshake(daemon)
    number = everleaf.sql("select live_version from certs")
    everleaf.run("delete", name)
    everleaf.issue(name)
    assert everleaf.sql("select live_version from certs") == number
    fresh = load(everleaf.live(name, "cert.pem")).serial_number
    assert fresh != former.serial_number
    serves(daemon, fresh)


def test_by_the_configuration(everleaf, pebble, serve, new_name):
    first, second = new_name(), new_name()
    for name in (first, second):
        everleaf.issue(name)
    config = everleaf.folder / "everleaf.yaml"
    config.write_text(f"tls_name: {first}\n")
    daemon = serve(env={"EVERLEAF_CONFIG": str(config)})
    assert names_of(handshake(daemon)) == [first]
    config.write_text(f"tls_name: {second}\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: names_of(handshake(daemon)) == [second], "the other certificate")
    config.write_text("http: 127.0.0.1:1\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "begin with a restart" in daemon.new_log(), "what needs a restart")
    assert names_of(handshake(daemon)) == [second]
    config.write_text("listen: nonsense\n")
    everleaf.error("--config", config, "serve", status=2)


class LoopbackTls(TlsServe):
    address = Serve.address


def test_on_loopback_if_named(everleaf, pebble, serve, name):
    everleaf.issue(name)
    daemon = serve("--tls-name", name, kind=LoopbackTls)
    assert names_of(handshake(daemon, root=pebble.root_file(), name=name)) == [name]
    assert daemon.get("/metrics")[0] == 200


def test_a_certificate_whose_key_is_elsewhere(everleaf, pebble, serve, name):
    key, request = everleaf.folder / "own.key", everleaf.folder / "own.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", request], check=True,
                   capture_output=True)
    everleaf.json("issue", "--csr", request, *everleaf.standalone())
    daemon = serve("--tls-name", name)
    assert handshake(daemon).issuer == handshake(daemon).subject
    assert "private key is not here" in daemon.new_log()
