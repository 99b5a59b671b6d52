"""Everleaf behind a proxy that keeps a CA's limits, with a clock that both share."""

import contextlib
import datetime

import pytest

from env.limits import LimitedCA


def seconds(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Lab:
    """Everleaf behind a proxy that keeps the limits; both clocks move together."""

    def __init__(self, everleaf, proxy, model):
        self.everleaf, self.proxy, self.model = everleaf, proxy, model
        config = everleaf.folder / "everleaf.yaml"
        config.write_text(model.config())
        everleaf.env["EVERLEAF_CONFIG"] = str(config)
        everleaf.register(ca=proxy)
        model.watch(proxy)

    @contextlib.contextmanager
    def spoiling(self, *rule, **options):
        """As the proxy's, before the model sees the request."""
        with self.proxy.spoiling(*rule, **options) as rule:
            self.proxy.rules.sort(key=lambda one: one is not rule)
            yield

    @property
    def account(self):
        return self.everleaf.sql("select url from accounts")[0][0]

    def move(self, by):
        self.model.move(by)
        self.everleaf.env["EVERLEAF_CLOCK_OFFSET_S"] = str(self.model.offset)

    def issue(self, *names, status=(0,), more=()):
        return self.everleaf.run("issue", *names, *self.everleaf.standalone(), *more, status=status)

    def issue_by(self, site, *names):
        return self.everleaf.run("issue", *names, "--webroot", site.root)

    def suggest(self, name, start, end):
        """The CA's window for the replacement of a certificate that is live."""
        stamps = [datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (start, end)]
        self.model.windows[self.everleaf.show(name)["ari_id"]] = start, end
        self.proxy.set_renewal_info(self.everleaf.live(name, "cert.pem").read_text(),
                                    {"suggestedWindow": dict(zip(("start", "end"), stamps))})

    def state(self, limit, *words):
        return [row for row in self.everleaf.json("limits", *words) if row["limit"] == limit]


@pytest.fixture
def lab_with(bare, proxy):
    return lambda **limits: Lab(bare, proxy, LimitedCA(**limits))
