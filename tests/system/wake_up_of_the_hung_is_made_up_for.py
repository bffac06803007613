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

OPTIONS = ("--model", "preemptive", "--hang-timeout", "1m", "--drain-timeout", "1m", "--max-connections", 2)


def stop_first_in_line(brood):
    os.kill(brood.workers()[0], signal.SIGSTOP)


def serves(brood):
    stop_first_in_line(brood)


def leaves(brood):
    stop_first_in_line(brood)
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done")


def is_of_the_pool_before(brood):
    stop_first_in_line(brood)
    brood.kill(signal.SIGUSR2)
    wait_until(brood.follow, 5, "log: upgraded")


def serves_beside_one_that_is_full(brood):
    """Who is told to look may not be able to take anything; then it is another's turn."""
    kept = [brood.connect_to(brood.workers()[1]) for _ in range(2)]
    stop_first_in_line(brood)
    return kept


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
    for where in serves, serves_beside_one_that_is_full, leaves, is_of_the_pool_before:
        with Brood(*OPTIONS, engine=engine, workers=3) as brood:
            kept = where(brood)
            waited = come_one_by_one(brood)
            print(f"{engine}: one is stopped and {where.__name__}:", *(f"{ms:.0f}" for ms in waited), "ms")
            for client in kept or ():
                client.close()
            check(max(waited) < 500 * SLOW, "nobody waits for the next to come")
