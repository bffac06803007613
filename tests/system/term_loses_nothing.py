#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A TERM under full load: every request that was sent is answered, the last with Connection: close, and code 0.

--times N rounds in each mode on each engine (2).
"""
# timeout: 900
import argparse
import os
import time

from _play import NOBODY, Brood, Checker, check, drop_to, engines

QUIET_MS = 250      # as conn/states.c has it
PLAYS = (("keepalive", "/echo", 16), ("close", "/echo", 16), ("pipeline=16", "/echo", 8),
         ("pipeline=16", "/", 8), ("keepalive", "/big", 8), ("keepalive", "/sleep?ms=30", 16))

parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=2)
times = parser.parse_args().times
for engine in engines():
    for mode, path, n in PLAYS:
        for _ in range(times):
            with Brood(engine=engine, workers=4) as brood:
                checker = Checker(brood.port, mode, n, path=path)
                time.sleep(0.4)
                took = brood.stop(within=5)
                time.sleep(0.05)
                checker.finish()
                print(f"{engine}, {mode} {path}: drained in {took * 1000:.0f} ms")
                checker.expect_nothing_lost()
                n_idle = checker["closed_idle"]     # of a client that stands still for so long, and asks nothing
                check(n_idle == 0 or checker["longest_gap_ms"] >= QUIET_MS, "no busy one ended without a word")
                check(mode == "close" or checker["closed_announced"] + n_idle >= n, "each last response says close")
                check(path == "/echo" or checker["after_close"] == 0, "what was pipelined was answered before")
                check(brood.lines("drained: all connections finished"), "the log says so")
    if os.geteuid() == 0:
        for _ in range(2 * times):
            with Brood(engine=engine, preexec_fn=drop_to(NOBODY)) as brood:     # who may do less
                checkers = [Checker(brood.port, "close", 12), Checker(brood.port, "close", 4, path="/big")]
                time.sleep(0.3)
                brood.stop(within=5)
                for checker in checkers:
                    checker.finish().expect_nothing_lost()
