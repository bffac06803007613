#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that ask to retire are replaced first, one by one, and no client notices: --times N on each engine (15)."""
# timeout: 900
import argparse
import re
import time

from _play import Brood, Checker, check, engines


def follow(brood, i):
    """One retirement from the wish to the end, its events in the order in which nobody was missing."""
    check(brood.get(f"/retire?reason=turn+{i}.").body == b"retiring\n", "asked")
    line = brood.wait_for_line(rf"retiring \(turn {i}\.\)")
    old, new = re.search(r"pid (\d+)\): .*replacement pid (\d+)", line).groups()
    brood.workers()
    brood.wait_for_line(rf"pid {old}\): left after")
    log = brood.log()
    order = [log.find(text) for text in (line, f"pid {new}): ready after", f"pid {old}): left after")]
    check(-1 < order[0] < order[1] < order[2], f"{old} left after {new} was ready: {order}")


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=15)
times = parser.parse_args().times
for engine in engines():
    with Brood(engine=engine, workers=4) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8),
                    Checker(brood.port, "pipeline=16", 4), Checker(brood.port, "keepalive", 4, path="/big"),
                    Checker(brood.port, "keepalive", 10, path="/", rate=20)]
        time.sleep(0.3)
        began = time.monotonic()
        for i in range(times):
            follow(brood, i)
        took = time.monotonic() - began
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        check(not brood.lines("killed|died|restarting|cut"), "no death, no penalty")
        check(len(brood.workers()) == 4, "four workers")
        brood.stop()
    print(f"{engine}: {times} retired, {took / times * 1000:.0f} ms each")
