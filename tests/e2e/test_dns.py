"""DNS accounts: kept, shown without their secrets, changed, refused; the commands that use one by hand, at a fake service."""

import json

import pytest

from env import Everleaf
from env.cloudflare_fake import CloudflareFake
from env.fake import Answer
from env.process import wait_until

TOKEN, OTHER_TOKEN = "right-token-0123456789", "dns-token-0123456789"
NAME = "_acme-challenge.www.example.org"
PROVIDERS = ("azure cloudflare route53 rfc2136 godaddy cloudns digitalocean google hetzner ovh gandi powerdns desec linode duckdns "
             "acme-dns exec httpreq dnsapi").split()


@pytest.fixture(scope="module")
def shared_fake():
    with CloudflareFake() as server:
        yield server


@pytest.fixture
def fake(shared_fake):
    shared_fake.reset()
    return shared_fake


@pytest.fixture
def box(tmp_path):
    return Everleaf(tmp_path / "everleaf")


@pytest.fixture
def credentials(box, fake):
    """credentials(KEY=VALUE, …) writes a file for the fake; a value of None is left out."""

    def write(**over):
        lines = {"api_token": box.secret(TOKEN), "propagation": "none", "base_url": fake.url + "/client/v4", **over}
        path = box.folder / "credentials.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items() if value is not None))
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def home(box, credentials):
    box.run("dns", "add", "cloudflare", "home", "--credentials", credentials())
    return box


@pytest.mark.option("dns add", "--credentials", "--zone")
@pytest.mark.option("dns list")
@pytest.mark.option("dns show")
@pytest.mark.option("dns delete")
def test_an_account_is_kept_and_forgotten(box, credentials):
    assert box.json("dns", "list") == []
    path = credentials(ttl=120)
    added = box.json("dns", "add", "cloudflare", "home", "--credentials", path, "--zone", "Example.org.", "--zone", "example.net")
    assert added["name"] == "home" and added["enabled"] and added["zones"] == ["example.org", "example.net"]
    path.unlink()
    assert [(row["name"], row["provider"]) for row in box.json("dns", "list")] == [("home", "cloudflare")]
    shown = box.json("dns", "show", "home")
    assert shown["settings"]["ttl"] == 120 and shown["settings"]["propagation"] == "none" and shown["certificates"] == []
    assert TOKEN not in json.dumps(shown)
    assert "cloudflare" in box.run("dns", "show", "home").out
    assert TOKEN.encode() not in box.stored(), "it is kept sealed"
    box.run("dns", "delete", "home")
    assert box.json("dns", "list") == []
    assert "no DNS account home" in box.error("dns", "show", "home", status=1)


def test_many_at_one_provider_and_credentials_in_other_forms(box, fake, tmp_path):
    token = box.secret_file("token", TOKEN)
    path = tmp_path / "plain"
    path.write_text(f"# a comment\nAPI_TOKEN_FILE={token}\nPROPAGATION=none\nBASE_URL={fake.url}/client/v4\n")
    box.run("dns", "add", "cloudflare", "one", "--credentials", path)
    box.run("dns", "add", "cloudflare", "two", "--credentials", "-", stdin=path.read_bytes())
    token.unlink()
    for account in ("one", "two"):
        box.run("dns", "present", account, NAME, f"value-{account}")
    assert sorted(fake.txt(NAME)) == ["value-one", "value-two"]


@pytest.mark.parametrize("text,words", [
    ("api_tokn: right-token-0123456789\n", "api_tokn"),
    ("email: admin@example.org\n", "api_token is missing"),
    ("api_token: right-token-0123456789\nttl: soon\n", "ttl"),
    ("api_token: right-token-0123456789\npropagation: maybe\n", "propagation"),
    ("api_token: right-token-0123456789\nresolvers: not an address\n", "resolvers"),
    ("api_token_file: /nonexistent/token\n", "/nonexistent/token"),
    ("api_token: [right-token-0123456789\n", "credentials"),
    ("", ""),
], ids=["unknown", "missing", "number", "word", "address", "file", "damaged", "empty"])
def test_wrong_credentials_are_refused_by_member(box, text, words):
    box.secret(TOKEN)
    path = box.folder / "credentials"
    path.write_text(text)
    assert words in box.error("dns", "add", "cloudflare", "home", "--credentials", path, status=2)
    assert box.json("dns", "list") == [], "nothing is stored"


def test_wrong_words_are_refused(home, credentials):
    path = credentials()
    before = home.snapshot()
    assert "already" in home.error("dns", "add", "cloudflare", "home", "--credentials", path, status=1)
    assert "cloudflare" in home.error("dns", "add", "cloudflair", "x", "--credentials", path, status=2)
    assert "name" in home.error("dns", "add", "cloudflare", "a/b", "--credentials", path, status=2)
    assert "zone" in home.error("dns", "add", "cloudflare", "x", "--credentials", path, "--zone", "exa mple.org", status=2)
    assert "--credentials" in home.error("dns", "add", "cloudflare", "x", status=2)
    assert "no-such-file" in home.error("dns", "add", "cloudflare", "x", "--credentials", "no-such-file", status=1)
    for words in (["show"], ["enable"], ["disable"], ["delete"], ["update", "--all-zones"]):
        assert "no DNS account nobody" in home.error("dns", words[0], "nobody", *words[1:], status=1)
    for words in (["test", "nobody", "example.org"], ["present", "nobody", NAME, "v"], ["cleanup", "nobody", NAME, "v"]):
        assert "no DNS account nobody" in home.error("dns", *words, status=1)
    assert home.snapshot() == before


@pytest.mark.option("dns update", "--credentials", "--zone", "--all-zones")
def test_an_update_keeps_what_it_does_not_name(home, fake, credentials, tmp_path):
    change = tmp_path / "change"
    change.write_text(f"api_token: {home.secret(OTHER_TOKEN)}\nzone: example.org\nzone_id: '{fake.zones['example.org']['id']}'\n")
    change.write_text(change.read_text().replace("'", '"'))
    home.run("dns", "update", "home", "--credentials", change)
    settings = home.json("dns", "show", "home")["settings"]
    assert settings["zone"] == "example.org" and settings["propagation"] == "none", "what it did not name is kept"
    home.run("dns", "present", "home", NAME, "v")
    assert {r.headers["authorization"] for r in fake.requests} == {f"Bearer {OTHER_TOKEN}"}, "the new token is used"
    home.run("dns", "update", "home", "--zone", "example.net")
    assert home.json("dns", "show", "home")["zones"] == ["example.net"]
    assert "bound to example.net" in home.error("dns", "present", "home", NAME, "v", status=1)
    home.run("dns", "update", "home", "--all-zones")
    home.run("dns", "present", "home", NAME, "v")
    before = home.snapshot()
    change.write_text("api_toke: x\n")
    assert "api_toke" in home.error("dns", "update", "home", "--credentials", change, status=2)
    assert "--credentials" in home.error("dns", "update", "home", status=2)
    assert "exclude" in home.error("dns", "update", "home", "--zone", "a.example", "--all-zones", status=2)
    assert home.snapshot() == before


@pytest.mark.option("dns enable")
@pytest.mark.option("dns disable")
def test_a_disabled_account_is_not_used(home, fake):
    home.run("dns", "disable", "home")
    assert not home.json("dns", "list")[0]["enabled"]
    for words in (["present", "home", NAME, "v"], ["cleanup", "home", NAME, "v"], ["test", "home", "www.example.org"]):
        assert "disabled" in home.error("dns", *words, status=1)
    assert not fake.requests
    home.run("dns", "enable", "home")
    home.run("dns", "present", "home", NAME, "v")
    assert fake.txt(NAME) == ["v"]


@pytest.mark.option("dns present")
@pytest.mark.option("dns cleanup")
def test_values_by_hand(home, fake):
    fake.plant(NAME, "plain-neighbour", ttl=3600)
    before = fake.whole()
    path = home.json("dns", "present", "home", NAME, "one", "two")
    assert path["name"] == NAME and path["zone"] == "example.org" and path["account"] == "home" and path["values"] == ["one", "two"]
    assert sorted(fake.txt(NAME)) == ["one", "plain-neighbour", "two"]
    home.run("dns", "cleanup", "home", NAME, "one", "two", "three")
    assert fake.whole() == before


def test_what_half_failed_is_taken_back(home, fake):
    before = fake.whole()
    denied = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "messages": [], "result": None}
    fake.spoil(lambda request, serve: Answer(403, denied) if fake.txt(NAME) else serve(), "POST", "/dns_records", times=2)
    line = home.error("dns", "present", "home", NAME, "one", "two", status=1)
    assert "home" in line and "DNS:Edit" in line
    assert fake.whole() == before


@pytest.mark.option("dns test")
def test_an_account_is_tried(home, fake):
    before = fake.whole()
    tried = home.json("dns", "test", "home", "*.www.example.org")
    assert tried["ok"] and tried["written"] and tried["removed"] and tried["error"] is None
    assert tried["asked"] == tried["name"] == NAME and tried["zone"] == "example.org" and len(tried["value"]) == 43
    assert fake.whole() == before
    row = home.json("dns", "list")[0]
    assert row["last_test_at"] and row["last_error"] is None
    assert "it works" in home.run("dns", "test", "home", "www.example.org").out


def test_a_failed_test_says_why(home, fake, credentials):
    home.run("dns", "add", "cloudflare", "bad", "--credentials", credentials(api_token=home.secret("wrong-token-0123456789")))
    result = home.run("--json", "dns", "test", "bad", "www.example.org", status=1)
    assert not result.json["ok"] and "API token" in result.json["error"] and "bad" in result.json["error"]
    row = [row for row in home.json("dns", "list") if row["name"] == "bad"][0]
    assert "API token" in row["last_error"]
    line = home.error("dns", "test", "home", "www.example.com", status=1)
    assert "example.com" in line and "example.org" in line, "it says which zones there are"
    assert "address" in home.error("dns", "test", "home", "192.0.2.1", status=2)


def test_the_next_test_takes_away_what_a_killed_one_left(home, fake):
    before = fake.whole()

    def kill(_, serve):
        process.kill()
        process.wait(10)
        return serve()

    fake.spoil(kill, "POST", "/dns_records")
    process = home.start("dns", "test", "home", "www.example.org")
    process.communicate(timeout=60)
    wait_until(lambda: fake.txt(NAME), "the service to act")
    fake.plant(NAME, "plain-neighbour", ttl=3600)
    left = json.loads(home.sql("select left_over from dns_accounts")[0][0])
    assert left[0] == NAME
    assert sorted(fake.txt(NAME)) == sorted(["plain-neighbour", left[3]])
    home.run("dns", "test", "home", "www.example.org")
    assert fake.txt(NAME) == ["plain-neighbour"]
    home.run("dns", "cleanup", "home", NAME, "plain-neighbour")
    assert fake.whole() == before


@pytest.mark.option("dns providers")
@pytest.mark.option("dns help")
def test_providers_are_told(box):
    rows = box.json("dns", "providers")
    assert [row["name"] for row in rows] == PROVIDERS
    text = box.run("dns", "providers").out
    for row in rows:
        assert row["verified"] and row["name"] in text
        page = box.run("dns", "help", row["name"]).out
        assert row["title"] in page and "--credentials" in page
        assert all(f"{f['name']} (" in page for f in row["settings"] + row["common"])
        assert box.json("dns", "help", row["name"]) == row
        assert any(f["secret"] for f in row["settings"]) or row["name"] in ("rfc2136", "exec", "azure")
    assert "cloudflare" in box.error("dns", "help", "nobody", status=2)
    assert not box.state.exists(), "nothing is made for that"


def test_names_for_completion(home):
    assert home.run("names", "dns").out.split() == ["home"]
    assert home.run("names", "providers").out.split() == PROVIDERS


def test_a_new_master_key_seals_accounts_too(home, fake):
    sealed = home.sql("select settings from dns_accounts")
    home.run("master-key", "rotate")
    assert home.sql("select settings from dns_accounts") != sealed
    home.run("dns", "present", "home", NAME, "v")
    assert fake.txt(NAME) == ["v"]


@pytest.mark.option("dns add", "--propagation")
@pytest.mark.option("dns update", "--propagation")
def test_how_to_see_that_a_record_has_arrived_is_an_option(box, fake, credentials):
    closed = {"servers": "['127.0.0.1:1']", "propagation_timeout": 2}
    box.run("dns", "add", "cloudflare", "one", "--credentials", credentials(**closed), "--propagation", "authoritative")
    assert "127.0.0.1:1" in box.error("dns", "present", "one", NAME, "v", status=(1, 75))
    box.run("dns", "update", "one", "--propagation", "none")
    box.run("dns", "present", "one", NAME, "v")
    assert box.json("dns", "show", "one")["settings"]["propagation"] == "none"
    box.run("dns", "add", "cloudflare", "two", "--credentials", credentials(**closed, propagation="authoritative"),
            "--propagation", "none")
    box.run("dns", "cleanup", "two", NAME, "v")
    box.run("dns", "present", "two", NAME, "w")
    assert "does not say when" in box.error("dns", "update", "two", "--propagation", "provider", status=2)
    assert "--propagation" in box.error("dns", "update", "two", "--propagation", "maybe", status=2)
