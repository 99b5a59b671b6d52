"""Places that orders take of a limit and do not use, and sets of names that were issued before, whoever ordered them."""

import threading

from env.limits_lab import lab_with, seconds  # noqa: F401
from env.proxy import cut_request


def test_an_order_that_never_left_uses_nothing(lab_with, new_name):
    lab = lab_with(new_orders=(1, "1h"), certificates_per_domain=(1, "1d"))
    first, second = new_name(), new_name()
    with lab.spoiling("/nonce-plz", cut_request()):
        lab.issue(first, status=75, more=["--no-preflight"])
    assert not lab.proxy.seen("/order-plz") and lab.state("new-orders") == lab.state("certificates-per-domain") == []
    lab.issue(second)
    assert lab.state("new-orders")[0]["used"] == 1
    lab.issue(first, status=75, more=["--preflight"])
    assert not lab.model.refusals


def test_an_order_whose_answer_was_lost_counts_as_an_order_alone(lab_with, new_name):
    """The CA may have made it; it has issued nothing."""
    lab = lab_with(new_orders=(2, "2h"), certificates_per_domain=(1, "1d"))
    first, second = new_name(), new_name()
    with lab.spoiling("/order-plz", cut_request()):
        lab.issue(first, status=75)
    assert lab.state("new-orders")[0]["used"] == 1 and lab.state("certificates-per-domain") == []
    lab.issue(second)
    lab.issue(first, status=75)
    assert lab.state("new-orders")[0]["used"] == 2 and not lab.model.refusals


class Held:
    """An answer of the CA that does not come until the end, and then is cut off."""

    def __init__(self):
        self.reached, self.over = threading.Event(), threading.Event()

    def __call__(self, handler, exchange):
        self.reached.set()
        self.over.wait(60)
        return cut_request()(handler, exchange)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()


def test_two_at_once_for_the_last_place(lab_with, nginx, new_name):
    """While the first is under way the second waits, and looks again soon: the first comes to nothing."""
    lab = lab_with(certificates_per_domain=(1, "1d"))
    first, second, listed = new_name(), new_name(), lab.everleaf.folder / "names"
    listed.write_text(f"{second}\n{second.replace('example.com', 'example.net')}\n")
    with Held() as held, lab.spoiling("/order-plz", held):
        process = lab.everleaf.start("issue", first, "--webroot", nginx.web_root)
        assert held.reached.wait(60)
        lab.everleaf.run("issue", "--from", listed, "--webroot", nginx.web_root, status=(3, 75))
        row = lab.everleaf.show(second)
        assert "taken by orders under way" in row["last_error"] and row["failures"] == 0
        assert seconds(row["retry_at"]) - lab.model.now() < 120, "not a day"
    process.communicate(timeout=60)
    assert process.returncode == 75 and lab.state("certificates-per-domain") == []
    lab.move(max(0, int(seconds(row["retry_at"]) - lab.model.now())) + 1)
    assert second in lab.everleaf.json("renew", "--jobs", "1", status=(0, 3, 75))["issued"]
    assert not lab.model.refusals


def test_a_look_at_places_under_way_is_no_news(lab_with, nginx, new_name):
    """However often it is looked: an event at first, and no mail that a limit makes certificates wait."""
    lab = lab_with(certificates_per_domain=(1, "1d"))
    first, second, third, listed = new_name(), new_name(), new_name(), lab.everleaf.folder / "names"
    listed.write_text(f"{second}\n{third}\n")
    news, settings = lab.everleaf.folder / "news", lab.everleaf.folder / "settings"
    script = lab.everleaf.folder / "tell"
    script.write_text(f"#!/bin/sh\necho \"$EVERLEAF_EVENT\" >> {news}\n")
    script.chmod(0o755)
    settings.write_text(f"program: {script}\n")
    settings.chmod(0o600)
    lab.everleaf.run("notify", "add", "command", "told", "--settings", settings)
    with Held() as held, lab.spoiling("/order-plz", held):
        process = lab.everleaf.start("issue", first, "--webroot", nginx.web_root)
        assert held.reached.wait(60)
        lab.everleaf.run("issue", "--from", listed, "--webroot", nginx.web_root, status=(3, 75))
        for _ in range(2):
            row = lab.everleaf.show(second)
            lab.move(max(0, int(seconds(row["retry_at"]) - lab.model.now())) + 1)
            lab.everleaf.run("renew", second, third, status=(0, 3, 75))
            assert lab.everleaf.show(second)["retry_at"] > row["retry_at"]
        assert [event["kind"] for event in lab.everleaf.json("log", second)].count("waits") == 1
    process.communicate(timeout=60)
    assert "rate-limited" not in (news.read_text() if news.exists() else "")


def test_a_set_of_names_is_a_renewal_whoever_ordered_it(lab_with, name, new_name):
    """For another certificate, by another account, when the first is no more: its own limit alone holds it."""
    lab = lab_with(new_orders=(1, "1h"), certificates_per_domain=(1, "10d"), exact_set=(4, "40d"))
    first = ["--ca", "lab", "--account", "lab"]
    lab.issue(name)
    lab.issue(name, more=["--name", "another"])
    lab.everleaf.run("account", "register", "--ca", "lab", "--email", "b@example.org", "--agree-tos", "--name", "second")
    lab.issue(name, more=["--name", "third", "--account", "second"])
    for cert in name, "another", "third":
        lab.everleaf.run("delete", cert)
    assert not any(row["counts"] for row in lab.everleaf.json("limits", name, "--ca", "lab") if row["limit"] != "exact-set")
    lab.issue(name, more=["--name", "fourth", *first])
    [state] = lab.state("exact-set")
    assert state["used"] == 4 and state["subject"] == name
    error = lab.everleaf.error("issue", name, *lab.everleaf.standalone(), "--name", "fifth", *first, status=75)
    assert "exactly this set of names" in error
    assert "new certificates for example.com" in lab.everleaf.error("issue", new_name(), *lab.everleaf.standalone(), *first, status=75)
    assert not lab.model.refusals


def test_a_set_that_a_certificate_had_before_is_a_renewal(lab_with, name):
    lab = lab_with(new_orders=(2, "2h"))
    lab.issue(name)
    lab.issue(name, "www." + name, more=["--name", name])
    lab.issue(name, more=["--name", name, "--force"])
    assert lab.everleaf.show(name)["live_version"] == 3
    assert lab.state("new-orders")[0]["used"] == 2 and not lab.model.refusals
