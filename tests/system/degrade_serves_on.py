#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--on-giveup degrade: a slot that is given up leaves the others serving; code 4 comes when none is left."""
# waits: mostly
import time

from _play import Brood, check, engines, get


def crash(brood):
    try:
        get(brood.port, "/crash?how=segv", timeout=2)
    except (OSError, EOFError):
        time.sleep(0.01)


for engine in engines():
    with Brood("--on-giveup", "degrade", "--poison-limit", "off", "--backoff", "10ms..50ms", engine=engine,
               workers=3) as brood:
        deadline = time.monotonic() + 20
        while not brood.lines("giveup"):
            check(time.monotonic() < deadline, "given up at last")
            crash(brood)
        time.sleep(0.5)     # the restarts that were under way
        check(brood.process.poll() is None, "the pool goes on")
        n = len(brood.workers())
        check(1 <= n < 3, f"with {n} workers")
        slots = {brood.whoami()["slot"] for _ in range(200)}
        print(f"{engine}: 200 of 200 answered by slots {slots} after:", *brood.lines("giveup"))
        while brood.process.poll() is None:
            check(time.monotonic() < deadline + 20, "the last one is given up")
            crash(brood)
        brood.wait_exit(4, 1)
