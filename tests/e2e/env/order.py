"""Which tests begin first: those of the files that take longest, so that no process is left with one when the others are done."""

from pathlib import Path

from xdist.scheduler import LoadFileScheduling

# By what they take, the longest first; others follow in their order.
LONGEST = ["nodes", "faults", "api_attacks", "under_fire", "remote", "api_hostile", "large", "rfc2136", "limits", "hook_turns",
           "export", "notify", "dns_route53", "serve", "jobs", "api", "preflight", "clock", "dns_scripts", "people_signin", "keys",
           "issue", "dns_issue", "propagation"]


def place(test):
    name = Path(test.split("::")[0]).stem.removeprefix("test_")
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


class LongestFirst(LoadFileScheduling):
    """What --dist loadfile does, but for the order, which is that of the collection or of the number of tests otherwise."""

    def _assign_work_unit(self, node):
        self.workqueue.move_to_end(min(self.workqueue, key=place), last=False)
        super()._assign_work_unit(node)


class EachLongestFirst(LongestFirst):
    """For --dist load: each process is given a few tests at a time, not a sixteenth of all."""

    def _split_scope(self, nodeid):
        return nodeid


SCHEDULERS = {"loadfile": LongestFirst, "load": EachLongestFirst}
