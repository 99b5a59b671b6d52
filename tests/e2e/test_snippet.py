"""Lines for web servers before the daemon: each real server takes them, hands the CA's request on, and serves what came of it."""

import http.client
import socket
import ssl

import pytest

from env import Serve
from env.everleaf import Everleaf
from env.fronts import FRONTS
from env.ports import free_port
from env.process import wait_until


def served(port, name):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as raw, context.wrap_socket(raw, server_hostname=name) as secure:
        return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))


@pytest.mark.option("snippet", "--http")
@pytest.mark.parametrize("kind", FRONTS)
def test_a_server_before_the_daemon(everleaf, pebble, name, kind, tmp_path):
    """Pebble validates through the server, at the daemon's responder behind it; then the server serves the certificate."""
    responder = f"127.0.0.1:{free_port()}"
    everleaf.run("issue", name, "--standalone", responder, "--no-preflight", status=1)  # nobody is at the CA's port yet
    front = FRONTS[kind](tmp_path / kind, pebble.http_port)
    with Serve(everleaf, "--http", responder) as daemon:
        try:
            front.use(everleaf.json("snippet", kind, "--http", responder))
            connection = http.client.HTTPConnection("127.0.0.1", pebble.http_port, timeout=5)
            connection.request("GET", "/.well-known/acme-challenge/nothing-there", headers={"Host": name})
            assert connection.getresponse().status == 404, "the daemon says that there is no such token"
            daemon.clock(600)  # the next attempt
            wait_until(lambda: everleaf.is_live(name), f"an issue through {kind}", limit_s=40)
            front.use(everleaf.json("snippet", kind, name, "--http", responder), name)
            assert served(front.https_port, name) == everleaf.live(name, "cert.pem").read_text()
        finally:
            front.stop()


def test_where_the_responder_is(everleaf, name, tmp_path):
    """As said, as configured, or the documented one; an address of all of the host's is asked on loopback."""
    everleaf.issue(name)
    assert "127.0.0.1:8080" in everleaf.run("snippet", "nginx").out
    config = tmp_path / "everleaf.yaml"
    config.write_text("http: ':8123'\n")
    assert "http://127.0.0.1:8123;" in everleaf.run("--config", config, "snippet", "nginx").out
    assert "http://127.0.0.1:8124;" in everleaf.run("--config", config, "snippet", "nginx", "--http", "0.0.0.0:8124").out
    text = everleaf.run("snippet", "haproxy", name).out
    assert f"{everleaf.state}/live/{name}/combined.pem" in text and text.count("# ") == 3
    assert "there is nginx, apache, haproxy, caddy" in everleaf.error("snippet", "lighttpd", status=2)
    assert "nothing.example" in everleaf.error("snippet", "nginx", "nothing.example", status=1)


def test_without_a_state(tmp_path, lab, pebble):
    bare = Everleaf(tmp_path / "none", pebble, lab)
    assert "/.well-known/acme-challenge/" in bare.run("snippet", "caddy").out
    assert not bare.state.exists()


def test_a_folder_that_no_configuration_holds(everleaf, name, tmp_path, lab, pebble):
    odd = Everleaf(tmp_path / "with blank", pebble, lab).register()
    odd.issue(name)
    assert "plain name" in odd.error("snippet", "nginx", name, status=2)
