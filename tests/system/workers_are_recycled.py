#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Workers that reach --max-requests, --max-age or --max-rss are replaced, one at a time, and nothing is lost."""
# waits: mostly
import time

from _play import SLOW, Brood, Checker, check, engines, wait_until


def recycled(brood, reason, n, load):
    brood.wait_for_line(rf"retiring \({reason}\)", 20, n)
    brood.wait_for_line("left after", 20, n)
    for checker in load:
        checker.finish().expect_nothing_noticed()
    check(not brood.lines("killed|died|restarting|cut"), "no death, no penalty")
    brood.stop()


for engine in engines():
    with Brood("--max-requests", 2000, engine=engine) as brood:
        recycled(brood, "max-requests", 5, [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 4)])
    began = time.monotonic()
    with Brood("--max-age", "700ms", engine=engine) as brood:       # an idle one too
        brood.wait_for_line(r"retiring \(max-age\)", 5)
        took = time.monotonic() - began
        check(0.63 < took < 2 * SLOW, f"after its time, at most a tenth earlier, not after {took:.1f} s")
        recycled(brood, "max-age", 4, [])
    with Brood("--max-rss", "64M", engine=engine, workers=1) as brood:
        pid = brood.whoami()["pid"]
        brood.get("/leak?kb=100000")
        time.sleep(1.1)
        wait_until(lambda: brood.whoami()["pid"] != pid, 10, "the one that grew was replaced")
        recycled(brood, "max-rss", 1, [])
    print(f"{engine}: by requests, by age, by memory")
