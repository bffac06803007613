#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One that hangs stays in line for a shared socket, and is woken for a connection that it does not take: another is told
to look. Wherever it hangs: serving, leaving in a reload, or in the pool before an upgrade. The next connection would
wake the next worker; here none comes, as on a quiet service.
"""
# models: one
# waits: mostly
import os
import signal
import time

from _play import SLOW, Brood, adopt_orphans, check, engines, wait_until

OPTIONS = ("--model", "preemptive", "--hang-timeout", "1m", "--drain-timeout", "1m")


def stop_first_in_line(brood):
    os.kill(brood.workers()[0], signal.SIGSTOP)


def serves(brood):
    pass


def leaves(brood):
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done")


def is_of_the_pool_before(brood):
    brood.kill(signal.SIGUSR2)
    wait_until(brood.follow, 5, "log: upgraded")


def come_one_by_one(brood):
    """Long after there was reason to look for the last time, each alone. How long each waited, in ms."""
    took = []
    for _ in range(2):                      # in turn, so that one of them wakes the one that is stopped
        time.sleep(2 * SLOW)
        began = time.monotonic()
        check(brood.get("/", timeout=5).status == 200, "answered")
        took.append((time.monotonic() - began) * 1000)
    return took


adopt_orphans()
for engine in engines():
    for where in serves, leaves, is_of_the_pool_before:
        with Brood(*OPTIONS, engine=engine) as brood:
            stop_first_in_line(brood)
            where(brood)
            waited = come_one_by_one(brood)
            print(f"{engine}: one is stopped and {where.__name__}:", *(f"{ms:.0f}" for ms in waited), "ms")
            check(max(waited) < 500 * SLOW, "nobody waits for the next to come")
