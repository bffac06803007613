#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HUP replaces every worker, one after another, and no client notices: --times N on each engine (8)."""
# timeout: 900
import argparse
import signal
import time

from _play import Brood, Checker, check, descriptors_at_rest, descriptors_of, engines, wait_until

N_WORKERS = 4


def reload(brood, turn):
    before = set(brood.workers())
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done after", 20, turn + 1)
    serving = [int(line.split("replacement pid ")[1]) for line in brood.lines("retiring .reload.")][-N_WORKERS:]
    check(len(set(serving)) == N_WORKERS and not before & set(serving), f"each was replaced: {before}, {serving}")


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=8)
times = parser.parse_args().times
for engine in engines():
    for surge in (1, N_WORKERS):
        with Brood("--surge", surge, engine=engine, workers=N_WORKERS) as brood:
            rest = len(descriptors_at_rest(brood.pid))
            checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8),
                        Checker(brood.port, "pipeline=16", 4), Checker(brood.port, "keepalive", 10, path="/", rate=20)]
            time.sleep(0.3)
            reload(brood, 0)
            began = time.monotonic()
            for turn in range(1, times):
                reload(brood, turn)
            took = time.monotonic() - began
            for checker in checkers:
                checker.finish()
            for checker in checkers:
                checker.expect_nothing_noticed()
            brood.wait_for_line("left after", 20, times * N_WORKERS)
            wait_until(lambda: len(descriptors_of(brood.pid)) == rest, 5, "the parent keeps nothing of them")
            check(not brood.lines("killed|died|restarting|cut"), "no death, no penalty")
            brood.stop()
        print(f"{engine}, surge {surge}: {times} reloads, {took / (times - 1) * 1000:.0f} ms each")
