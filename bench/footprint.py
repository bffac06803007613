#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What brood costs while it does nothing: memory of parent and worker, of an idle connection, wake-ups.

Memory is PSS from smaps_rollup; a connection is the growth of the worker's own anonymous memory over
many idle keep-alive connections, each after one request.
"""
import argparse
import json
import resource
import signal
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.observe import count_open, open_idle
from lib.server import CannotRun, brood, rollup_bytes, voluntary_switches

CONNECTIONS = 10000
FDS_SPARED = 200
SETTLE_SECONDS = 0.5
IDLE_SECONDS = 3
PARENT_BYTES, WORKER_BYTES, CONNECTION_BYTES = 2 << 20, 6 << 20, 400
WORKER_WAKES, PARENT_WAKES = 0, 3


class Report:
    def __init__(self):
        self.missed = 0
        self.rows = []

    def row(self, what, value, unit, bar, form=",.0f", note=""):
        verdict = "meets" if value <= bar else "MISSES"
        self.rows.append({"what": what, "value": value, "unit": unit, "bar": bar, "verdict": verdict})
        self.missed += value > bar
        print(f"  {what:<38}{value:>10{form}} {unit:<7} bar {bar:{form}}  {verdict}{note}")


def raise_fd_limit():
    """How many connections fit beside everything else."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard - FDS_SPARED)


def measure_rest(report, parent, worker):
    before = voluntary_switches(parent), voluntary_switches(worker)
    time.sleep(IDLE_SECONDS)
    woke = voluntary_switches(parent) - before[0], voluntary_switches(worker) - before[1]
    report.row("parent, PSS at rest", rollup_bytes(parent)["Pss"] / 1024, "KiB", PARENT_BYTES / 1024)
    report.row("worker, PSS at rest", rollup_bytes(worker)["Pss"] / 1024, "KiB", WORKER_BYTES / 1024)
    report.row(f"parent, wake-ups in {IDLE_SECONDS} s idle", woke[0], "", PARENT_WAKES)
    report.row(f"worker, wake-ups in {IDLE_SECONDS} s idle", woke[1], "", WORKER_WAKES)


def measure_connections(report, server, worker, n):
    before = rollup_bytes(worker)
    held = open_idle(server, n)
    time.sleep(SETTLE_SECONDS)
    after = rollup_bytes(worker)
    alive = count_open(held)
    if alive < n:
        raise CannotRun(f"only {alive} of {n} idle connections stayed open")
    each = (after["Pss_Anon"] - before["Pss_Anon"]) / n
    whole = (after["Pss"] - before["Pss"]) / n
    report.row(f"idle connection, of {n:,}", each, "bytes", CONNECTION_BYTES,
               note=f"  (all PSS: {whole:,.0f})")
    for sock in held:
        sock.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brood", default="build/brood")
    parser.add_argument("--port", type=int, default=22050)
    parser.add_argument("--engine", default="uring", choices=("uring", "epoll"))
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("at rest: one parent, one worker")
    report = Report()
    n = raise_fd_limit()
    try:
        with brood(args.brood, args.port, engine=args.engine) as server:
            workers = server.workers()
            if len(workers) != 1:
                raise CannotRun(f"one worker was asked for, {len(workers)} found")
            time.sleep(SETTLE_SECONDS)
            measure_rest(report, server.process.pid, workers[0])
            measure_connections(report, server, workers[0], n)
    except (CannotRun, OSError) as e:
        print(f"  could not measure: {e}")
        return 2
    if args.json:
        with open(args.json, "w") as f:
            json.dump(report.rows, f)
    return 1 if report.missed and args.strict else 0


if __name__ == "__main__":
    sys.exit(main())
