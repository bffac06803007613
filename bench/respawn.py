#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a pool of one worker is gone when that worker is killed: from kill -9 to the next answer.

Seen from outside: the clock starts before the kill, and stops when a request, sent after the kernel
reported the death, is answered in full. So the time holds the death itself, the parent's noticing, the
fork, the worker's start and one exchange.
"""
import argparse
import json
import os
import select
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.server import CannotRun, brood

BAR_MS = 10
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


def measure(server, kills):
    times_ms, failed = [], 0
    worker = only_worker(server)
    for _ in range(kills):
        time.sleep(PAUSE_SECONDS)
        began = time.perf_counter()
        kill_and_wait(worker)
        failed += answer_again(server)
        times_ms.append((time.perf_counter() - began) * 1000)
        worker = only_worker(server, other_than=worker)
    return sorted(times_ms), failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brood", default="build/brood")
    parser.add_argument("--port", type=int, default=22051)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--strict", action="store_true", help="exit 1 when the bar is missed")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there too")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"replacement: the only worker killed {args.kills} times")
    try:
        with brood(args.brood, args.port, "--restart-limit", "1000/10s", "--backoff", "1ms..10ms") as server:
            times_ms, failed = measure(server, args.kills)
    except (CannotRun, OSError) as e:
        print(f"  could not measure: {e}")
        return 2
    median, p90 = statistics.median(times_ms), times_ms[int(len(times_ms) * 0.9)]
    verdict = "meets" if median <= BAR_MS else "MISSES"
    print(f"  kill to next answer: median {median:.2f} ms, p90 {p90:.2f}, max {times_ms[-1]:.2f}; "
          f"{failed} requests failed   bar {BAR_MS} ms  {verdict}")
    if args.json:
        with open(args.json, "w") as f:
            json.dump([{"what": "kill -9 of the only worker to the next answer", "value": median, "p90": p90,
                        "max": times_ms[-1], "failed": failed, "kills": args.kills, "unit": "ms", "bar": BAR_MS,
                        "verdict": verdict}], f)
    return 1 if median > BAR_MS and args.strict else 0


if __name__ == "__main__":
    sys.exit(main())
