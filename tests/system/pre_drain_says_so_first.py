#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TERM with --pre-drain: first /ready says no and everything is served, then the drain; nothing is lost, code 0."""
import signal
import time

from _admin import Admin, admin_option, ask
from _play import Brood, Checker, check, engines, wait_until

PRE_DRAIN_S = 2.0
UNTIL_S = 0.7         # it is asked; what is asked behind it has the rest of the time


def play(engine):
    port, option = admin_option()
    with Brood(*option, "--pre-drain", f"{PRE_DRAIN_S * 1000:.0f}ms", engine=engine, workers=2, control=True) as brood:
        checkers = [Checker(brood.port, "keepalive", 8, path="/"), Checker(brood.port, "close", 4)]
        time.sleep(0.2)
        check(ask(port, "/ready").status == 200, "ready")
        began = time.monotonic()
        brood.kill(signal.SIGTERM)
        brood.wait_for_line(r"SIGTERM: not ready from now on, draining in 2\.0 s", 1)
        response = wait_until(lambda: (r := ask(port, "/ready")).status == 503 and r, 1, "not ready")
        check(b"draining soon" in response.body and time.monotonic() - began < PRE_DRAIN_S / 2, response.raw)
        check(brood.status()["pre_draining"] and not brood.status()["stopping"], brood.status())
        while time.monotonic() < began + UNTIL_S:
            check(ask(port, "/live").status == 200 and ask(port, "/ready").status == 503, "alive and not ready")
            check(brood.get("/").status == 200, "new connections are served")
            time.sleep(0.02)
        check("the pool is stopping" in brood.ctl("upgrade", code=1), "nobody takes over from it")
        check(not brood.lines(": draining "), "it has not begun to drain")
        for checker in checkers:
            checker.finish()        # as a balancer, that has been told, would
        for checker in checkers:
            checker.expect_nothing_noticed()
        brood.wait_exit(0, PRE_DRAIN_S + 2)
        took = time.monotonic() - began
        check(PRE_DRAIN_S - 0.05 <= took < PRE_DRAIN_S + 2, took)
        check(brood.lines("pre-drain over: draining 2 workers"), "then it has")


def hurry(engine):
    """A second TERM does not wait for it, and still cuts nobody; a third does."""
    port, option = admin_option()
    with Brood(*option, "--pre-drain", "30s", engine=engine, workers=2) as brood:
        checker = Checker(brood.port, "keepalive", 4, path="/sleep?ms=200")
        time.sleep(0.2)
        brood.kill(signal.SIGTERM)
        brood.wait_for_line("not ready from now on", 2)
        brood.kill(signal.SIGTERM)
        brood.wait_for_line("SIGTERM: draining 2 workers", 2)
        brood.wait_exit(0, 3)
        checker.finish()
        check(checker.lost() == 0, "nothing is lost")
    with Brood(*option, "--pre-drain", "30s", engine=engine, workers=2, control=True) as brood:
        admin = Admin(port)
        check(admin.get("/ready").status == 200, "ready")
        brood.ctl("stop")
        brood.wait_for_line("not ready from now on", 2)
        wait_until(lambda: admin.get("/ready").status == 503, 1, "ctl stop is as TERM")
        brood.ctl("stop", "--now")
        brood.wait_exit(0, 2)


for engine in engines():
    play(engine)
    hurry(engine)
