"""A CA that misbehaves: at every step and in every way; then it behaves, and one more run must end well."""

import datetime
import email.utils
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from env import FaultProxy, ForwardProxy
from env.certs import assert_good, load
from env.proxy import (answer, cut_answer, cut_request, delay, garbage, html, lose_answer, never, problem, redirect,
                       rewrite)


def http_date(seconds):
    return email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds),
                                       usegmt=True)


STEPS = {"directory": "/dir$", "nonce": "/nonce-plz", "newOrder": "/order-plz", "authorization": "/authZ/",
         "challenge": "/chalZ/", "order": "/my-order/", "finalize": "/finalize-order/", "certificate": "/certZ/"}
# name -> action, statuses that a run may end with when it happens once
FAULTS = {
    "rate limit": (problem(429, "rateLimited", headers={"Retry-After": "1"}), (0,)),
    "rate limit until a date": (lambda h, e: problem(429, "rateLimited", headers={"Retry-After": http_date(1)})(h, e),
                                (0,)),
    "unavailable": (html(503), (0, 75)),
    "error 500": (problem(500, "serverInternal"), (0, 75)),
    "cut": (cut_request(), (0, 75)),
    "answer lost": (lose_answer(), (0, 75)),
    "half an answer": (cut_answer(20), (0, 1, 75)),
    "no http": (garbage(), (0, 1, 75)),
    "html": (html(200), (0, 1, 75)),
    "nothing in it": (answer(200, b""), (0, 1, 75)),
    "redirect": (redirect("https://127.0.0.1:1/elsewhere"), (0, 1, 75)),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_once(make_everleaf, proxy, nginx, name, step, fault):
    everleaf = make_everleaf(proxy)
    orders = proxy.orders()
    action, allowed = FAULTS[fault]
    proxy.clear()
    proxy.on(STEPS[step], action, nth=1)
    first = everleaf.run("issue", name, "--webroot", nginx.web_root, status=allowed)
    if first.status:
        assert len([line for line in first.err.splitlines() if line.startswith("everleaf:")]) <= 1, first
        assert name in first.err or "127.0.0.1" in first.err, first
    assert [rule.seen for rule in proxy.rules][0] > 0, "the step was not passed"
    assert not list(nginx.web_root.rglob(".well-known/acme-challenge/*")) or first.status == 75
    proxy.rules.clear()
    everleaf.run("renew" if first.status else "list", *([name] if first.status else []))
    if not everleaf.live(name).exists():
        everleaf.run("issue", name, "--webroot", nginx.web_root)
    assert_good(everleaf.live(name), proxy.root_file())
    assert not list(nginx.web_root.rglob(".well-known/acme-challenge/*"))
    made = proxy.orders() - orders
    assert made == 1 or (step == "newOrder" and made <= 2) or 1 in allowed and made <= 2, f"{made} orders"


@pytest.mark.parametrize("step", STEPS)
def test_for_ever(make_everleaf, proxy, name, step):
    """Always 503: it gives up, says so, and leaves the state usable."""
    everleaf = make_everleaf(proxy)
    proxy.on(STEPS[step], html(503))
    start = time.monotonic()
    result = everleaf.run("issue", name, *everleaf.standalone(), status=75, timeout=90)
    assert time.monotonic() - start < 60
    assert "503" in result.err and "<h1>" not in result.err
    proxy.clear()
    everleaf.run("issue", name, *everleaf.standalone())
    assert_good(everleaf.live(name), proxy.root_file())


def test_long_wait_is_not_waited_for(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz", problem(429, "rateLimited", "too many certificates for example.com",
                                   headers={"Retry-After": "3600", "Link": '<https://ca.example/limits>;rel="help"'}))
    start = time.monotonic()
    error = everleaf.error("issue", name, *everleaf.standalone(), status=75)
    assert time.monotonic() - start < 10
    assert "too many certificates for example.com" in error
    assert len(proxy.seen("/order-plz")) == 1, "asked once, not again and again"


@pytest.mark.parametrize("retry_after", ["2", "date"])
def test_never_sooner_than_retry_after(make_everleaf, proxy, name, retry_after):
    everleaf = make_everleaf(proxy)

    def limited(handler, exchange):
        problem(429, "rateLimited", headers={"Retry-After": http_date(3) if retry_after == "date" else "2"})(handler, exchange)

    proxy.on("/order-plz", limited, nth=1)
    result = everleaf.run("issue", name, *everleaf.standalone())
    asked = proxy.seen("/order-plz")
    assert len(asked) == 2 and asked[1].at - asked[0].at >= 1.9
    assert "waiting" in result.err, "a person is told why nothing happens"
    assert_good(everleaf.live(name), proxy.root_file())


def test_one_limit_does_not_end_the_others(make_everleaf, proxy, nginx, new_name, tmp_path):
    """While one order waits for the end of a limit, those behind it wait too and give nothing up."""
    names = [new_name() for _ in range(6)]
    listed = tmp_path / "names"
    listed.write_text("\n".join(names))
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz", problem(429, "rateLimited", headers={"Retry-After": "2"}), nth=1)
    proxy.on("/finalize-order/", problem(429, "rateLimited", headers={"Retry-After": "1"}), nth=2)
    result = everleaf.json("issue", "--from", listed, "--webroot", nginx.web_root)
    assert sorted(result["issued"]) == sorted(names) and not result["failed"]


@pytest.mark.slow
def test_polls_never_sooner_than_told(make_pebble, lab, make_everleaf, name):
    slow = make_pebble(env={"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "6"}, config={"retryAfter": {"authz": 2, "order": 2}})
    with FaultProxy(slow, lab) as proxy:
        everleaf = make_everleaf(proxy)
        everleaf.issue(name)
        polls = {}
        for exchange in proxy.seen("/my-order/|/authZ/|/chalZ/", "POST"):
            polls.setdefault(exchange.path, []).append(exchange)
        for path, exchanges in polls.items():
            for before, after in zip(exchanges, exchanges[1:]):
                told = {key.lower(): value for key, value in before.answer_headers}.get("retry-after")
                if told:
                    assert after.at - before.at >= int(told) - 0.1, path


@pytest.mark.slow
def test_no_answer_at_all(make_everleaf, pebble, nginx, lab, new_name):
    """Given up within 45 s, at whatever step; all at once, since it is only waiting."""

    def silent(step):
        with FaultProxy(pebble, lab) as proxy:
            everleaf = make_everleaf(proxy)
            proxy.on(STEPS[step], never())
            start = time.monotonic()
            result = everleaf.run("issue", new_name(), "--webroot", nginx.web_root, status=75, timeout=60)
            return step, time.monotonic() - start, result

    with ThreadPoolExecutor(len(STEPS)) as pool:
        for step, seconds, result in pool.map(silent, STEPS):
            assert seconds < 45 and "127.0.0.1" in result.err, (step, seconds, result)


def test_slow_answers_are_waited_for(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz|/certZ/", delay(1.5))
    everleaf.issue(name)


@pytest.mark.parametrize("body", [b"\x00" * 64, b"{" * 100000, b"[" * 100000 + b"]" * 100000, b'{"a":' + b"1" * 5000000 + b"}",
                                  b'{"newNonce":5,"newAccount":[],"newOrder":{}}', b"null", b'"x"', b"\xff\xfe{}"],
                         ids=["zeros", "braces", "brackets", "long number", "wrong types", "null", "string", "no utf-8"])
def test_directory_that_is_not_one(bare, pebble, proxy, body):
    proxy.on("/dir$", answer(200, body, {"Content-Type": "application/json"}))
    before = bare.snapshot() if bare.state.exists() else None
    error = bare.error("account", "register", "--ca", proxy.directory, "--email", "a@example.org", "--agree-tos",
                       status=(1, 2), timeout=30)
    assert proxy.directory in error or "127.0.0.1" in error
    assert bare.json("account", "list") == []
    assert before is None or bare.snapshot() == before


@pytest.mark.parametrize("token", ["../../../etc/cron.d/x", "a/b", "", "..", "a" * 200, "tök", "a\u0000b", "$(id)", 5],
                         ids=["up", "slash", "empty", "dots", "long", "letter", "nul", "shell", "number"])
def test_tokens_never_become_paths(make_everleaf, proxy, nginx, tmp_path, name, token):
    def spoil(authorization):
        for challenge in authorization["challenges"]:
            challenge["token"] = token
        return authorization

    everleaf = make_everleaf(proxy)
    proxy.on("/authZ/", rewrite(spoil))
    everleaf.error("issue", name, "--webroot", nginx.web_root, status=1)
    assert sorted(path.name for path in nginx.web_root.rglob("*")) == ["index.html"]


def test_unknown_challenge_types_are_skipped(make_everleaf, proxy, name):
    def add(authorization):
        authorization["challenges"][:0] = [
            {"type": "dns-future-07", "url": 7, "weird": [1, {"a": None}]}, {"type": "tkauth-01", "url": "https://x/"}]
        return authorization

    everleaf = make_everleaf(proxy)
    proxy.on("/authZ/", rewrite(add))
    assert everleaf.issue(name)["issued"] == [name]


def test_no_challenge_that_we_can_do(make_everleaf, proxy, name):
    def only_unknown(authorization):
        authorization["challenges"] = [{"type": "dns-future-07", "url": "https://127.0.0.1/x", "status": "pending"}]
        return authorization

    everleaf = make_everleaf(proxy)
    proxy.on("/authZ/", rewrite(only_unknown))
    error = everleaf.error("issue", name, *everleaf.standalone(), status=1)
    assert name in error and "http-01" in error and "offer" in error


def test_names_of_the_ca_are_not_ours(make_everleaf, proxy, nginx, name):
    """An authorization for a name that nobody asked for is not answered."""
    everleaf = make_everleaf(proxy)

    def other(authorization):
        authorization["identifier"]["value"] = "evil.example.net"
        return authorization

    proxy.on("/authZ/", rewrite(other))
    everleaf.error("issue", name, "--webroot", nginx.web_root, status=1)
    assert not proxy.seen("/chalZ/", "POST")


def test_certificate_for_another_key_is_refused(make_everleaf, proxy, lab, name):
    everleaf = make_everleaf(proxy)
    proxy.on("/certZ/", answer(200, lab.certificate.read_bytes() + lab.root.read_bytes(),
                               {"Content-Type": "application/pem-certificate-chain"}))
    error = everleaf.error("issue", name, *everleaf.standalone(), status=1)
    assert "key" in error or "name" in error
    assert not everleaf.live(name).exists()


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x82" * 500,
                                 b"-----BEGIN CERTIFICATE-----\n" * 20000],
                         ids=["nothing", "too short", "no pem", "only beginnings"])
def test_certificate_that_is_none(make_everleaf, proxy, name, pem):
    everleaf = make_everleaf(proxy)
    proxy.on("/certZ/", answer(200, pem, {"Content-Type": "application/pem-certificate-chain"}))
    everleaf.error("issue", name, *everleaf.standalone(), status=(1, 75))
    assert not everleaf.live(name).exists()


def test_problem_of_one_name_is_told_with_that_name(make_everleaf, proxy, new_name):
    good, bad = new_name(), new_name()
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz", problem(403, "rejectedIdentifier", "some names are refused", subproblems=[
        {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "on the list of forbidden names",
         "identifier": {"type": "dns", "value": bad}}]), method="POST")
    error = everleaf.error("issue", good, bad, *everleaf.standalone(), status=1)
    assert bad in error and "on the list of forbidden names" in error


def test_words_of_the_ca_do_not_play_with_the_terminal(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz", problem(403, "rejectedIdentifier", "no\x1b[2J\r\nyou may\x07not"), method="POST")
    result = everleaf.run("issue", name, *everleaf.standalone(), status=1)
    assert "\x1b[2J" not in result.err and "\x07" not in result.err


def test_blocked_name(everleaf):
    error = everleaf.error("issue", "blocked.example.com", *everleaf.standalone(), status=1)
    assert "blocked.example.com" in error and "policy" in error.lower()


def test_changed_terms_are_not_agreed_to_silently(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    proxy.on("/order-plz", problem(403, "userActionRequired", "the terms have changed",
                                   headers={"Link": '<https://ca.example/terms/2>;rel="terms-of-service"'},
                                   instance="https://ca.example/agree"), method="POST")
    error = everleaf.error("issue", name, *everleaf.standalone(), status=1)
    assert "terms" in error and "https://ca.example/agree" in error


def test_bad_csr_leaves_the_order_usable(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    orders = proxy.orders()
    proxy.on("/finalize-order/", problem(400, "badCSR", "we do not like it"))
    everleaf.error("issue", name, *everleaf.standalone(), status=1)
    proxy.clear()
    everleaf.issue(name)
    assert proxy.orders() == orders + 1, "the order stays ready; the second run goes on with it"


def test_nonce_refused_at_every_request(make_everleaf, proxy, name):
    """badNonce answers bring a fresh nonce; the retry uses that one."""
    everleaf = make_everleaf(proxy)

    def refuse(handler, exchange):
        from env.proxy import json
        handler.forward(exchange)
        nonce = next(value for key, value in exchange.answer_headers if key == "Replay-Nonce")
        exchange.answer_headers = []
        body = json.dumps({"type": "urn:ietf:params:acme:error:badNonce", "detail": "again", "status": 400})
        handler.reply(exchange, 400, [("Replay-Nonce", nonce), ("Content-Type", "application/problem+json")], body.encode())

    proxy.on("/authZ/", refuse, nth={1, 2, 3, 4, 5})
    everleaf.issue(name)
    tried = proxy.seen("/authZ/", "POST")
    assert len(tried) >= 6 and len({exchange.protected["nonce"] for exchange in tried}) == len(tried)


def test_requests_are_as_the_rfc_has_them(make_everleaf, proxy, name):
    everleaf = make_everleaf(proxy)
    everleaf.issue(name)
    posts = [exchange for exchange in proxy.exchanges if exchange.method == "POST"]
    for exchange in posts:
        assert exchange.headers["content-type"] == "application/jose+json"
        assert exchange.headers["user-agent"].lower().startswith("everleaf/")
        assert exchange.protected["url"] == f"https://127.0.0.1:{proxy.port}{exchange.path}"
        assert ("jwk" in exchange.protected) == ("/sign-me-up" in exchange.path)
        assert ("kid" in exchange.protected) != ("jwk" in exchange.protected)
    for path in ("/authZ/", "/certZ/"):
        assert all(exchange.payload == "" for exchange in proxy.seen(path, "POST"))
    assert all(exchange.payload == {} for exchange in proxy.seen("/chalZ/", "POST"))
    nonces = [exchange.protected["nonce"] for exchange in posts]
    assert len(set(nonces)) == len(nonces), "no nonce is used twice"
    assert not proxy.seen("/sign-me-up", "GET") and not proxy.seen("/order-plz", "GET")


def test_requests_go_out_side_by_side(make_everleaf, proxy, new_name):
    everleaf = make_everleaf(proxy)
    proxy.clear()
    proxy.on("/authZ/", delay(0.1))
    everleaf.issue(*[new_name() for _ in range(16)])
    assert 2 <= proxy.most_under_way <= 8


def test_tls_that_does_not_verify(bare, pebble):
    bare.env.pop("EVERLEAF_CA_BUNDLE")
    error = bare.error("account", "register", "--ca", pebble.directory, "--email", "a@example.org", "--agree-tos", status=1)
    assert "--ca-bundle" in error
    assert bare.json("account", "list") == []


def test_plain_http_is_refused(bare, pebble):
    error = bare.error("account", "register", "--ca", pebble.directory.replace("https", "http"), "--email", "a@example.org",
                       "--agree-tos", status=(1, 2))
    assert "https" in error


def test_nobody_there(bare):
    error = bare.error("account", "register", "--ca", "https://127.0.0.1:1/dir", "--email", "a@example.org", "--agree-tos",
                       status=(1, 75))
    assert "127.0.0.1" in error


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_through_an_http_proxy_from_the_environment(bare, pebble, name, variable):
    with ForwardProxy() as forward:
        bare.env[variable] = forward.url
        bare.env["EVERLEAF_CA_BUNDLE"] = str(bare.lab.root)
        bare.register()
        bare.issue(name)
        assert forward.connects and set(forward.connects) == {f"127.0.0.1:{pebble.port}"}


@pytest.mark.option("", "--config")
def test_through_an_http_proxy_from_the_configuration(bare, pebble, tmp_path, name):
    with ForwardProxy() as forward:
        config = tmp_path / "everleaf.yaml"
        config.write_text(f"proxy: {forward.url}\n")
        bare.env["EVERLEAF_CONFIG"] = str(config)
        bare.register()
        bare.run("--config", config, "issue", name, *bare.standalone())
        assert set(forward.connects) == {f"127.0.0.1:{pebble.port}"}
        assert load(bare.live(name, "cert.pem"))


def test_orders_and_authorizations_are_reused_as_the_ca_offers_them(make_pebble, make_everleaf, name):
    """Every authorization is valid already at the second order: no challenge is answered, no port is needed."""
    generous = make_pebble(env={"PEBBLE_AUTHZREUSE": "100"})
    everleaf = make_everleaf(generous)
    everleaf.issue(name)
    tried = generous.log().count("Pulled a task")
    everleaf.issue(name, "--force")
    assert generous.log().count("Pulled a task") == tried
    assert_good(everleaf.live(name), generous.root_file())


@pytest.mark.pebble_says("^fatal error: this test says so$")
def test_what_the_ca_says_is_watched(make_pebble):
    """Of all lines of a CA's log only the ordinary ones pass unseen."""
    ca = make_pebble()
    with open(ca.log_path, "a") as log:
        log.write("panic: runtime error\nPebble 2026/11/22 03:58:29 malformed :: JWS verification error\n"
                  "fatal error: this test says so\nPebble 2026/11/22 03:58:29 POST /order-plz -> calling handler()\n")
    lines = ca.unexpected_lines(expected=["^fatal"])
    assert [line.split()[0] for line in lines] == ["panic:", "Pebble"]
    with open(ca.log_path, "a") as log:
        log.write("fatal error: this test says so\n")
