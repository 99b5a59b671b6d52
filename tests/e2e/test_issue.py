"""Every way to prove a name, seen from outside: what the CA issued, and what is left behind afterwards."""

import json
import socket

import pytest

from env import Everleaf, FaultProxy
from env.certs import assert_good, dns_names, ip_names, load, same_serial
from env.proxy import unbase64


@pytest.mark.option("issue", "--ca", "--email", "--agree-tos", "--standalone")
@pytest.mark.option("", "--state", "--ca-bundle")
def test_one_command_registers_and_issues(bare, pebble, name):
    bare.env.pop("EVERLEAF_STATE")
    bare.env.pop("EVERLEAF_CA_BUNDLE")
    result = bare.json("--state", bare.state, "--ca-bundle", bare.lab.root, "issue", name, "--ca", pebble.directory,
                       "--standalone", pebble.http_address, "--email", "a@example.org", "--agree-tos")
    assert result == {"issued": [name], "renewed": [], "unchanged": [], "failed": [], "pending": []}
    live = bare.live(name)
    assert_good(live, pebble.root_file())
    assert live.is_symlink() and not str(live.readlink()).startswith("/")
    assert live.resolve().parent == bare.state / "versions" / name
    assert bare.state.stat().st_mode & 0o777 == 0o700
    assert bare.database or (bare.state / "everleaf.db").stat().st_mode & 0o077 == 0
    assert (bare.state / "master.key").stat().st_mode & 0o777 == 0o600


def test_without_an_account_it_says_how_to_register(bare, pebble, name):
    error = bare.error("issue", name, "--ca", pebble.directory, *bare.standalone(), status=(1, 2))
    assert "account" in error


@pytest.mark.option("issue", "--webroot")
def test_webroot(everleaf, nginx, pebble, name):
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    assert_good(everleaf.live(name), pebble.root_file())
    assert "/.well-known/acme-challenge/" in (nginx.folder / "access.log").read_text()
    assert not list(nginx.web_root.rglob(".well-known")), "folders that we made are taken away again"


def test_webroot_keeps_folders_that_were_there(everleaf, nginx, name):
    folder = nginx.web_root / ".well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / "mine").write_text("x")
    everleaf.run("issue", name, "--webroot", nginx.web_root)
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_webroot_leaves_nothing_after_a_failure(everleaf, pebble, tmp_path, name):
    """Nobody serves this web root: validation fails, the file goes all the same."""
    (tmp_path / "www").mkdir()
    error = everleaf.error("issue", name, "--webroot", tmp_path / "www", status=1)
    assert name in error
    assert not list((tmp_path / "www").rglob("*"))
    assert everleaf.show(name)["status"] == "failed"


def test_webroot_does_not_follow_links_out(everleaf, nginx, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (nginx.web_root / ".well-known").symlink_to(tmp_path / "elsewhere")
    result = everleaf.run("issue", name, "--webroot", nginx.web_root, status=None)
    assert result.status == 1, result
    assert not list((tmp_path / "elsewhere").rglob("*"))


def test_standalone_stops_listening(everleaf, pebble, name):
    everleaf.issue(name)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", pebble.http_port), 2)


def test_standalone_on_ipv6(everleaf, dns, pebble, name):
    dns.add_a(name, "127.0.0.2")
    dns.add_aaaa(name, "::1")
    everleaf.run("issue", name, "--standalone", f"[::1]:{pebble.http_port}")
    assert_good(everleaf.live(name), pebble.root_file())


def test_standalone_by_port_alone_hears_both_families(everleaf, dns, pebble, new_name):
    four, six = new_name(), new_name()
    dns.add_aaaa(six, "::1")
    everleaf.run("issue", four, six, "--standalone", f":{pebble.http_port}")
    assert dns_names(load(everleaf.live(four, "cert.pem"))) == sorted([four, six])


@pytest.mark.option("issue", "--alpn")
def test_alpn(everleaf, pebble, new_name):
    one, two = new_name(), new_name()
    everleaf.run("issue", one, two, "--alpn", pebble.tls_address)
    assert_good(everleaf.live(one), pebble.root_file())
    assert dns_names(load(everleaf.live(one, "cert.pem"))) == sorted([one, two])


def test_alpn_on_ipv6(everleaf, dns, pebble, name):
    dns.add_a(name, "127.0.0.2")
    dns.add_aaaa(name, "::1")
    everleaf.run("issue", name, "--alpn", f"[::1]:{pebble.tls_port}")
    assert_good(everleaf.live(name), pebble.root_file())


def test_a_port_that_is_no_address_is_a_name(everleaf, pebble, name):
    """--standalone takes the next word only if it reads ADDR:PORT."""
    error = everleaf.error("issue", "--standalone", "not-an-address", status=(1, 2))
    assert error
    assert everleaf.names() in ([], ["not-an-address"])


def test_hundred_names(everleaf, pebble, new_name):
    names = [new_name() for _ in range(100)]
    before = pebble.orders()
    everleaf.issue(*names)
    certificate = load(everleaf.live(names[0], "cert.pem"))
    assert dns_names(certificate) == sorted(names)
    assert_good(everleaf.live(names[0]), pebble.root_file())
    assert pebble.orders() == before + 1


def test_international_names(everleaf, pebble, new_name):
    tail = new_name()
    everleaf.issue(f"bücher.{tail}", f"BÜCHER2.{tail}.")
    ascii_names = [f"xn--bcher-kva.{tail}", f"xn--bcher2-n2a.{tail}"]
    row = everleaf.json("list")[0]
    folder = everleaf.live(row["name"])
    assert dns_names(load(folder / "cert.pem")) == sorted(name.encode("idna").decode() if not name.isascii() else name
                                                          for name in (f"bücher.{tail}", f"bücher2.{tail}"))
    assert ascii_names[0] in dns_names(load(folder / "cert.pem"))


def test_names_are_compared_in_lower_case_without_dot(everleaf, name):
    everleaf.issue(name)
    result = everleaf.issue(name.upper() + ".")
    assert result["unchanged"] == [name]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_ip_addresses_by_http(everleaf, pebble, address):
    where = f"[{address}]" if ":" in address else address
    everleaf.run("issue", address, "--standalone", f"{where}:{pebble.http_port}")
    certificate = load(everleaf.live(everleaf.names()[0], "cert.pem"))
    assert ip_names(certificate) == [address]
    assert not [a for a in certificate.subject if a.oid.dotted_string == "2.5.4.3" and a.value == address]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_ip_addresses_by_alpn(everleaf, pebble, address):
    where = f"[{address}]" if ":" in address else address
    everleaf.run("issue", address, "--alpn", f"{where}:{pebble.tls_port}")
    assert ip_names(load(everleaf.live(everleaf.names()[0], "cert.pem"))) == [address]


def test_name_and_address_together(everleaf, pebble, name):
    everleaf.run("issue", name, "127.0.0.1", "0:0:0:0:0:0:0:1", "--standalone", f":{pebble.http_port}")
    certificate = load(everleaf.live(name, "cert.pem"))
    assert dns_names(certificate) == [name] and ip_names(certificate) == ["127.0.0.1", "::1"]


@pytest.mark.option("issue", "--name")
def test_certificate_has_a_name_of_its_own(everleaf, name):
    assert everleaf.issue(name, "--name", "shop")["issued"] == ["shop"]
    assert everleaf.names() == ["shop"]
    assert everleaf.live("shop", "cert.pem").exists()


@pytest.mark.option("issue", "--profile")
def test_profile(make_everleaf, profiled, name):
    everleaf = make_everleaf(profiled)
    everleaf.issue(name, "--profile", "shortlived")
    certificate = load(everleaf.live(name, "cert.pem"))
    assert 5 < (certificate.not_valid_after - certificate.not_valid_before).total_seconds() / 86400 < 7
    assert everleaf.show(name)["profile"] == "shortlived"


def test_profile_that_the_ca_does_not_list_is_never_sent(make_everleaf, profiled, lab, name):
    with FaultProxy(profiled, lab) as proxy:
        everleaf = make_everleaf(proxy)
        error = everleaf.error("issue", name, "--profile", "gone", *everleaf.standalone(), status=(1, 2))
        assert "gone" in error and "shortlived" in error
        assert not proxy.seen("/order-plz")


@pytest.mark.option("issue", "--preferred-chain")
def test_preferred_chain(everleaf, pebble, new_name):
    for number in (0, 1):
        root = load(pebble.root_file(number))
        common_name = root.subject.rfc4514_string().removeprefix("CN=")
        name = new_name()
        everleaf.issue(name, "--preferred-chain", common_name)
        assert_good(everleaf.live(name), pebble.root_file(number))
        top = everleaf.live(name, "chain.pem").read_text().split("-----END CERTIFICATE-----")[-2]
        (everleaf.folder / "top.pem").write_text(top.strip() + "\n-----END CERTIFICATE-----\n")
        assert load(everleaf.folder / "top.pem").issuer == root.subject


def test_preferred_chain_that_is_not_offered(everleaf, name):
    """The default one is taken, and said so, rather than leaving the server without a certificate."""
    result = everleaf.run("issue", name, "--preferred-chain", "No Such Root", *everleaf.standalone())
    assert "No Such Root" in result.err + "".join(str(event) for event in everleaf.json("log", name))


def test_list_row(everleaf, pebble, name):
    everleaf.issue(name)
    row, = everleaf.json("list")
    certificate = load(everleaf.live(name, "cert.pem"))
    assert {"name", "status", "domains", "ca", "account", "key_type", "serial", "issuer", "not_before", "not_after",
            "renew_at", "last_error"} <= set(row)
    assert (row["name"], row["status"], row["domains"], row["ca"], row["key_type"]) == (name, "issued", [name], "lab",
                                                                                       "ec256")
    assert same_serial(row["serial"], certificate)
    assert row["not_after"] == certificate.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert row["not_before"] < row["renew_at"] < row["not_after"]
    assert not row["last_error"]
    assert "Intermediate" in row["issuer"]
    text = everleaf.run("list").out
    assert name in text and "issued" in text


@pytest.mark.option("issue", "--from", "--jobs")
def test_issue_from_a_file(everleaf, pebble, new_name):
    names = [new_name() for _ in range(6)]
    path = everleaf.folder / "names.txt"
    path.write_text(f"# a comment\n\n{names[0]}\n{names[1]} {names[2]} > pair\n" + "\n".join(names[3:]) + "\n")
    result = everleaf.json("issue", "--from", path, "--jobs", "3", *everleaf.standalone())
    assert sorted(result["issued"]) == sorted([names[0], "pair", *names[3:]])
    assert dns_names(load(everleaf.live("pair", "cert.pem"))) == sorted(names[1:3])
    again = everleaf.json("issue", "--from", path, "--jobs", "3", *everleaf.standalone())
    assert sorted(again["unchanged"]) == sorted(result["issued"]) and not again["issued"]


def test_one_failure_does_not_stop_the_rest(everleaf, dns, new_name):
    names = [new_name() for _ in range(4)]
    dns.set_servfail(names[1])
    path = everleaf.folder / "names.txt"
    path.write_text("\n".join(names) + "\n")
    result = everleaf.json("issue", "--from", path, "--jobs", "2", *everleaf.standalone(), status=3)
    assert sorted(result["issued"]) == sorted([names[0], names[2], names[3]])
    assert [row["name"] for row in result["failed"]] == [names[1]]
    assert names[1] in result["failed"][0]["error"]


def test_failure_of_one_name_is_tied_to_that_name(everleaf, dns, new_name):
    good, bad = new_name(), new_name()
    dns.add_a(bad, "127.0.0.9")
    error = everleaf.error("issue", good, bad, *everleaf.standalone(), status=1)
    assert bad in error
    assert bad in everleaf.show(good)["last_error"]


def test_again_changes_nothing(everleaf, pebble, name):
    everleaf.issue(name)
    before, orders = everleaf.live(name).resolve(), pebble.orders()
    assert everleaf.issue(name)["unchanged"] == [name]
    assert everleaf.live(name).resolve() == before and pebble.orders() == orders


@pytest.mark.option("issue", "--force")
def test_force(everleaf, name):
    everleaf.issue(name)
    before = load(everleaf.live(name, "cert.pem")).serial_number
    result = everleaf.issue(name, "--force")
    assert result["issued"] + result["renewed"] == [name]
    assert load(everleaf.live(name, "cert.pem")).serial_number != before


@pytest.mark.parametrize("change", [["--key-type", "ec384"], ["--profile", "default"],
                                    ["--organization", "Example Ltd"]])
def test_what_changes_the_certificate_issues_again(everleaf, name, change):
    everleaf.issue(name)
    before = load(everleaf.live(name, "cert.pem")).serial_number
    result = everleaf.issue(name, *change)
    assert result["issued"] + result["renewed"] == [name]
    assert load(everleaf.live(name, "cert.pem")).serial_number != before


def test_another_set_of_names_issues_again(everleaf, new_name):
    one, two, three = (new_name() for _ in range(3))
    everleaf.issue(one, "--name", "c")
    everleaf.issue(one, two, three, "--name", "c")
    assert dns_names(load(everleaf.live("c", "cert.pem"))) == sorted([one, two, three])
    assert everleaf.issue(one, three, two, "--name", "c")["unchanged"] == ["c"], "the order changes only the common name"


def test_what_does_not_change_the_certificate_only_updates_the_record(everleaf, pebble, name, tmp_path):
    everleaf.issue(name)
    orders = pebble.orders()
    (tmp_path / "www").mkdir()
    result = everleaf.json("issue", name, "--webroot", tmp_path / "www", "--renew-before", "20d")
    assert result["unchanged"] == [name] and pebble.orders() == orders
    row = everleaf.show(name)
    assert row["method"] == "webroot" and row["renew_before"] == "20d"


@pytest.mark.option("issue", "--self-signed-first")
def test_self_signed_first(everleaf, dns, pebble, name):
    """While the CA cannot validate, a stand-in serves; the real one replaces it."""
    dns.add_a(name, "127.0.0.9")
    everleaf.run("issue", name, "--self-signed-first", "--organization", "Example Ltd", *everleaf.standalone(), status=1)
    stand_in = load(everleaf.live(name, "cert.pem"))
    assert stand_in.issuer == stand_in.subject and dns_names(stand_in) == [name]
    assert "Example Ltd" in stand_in.subject.rfc4514_string()
    dns.post("clear-a", host=name + ".")
    everleaf.run("issue", name, *everleaf.standalone())
    assert_good(everleaf.live(name), pebble.root_file())


@pytest.mark.option("issue", "--dry-run")
@pytest.mark.option("ca add", "--staging")
def test_dry_run(bare, pebble, make_pebble, lab, nginx, name):
    """Everything against the staging directory; nothing is kept, nothing deployed."""
    staging = make_pebble()
    staging_url = staging.directory
    bare.run("ca", "add", "lab", pebble.directory, "--ca-bundle", lab.root, "--staging", staging_url)
    bare.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos")
    ran = bare.folder / "ran"
    hook = bare.folder / "deploy"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    orders = pebble.orders()
    bare.run("issue", name, "--dry-run", "--deploy-hook", hook, "--standalone", staging.http_address)
    assert pebble.orders() == orders and staging.orders() == 1 and staging.certificates() == 1
    assert bare.names() == [] and not bare.live(name).exists() and not ran.exists()
    assert len(bare.json("account", "list")) == 1, "the staging account is not listed among one's own"


def test_dry_run_without_staging(everleaf, name):
    error = everleaf.error("issue", name, "--dry-run", *everleaf.standalone(), status=2)
    assert "staging" in error
    assert everleaf.names() == []


@pytest.mark.option("issue", "--no-preflight", "--preflight")
def test_no_preflight(everleaf, name):
    assert everleaf.issue(name, "--no-preflight")["issued"] == [name]
    assert everleaf.show(name)["preflight"] is False


@pytest.mark.option("issue", "--account")
def test_account_is_chosen(everleaf, pebble, name):
    everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", "second")
    everleaf.issue(name, "--account", "second")
    assert everleaf.show(name)["account"] == "second"


@pytest.mark.option("delete")
def test_delete_forgets(everleaf, pebble, name):
    everleaf.issue(name)
    serial = everleaf.show(name)["serial"]
    everleaf.run("delete", name)
    assert everleaf.names() == [] and not everleaf.live(name).exists()
    assert not (everleaf.state / "versions" / name).exists()
    assert pebble.certificate_status(serial)["Status"] == "Valid", "it stays valid at the CA"


@pytest.mark.slow
def test_slow_validation(make_pebble, make_everleaf, name):
    """The CA takes its time, says `processing` and Retry-After; the client neither hurries nor gives up."""
    slow = make_pebble(env={"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "4"},
                       config={"retryAfter": {"authz": 2, "order": 2}})
    everleaf = make_everleaf(slow)
    everleaf.issue(name)
    assert_good(everleaf.live(name), slow.root_file())


@pytest.mark.slow
@pytest.mark.threads
def test_half_of_all_nonces_refused(make_pebble, make_everleaf, new_name):
    """100 certificates of 100, with every second nonce refused and authorizations reused at random."""
    rude = make_pebble(env={"PEBBLE_WFE_NONCEREJECT": "50", "PEBBLE_AUTHZREUSE": "50"})
    everleaf = make_everleaf(rude)
    path = everleaf.folder / "names.txt"
    path.write_text("".join(f"{new_name()}\n" for _ in range(100)))
    result = everleaf.json("issue", "--from", path, "--jobs", "4", *everleaf.standalone(), timeout=240)
    assert len(result["issued"]) == 100 and not result["failed"]
    assert rude.certificates() == 100


@pytest.mark.option("account register", "--eab-kid", "--eab-hmac-file", "--eab-alg")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_external_account_binding(make_pebble, lab, tmp_path, name, alg):
    hmac_key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12WzWNDZM6eQGHWpSRTPal5eA"  # 64 bytes, as HS512 wants
    strict = make_pebble(config={"externalAccountBindingRequired": True, "externalAccountMACKeys": {"kid-1": hmac_key}})
    everleaf = Everleaf(tmp_path / "eab", strict, lab)
    everleaf.run("ca", "add", "lab", strict.directory, "--ca-bundle", lab.root)
    error = everleaf.error("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", status=(1, 2))
    assert "--eab-kid" in error
    wrong = everleaf.secret_file("wrong", "AAAAZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")
    everleaf.error("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--eab-kid", "kid-1",
                   "--eab-hmac-file", wrong, status=1)
    assert everleaf.json("account", "list") == []
    right = everleaf.secret_file("right", hmac_key)
    everleaf.run("account", "register", "--ca", "lab", "--email", "a@example.org", "--agree-tos", "--eab-kid", "kid-1",
                 "--eab-hmac-file", right, *([] if alg == "HS256" else ["--eab-alg", alg]))
    everleaf.issue(name)
    everleaf.issue(name, "--force")
    assert_good(everleaf.live(name), strict.root_file())
