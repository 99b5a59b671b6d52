"""Our requests against those that a recorded client sent to the real services, and the real answers understood: every
write of a recording must be made, and no call that is not in it."""

import pytest

from env import Everleaf, made
from env.cassette import Cassette, scenarios

CREATE = ["create_record_for_TXT_with_fqdn_name_and_content", "create_record_for_TXT_with_valid_name_and_content"]
TWICE = "create_record_with_duplicate_records_should_be_noop"
TWO = "create_record_multiple_times_should_create_record_set"
DELETE = "delete_record_by_filter_should_remove_record"
ONE_OF_TWO = "delete_record_with_record_set_by_content_should_leave_others_untouched"
BOTH = "delete_record_with_record_set_name_remove_all"
LIST = "list_records_should_handle_record_sets"
UNMANAGED = "authenticate_with_unmanaged_domain_should_fail"

# What is done in each scenario: command, label, values.
LABELS = {CREATE[0]: "_acme-challenge.fqdn", CREATE[1]: "_acme-challenge.test", TWICE: "_acme-challenge.noop",
          TWO: "_acme-challenge.createrecordset", DELETE: "delete.testfilt", ONE_OF_TWO: "_acme-challenge.deleterecordinset",
          BOTH: "_acme-challenge.deleterecordset", LIST: "_acme-challenge.listrecordset"}
STEPS = {CREATE[0]: [("present", "challengetoken")], CREATE[1]: [("present", "challengetoken")],
         TWICE: [("present", "challengetoken"), ("present", "challengetoken")],
         TWO: [("present", "challengetoken1"), ("present", "challengetoken2")],
         LIST: [("present", "challengetoken1"), ("present", "challengetoken2"), ("present", "challengetoken1")],
         DELETE: [("present", "challengetoken"), ("cleanup", "challengetoken")],
         ONE_OF_TWO: [("present", "challengetoken1"), ("present", "challengetoken2"), ("cleanup", "challengetoken1")],
         BOTH: [("present", "challengetoken1"), ("present", "challengetoken2"), ("cleanup", "challengetoken1", "challengetoken2")]}


def cloudns_form(it):
    """Credentials are cut out of the recording, where reads are GET with the password in the address; ours are all POST."""
    fields = {**it["query"], **(it["body"] or {})}
    for name in list(fields):
        if name in ("auth-id", "sub-auth-id", "sub-auth-user", "auth-password") or fields[name].startswith("placeholder_"):
            del fields[name]
    it.update(method="any", query={}, body=fields)


def ovh_form(it):
    """The recorded client forgot the quotes once; the service keeps what it is given."""
    if it["method"] == "POST" and it["body"] and it["body"].get("subDomain") == LABELS[TWICE]:
        it["body"]["target"] = it["body"]["target"].strip('"')


def gandi_form(it):
    """The recorded client takes the quotes off values that are there and forgets the TTL when one goes (which the service
    then sets to three hours: the recording shows it); its GET and DELETE have an empty object as body."""
    if it["method"] == "DELETE":
        it["body"] = None
    if it["body"]:
        it["body"]["rrset_values"] = sorted(value.strip('"') for value in it["body"]["rrset_values"])
        it["body"].setdefault("rrset_ttl", 3600)


def powerdns_form(it):
    """We ask for one set where the recorded client takes the whole zone; the order of records means nothing. Of the two
    ways to take a set away, ours is the one of `delete_record_by_filter`."""
    for name in ("rrset_name", "rrset_type"):
        it["query"].pop(name, None)
    if it["body"] and it["method"] == "PATCH":
        for rrset in it["body"]["rrsets"]:
            rrset["records"] = sorted(rrset["records"], key=lambda record: record["content"])
            if not rrset["records"]:
                rrset["changetype"] = "REPLACE"


def desec_form(it):
    """The recorded client sends back what only the service writes; and deletes a set by DELETE or by an empty one."""
    if it["method"] == "DELETE":
        name = it["path"].split("/rrsets/")[1].split("/")[0]
        it.update(method="PATCH", body={"subname": name, "type": "TXT", "ttl": 3600, "records": []})
    for name in ("created", "touched", "name", "domain"):
        if it["body"]:
            it["body"].pop(name, None)


NOTIFIED = {("PUT", "/api/v1/servers/localhost/zones/sometestdomain.com./notify"): {"result": "Notification queued"}}
SERVICES = {
    "cloudns": dict(zone="api-example.com", settings={"auth_id": "1", "auth_password": "cloudns-secret-0123456789"}, base="/dns",
                    form=cloudns_form),
    "hetzner": dict(zone="devcoop.de", settings={"api_token": "hetzner-secret-0123456789"}, base="/v1",
                    without=[BOTH, DELETE]),  # there it deletes the whole set, or without a look
    "ovh": dict(zone="pacalis.net", base="/1.0", form=ovh_form,
                settings={"application_key": "key", "application_secret": "ovh-secret-0123456789", "consumer_key": "ovh-consumer-0123456789"}),
    "gandi": dict(zone="t18s.fr", settings={"personal_access_token": "gandi-secret-0123456789"}, base="/v5/livedns", form=gandi_form,
                  prefix="REST-"),
    "powerdns": dict(zone="sometestdomain.com", settings={"api_key": "powerdns-secret-0123456789"}, form=powerdns_form, extra=NOTIFIED,
                     more={"zone_id": "sometestdomain.com."}, without=[UNMANAGED]),
    "desec": dict(zone="desec.lexicon", settings={"token": "desec-secret-0123456789"}, base="/api/v1", form=desec_form),
}


def replay(provider, scenario, tmp_path, **over):
    """The recording as a server, and Everleaf with the account `acct` at it."""
    service = SERVICES[provider]
    cassette = Cassette(scenarios(provider)[service.get("prefix", "") + scenario], service.get("form", lambda it: None),
                        service.get("extra")).start()
    box = Everleaf(tmp_path / "everleaf", like=made())
    lines = {"propagation": "none", "base_url": cassette.url + service.get("base", ""), "zone": service["zone"], "ttl": 3600,
             **service["settings"], **service.get("more", {}), **over}
    file = box.folder / "acct.yaml"
    file.write_text("".join(f"{key}: {value!r}\n" for key, value in lines.items()))
    file.chmod(0o600)
    for value in service["settings"].values():
        if len(value) > 12:
            box.secret(value)
    box.run("dns", "add", provider, "acct", "--credentials", file)
    return cassette, box


CASES = [(provider, scenario) for provider, service in SERVICES.items() for scenario in STEPS
         if scenario not in service.get("without", [])]


@pytest.mark.parametrize("provider, scenario", CASES)
def test_the_recorded_calls_are_ours(provider, scenario, tmp_path):
    cassette, box = replay(provider, scenario, tmp_path)
    with_zone = f"{LABELS[scenario]}.{SERVICES[provider]['zone']}"
    try:
        for command, *values in STEPS[scenario]:
            box.run("dns", command, "acct", with_zone, *values)
        assert not cassette.left(), f"not sent: {cassette.left()}"
        for request in cassette.requests:
            assert not [secret for secret in box.secrets if secret in request.target], request.target
    finally:
        cassette.stop()


@pytest.mark.parametrize("provider", SERVICES)
def test_another_call_is_refused(provider, tmp_path):
    """The replay would notice: one letter of the value changed."""
    cassette, box = replay(provider, CREATE[1], tmp_path)
    zone = SERVICES[provider]["zone"]
    box.error("dns", "present", "acct", f"{LABELS[CREATE[1]]}.{zone}", "challengetokeN", status=1)
    with pytest.raises(AssertionError, match="challengetokeN"):
        cassette.stop()


@pytest.mark.parametrize("provider", [name for name, service in SERVICES.items() if UNMANAGED not in service.get("without", [])])
def test_a_zone_of_somebody_else(provider, tmp_path):
    cassette, box = replay(provider, UNMANAGED, tmp_path, zone="thisisadomainidonotown.com")
    try:
        line = box.error("dns", "present", "acct", "_acme-challenge.thisisadomainidonotown.com", "v", status=1)
        assert "acct" in line and provider in line and "thisisadomainidonotown.com" in line
        assert not cassette.seen("POST", "add-record|/record$") and not cassette.seen("PUT") and not cassette.seen("PATCH")
    finally:
        cassette.stop()


def duckdns_form(it):
    it["query"].pop("token", None)  # cut out of the recording


@pytest.mark.parametrize("scenario", [CREATE[0], CREATE[1], TWICE, DELETE])
def test_duckdns(scenario, tmp_path, dns):
    with Cassette(scenarios("duckdns")[scenario], duckdns_form) as cassette:
        box = Everleaf(tmp_path / "everleaf")
        token = box.secret("5e1f2a37-duck-4a5b-9c8d-0123456789ab")
        file = box.folder / "acct.yaml"
        file.write_text(f"token: {token}\nbase_url: {cassette.url}\npropagation: none\nservers: ['{dns.dns}']\n")
        file.chmod(0o600)
        box.run("dns", "add", "duckdns", "acct", "--credentials", file)
        for command, *values in STEPS[scenario]:
            box.run("dns", command, "acct", "_acme-challenge.testlexicon.duckdns.org", *values)
        played = [it["call"]["query"] for it in cassette.recorded if it["played"]]
        assert [it["query"]["txt"][0] for it in map(vars, cassette.requests)] and played
        assert len({str(it["call"]) for it in cassette.recorded}) == len({str(query) for query in played})
