"""Warnings and escalation for a certificate that lives six days: the same story, in hours."""

import calendar
import time

from env import FaultProxy
from env.proxy import problem
from test_notify import DAY, channel, later, smtp, subjects  # noqa: F401

HOUR = 3600


def test_a_six_day_certificate(make_everleaf, profiled, lab, smtp, channel, name):  # noqa: F811
    with FaultProxy(profiled, lab) as proxy:
        everleaf = make_everleaf(proxy)
        channel("mail", smtp.settings(), "--event", "expiring", "--event", "failed", to=everleaf)
        proxy.on("/renewalInfo/", problem(404, "malformed"))  # so that half of its life decides
        everleaf.issue(name, "--profile", "shortlived")
        proxy.on("/order-plz", problem(403, "unauthorized", "the CA does not want to"))
        row = everleaf.show(name)
        begin, end, due = (calendar.timegm(time.strptime(row[key], "%Y-%m-%dT%H:%M:%SZ"))
                           for key in ("not_before", "not_after", "renew_at"))
        assert 5.9 * DAY < end - begin < 6.1 * DAY
        now = time.time()
        first = due + 60 - now  # the first attempt to renew it
        life, left = end - now, end - due - 60
        fails, ends = f"{name}: renewing fails", f"{name} expires in "
        steps = [(first + left / 4 + 60, fails), (first + left / 2 + 60, fails), (life - left / 4 + 60, fails), (life + 60, fails),
                 (life - 47 * HOUR, ends + "47 hours"), (life - 22 * HOUR, ends + "22 hours"), (life - 11 * HOUR, ends + "11 hours"), (life - 4 * HOUR, ends + "4 hours"),
                 (life - 1.2 * HOUR, ends + "1 hour"), (life + 60, f"{name} has expired"), (life + DAY, None)]
        everleaf.run("renew", env=later(first), status=(0, 1, 3, 75))
        assert everleaf.show(name)["failures"] == 1
        assert subjects(smtp) == [] and abs(end - due - 3 * DAY) < HOUR
        for at in sorted({at for at, _ in steps}):
            told = [what for when, what in steps if when == at and what]
            everleaf.run("renew", env=later(at), status=(0, 1, 3, 75))
            found = subjects(smtp)
            assert sorted(found) == sorted(told), (at / HOUR, life / HOUR, found)
        proxy.clear()
