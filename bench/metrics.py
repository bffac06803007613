#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What metrics cost: CPU time a request beside a program built without them, and what those take who read them.

build/bench/without_metrics counts and times nothing that only the metrics want to know, and does not ask whether there
is an access log: what is compared is all of it, with the access log off. Both are on one CPU, wrk on another, and
slices take turns. A scrape is one a connection; its cost is the CPU time of all of the pool, beside what it takes at rest.
"""
import contextlib
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.contest import Workload, run_wrk
from lib.machine import choose_cpus
from lib.rows import Bar, bench
from lib.server import HOST, CannotRun, Server, brood, cpu_ns

HERE = os.path.dirname(os.path.abspath(__file__))
COST_BAR, SCRAPE_BAR = Bar(1.02, "ratio"), Bar(1)
NULL = "compiled out"
WAYS = {
    "keep-alive, 64 connections": ["-c64"],
    "pipelined 16 deep, 64 connections": ["-c64", "-s", os.path.join(HERE, "pipeline.lua")],
}
SETTLE_SECONDS = 0.01
ATTEMPTS = 3
WORKERS = 2
SCRAPES, SCRAPE_EACH_SECONDS = 5, 0.11		# of a slice; the parent composes a status ten times a second at most


def us_per_request(args, server, way, cpu):
    workload = Workload(way, way, WAYS[way], {}, {}, 1)
    for _ in range(ATTEMPTS):
        before = cpu_ns(server.pids())
        n, _, errors = run_wrk(args.wrk, cpu, server, workload, args.seconds)
        time.sleep(SETTLE_SECONDS)
        if not errors:
            return (cpu_ns(server.pids()) - before) / n / 1000
    raise CannotRun(f"{server.name}: {errors[0]}")


def measure_requests(args, rows):
    server_cpu, client_cpu = choose_cpus()
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(brood(binary, args.port + i, cpu=server_cpu)) for i, binary in
                enumerate((args.brood, os.path.join(args.build, "without_metrics")))]
        for way in WAYS:
            seen = {server: [] for server in both}
            for turn in range(args.rounds + 1):
                for server in both if turn % 2 else reversed(both):
                    seen[server].append(us_per_request(args, server, way, client_cpu))
            on, off = (seen[server][1:] for server in both)
            rows.add(f"CPU time a request with metrics, {way}", "µs", on, (NULL, off), COST_BAR)


def scraped(server, admin, path, asked):
    """CPU time of the pool in ns while it is asked a few times, or not, and as long."""
    before = cpu_ns(server.pids())
    for _ in range(SCRAPES):
        if asked:
            admin.ask(path)
        time.sleep(SCRAPE_EACH_SECONDS)
    return cpu_ns(server.pids()) - before


def measure_scrapes(args, rows):
    port = args.port + 3
    admin = Server("admin", [], port)
    with brood(args.brood, args.port + 2, "--admin", f"{HOST}:{port}", workers=WORKERS) as server:
        for path in ("/metrics", "/status.json"):
            admin.ask(path)
            ns = [scraped(server, admin, path, True) - scraped(server, admin, path, False) for _ in range(args.rounds)]
            rows.add(f"{path} asked for once a second, of {WORKERS} workers", "% of a worker",
                     [each / SCRAPES / 1e9 * 100 for each in ns], bar=SCRAPE_BAR)


def measure(args, rows):
    args.wrk = shutil.which("wrk")
    if not args.wrk:
        raise CannotRun("missing: wrk (apt install wrk)")
    measure_requests(args, rows)
    measure_scrapes(args, rows)


if __name__ == "__main__":
    sys.exit(bench(__doc__, 21310, measure, rounds=10, seconds=0.5))
