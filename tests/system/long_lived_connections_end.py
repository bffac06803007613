#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connections that reach --max-conn-requests or --max-conn-age are closed behind an answer, and no request is lost."""
# waits: mostly
import time

from _play import Brood, Checker, Client, check, engines

for engine in engines():
    with Brood("--max-conn-requests", 100, engine=engine) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "keepalive", 4, path="/big"),
                    Checker(brood.port, "close", 4)]
        time.sleep(1)
        for checker in checkers:
            checker.finish().expect_nothing_lost()
        for checker in checkers[:2]:
            check(checker["closed_announced"] >= checker["requests"] // 100 - 12, "each after its hundred")
            check(checker["connections"] - checker["requests"] // 100 <= 12, "and not before")
        brood.stop()
    with Brood("--max-conn-age", "700ms", engine=engine) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "keepalive", 8, rate=20)]
        with Client(brood.port) as idle:
            check(idle.get("/").status == 200 and not idle.ended(0.4), "it is kept open")
            check(idle.ended(1.5), "and closed when it is old")
        time.sleep(1.5)
        for checker in checkers:
            checker.finish().expect_nothing_lost()
            check(checker["closed_announced"] + checker["closed_idle"] >= 8, "all were closed")
        brood.stop()
    print(f"{engine}: by requests, by age")
