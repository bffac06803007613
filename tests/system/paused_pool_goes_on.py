#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pool that is frozen as a whole, as `docker pause` does, takes nobody for hung when it is thawed, and loses nothing."""
# models: one
# waits: mostly
import os
import pathlib
import time

from _play import Brood, Checker, check, engines, need_root, skip, wait_until

N_PAUSES = 4
PAUSE_S = 1.6
ROOTS = [(pathlib.Path("/sys/fs/cgroup/freezer"), "freezer.state", "FROZEN", "THAWED"),
         (pathlib.Path("/sys/fs/cgroup/unified"), "cgroup.freeze", "1", "0"),
         (pathlib.Path("/sys/fs/cgroup"), "cgroup.freeze", "1", "0")]


class Freezer:
    def __init__(self):
        for root, file, self.frozen, self.thawed in ROOTS:
            self.home = root / f"brood-play-{os.getpid()}"
            self.file = self.home / file
            try:
                self.home.mkdir()
            except OSError:
                continue
            if self.file.exists():
                return
            self.home.rmdir()
        skip("there is no cgroup to freeze")

    def take(self, pids):
        for pid in pids:
            (self.home / "cgroup.procs").write_text(str(pid))

    def pause(self, seconds):
        self.file.write_text(self.frozen)
        try:
            time.sleep(seconds)
        finally:
            self.file.write_text(self.thawed)       # who is frozen cannot even be killed

    def close(self):
        wait_until(lambda: not (self.home / "cgroup.procs").read_text(), 5, "nobody is left in it")
        self.home.rmdir()


def play(engine, model, freezer):
    """Under load, so that some are at work when it comes; each pause is far longer than the hang timeout."""
    with Brood("--hang-timeout", "600ms", engine=engine, model=model, workers=4) as brood:
        freezer.take([brood.pid, *brood.workers()])
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 4)]
        pids = brood.workers()
        for _ in range(N_PAUSES):
            time.sleep(0.4)
            freezer.pause(PAUSE_S)
        time.sleep(0.4)
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        check(brood.workers() == pids and not brood.lines("hung|died|killed"), "nobody was taken for hung")
        brood.stop()
        print(f"{engine}, {model}: {N_PAUSES} pauses of {PAUSE_S} s under load")


need_root()
one = Freezer()
try:
    for number, each in enumerate(engines()):
        play(each, ("reuseport", "round-robin")[number], one)
finally:
    one.close()
