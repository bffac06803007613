#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What brood costs while it does nothing: memory of parent and worker, of an idle connection, wake-ups.

Memory is PSS from smaps_rollup; a connection is the growth of the worker's own anonymous memory over
many idle keep-alive connections, each after one request.
"""
import resource
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.observe import count_open, open_idle
from lib.rows import Bar, bench
from lib.server import CannotRun, brood, rollup_bytes, voluntary_switches

CONNECTIONS = 10000
FDS_SPARED = 200
SETTLE_SECONDS = 0.5
IDLE_SECONDS = 3
PARENT_KIB, WORKER_KIB, CONNECTION_BYTES = Bar(2 << 10), Bar(6 << 10), Bar(400)
WORKER_WAKES, PARENT_WAKES = Bar(0), Bar(3)


def raise_fd_limit():
    """How many connections fit beside everything else."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard - FDS_SPARED)


def measure_rest(rows, parent, worker):
    before = voluntary_switches(parent), voluntary_switches(worker)
    time.sleep(IDLE_SECONDS)
    woke = voluntary_switches(parent) - before[0], voluntary_switches(worker) - before[1]
    rows.add("parent, PSS at rest", "KiB", [rollup_bytes(parent)["Pss"] / 1024], bar=PARENT_KIB)
    rows.add("worker, PSS at rest", "KiB", [rollup_bytes(worker)["Pss"] / 1024], bar=WORKER_KIB)
    rows.add(f"parent, wake-ups in {IDLE_SECONDS} s idle", "", [woke[0]], bar=PARENT_WAKES)
    rows.add(f"worker, wake-ups in {IDLE_SECONDS} s idle", "", [woke[1]], bar=WORKER_WAKES)


def measure_connections(rows, server, worker, n):
    before = rollup_bytes(worker)
    held = open_idle(server, n)
    time.sleep(SETTLE_SECONDS)
    after = rollup_bytes(worker)
    alive = count_open(held)
    if alive < n:
        raise CannotRun(f"only {alive} of {n} idle connections stayed open")
    each = (after["Pss_Anon"] - before["Pss_Anon"]) / n
    whole = (after["Pss"] - before["Pss"]) / n
    rows.add(f"idle connection, of {n:,}", "bytes", [each], bar=CONNECTION_BYTES, note=f"all PSS: {whole:,.0f}")
    for sock in held:
        sock.close()


def measure(args, rows):
    n = raise_fd_limit()
    with brood(args.brood, args.port, engine=args.engine) as server:
        workers = server.workers()
        if len(workers) != 1:
            raise CannotRun(f"one worker was asked for, {len(workers)} found")
        time.sleep(SETTLE_SECONDS)
        measure_rest(rows, server.process.pid, workers[0])
        measure_connections(rows, server, workers[0], n)


if __name__ == "__main__":
    sys.exit(bench(__doc__, 22050, measure, engine="uring"))
