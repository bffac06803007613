#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a pool of one worker is gone when that worker is killed: from kill -9 to the next answer.

Seen from outside: the clock starts before the kill, and stops when a request, sent after the kernel
reported the death, is answered in full. So the time holds the death itself, the parent's noticing, the
fork, the worker's start and one exchange.
"""
import os
import select
import signal
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.rows import Bar, bench
from lib.server import CannotRun, brood

BAR = Bar(10)
PAUSE_SECONDS = 0.15
PATIENCE_SECONDS = 5


def only_worker(server, other_than=None):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        workers = [pid for pid in server.workers() if pid != other_than]
        if len(workers) == 1:
            return workers[0]
        time.sleep(0.005)
    raise CannotRun(f"no single worker: {server.last_words()}")


def kill_and_wait(pid):
    """Kills pid and returns when the kernel says it is dead, reaped or not."""
    watch = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        select.select([watch], [], [], PATIENCE_SECONDS)
    finally:
        os.close(watch)


def answer_again(server):
    """Asks until one answer comes. Return: how many attempts failed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    failed = 0
    while time.monotonic() < deadline:
        try:
            server.ask("/")
            return failed
        except OSError:
            failed += 1
    raise CannotRun(f"no answer {PATIENCE_SECONDS} s after a kill: {server.last_words()}")


def kill_often(server, kills):
    times_ms, failed = [], 0
    worker = only_worker(server)
    for _ in range(kills):
        time.sleep(PAUSE_SECONDS)
        began = time.perf_counter()
        kill_and_wait(worker)
        failed += answer_again(server)
        times_ms.append((time.perf_counter() - began) * 1000)
        worker = only_worker(server, other_than=worker)
    return times_ms, failed


def measure(args, rows):
    with brood(args.brood, args.port, "--restart-limit", "1000/10s", "--backoff", "1ms..10ms") as server:
        times_ms, failed = kill_often(server, args.kills)
    in_order = sorted(times_ms)
    rows.add("kill -9 of the only worker to the next answer", "ms", times_ms, bar=BAR,
             note=f"{args.kills} kills: p90 {in_order[int(len(in_order) * 0.9)]:.2f} ms, max {in_order[-1]:.2f}; "
                  f"{failed} requests failed")


if __name__ == "__main__":
    sys.exit(bench(__doc__, 22051, measure, kills=50))
