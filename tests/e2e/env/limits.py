"""
An independent model of a CA's published rate limits, in a proxy before the CA: it remembers every charge with its time,
counts what it sees on the wire and what the CA writes of its validations, and answers 429 to what exceeds a limit. It
shares no code, no list and no arithmetic with the program under test: a bucket is a number of tokens that is refilled as
time passes. What an order is held to and what it uses up are two things, as at Let's Encrypt: a renewal inside the CA's
own window is held to no limit, and yet each certificate counts; a paused name is refused whatever the order is.
"""

import datetime
import json
import math
import re
import threading
import time
from email.utils import formatdate

from env.process import wait_until
from env.proxy import problem

WORDS = {
    "new-orders": "too many new orders ({count}) from this account in the last {per}",
    "certificates-per-domain": 'too many certificates ({count}) already issued for "{subject}" in the last {per}',
    "exact-set": "too many certificates ({count}) already issued for this exact set of identifiers in the last {per}",
    "failed-validations": 'too many failed authorizations ({count}) for "{subject}" in the last {per}',
    "new-accounts": "too many new registrations ({count}) from this IP address in the last {per}",
}
PAUSED = "Your account is temporarily prevented from requesting certificates for {subject} and possibly others. Please visit: " \
         "https://portal.example/sfe/v1/unpause?jwt=abc"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RENEWAL_S = 120 * 86400

# Rules of the public suffix list (publicsuffix.org), as many as the tests' names need.
SUFFIXES = {"com", "net", "org", "io", "uk", "jp", "co.uk", "github.io", "*.ck", "!www.ck", "*.kawasaki.jp", "!city.kawasaki.jp"}


def registered(name):
    """The registered domain of a name: one label more than the longest rule that it matches; an exception goes before all."""
    labels = name.removeprefix("*.").split(".")
    for i in range(len(labels)):
        if "!" + ".".join(labels[i:]) in SUFFIXES:
            return ".".join(labels[i:])
    for i in range(len(labels)):
        if ".".join(labels[i:]) in SUFFIXES or ".".join(["*"] + labels[i + 1:]) in SUFFIXES:
            return ".".join(labels[max(0, i - 1):])
    raise AssertionError(f"no rule for {name}")


class Bucket:
    """Tokens that come back evenly, `count` in `seconds`, never more than `count`."""

    def __init__(self, count, seconds, now):
        self.count, self.rate = count, count / seconds
        self.tokens, self.at = float(count), now

    def look(self, now):
        self.tokens = min(self.count, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return self.tokens

    def wait(self, now, need=1):
        """Seconds until so many whole tokens are there."""
        return max(0.0, (need - self.look(now)) / self.rate)

    def take(self, now):
        self.look(now)
        self.tokens = max(0.0, self.tokens - 1)


class Log:
    """What a CA writes of validations that ended, from now on."""

    ENDED = re.compile(r"authz (\S+) set (VALID|INVALID) by completed challenge")

    def __init__(self, path):
        self.path, self.at = path, path.stat().st_size

    def new(self):
        """[(authorization, whether it is valid)]"""
        with open(self.path, "rb") as file:
            file.seek(self.at)
            text = file.read()
        text = text[:text.rfind(b"\n") + 1]
        self.at += len(text)
        return [(authz, word == "VALID") for authz, word in self.ENDED.findall(text.decode(errors="replace"))]


class LimitedCA:
    """limits: {"exact-set": (2, "1h"), …}. Put on a FaultProxy with watch(proxy); its clock is `offset` ahead."""

    def __init__(self, **limits):
        self.limits = {name.replace("_", "-"): limit for name, limit in limits.items()}
        self.offset = 0
        self.lock = threading.RLock()
        self.buckets, self.issued, self.orders, self.windows = {}, {}, {}, {}
        self.log, self.authzs, self.challenges, self.under_way = None, {}, {}, set()
        self.refusals, self.paused, self.exempt = [], set(), 0

    def now(self):
        return time.time() + self.offset

    def move(self, by):
        self.settle()
        self.offset += by

    def config(self, ca="lab"):
        """The same limits for Everleaf's configuration file."""
        lines = ["limits:"]
        for name, (count, per) in self.limits.items():
            lines += [f"  - ca: {ca}", f"    limit: {name}", f"    count: {count}", f"    per: {per}"]
        return "\n".join(lines) + "\n"

    def bucket(self, limit, subject):
        count, per = self.limits[limit]
        key = limit, subject
        if key not in self.buckets:
            self.buckets[key] = Bucket(count, int(per[:-1]) * SECONDS[per[-1]], self.now())
        return self.buckets[key]

    def take(self, limit, subject):
        if limit in self.limits:
            self.bucket(limit, subject).take(self.now())

    # what an order is held to

    def is_renewal(self, names):
        return self.now() - self.issued.get(tuple(sorted(names)), -1e12) < RENEWAL_S

    def is_in_window(self, replaces):
        start, end = self.windows.get(replaces, (0, 0))
        return start <= self.now() < end

    def looked_at(self, names, account, replaces):
        """[(limit, subject)] that must have room for this order."""
        if self.is_in_window(replaces):
            return []
        found = [("exact-set", tuple(sorted(names)))] + [("failed-validations", (name, account)) for name in names]
        if not self.is_renewal(names):
            found.append(("new-orders", account))
            found += [("certificates-per-domain", domain) for domain in {registered(name) for name in names}]
        return [(limit, subject) for limit, subject in found if limit in self.limits]

    def wait(self, names, account, replaces=None, careful=False):
        """(seconds, limit, subject) until this order would be accepted; 0 = now. careful: and until its failure could not be the
        one before the last that the CA takes in a row, since a pause does not end by itself."""
        with self.lock:
            self.read()
            waits = [(0.0, None, None)]
            waits += [(math.inf, "paused", name) for name in names if (name, account) in self.paused]
            if careful and "consecutive-failures" in self.limits:
                waits += [(self.bucket("consecutive-failures", (name, account)).wait(self.now(), 2), "consecutive-failures", name)
                          for name in names]
            rest = [(self.bucket(*one).wait(self.now()), *one) for one in self.looked_at(names, account, replaces)]
            start, _ = self.windows.get(replaces, (0, 0))
            if start > self.now():  # the rest does not matter from then on
                rest = [(min(wait, start - self.now()), limit, subject) for wait, limit, subject in rest]
            return max(waits + rest, key=lambda one: one[0])

    def refuse(self, handler, exchange, wait, limit, subject):
        self.refusals.append((limit, subject, wait))
        if limit == "paused":
            return problem(429, "rateLimited", PAUSED.format(subject=subject))(handler, exchange)
        count, per = self.limits[limit]
        subject = subject[0] if isinstance(subject, tuple) else subject
        at = datetime.datetime.fromtimestamp(self.now() + wait + 1, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        words = WORDS[limit].format(count=count, per=per, subject=subject)
        headers = {"Retry-After": str(int(wait) + 1), "Date": formatdate(usegmt=True)}
        return problem(429, "rateLimited", f"{words}, retry after {at} UTC: see https://ca.example/limits", headers)(handler, exchange)

    # what passes

    def new_order(self, handler, exchange):
        payload, account = exchange.payload, exchange.protected["kid"]
        names, replaces = [identifier["value"] for identifier in payload["identifiers"]], payload.get("replaces")
        with self.lock:
            wait, limit, subject = self.wait(names, account, replaces)
            if wait > 0:
                return self.refuse(handler, exchange, wait, limit, subject)
            handler.forward(exchange)
            if exchange.status == 201:
                self.exempt += self.is_in_window(replaces)
                if not self.is_in_window(replaces) and not self.is_renewal(names):
                    self.take("new-orders", account)
                url = path_of(json.loads(exchange.answer)["finalize"])
                self.orders[url] = {"names": names, "issued": False}
        return handler.pass_on(exchange)

    def finalize(self, handler, exchange):
        handler.forward(exchange)
        with self.lock:
            order = self.orders.get(exchange.path)
            if exchange.status == 200 and order and not order["issued"]:
                order["issued"] = True
                if not self.is_renewal(order["names"]):
                    for domain in {registered(name) for name in order["names"]}:
                        self.take("certificates-per-domain", domain)
                self.take("exact-set", tuple(sorted(order["names"])))
                self.issued[tuple(sorted(order["names"]))] = self.now()
        handler.pass_on(exchange)

    def authorization(self, handler, exchange):
        """Whose it is, and what proves it."""
        handler.forward(exchange)
        body = json.loads(exchange.answer) if exchange.status == 200 else {}
        with self.lock:
            authz = exchange.path.rsplit("/", 1)[1]
            if "identifier" in body:
                name = ("*." if body.get("wildcard") else "") + body["identifier"]["value"]
                self.authzs[authz] = name, exchange.protected["kid"]
                for challenge in body["challenges"]:
                    self.challenges[path_of(challenge["url"])] = authz
        handler.pass_on(exchange)

    def challenge(self, handler, exchange):
        with self.lock:
            if exchange.payload == {} and exchange.path in self.challenges:
                self.under_way.add(self.challenges[exchange.path])
        handler.forward(exchange)
        handler.pass_on(exchange)

    def read(self):
        """Counts the validations that ended, whether anybody asked how or not."""
        for authz, valid in self.log.new() if self.log else []:
            if authz in self.authzs:
                (self.validated if valid else self.failed)(self.authzs[authz])
            self.under_way.discard(authz)

    def validated(self, subject):
        self.buckets.pop(("consecutive-failures", subject), None)

    def failed(self, subject):
        self.take("failed-validations", subject)
        if "consecutive-failures" in self.limits:
            if self.bucket("consecutive-failures", subject).look(self.now()) < 1:
                self.paused.add(subject)
            self.take("consecutive-failures", subject)

    def has_settled(self):
        with self.lock:
            self.read()
            return not self.under_way

    def settle(self):
        wait_until(self.has_settled, "the CA to end its validations", 60)

    def new_account(self, handler, exchange):
        with self.lock:
            if "new-accounts" in self.limits and not exchange.payload.get("onlyReturnExisting"):
                wait = self.bucket("new-accounts", "host").wait(self.now())
                if wait > 0:
                    return self.refuse(handler, exchange, wait, "new-accounts", "host")
                self.bucket("new-accounts", "host").take(self.now())
        handler.forward(exchange)
        return handler.pass_on(exchange)

    def watch(self, proxy):
        self.log = Log(proxy.pebble.log_path)
        proxy.on("/order-plz", self.new_order, method="POST")
        proxy.on("/finalize-order/", self.finalize, method="POST")
        proxy.on("/authZ/", self.authorization, method="POST")
        proxy.on("/chalZ/", self.challenge, method="POST")
        proxy.on("/sign-me-up", self.new_account, method="POST")
        return self


def path_of(url):
    return re.sub(r"^https://[^/]+", "", url)
