#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reloads, drains and scalings by brood ctl, each waited for, and no client notices; a reload that fails says so."""
import os
import pathlib
import shutil
import tempfile
import time

from _play import BUILD, Brood, Checker, check, engines, wait_until

TIMES = 6


def worker_of(brood, slot):
    return brood.status()["slots"][slot]["worker"]["pid"]


def drain(brood, slot):
    pid = worker_of(brood, slot)
    brood.ctl("drain", slot)
    wait_until(lambda: worker_of(brood, slot) != pid, 10, f"slot {slot} is replaced")


def lose_nothing(engine):
    with Brood(engine=engine, workers=3, control=True) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8),
                    Checker(brood.port, "pipeline=16", 4)]
        time.sleep(0.3)
        for turn in range(TIMES):
            before = set(brood.workers())
            brood.ctl("reload", "--wait")
            check(not {worker_of(brood, slot) for slot in range(3)} & before, "each was replaced when it returns")
            drain(brood, turn % 3)
            brood.ctl("scale", 5, "--wait")
            brood.ctl("scale", 3, "--wait")
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        check(brood.status()["reload"]["number"] == TIMES and brood.status()["restarts"] == 0, brood.status())
        brood.ctl("stop", "--wait")
        brood.wait_exit(0, 5)


def fail_to_reload(engine):
    """The handler is broken meanwhile: the old workers stay, and whoever waits is told."""
    with tempfile.TemporaryDirectory() as folder:
        handler, broken = pathlib.Path(folder, "handler.so"), pathlib.Path(folder, "broken.so")
        shutil.copy(BUILD / "examples/demo.so", handler)
        with Brood(engine=engine, control=True, what=("--handler", str(handler))) as brood:
            workers = set(brood.workers())
            broken.write_text("no shared object")
            os.rename(broken, handler)
            said = brood.ctl("reload", "--wait", code=1)
            check("failed: stopped at worker 0, whose replacement died because it could not start" in said, said)
            check("stopped at worker 0" in brood.ctl("status"), "and it is told later, too")
            check(brood.get("/").status == 200 and set(brood.workers()) == workers, "the old ones stay")
            brood.ctl("stop")
            brood.wait_exit(0, 5)


for engine in engines():
    lose_nothing(engine)
    fail_to_reload(engine)
