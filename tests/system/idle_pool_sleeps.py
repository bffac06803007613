#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With nothing to do no worker wakes, and the parent at most once a second; idle connections change nothing."""
# waits: mostly
import pathlib
import re
import time

from _play import Brood, Client, check, engines

SECONDS = 3


def wakes(pid):
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def watch(brood, what):
    pids = [brood.pid, *brood.workers()]
    began = time.monotonic()
    before = [wakes(pid) for pid in pids]
    time.sleep(SECONDS)
    parent, *workers = (wakes(pid) - n for pid, n in zip(pids, before))
    took = time.monotonic() - began
    print(f"{brood.name}, {what}: in {took:.2f} s the parent woke {parent} times, the workers {workers}")
    check(parent <= int(took) + 1, "the parent sleeps")     # there is room for one more than whole seconds
    check(not any(workers), "the workers sleep")


for engine in engines():
    with Brood(engine=engine, control=True) as brood:
        time.sleep(0.3)
        watch(brood, "nobody there")
        clients = [Client(brood.port) for _ in range(50)]
        for client in clients:
            client.get("/")
        time.sleep(0.3)
        watch(brood, "50 idle connections")
        for client in clients:
            check(client.get("/").status == 200, "and wake when asked")
            client.close()
        brood.stop()
