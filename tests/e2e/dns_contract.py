"""What every DNS provider must do, whatever its service: one set of tests that a provider's module is an instance of.

    @pytest.fixture(scope="module")
    def fake():
        with CloudflareFake() as server:
            yield server

    class Cloudflare:
        provider = "cloudflare"
        settings = {"api_token": "right-token-0123456789"}      # what opens the fake
        wrong = {"api_token": "wrong-token-0123456789"}         # what it refuses with 401 or 403
        wrong_words = "does not accept the API token"           # in the error's line; a regular expression
        denied = (403, {}, {...})                               # its answer where a right is missing
        denied_words = "DNS:Edit"                               # the missing right, as the error must name it
        write = ("POST", "/dns_records")                        # method and path of the call that adds
        remove = ("DELETE", "/dns_records/")                    # and of the one that removes
        read = ("GET", "/dns_records")                          # what is read before writing; None: nothing
        base_path = "/client/v4"                                # of the fake's URL; "" by default

    class TestCloudflare(Cloudflare, Acts, Faults):
        pass

    class TestCloudflareByPrism(Cloudflare, Acts):              # the same through the vendor's description
        @pytest.fixture
        def base_url(self, prism): return prism.url

The fake (a subclass of env.fake.Fake) has a zone example.org with records of several types, and besides

    plant(name, value, ttl=…)   puts a TXT record there as somebody else would (name whole; value without quotes)
    txt(name)                   the TXT values at this whole name, without quotes, doubles told twice
    whole()                     everything in all zones, in a form that is equal for equal zones (no serial numbers)

reset() gives the first state again; it is called before each test. Everything goes through `everleaf dns
add|present|cleanup|test`. A provider that cannot do a thing says so, `two_values = False`, `neighbours = False`, and has tests of
its own of what it does instead: those here that need it are not collected.
"""

import re

import pytest

from env import Everleaf, made
from env.fake import Together

ZONE = "example.org"
NAME = "_acme-challenge.www.example.org"
ONE = "ZV8mF0hXwzmjZ0Jyh6W3kX6wAqJ0M1-one_0123456"
TWO = "q9dK2m7bTtGqYx0uQyqT5o3pLh-dS8d2two_0123456"
NEIGHBOURS = [("plain-neighbour", 3600), ('says "hello" and C:\\path; k=v', 7200), ("long-" + "0123456789" * 50, 86400)]
HTML = (200, {"Content-Type": "text/html"}, "<html><body>Maintenance\x1b[31m</body></html>")

NEED_TWO_VALUES = ["test_apex_and_wildcard_at_once", "test_a_second_value_leaves_the_first", "test_two_programs_at_one_name"]
NEED_NEIGHBOURS = ["test_neighbours_stay_as_they_are"]


class Contract:
    provider = None
    settings, wrong = {}, {}
    wrong_words = denied_words = None
    denied = None
    write = remove = None
    read = None
    base_path = ""
    two_values = neighbours = True
    name = NAME
    public = ()     # settings that are no secrets

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name in [*(() if cls.two_values else NEED_TWO_VALUES), *(() if cls.neighbours else NEED_NEIGHBOURS)]:
            if name not in vars(cls):
                setattr(cls, name, None)

    @pytest.fixture(autouse=True)
    def clean(self, fake):
        fake.reset()

    @pytest.fixture
    def base_url(self, fake):
        return fake.url + self.base_path

    @pytest.fixture
    def box(self, tmp_path):
        """Everleaf on a state that holds nothing yet."""
        return Everleaf(tmp_path / "everleaf", like=made())

    def lines(self, base_url, **over):
        return {"propagation": "none", "base_url": base_url, **self.settings, **over}

    def make(self, box, base_url, name="acct", **over):
        """An account at the fake; a setting of None is left out."""
        lines = {key: value for key, value in self.lines(base_url, **over).items() if value is not None}
        path = box.folder / f"{name}.yaml"
        path.write_text("".join(f"{key}: {value!r}\n" if isinstance(value, str) else f"{key}: {value}\n"
                                for key, value in lines.items()))
        path.chmod(0o600)
        for key in {*self.settings, *self.wrong} - set(self.public):
            if isinstance(lines.get(key), str):
                box.secret(lines[key])
        box.run("dns", "add", self.provider, name, "--credentials", path)

    @pytest.fixture
    def account(self, box, base_url, fake):
        """The account `acct`; afterwards no secret has been in a request's address."""
        self.make(box, base_url)
        yield box
        for request in fake.requests:
            assert not [s for s in box.secrets if s in request.target], f"a secret in an address: {request.target}"

    def names_all(self, line, *words):
        """The error's line names the account, the provider, and these."""
        for word in ("acct", self.provider, *words):
            assert re.search(word, line), f"{word!r} is not in: {line}"
        assert len(line) < 600 and "\x1b" not in line


class Acts(Contract):
    """What is done when nothing goes wrong; meant to be run through Prism as well."""

    def test_a_value_comes_and_goes(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", self.name, ONE)
        assert fake.txt(self.name) == [ONE]
        account.run("dns", "cleanup", "acct", self.name, ONE)
        assert fake.whole() == before

    def test_the_account_is_tried(self, account, fake):
        before = fake.whole()
        account.run("dns", "test", "acct", self.name.removeprefix("_acme-challenge."))
        assert fake.seen(*self.write), "nothing was written"
        assert fake.whole() == before

    def test_apex_and_wildcard_at_once(self, account, fake):
        before = fake.whole()
        account.run("dns", "present", "acct", f"_acme-challenge.{ZONE}", ONE, TWO)
        assert sorted(fake.txt(f"_acme-challenge.{ZONE}")) == sorted([ONE, TWO])
        account.run("dns", "cleanup", "acct", f"_acme-challenge.{ZONE}", ONE)
        assert fake.txt(f"_acme-challenge.{ZONE}") == [TWO]
        account.run("dns", "cleanup", "acct", f"_acme-challenge.{ZONE}", TWO)
        assert fake.whole() == before

    def test_a_second_value_leaves_the_first(self, account, fake):
        account.run("dns", "present", "acct", self.name, ONE)
        account.run("dns", "present", "acct", self.name, TWO)
        assert sorted(fake.txt(self.name)) == sorted([ONE, TWO])
        account.run("dns", "cleanup", "acct", self.name, ONE, TWO)
        assert fake.txt(self.name) == []

    def test_there_already_is_fine(self, account, fake):
        account.run("dns", "present", "acct", self.name, ONE)
        after = fake.whole()
        account.run("dns", "present", "acct", self.name, ONE)
        assert fake.whole() == after and fake.txt(self.name) == [ONE]

    def test_gone_already_is_fine(self, account, fake):
        before = fake.whole()
        account.run("dns", "cleanup", "acct", self.name, ONE)
        assert fake.whole() == before

    def test_neighbours_stay_as_they_are(self, account, fake):
        for value, ttl in NEIGHBOURS:
            fake.plant(self.name, value, ttl=ttl)
        fake.plant(f"not{self.name}", ONE, ttl=3600)
        before = fake.whole()
        account.run("dns", "present", "acct", self.name, ONE)
        assert sorted(fake.txt(self.name)) == sorted([ONE] + [value for value, _ in NEIGHBOURS])
        account.run("dns", "cleanup", "acct", self.name, ONE)
        assert fake.whole() == before

    def test_names_in_any_form(self, account, fake):
        account.run("dns", "present", "acct", self.name.upper() + ".", ONE)
        assert fake.txt(self.name) == [ONE]
        account.run("dns", "cleanup", "acct", self.name.title(), ONE)
        assert fake.txt(self.name) == []


PASSING = {
    "429": (429, {"Retry-After": "1"}, {"message": "slow down"}),
    "503": (503, {}, "<html>down</html>"),
    "500": (500, {}, {"message": "oops"}),
    "cut-before": "cut-before",
    "cut-after": "cut-after",
    "slow": 0.7,
}


class Faults(Contract):
    """What goes wrong on the way; directly at the fake."""

    def surround(self, fake):
        if self.neighbours:
            fake.plant(self.name, *NEIGHBOURS[1][:1], ttl=NEIGHBOURS[1][1])
        return fake.whole()

    @pytest.mark.parametrize("fault", PASSING)
    def test_adding_survives(self, account, fake, fault):
        before = self.surround(fake)
        spoilt = fake.spoil(PASSING[fault], *self.write)
        account.run("dns", "present", "acct", self.name, ONE)
        assert spoilt.n == 1, "the fault was never met"
        assert fake.txt(self.name).count(ONE) == 1
        account.run("dns", "cleanup", "acct", self.name, ONE)
        assert fake.whole() == before

    @pytest.mark.parametrize("fault", PASSING)
    def test_removing_survives(self, account, fake, fault):
        before = self.surround(fake)
        account.run("dns", "present", "acct", self.name, ONE)
        spoilt = fake.spoil(PASSING[fault], *self.remove_call())
        account.run("dns", "cleanup", "acct", self.name, ONE)
        assert spoilt.n == 1, "the fault was never met"
        assert fake.whole() == before

    def remove_call(self):
        return self.remove

    @pytest.mark.parametrize("fault", ["429", "503", "cut-before", "cut-after"])
    def test_the_first_call_survives(self, account, fake, fault):
        spoilt = fake.spoil(PASSING[fault])
        account.run("dns", "present", "acct", self.name, ONE)
        assert spoilt.n == 1 and fake.txt(self.name) == [ONE]

    def test_retry_after_is_waited_for_but_not_for_ever(self, account, fake):
        before = fake.whole()
        fake.spoil((429, {"Retry-After": "3600"}, {"message": "slow down"}), times=None)
        self.names_all(account.error("dns", "present", "acct", self.name, ONE, status=75, timeout=20), "429|wait|slow down")
        assert fake.whole() == before

    def test_a_page_in_html_is_told(self, account, fake):
        before = fake.whole()
        fake.spoil(HTML, times=None)
        self.names_all(account.error("dns", "present", "acct", self.name, ONE, status=(1, 75)))
        assert fake.whole() == before

    @pytest.mark.parametrize("body", ["{}", "[]", '{"result": 5, "data": {}, "domains": "x", "domain_records": 7}', '{"a":', "[" * 500])
    def test_another_shape_is_an_error_and_no_crash(self, account, fake, body):
        before = fake.whole()
        fake.spoil((200, {"Content-Type": "application/json"}, body), times=None)
        result = account.run("dns", "cleanup", "acct", self.name, ONE, status=None)
        assert result.status in (0, 1, 75) and fake.whole() == before
        result = account.run("dns", "present", "acct", self.name, ONE, status=None)
        assert result.status in (1, 75) and fake.whole() == before, str(result)

    def test_a_wrong_key_is_named(self, box, base_url, fake):
        self.make(box, base_url, **self.wrong)
        before = fake.whole()
        self.names_all(box.error("dns", "present", "acct", self.name, ONE, status=1), self.wrong_words)
        assert fake.whole() == before

    def test_a_missing_right_is_named(self, account, fake):
        before = fake.whole()
        fake.spoil(self.denied, *self.write, times=None)
        self.names_all(account.error("dns", "present", "acct", self.name, ONE, status=1), ZONE, self.denied_words)
        assert fake.whole() == before

    def test_no_such_zone(self, account, fake):
        before = fake.whole()
        line = account.error("dns", "present", "acct", "_acme-challenge.www.elsewhere.example", ONE, status=1)
        self.names_all(line, "elsewhere.example")
        assert fake.whole() == before

    def test_two_programs_at_one_name(self, account, fake):
        before = self.surround(fake)
        if self.read:  # each that reads is held until the other has read too, unless they take turns
            fake.before(Together(2, limit_s=1), *self.read)
        started = [account.start("dns", "present", "acct", self.name, value) for value in (ONE, TWO)]
        for process in started:
            assert process.wait(60) == 0, process.stderr.read()
        assert fake.txt(self.name).count(ONE) == 1 and fake.txt(self.name).count(TWO) == 1
        started = [account.start("dns", "cleanup", "acct", self.name, value) for value in (ONE, TWO)]
        for process in started:
            assert process.wait(60) == 0, process.stderr.read()
        assert fake.whole() == before

    @pytest.mark.parametrize("acted", [True, False], ids=["acted", "not acted"])
    @pytest.mark.parametrize("doing", ["present", "cleanup"])
    def test_killed_at_the_call(self, account, fake, doing, acted):
        """Whatever the service did of it, the next command puts it right, and nothing else has changed."""
        before = self.surround(fake)
        if doing == "cleanup":
            account.run("dns", "present", "acct", self.name, ONE)
        call = self.write if doing == "present" else self.remove_call()
        killed = []

        def kill(request):
            if not killed:
                killed.append(request)
                process.kill()
                process.wait(10)

        fake.before(kill, *call)
        if not acted:
            fake.spoil("cut-before", *call)
        process = account.start("dns", doing, "acct", self.name, ONE)
        process.communicate(timeout=60)
        assert killed and process.returncode < 0, "it ended by itself"
        assert fake.txt(self.name).count(ONE) <= 1
        account.run("dns", "present", "acct", self.name, ONE, timeout=120)
        assert fake.txt(self.name).count(ONE) == 1
        account.run("dns", "cleanup", "acct", self.name, ONE)
        assert fake.whole() == before
