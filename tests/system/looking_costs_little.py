#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A look at /metrics and /status.json each second costs less than a hundredth of a worker; where nobody looks, nothing."""
# models: one
# waits: mostly
import pathlib
import re
import time

from _admin import Admin, admin_option
from _play import SLOW, Brood, check, engines

LOOKS = 40
SECONDS = 3


def cpu_ns(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def wakes(pid):
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def cost_of(brood, admin, paths):
    """CPU time of all its processes a look, in milliseconds."""
    pids = [brood.pid, *brood.workers()]
    before = sum(map(cpu_ns, pids))
    for _ in range(LOOKS):
        for path in paths:
            check(admin.get(path).status == 200, path)
        time.sleep(0.02)
    return (sum(map(cpu_ns, pids)) - before) / LOOKS / 1e6


def watch(brood, when, spare=0):
    """@spare: how often a worker may still wake, for timers of connections that are closed."""
    pids = [brood.pid, *brood.workers()]
    before, began = [wakes(pid) for pid in pids], time.monotonic()
    time.sleep(SECONDS)
    parent, *workers = (wakes(pid) - n for pid, n in zip(pids, before))
    seconds = time.monotonic() - began
    check(parent <= seconds + 1 and sum(workers) <= spare, f"{when} looks: the parent woke {parent} times, the workers {workers}")


for engine in engines():
    for workers in (2, 32):
        port, option = admin_option()
        with Brood(*option, engine=engine, workers=workers) as brood:
            time.sleep(0.3)
            watch(brood, "nobody")
            with Admin(port) as admin:
                for _ in range(3):
                    admin.get("/metrics")
                metrics = cost_of(brood, admin, ["/metrics"])
                both = cost_of(brood, admin, ["/metrics", "/status.json"])
                check(both < 10 * SLOW, f"{both} ms of the second between two looks")
            time.sleep(0.3)
            watch(brood, "nobody any more", spare=1)
            brood.stop()
        print(f"{engine}, {workers} workers: /metrics {metrics:.2f} ms, with /status.json {both:.2f} ms of CPU time a look")
