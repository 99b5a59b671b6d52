"""
Who may ask for what: every route by every role and by nobody. A route without its row here fails, and so does a row
without its route.
"""

import re

import pytest

from env import Serve
from env.api import ROLES, People, password_of, path_of
from env.debs import ROOT
from env.openapi import operations
from env.people import Caller

pytestmark = pytest.mark.threads

ALL, CHANGE = set(ROLES), {"admin", "operator", "user"}
READ_ALL, ADMIN = {"admin", "operator", "auditor"}, {"admin"}
STAFF = {"admin", "operator"}
ANYBODY = ALL | {"nobody"}

MAY = {
    # certificates: of others than one's own a user sees nothing, whatever stands here (below)
    "certificate_list": ALL, "certificate_create": CHANGE, "certificate_renew_due": CHANGE, "certificate_show": ALL,
    "certificate_set": CHANGE, "certificate_delete": CHANGE, "certificate_renew": CHANGE, "certificate_revoke": CHANGE,
    "certificate_verify": CHANGE, "certificate_new_challenge": CHANGE, "certificate_download": ALL,
    "certificate_export": CHANGE, "certificate_send": CHANGE, "certificate_versions": ALL, "certificate_events": ALL,
    "certificate_explain": ALL, "certificate_preflight": CHANGE,
    "preflight": STAFF, "expiring": READ_ALL, "revoke_foreign": STAFF,
    "request_list": ALL, "request_show": ALL, "request_set": CHANGE, "request_new_challenge": CHANGE,
    "job_list": ALL, "job_show": ALL, "job_cancel": CHANGE, "event_list": ALL, "events_verify": {"admin", "auditor"},
    "overview": ALL, "renewal_information_refresh": ADMIN, "limits": ALL, "limits_unpause": STAFF,
    # accounts and CAs
    "account_list": READ_ALL, "account_register": ADMIN, "account_import": ADMIN, "account_show": READ_ALL,
    "account_update": ADMIN, "account_delete": ADMIN, "account_refresh": READ_ALL, "account_rollover": ADMIN,
    "account_export": ADMIN, "account_deactivate": ADMIN, "account_default": ADMIN,
    "ca_list": ALL, "ca_add": ADMIN, "ca_show": ALL, "ca_delete": ADMIN,
    # DNS
    "dns_list": ALL, "dns_add": ADMIN, "dns_show": ALL, "dns_update": ADMIN, "dns_delete": ADMIN, "dns_enable": ADMIN,
    "dns_disable": ADMIN, "dns_test": ADMIN, "dns_present": ADMIN, "dns_cleanup": ADMIN, "dns_look": STAFF,
    "provider_list": ALL, "provider_show": ALL,
    "persist_show": READ_ALL, "persist_check": READ_ALL, "persist_publish": ADMIN,
    # people
    "user_list": READ_ALL, "user_create": ADMIN, "user_show": READ_ALL, "user_update": ADMIN, "user_delete": ADMIN,
    "binding_list": ALL, "binding_add": ADMIN, "binding_delete": ADMIN,
    "token_list": ALL, "token_create": ALL, "token_delete": ALL,
    "session_create": ANYBODY, "session_show": ALL, "session_end": ALL, "session_first": ANYBODY, "session_password": ALL,
    "totp_begin": ALL, "totp_confirm": ALL, "totp_remove": ALL,
    # the daemon
    "version": ALL, "settings": READ_ALL, "settings_change": ADMIN,
    "channel_list": READ_ALL, "channel_add": ADMIN, "channel_show": READ_ALL, "channel_update": ADMIN,
    "channel_delete": ADMIN, "channel_enable": ADMIN, "channel_disable": ADMIN, "channel_test": ADMIN, "channel_kinds": ALL,
}

# What a token of a lesser scope may be used for, within its role: `read` these, `export` one more, all others only `full`.
FOR_READ = {
    "certificate_list", "certificate_show", "certificate_download", "certificate_versions", "certificate_events",
    "certificate_explain", "expiring", "request_list", "request_show", "job_list", "job_show", "event_list", "overview", "limits",
    "account_list", "account_show", "ca_list", "ca_show", "dns_list", "dns_show", "provider_list", "provider_show",
    "user_list", "user_show", "binding_list", "token_list", "session_show", "version", "settings",
    "channel_list", "channel_show", "channel_kinds",
}
FOR_EXPORT = FOR_READ | {"certificate_export"}
# What one that is narrowed to some certificates may be used for.
FOR_NARROWED = {
    "certificate_list", "certificate_create", "certificate_renew_due", "certificate_show", "certificate_set",
    "certificate_delete", "certificate_renew", "certificate_revoke", "certificate_verify", "certificate_new_challenge",
    "certificate_download", "certificate_export", "certificate_send", "certificate_versions", "certificate_events",
    "certificate_explain", "certificate_preflight", "expiring", "request_list", "request_show", "request_set",
    "request_new_challenge", "job_list", "job_show", "job_cancel", "event_list", "overview", "version",
}

# What is no operation (src/api/routes.def). Whoever is on this machine, and no proxy for another, may do all of it.
MAY_ELSEWHERE = {
    ("GET", "/healthz"): ANYBODY, ("GET", "/readyz"): ANYBODY, ("GET", "/api/v1/openapi.json"): ANYBODY,
    ("GET", "/metrics"): READ_ALL,
}
ACCESS = {"ROUTE_ANYONE": ANYBODY, "ROUTE_METRICS": READ_ALL}


@pytest.fixture
def daemon(everleaf):
    with Serve(everleaf) as running:
        yield running


@pytest.fixture
def people(everleaf, daemon):
    return People(everleaf, daemon)


def ask(client, method, path, **parts):
    """With a member that nothing knows: who may is told so (400), and nothing happens."""
    where = path_of(path, **{**{"name": "nobody-has-it", "id": "1", "domain": "example.org"}, **parts})
    if method in ("GET", "DELETE"):
        return client.ask(method, where, query={"no-such-member": "1"}, status=range(200, 600))
    return client.ask(method, where, {"no-such-member": 1}, status=range(200, 600))


def test_every_route_by_every_role_and_by_nobody(people):
    rows = operations(people.nobody.get("/openapi.json").json)
    assert set(rows) == set(MAY), f"without a row here, or without a route: {set(rows) ^ set(MAY)}"
    wrong = []
    for name, (method, path, row) in rows.items():
        described = set(row["x-everleaf-roles"]) if row.get("security") != [] else ANYBODY
        assert described == MAY[name], name
        for who in (*ROLES, "nobody"):
            answer = ask(getattr(people, who), method, path)
            want = 400 if who in MAY[name] else 401 if who == "nobody" else 403
            if answer.status != want or answer.json["code"] not in ("input", "unauthenticated", "denied"):
                wrong.append(f"{name} by {who}: {answer.status} instead of {want}")
    assert not wrong, "\n".join(wrong)


# scope: (what `token create` is given, what it is for)
SCOPES = {
    "full": (["--scope", "full"], set(MAY)),
    "export": (["--scope", "export"], FOR_EXPORT),
    "read": (["--scope", "read"], FOR_READ),
    "narrowed by name": (["--certificate", "web-*"], FOR_NARROWED),
    "narrowed by domain": (["--domain", "example.org"], FOR_NARROWED),
    "narrowed and read": (["--scope", "read", "--certificate", "web", "--domain", "example.org"], FOR_NARROWED & FOR_READ),
}


def test_every_route_by_every_scope_of_each_role(daemon, people):
    """As by the role (above), or refused; also with If-Match and an Idempotency-Key, which look at more than is asked for.
    /metrics tells of all."""
    rows = operations(people.nobody.get("/openapi.json").json)
    wrong = []
    for who in ROLES:
        for word, (options, may) in SCOPES.items():
            client = people.client(who, word.replace(" ", "-"), *options)
            elsewhere = {"X-Forwarded-For": "192.0.2.1", "Authorization": f"Bearer {client.token}"}
            assert daemon.get("/metrics", headers=elsewhere)[0] == (200 if who in READ_ALL and "narrowed" not in word else 403)
            for name, (method, path, row) in rows.items():
                assert row.get("x-everleaf-narrowed", False) == (name in FOR_NARROWED), name
                assert MAY[name] == ANYBODY or row["x-everleaf-scope"] == (
                    "read" if name in FOR_READ else "export" if name in FOR_EXPORT else "full"), name
                want = 400 if MAY[name] == ANYBODY or (who in MAY[name] and name in may) else 403
                answer = ask(client, method, path)
                if answer.status != want or answer.json["code"] not in ("input", "denied"):
                    wrong.append(f"{name} by {who}, {word}: {answer.status} instead of {want}")
                if want == 403 and method != "GET" and who == "admin":
                    for more in {"If-Match": "*"}, {"Idempotency-Key": "one"}:
                        where, body = path_of(path, name="x", id="1", domain="x"), None if method == "DELETE" else {}
                        assert client.ask(method, where, body, headers=more, status=range(200, 600)).status == 403, (name, word)
    assert not wrong, "\n".join(wrong)


def signed_in(daemon, who):
    """As a browser is, by cookie."""
    caller = Caller(daemon)
    assert caller.sign_in(who, password_of(who)) == 200
    return caller


def test_every_route_by_every_role_with_a_session(daemon, people):
    """As by token; and what another site's page has a browser send, without the word of our own pages, changes nothing."""
    callers = {who: signed_in(daemon, who) for who in ROLES}
    wrong = []
    for name, (method, path, _) in operations(people.nobody.get("/openapi.json").json).items():
        where = path_of(path, name="nobody-has-it", id="1", domain="example.org")
        more = (where + "?no-such-member=1",) if method in ("GET", "DELETE") else (where, {"no-such-member": 1})
        for who, caller in callers.items():
            for has_csrf in (True, False):
                is_refused = method != "GET" and not has_csrf and MAY[name] != ANYBODY
                want = (400, "input") if who in MAY[name] and not is_refused else (403, "denied")
                status, said = caller.ask(method, *more, csrf=has_csrf)
                if status != want[0] or said["code"] != want[1]:
                    wrong.append(f"{name} by {who}, {has_csrf=}: {status} {said} instead of {want}")
    assert not wrong, "\n".join(wrong)


def routes():
    """{(method, path): who may}; nothing but rows and comments is in the file."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "src/api/routes.def").read_text(), flags=re.DOTALL)
    row = r'X\("(\w+)", "([^"]+)", \w+, \w+, (\w+)\)'
    assert not re.sub(row, "", text).strip()
    return {(method, path): ACCESS[access] for method, path, access in re.findall(row, text)}


def test_what_is_no_operation_by_every_role_and_by_nobody(daemon, people):
    assert routes() == MAY_ELSEWHERE, "without a row here, or without a route"
    ways = [("nobody", {})]
    for who in ROLES:
        ways += [(who, {"Authorization": f"Bearer {getattr(people, who).token}"}), (who, {"Cookie": signed_in(daemon, who).cookie})]
    wrong = []
    for (method, path), may in MAY_ELSEWHERE.items():
        for who, headers in ways:
            here = daemon.get(path, method, headers=headers)[0]
            elsewhere = daemon.get(path, method, headers={**headers, "X-Forwarded-For": "192.0.2.1"})[0]
            want = 200 if who in may else 401 if who == "nobody" else 403
            if (here, elsewhere) != (200, want):
                wrong.append(f"{path} by {who}, {list(headers)}: {here}, and {elsewhere} instead of {want} from elsewhere")
    assert not wrong, "\n".join(wrong)


def test_a_user_sees_nothing_of_others(everleaf, pebble, people, name):
    """Every route that reads or changes one certificate says that there is none; lists and counts are empty."""
    everleaf.issue(name)
    admin, user = people.admin, people.user
    assert [one["name"] for one in admin.get("/certificates").json["items"]] == [name]
    for operation, (method, path, _) in operations(people.nobody.get("/openapi.json").json).items():
        if not path.startswith(("/certificates/{name}", "/requests/{name}")):
            continue
        body = None if method in ("GET", "DELETE") else {"certificate_send": {"to": ["a@example.org"]},
                                                        "certificate_export": {}}.get(operation, {})
        answer = user.ask(method, path_of(path, name=name), body, status=range(200, 600))
        empty = answer.status == 200 and answer.json.get("items") == []
        assert answer.status in (404, 400) or empty, f"{operation}: {answer.status} {answer.text}"
        assert answer.status == 404 or empty or name not in answer.text, operation
    for path in ("/certificates", "/requests", "/jobs"):
        assert user.get(path).json["items"] == [], path
        assert user.get(path).json["next"] is None
    assert name not in user.get("/events").text and name not in user.get("/overview").text
    assert everleaf.show(name)["status"] == "issued"
