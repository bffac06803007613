#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random signals to parent and workers under load, upgrades among them: nothing is lost, and TERM ends it with 0.

--times N signals on each engine (300), --seed S.
"""
import argparse
import os
import pathlib
import random
import signal
import time

from _play import Brood, Checker, adopt_orphans, check, children_of, engines, wait_until

TO_PARENT = "HUP USR1 USR2 CHLD WINCH CONT URG TTIN TTOU PIPE".split()
TO_WORKER = "HUP USR1 USR2 CHLD WINCH CONT URG TTIN TTOU PIPE INT QUIT TERM".split()   # TERM: it retires


def n_wanted(brood):
    scaled = brood.lines("scaling from")
    return int(scaled[-1].split(" to ")[1].split()[0]) if scaled else 3


def is_worker(pid):
    """And not a new parent, which is a child too until it has taken over."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("brood:")
    except OSError:
        return False


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=300)
parser.add_argument("--seed", type=int, default=12)
options = parser.parse_args()
random.seed(options.seed)
adopt_orphans()
for engine in engines():
    with Brood(engine=engine, workers=3) as brood:
        checker = Checker(brood.port, connections=6)
        left = []
        for _ in range(options.times):
            left += filter(None, [brood.follow()])
            workers = list(filter(is_worker, brood.workers()))
            name = random.choice(TO_PARENT)
            pid = brood.pid
            if workers and random.random() < 0.4:
                pid, name = random.choice(workers), random.choice(TO_WORKER)
            try:
                os.kill(pid, getattr(signal, "SIG" + name))
            except ProcessLookupError:
                pass
            time.sleep(random.choice((0, 0, 0.001, 0.01)))
        wait_until(lambda: left.extend(filter(None, [brood.follow()])) or len(children_of(brood.pid)) == n_wanted(brood), 10,
                   "as many as are wanted, and no more")
        check(all(old.wait(10) == 0 for old in left), "every old parent has left")
        wait_until(lambda: len(brood.lines("drained: all connections finished")) >= len(left), 5,
                   "each with all connections finished, whoever has reaped it")
        deaths = brood.lines("killed|died|exited|giveup|cut")
        check(not deaths, f"nobody died of a signal: {deaths}")
        checker.finish().expect_nothing_lost()
        print(f"{engine}: {options.times} signals, {len(brood.lines('retiring'))} retired, {len(left)} upgrades")
        brood.stop()

with Brood() as brood:      # all at once, and TERM among them
    for name in [*TO_PARENT, "TERM", *TO_PARENT]:
        os.kill(brood.pid, getattr(signal, "SIG" + name))
    brood.wait_exit(0, 3)
