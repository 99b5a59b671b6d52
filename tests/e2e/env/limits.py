"""
An independent model of a CA's published rate limits, in a proxy before the CA: it remembers every charge with its time,
counts what it sees on the wire, and answers 429 to what exceeds a limit. It shares no code and no arithmetic with the
program under test: a bucket is a number of tokens that is refilled as time passes.
"""

import datetime
import json
import re
import threading
import time
from email.utils import formatdate

from env.proxy import problem

WORDS = {
    "new-orders": "too many new orders ({count}) from this account in the last {per}",
    "certificates-per-domain": 'too many certificates ({count}) already issued for "{subject}" in the last {per}',
    "exact-set": "too many certificates ({count}) already issued for this exact set of identifiers in the last {per}",
    "failed-validations": 'too many failed authorizations ({count}) for "{subject}" in the last {per}',
    "new-accounts": "too many new registrations ({count}) from this IP address in the last {per}",
}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RENEWAL_S = 120 * 86400


class Bucket:
    """Tokens that come back evenly, `count` in `seconds`, never more than `count`."""

    def __init__(self, count, seconds, now):
        self.count, self.rate = count, count / seconds
        self.tokens, self.at = float(count), now

    def look(self, now):
        self.tokens = min(self.count, self.tokens + (now - self.at) * self.rate)
        self.at = now
        return self.tokens

    def wait(self, now):
        """Seconds until a whole token is there."""
        return max(0.0, (1 - self.look(now)) / self.rate)

    def take(self, now):
        self.look(now)
        self.tokens = max(0.0, self.tokens - 1)


class LimitedCA:
    """limits: {"exact-set": (2, "1h"), …}. Put on a FaultProxy with watch(proxy); its clock is `offset` ahead."""

    def __init__(self, **limits):
        self.limits = {name.replace("_", "-"): limit for name, limit in limits.items()}
        self.offset = 0
        self.lock = threading.Lock()
        self.buckets, self.issued, self.orders, self.windows = {}, {}, {}, {}
        self.refusals, self.counted_failures, self.exempt = [], set(), 0

    def now(self):
        return time.time() + self.offset

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

    def touched(self, names, account, replaces):
        """[(limit, subject)] that this order counts in."""
        names = sorted(names)
        now = self.now()
        start, end = self.windows.get(replaces, (0, 0))
        if start <= now < end:
            return None
        renewal = now - self.issued.get(tuple(names), -1e12) < RENEWAL_S
        list_ = []
        if not renewal:
            list_.append(("new-orders", account))
            list_ += [("certificates-per-domain", domain) for domain in sorted({registered(name) for name in names})]
        list_.append(("exact-set", tuple(names)))
        list_ += [("failed-validations", (name, account)) for name in names]
        return [(limit, subject) for limit, subject in list_ if limit in self.limits]

    def wait(self, names, account, replaces=None):
        """(seconds, limit, subject) until this order would be accepted; 0 = now."""
        longest = (0.0, None, None)
        for limit, subject in self.touched(names, account, replaces) or []:
            wait = self.bucket(limit, subject).wait(self.now())
            if wait > longest[0]:
                longest = (wait, limit, subject)
        return longest

    def refuse(self, handler, exchange, wait, limit, subject):
        count, per = self.limits[limit]
        self.refusals.append((limit, subject, wait))
        subject = subject[0] if isinstance(subject, tuple) else subject
        at = datetime.datetime.fromtimestamp(self.now() + wait + 1, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        words = WORDS[limit].format(count=count, per=per, subject=subject)
        headers = {"Retry-After": str(int(wait) + 1), "Date": formatdate(usegmt=True)}
        problem(429, "rateLimited", f"{words}, retry after {at} UTC: see https://ca.example/limits", headers)(handler, exchange)

    # what passes

    def new_order(self, handler, exchange):
        payload, account = exchange.payload, exchange.protected["kid"]
        names = [identifier["value"] for identifier in payload["identifiers"]]
        with self.lock:
            wait, limit, subject = self.wait(names, account, payload.get("replaces"))
            if wait > 0:
                return self.refuse(handler, exchange, wait, limit, subject)
            handler.forward(exchange)
            if exchange.status == 201:
                touched = self.touched(names, account, payload.get("replaces"))
                self.exempt += touched is None
                for limit, subject in touched or []:
                    if limit == "new-orders":
                        self.bucket(limit, subject).take(self.now())
                url = dict((k.lower(), v) for k, v in exchange.answer_headers)["location"]
                self.orders[path_of(url)] = {"names": names, "account": account, "touched": touched or []}
                self.orders[path_of(json.loads(exchange.answer)["finalize"])] = self.orders[path_of(url)]
        return handler.pass_on(exchange)

    def finalize(self, handler, exchange):
        handler.forward(exchange)
        with self.lock:
            order = self.orders.get(exchange.path)
            if exchange.status == 200 and order:
                for limit, subject in order["touched"]:
                    if limit in ("certificates-per-domain", "exact-set"):
                        self.bucket(limit, subject).take(self.now())
                self.issued[tuple(sorted(order["names"]))] = self.now()
        handler.pass_on(exchange)

    def authorization(self, handler, exchange):
        handler.forward(exchange)
        body = json.loads(exchange.answer) if exchange.status == 200 else {}
        with self.lock:
            if body.get("status") == "invalid" and exchange.path not in self.counted_failures:
                self.counted_failures.add(exchange.path)
                name = ("*." if body.get("wildcard") else "") + body["identifier"]["value"]
                if "failed-validations" in self.limits:
                    self.bucket("failed-validations", (name, exchange.protected["kid"])).take(self.now())
        handler.pass_on(exchange)

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
        proxy.on("/order-plz", self.new_order, method="POST")
        proxy.on("/finalize-order/", self.finalize, method="POST")
        proxy.on("/authZ/", self.authorization, method="POST")
        proxy.on("/sign-me-up", self.new_account, method="POST")
        return self


def path_of(url):
    return re.sub(r"^https://[^/]+", "", url)


def registered(name):
    """The tests' names are all below example.com, .net, .org, or a made-up suffix of one label."""
    return ".".join(name.removeprefix("*.").split(".")[-2:])
