#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--pin: slot k runs on the kth CPU that brood may use, whoever is in it; what is no worker runs on all of them."""
# models: one
# waits: mostly
import os
import pathlib
import re
import signal

from _guest import Guest
from _play import NOBODY, Brood, check, drop_to, wait_until

ALL = sorted(os.sched_getaffinity(0))


def cpus(pid):
    """As the kernel writes it: "0-3,7"."""
    text = re.search(r"^Cpus_allowed_list:\s*(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1]
    ranges = [list(map(int, part.split("-"))) for part in text.split(",")]
    return [cpu for r in ranges for cpu in range(r[0], r[-1] + 1)]


def expect_pinned(brood, n, usable):
    slots = wait_until(lambda: (found := brood.status()["slots"]) and len(found) == n and
                       all(slot["worker"] and slot["worker"]["ready"] for slot in found) and found, 10, f"{n} workers")
    for slot in slots:
        wanted, worker = usable[slot["slot"] % len(usable)], slot["worker"]
        check(cpus(worker["pid"]) == [wanted], f"slot {slot['slot']} is on {cpus(worker['pid'])}, not on {wanted}")
        check(worker["cpu"] == wanted, f"the status says so: {worker}")
    check(cpus(brood.pid) == usable, "the parent is not bound")
    return [slot["worker"]["pid"] for slot in slots]


def nobody_on(usable):
    def drop():
        os.sched_setaffinity(0, usable)
        if os.geteuid() == 0:
            drop_to(NOBODY)()
    return drop


def play(usable):
    with Brood("--pin", "--tasks", "1", workers=3, control=True, preexec_fn=nobody_on(usable)) as brood:
        pids = expect_pinned(brood, 3, usable)
        others = set(brood.workers()) - set(pids)
        check(others and all(cpus(pid) == usable for pid in others), "the task process may use all")
        os.kill(pids[1], signal.SIGKILL)
        wait_until(lambda: len(set(brood.workers()) - others - {pids[1]}) == 3, 5, "another is born")
        check(expect_pinned(brood, 3, usable)[1] != pids[1], "it is bound as the one before")
        brood.ctl("scale", 5, "--wait")
        pids = expect_pinned(brood, 5, usable)
        brood.ctl("reload", "--wait")
        check(not set(expect_pinned(brood, 5, usable)) & set(pids), "so are all after a reload")
        check(not brood.lines("cannot be bound"), "none was refused")
        brood.stop()


play(ALL)
if len(ALL) > 1:
    play(ALL[1:])
with Guest("--pin", control=True) as guest:
    keepers, programs = guest.workers(), wait_until(lambda: len(found := guest.programs()) == 2 and found, 5, "programs")
    check(sorted(cpus(pid) for pid in programs) == sorted([ALL[i % len(ALL)]] for i in range(2)), "programs are bound")
    check(all(cpus(pid) == ALL for pid in keepers), "their keepers are not")
    guest.stop()
with Brood(control=True) as unbound:
    check(all(cpus(pid) == ALL for pid in unbound.workers()), "nobody is bound who was not told to be")
    check(all(slot["worker"]["cpu"] is None for slot in unbound.status()["slots"]), "which the status says")
    unbound.stop()
print(f"on {ALL}")
