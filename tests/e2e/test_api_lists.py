"""
Lists of the REST API: each filter and order, a page of two at a time and both ways, gives exactly what the whole list,
filtered and sorted here, has; as an administrator, and as a user, for whom the whole list is what is theirs.
"""

import itertools
import time

import pytest

from env import Serve
from env.api import Api
from env.client import Refused, user

BASE, NOW = 1_700_000_000, int(time.time())
KINDS = ("issued", "failed", "order", "hook")


def literal(value):
    return "null" if value is None else str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def put(everleaf, table, *rows):
    """Rows as dictionaries that all have the same columns."""
    values = ", ".join("(" + ", ".join(map(literal, row.values())) + ")" for row in rows)
    everleaf.sql(f"insert into {table} ({', '.join(rows[0])}) values {values}")


def people(everleaf):
    roles = ("admin", "operator", "user", "auditor")
    put(everleaf, "users", *({"name": f"person{i}", "role": roles[i % 4], "email": f"P{i}@Example.org" if i % 3 else None,
                              "enabled": int(i % 3 > 0), "last_login_at": BASE + i % 2 * 50, "created_at": BASE + 10 - i,
                              "updated_at": BASE + i % 3} for i in range(9)))
    put(everleaf, "tokens", *({"owner": owner, "name": f"{word}{i}", "role": role, "hash": f"{owner}{i}", "used_at": BASE + i % 2,
                               "expires_at": 0 if i % 2 else BASE + 90_000_000, "created_at": BASE + i}
                              for i, (owner, word, role) in enumerate(itertools.product(
                                  ("anna", "person1", "root"), ("Panel", "script_%"), ("user", "auditor")))))
    # so that it is not written down anew when the next minute begins
    everleaf.sql("update tokens set used_at = ? where name like '%-token'", int(time.time()) + 90_000)


def accounts(everleaf):
    put(everleaf, "accounts", *({"name": f"account{i}", "ca": ("letsencrypt", "zerossl")[i % 2], "contacts": f'["c{i % 3}@example.org"]',
                                 "status": ("valid", "deactivated", "revoked")[i % 3], "created_at": BASE + i % 2} for i in range(7)))
    put(everleaf, "cas", *({"name": f"own{i}", "url": f"https://ca{i}.example.org/directory", "created_at": BASE - i} for i in range(3)))
    put(everleaf, "dns_accounts", *({"name": f"zone{i}", "provider": ("cloudflare", "rfc2136", "desec")[i % 3], "enabled": i % 2,
                                     "zones": f'["z{i % 2}.example.org"]', "last_test_at": BASE * (i % 2), "created_at": BASE + i % 3,
                                     "updated_at": BASE - i} for i in range(7)))
    put(everleaf, "user_domains", {"owner": "anna", "domain": "anna.example.org", "dns": '["zone1","zone2","zone3","zone5"]',
                                   "created_at": BASE})
    put(everleaf, "channels", *({"name": f"channel{i}", "kind": ("mail", "webhook")[i % 2], "enabled": int(i % 3 > 0), "digest": "at-once",
                                 "events": '["failed"]' if i % 2 else '[]', "last_sent_at": BASE + i % 2, "created_at": BASE + i,
                                 "updated_at": BASE} for i in range(5)))


def certificates(everleaf):
    """Requests, of which half are anna's; c7 was somebody else's before."""
    methods = ("manual", "webroot", "dns-persist")
    put(everleaf, "certs", *({"name": f"c{i}", "status": "issued" if i == 5 else "pending", "domains": f'["w{i}.z{i % 2}.example.org"]',
                              "owner": "anna" if i % 2 else None, "ca": ("letsencrypt", "zerossl")[i % 3 > 0], "method": methods[i % 3],
                              "not_after": BASE + 1 if i == 5 else 0, "renew_at": BASE * (i % 2), "deploy_hooks": "[]", "created_at":
                              BASE + 55 if i == 7 else BASE + i % 4, "updated_at": BASE} for i in range(9)))
    put(everleaf, "cert_names", *({"cert": f"c{i}", "domain": domain, "whole": int(domain[0] == "w")} for i in range(9)
                                  for domain in (f"w{i}.z{i % 2}.example.org", f"z{i % 2}.example.org", "example.org")))
    put(everleaf, "challenges", {"cert": "c5", "domain": "w5.z1.example.org", "type": "dns-01", "method": "manual", "state": "ready",
                                 "created_at": BASE})


def happened(everleaf, path):
    """Events, of which some have a time before that of those before them; jobs."""
    put(everleaf, "events", *({"id": 1_000_000 + i, "at": BASE + (i * 7) % 50 + i, "cert": f"c{i % 9}" if i % 4 else None,
                               "kind": KINDS[i % len(KINDS)], "actor": ("user:anna", "cli:root", "daemon")[i % 3],
                               "address": "192.0.2.1", "text": (f"wrote {path}/x{i}", f"100% of Order_{i}!", f"plain {i}")[i % 3]}
                              for i in range(40)))
    put(everleaf, "tasks", *({"operation": ("certificate_renew", "certificate_create", "events_verify")[i % 3], "subject":
                              f"c{i % 4}" if i % 3 < 2 else None, "asked_by": ("anna", "root", None)[i % 3 if i % 5 else 0],
                              "state": ("done", "failed")[i % 2], "result": "{}" if i % 2 == 0 else None,
                              "error": "{}" if i % 2 else None, "created_at": NOW - 1000 + i, "ended_at": NOW - 500 + i % 4} for i in range(17)))


@pytest.fixture
def filled(bare):
    """A daemon on a state in which there is some of everything, and clients of an administrator and of a user."""
    path = bare.folder / "web"
    config = bare.folder / "everleaf.yaml"
    config.write_text(f"webroots:\n  - {{name: main, path: {path}}}\n")
    bare.env["EVERLEAF_CONFIG"] = str(config)
    with Serve(bare) as daemon:
        clients = {"admin": user(bare, daemon, "root", "admin"), "user": user(bare, daemon, "anna", "user")}
        for client in clients.values():
            client.get("/cas")
        people(bare)
        accounts(bare)
        certificates(bare)
        happened(bare, path)
        yield clients, path


# what a query should find, said again


def has(*members):
    def met(item, text):
        words = [item[member] for member in members]
        return any(text.lower() in word.lower() for words in words if words for word in ([words] if isinstance(words, str) else words))
    return met


def equal(member):
    return lambda item, text: item[member] == text


def truth(member):
    return lambda item, text: item[member] == (text == "true")


def since(member):
    return lambda item, stamp: item[member] >= stamp


def before(member):
    return lambda item, stamp: item[member] < stamp


def search_names(item, text):
    return any(name.startswith(text) or name.endswith("." + text) for name in [item["name"], *item["domains"]])


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def key_of(member, item):
    value = item[member]
    return value if isinstance(value, int) else value or ""


AT = [stamp(BASE + 30), stamp(BASE + 60)]
# path: (who have it, what tells items apart, orders, filters: {member: (test, values)})
LISTS = {
    "/users": ("admin", "name", ("name", "role", "last_login_at", "created_at", "updated_at"), {
        "q": (has("name", "email"), ["PERSON", "example", "son1", "_", "nobody"]), "role": (equal("role"), ["user", "admin"]),
        "enabled": (truth("enabled"), ["true", "false"])}),
    "/tokens": ("admin user", "id", ("id", "name", "owner", "role", "expires_at", "used_at", "created_at"), {
        "q": (has("name", "owner"), ["PANEL", "_%", "anna", "%%"]), "user": (equal("owner"), ["anna", "person1"]),
        "role": (equal("role"), ["auditor"])}),
    "/accounts": ("admin", "name", ("name", "ca", "status", "created_at"), {
        "q": (has("name", "ca", "contacts"), ["C1@", "zero", "account3"]), "ca": (equal("ca"), ["letsencrypt"]),
        "status": (equal("status"), ["valid", "revoked", "registering"])}),
    "/cas": ("admin user", "name", ("name", "url", "created_at"), {
        "q": (has("name", "url"), ["OWN", "letsencrypt", "/directory"]), "known": (truth("known"), ["true", "false"])}),
    "/dns-accounts": ("admin user", "name", ("name", "provider", "last_test_at", "created_at", "updated_at"), {
        "q": (has("name", "provider", "zones"), ["ZONE", "z1.ex", "desec"]), "provider": (equal("provider"), ["rfc2136", "godaddy"]),
        "enabled": (truth("enabled"), ["true", "false"])}),
    "/dns-providers": ("admin user", "name", ("name", "title"), {"q": (has("name", "title"), ["DNS", "Cloud"])}),
    "/notifications": ("admin", "name", ("name", "kind", "last_sent_at", "created_at", "updated_at"), {
        "q": (has("name", "events"), ["CHANNEL1", "fail"]), "kind": (equal("kind"), ["mail", "command"]),
        "enabled": (truth("enabled"), ["true", "false"])}),
    "/requests": ("admin user", "name", ("name", "not_after", "renew_at", "created_at"), {
        "q": (search_names, ["c1", "w3", "z1.example.org", "example.org", "ample"]), "owner": (equal("owner"), ["anna"]),
        "status": (equal("status"), ["pending", "expired", "failed"]), "method": (equal("method"), ["manual", "webroot"]),
        "ca": (equal("ca"), ["zerossl"])}),
    "/jobs": ("admin user", "id", ("id", "ended_at"), {
        "q": (has("operation", "subject", "asked_by"), ["CREATE", "c1", "anna"]), "state": (equal("state"), ["failed", "done", "queued"]),
        "operation": (equal("operation"), ["certificate_renew", "certificate_revoke"]), "subject": (equal("subject"), ["c1", "none"]),
        "user": (equal("asked_by"), ["anna"]), "since": (since("created_at"), [stamp(NOW - 990)]),
        "until": (before("created_at"), [stamp(NOW - 990), stamp(BASE)])}),
    "/events": ("admin user", "id", ("id", "at"), {
        "q": (has("text", "cert", "actor"), ["% OF order_1", "main", "plain", "C3", "anna", "!"]), "kind": (equal("kind"), ["failed", "none"]),
        "actor": (equal("actor"), ["user:anna", "daemon"]), "cert": (equal("cert"), ["c7", "c2"]),
        "since": (since("at"), AT), "until": (before("at"), AT)}),
}
DOWN = ("/jobs", "/events")  # newest first
AS_GIVEN = ("/cas", "/dns-providers")


def queries(filters):
    """Each filter alone, and some of each two together."""
    yield {}
    for member, (_, values) in filters.items():
        yield from ({member: value} for value in values)
    for (one, (_, ones)), (other, (_, others)) in itertools.combinations(filters.items(), 2):
        yield {one: ones[0], other: others[-1]}


def expected(whole, key, sort, down, filters, query):
    found = [item for item in whole if all(filters[member][0](item, value) for member, value in query.items())]
    return [item[key] for item in sorted(found, key=lambda item: (key_of(sort, item), item[key]), reverse=down)]


@pytest.mark.parametrize("role", ["admin", "user"])
def test_each_filter_and_order(filled, role):
    client = filled[0][role]
    for path, (roles, key, sorts, filters) in LISTS.items():
        if role not in roles.split():
            with pytest.raises(Refused) as told:
                client.get(path, q="a")
            assert told.value.status == 403
            continue
        whole = client.all(path)
        assert len(whole) > 2, path
        found_some = set()
        for number, query in enumerate(queries(filters)):
            usual = "at" if path == "/events" and {"since", "until"} & set(query) else sorts[0]
            if path not in AS_GIVEN:
                assert [item[key] for item in client.all(path, limit=3, **query)] == \
                    expected(whole, key, usual, path in DOWN, filters, query), (path, query)
            # every order with every filter alone; of two together one order each in turn
            ways = list(itertools.product(sorts, ("asc", "desc")))
            for sort, order in ways if len(query) < 2 else [ways[number % len(ways)]]:
                got = [item[key] for item in client.all(path, limit=2, sort=sort, order=order, **query)]
                assert got == expected(whole, key, sort, order == "desc", filters, query), (path, query, sort, order)
                found_some |= {member for member in query if got}
        assert found_some == set(filters), f"{path}: nothing was ever found by {set(filters) - found_some}"


def test_a_user_sees_what_is_theirs(filled):
    """Whatever they ask for; and what they are not shown they cannot find out by searching for it."""
    (admin, anna), path = filled[0].values(), filled[1]
    theirs = {cert["name"] for cert in anna.all("/certificates")}
    assert theirs == {"c1", "c3", "c5", "c7"}
    assert {event["cert"] for event in anna.all("/events")} == theirs
    for query in ({"cert": "c2"}, {"q": "c2"}, {"kind": "failed", "cert": "c4"}, {"cert": "c2", "sort": "at", "since": stamp(BASE)}):
        assert admin.all("/events", **query) and not anna.all("/events", **query), query
    old = [event["id"] for event in admin.all("/events", cert="c7") if event["at"] < stamp(BASE + 55)]
    assert old and not set(old) & {event["id"] for event in anna.all("/events", q="c7", sort="at")}, "of when it was another's"
    assert admin.all("/events", q=str(path)) and anna.all("/events", q="main")
    assert anna.all("/events", q=str(path)) == [] == anna.all("/events", q=str(path), kind="issued")
    for name in ("/requests", "/certificates"):
        assert anna.all(name, owner="root") == []
        assert {cert["name"] for cert in anna.all(name, q="example.org")} <= theirs
    assert {job["asked_by"] for job in anna.all("/jobs", q="c")} == {"anna"} and anna.all("/jobs", user="root") == []
    assert {token["owner"] for token in anna.all("/tokens", q="a")} == {"anna"} and anna.all("/tokens", user="root") == []
    assert {account["name"] for account in anna.all("/dns-accounts")} == {"zone1", "zone2", "zone3", "zone5"}


def test_certificates_own_lists(filled):
    """What happened to one, and its versions, are lists too."""
    (admin, anna), _ = filled[0].values(), filled[1]
    for client in (admin, anna):
        whole = client.all("/certificates/c3/events")
        assert whole and {event["cert"] for event in whole} == {"c3"}
        for query in ({"q": "plain"}, {"kind": "hook"}, {"until": AT[1]}, {"sort": "at"}, {"order": "asc"}):
            found = client.all("/certificates/c3/events", limit=1, **query)
            filters = {member: value for member, value in query.items() if member not in ("sort", "order")}
            assert [event["id"] for event in found] == expected(
                whole, "id", "at" if {"sort", "until"} & set(query) else "id", "order" not in query, LISTS["/events"][3], filters), query
    with pytest.raises(Refused) as told:
        anna.get("/certificates/c2/events", q="plain")
    assert told.value.status == 404
    assert admin.all("/certificates/c3/versions", sort="issued_at", q="1") == []


WRONG = [(path, {member: value}, member) for path in [*LISTS, "/certificates/c3/versions", "/certificates/c3/events"]
         for member, value in (("sort", "size"), ("order", "up"), ("limit", 1001), ("cursor", "AAAA"), ("colour", "red"))]
WRONG += [("/users", {"role": "king"}, "role"), ("/users", {"enabled": "maybe"}, "enabled"), ("/tokens", {"role": ""}, "role"),
          ("/accounts", {"status": "odd"}, "status"), ("/cas", {"known": "1"}, "known"), ("/dns-accounts", {"enabled": "yes"}, "enabled"),
          ("/dns-accounts", {"provider": "nobody"}, "provider"), ("/notifications", {"kind": "pigeon"}, "kind"),
          ("/requests", {"status": "odd"}, "status"), ("/requests", {"method": "magic"}, "method"), ("/requests", {"q": "x" * 254}, "q"),
          ("/jobs", {"state": "lost"}, "state"), ("/jobs", {"operation": "certificate_list"}, "operation"),
          ("/jobs", {"since": "yesterday"}, "since"), ("/events", {"until": "never"}, "until"), ("/events", {"q": "x" * 254}, "q"),
          ("/events", {"after": 1, "order": "desc"}, "order"), ("/events", {"after": 1, "sort": "at"}, "sort")]


def test_what_is_wrong_is_named(filled):
    admin = filled[0]["admin"]
    for path, query, member in WRONG:
        with pytest.raises(Refused) as told:
            admin.get(path, **query)
        assert (told.value.status, told.value.document["member"]) == (400, member), (path, query, told.value)
    for path, (_, _, sorts, _) in LISTS.items():  # a place in one order is none in another
        cursor = admin.get(path, limit=1, sort=sorts[0])["next"]
        for other in ({"sort": sorts[1]}, {"sort": sorts[0], "order": "asc" if path in DOWN else "desc"}):
            with pytest.raises(Refused) as told:
                admin.get(path, cursor=cursor, **other)
            assert told.value.document["member"] == "cursor", (path, other)


def test_a_place_outlives_what_stood_there(filled, bare):
    """What is taken away between two pages, or moves, is no reason to miss or repeat others."""
    admin = filled[0]["admin"]
    for path, table, (key, sort) in (("/users", "users", ("name", "role")), ("/accounts", "accounts", ("name", "ca"))):
        order = [item[key] for item in admin.all(path, sort=sort, order="desc")]
        page = admin.get(path, sort=sort, order="desc", limit=3)
        bare.sql(f"delete from {table} where name = ?", order[2])
        rest, cursor = [], page["next"]
        while cursor:
            page = admin.get(path, sort=sort, order="desc", limit=2, cursor=cursor)
            rest += [item[key] for item in page["items"]]
            cursor = page["next"]
        assert rest == order[3:], path


def test_following_with_a_filter(filled, bare):
    """After a number: oldest first, whatever the filter; and without one, from the newest down."""
    admin = filled[0]["admin"]
    whole = sorted(admin.all("/events"), key=lambda event: event["id"])
    middle = whole[len(whole) // 2]["id"]
    for query in ({}, {"kind": "failed"}, {"kind": "failed", "actor": "daemon"}, {"q": "plain"}, {"since": AT[0]}):
        filters = LISTS["/events"][3]
        want = [event["id"] for event in whole if event["id"] > middle and all(filters[m][0](event, v) for m, v in query.items())]
        assert [event["id"] for event in admin.all("/events", after=middle, limit=2, **query)] == want, query
    with Api(admin.daemon, admin.token).events(f"/events?after={middle}&kind=failed&q=plain") as stream:
        want = [event["id"] for event in whole if event["id"] > middle and event["kind"] == "failed" and "plain" in event["text"]]
        assert want and [int(stream.next()["id"]) for _ in want] == want
    with Api(admin.daemon, admin.token).events("/events?order=desc") as stream:
        assert stream.answer.status == 400, "a stream goes one way"
