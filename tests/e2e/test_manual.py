"""Requests that a person completes: manual and dns-persist-01."""

import json

import pytest

from env import Nginx
from env.certs import assert_good, dns_names, load


def pending(result, name):
    row, = [each for each in result["pending"] if each["name"] == name]
    return row["challenges"]


@pytest.mark.option("issue", "--manual", "--challenge")
@pytest.mark.option("verify")
def test_dns(everleaf, dns, pebble, name):
    challenges = pending(everleaf.json("issue", name, f"*.{name}", "--manual", "--challenge", "dns-01"), name)
    assert everleaf.show(name)["status"] == "pending"
    assert len(challenges) == 2
    for challenge in challenges:
        assert challenge["type"] == "dns-01" and challenge["name"] == f"_acme-challenge.{name}"
        dns.set_txt(challenge["name"], challenge["value"])
    everleaf.run("verify", name)
    assert dns_names(load(everleaf.live(name, "cert.pem"))) == [f"*.{name}", name]
    assert everleaf.show(name)["status"] == "issued"


def test_dns_is_the_default_for_wildcards(everleaf, name):
    challenges = pending(everleaf.json("issue", f"*.{name}", "--manual"), f"_wildcard.{name}")
    assert [each["type"] for each in challenges] == ["dns-01"]


def test_http(everleaf, pebble, tmp_path, name):
    result = everleaf.run("issue", name, "--manual", "--challenge", "http-01")
    assert "/.well-known/acme-challenge/" in result.out
    challenge, = pending(everleaf.json("issue", name, "--manual", "--challenge", "http-01"), name)
    assert challenge["type"] == "http-01" and challenge["value"] in result.out, "asked again it shows the same"
    with Nginx(tmp_path / "nginx", pebble.http_port) as nginx:
        path = nginx.web_root / challenge["name"].lstrip("/")
        path.parent.mkdir(parents=True)
        path.write_text(challenge["value"])
        everleaf.run("verify", name)
        assert path.exists(), "what a person put there, a person takes away"
    assert_good(everleaf.live(name), pebble.root_file())


@pytest.mark.option("verify", "--new")
def test_new_challenge(everleaf, dns, pebble, name):
    old, = pending(everleaf.json("issue", name, "--manual", "--challenge", "dns-01"), name)
    new, = pending(everleaf.json("verify", name, "--new"), name)
    assert new["value"] != old["value"]
    dns.set_txt(new["name"], new["value"])
    everleaf.run("verify", name)
    assert_good(everleaf.live(name), pebble.root_file())


def test_verify_too_early(everleaf, dns, pebble, name):
    challenge, = pending(everleaf.json("issue", name, "--manual", "--challenge", "dns-01"), name)
    everleaf.run("verify", name, status=1)
    assert everleaf.show(name)["last_error"]
    new, = pending(everleaf.json("verify", name, "--new"), name)
    dns.set_txt(new["name"], new["value"])
    everleaf.run("verify", name)
    assert everleaf.show(name)["status"] == "issued"


def test_verify_of_what_waits_for_nobody(everleaf, name):
    everleaf.issue(name)
    everleaf.run("verify", name, status=(0, 1, 2))
    everleaf.error("verify", "nosuch", status=1)


def test_manual_renewal_asks_again(everleaf, dns, pebble, name):
    challenge, = pending(everleaf.json("issue", name, "--manual", "--challenge", "dns-01"), name)
    dns.set_txt(challenge["name"], challenge["value"])
    everleaf.run("verify", name)
    before = load(everleaf.live(name, "cert.pem")).serial_number
    result = everleaf.json("renew", name, "--force")
    challenge, = pending(result, name)
    assert load(everleaf.live(name, "cert.pem")).serial_number == before
    dns.clear_txt(challenge["name"])
    dns.set_txt(challenge["name"], challenge["value"])
    everleaf.run("verify", name)
    assert load(everleaf.live(name, "cert.pem")).serial_number != before


def test_pass_leaves_pending_ones_alone(everleaf, pebble, name):
    everleaf.run("issue", name, "--manual", "--challenge", "dns-01")
    orders = pebble.orders()
    everleaf.run("renew")
    assert pebble.orders() == orders and everleaf.show(name)["status"] == "pending"


@pytest.mark.option("issue", "--dns-persist")
def test_dns_persist(everleaf, dns, pebble, name):
    """The record is not there: it is printed and the request waits; once there, no one is asked again."""
    result = everleaf.json("issue", name, f"*.{name}", "--dns-persist")
    challenges = pending(result, name)
    assert {each["name"] for each in challenges} == {f"_validation-persist.{name}"}
    assert {each["type"] for each in challenges} == {"dns-persist-01"}
    account = everleaf.json("account", "list")[0]
    values = {each["value"] for each in challenges}
    for value in values:
        assert value.startswith("pebble.letsencrypt.org") and f"accounturi={account['url']}" in value
    assert any("policy=wildcard" in value for value in values)
    record = next(value for value in values if "policy=wildcard" in value)
    dns.set_txt(f"_validation-persist.{name}", record)
    everleaf.run("verify", name)
    assert dns_names(load(everleaf.live(name, "cert.pem"))) == [f"*.{name}", name]
    before = load(everleaf.live(name, "cert.pem")).serial_number
    assert everleaf.json("renew", name, "--force")["renewed"] == [name]
    assert load(everleaf.live(name, "cert.pem")).serial_number != before


def test_dns_persist_with_the_record_in_place(everleaf, dns, pebble, name):
    account = everleaf.json("account", "list")[0]
    dns.set_txt(f"_validation-persist.{name}", f"pebble.letsencrypt.org; accounturi={account['url']}")
    assert everleaf.json("issue", name, "--dns-persist")["issued"] == [name]


def test_dns_persist_in_the_second_wire_format(make_everleaf, proxy, name):
    """A directory with accountHashPrefix (draft -02): the record holds a hash in place of the account's URL."""
    from env.proxy import rewrite

    def second_draft(directory):
        directory["meta"].update(issuerDomainNames=["ca.example"], accountHashPrefix="https://ca.example/h/")
        return directory

    def rename(authorization):
        for challenge in authorization["challenges"]:
            if challenge["type"] == "dns-persist-01":
                challenge["issuerDomainNames"] = challenge.pop("issuer-domain-names")
        return authorization

    proxy.on("/dir$", rewrite(second_draft))
    everleaf = make_everleaf(proxy)
    proxy.on("/authZ/", rewrite(rename))
    challenge, = pending(everleaf.json("issue", name, "--dns-persist"), name)
    account = everleaf.json("account", "list")[0]
    assert account["url"] not in challenge["value"]
    assert "accounturi=https://ca.example/h/sha-256/" in challenge["value"]


def test_person_sees_what_to_publish(everleaf, name):
    result = everleaf.run("issue", name, "--manual", "--challenge", "dns-01")
    assert f"_acme-challenge.{name}" in result.out and "everleaf verify" in result.out + result.err
    text = everleaf.run("show", name).out
    assert f"_acme-challenge.{name}" in text
    assert "pending" in json.dumps(everleaf.json("list"))
