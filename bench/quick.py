#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a request costs: CPU time of brood beside null servers, nginx and Node, in under three minutes.

Each server sits alone on one CPU with one worker, wrk on another. Slices of about a second are taken in
ABBA order, so that drift of the machine hits everyone; the number is a server's CPU time (schedstat, all
its processes) divided by the requests wrk counted in that slice. Two servers are compared by the ratio of
neighbouring slices; the median decides, quartiles and range show what it is worth. Slices with stolen
time, other load or wrk errors are thrown away, counted, and taken again while time allows.

A missed bar is printed, not an error (--strict makes it one); a missing peer costs only its row.
"""
import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib import peers
from lib.content import fill_bytes, write_files
from lib.contest import Contest, Workload
from lib.machine import choose_cpus, cpu_model, cpu_ticks, first_line, settings, versions
from lib.server import HOST, brood

HERE = os.path.dirname(os.path.abspath(__file__))


def workloads(args, workdir, cpu):
    request = f"GET / HTTP/1.1\r\nHost: {HOST}:{args.ports}\r\n\r\n"	# every port has as many digits

    def own(engine="uring", directory=None):
        return lambda port: brood(args.brood, port, engine=engine, directory=directory, cpu=cpu)

    def null(kind, *options):
        return lambda port: peers.null_server(args.build, kind, port, cpu, "--request-bytes", len(request),
                                              "--fill-bytes", args.fill_bytes, *options)

    def null_closing(*options):
        return lambda port: peers.null_server(args.build, "uring", port, cpu, "--close", *options)

    def nginx(directory=None, **directives):
        return lambda port: peers.nginx(workdir, port, cpu, directory, **directives)

    pipeline = os.path.join(HERE, "pipeline.lua")
    files = os.path.join(workdir, "files")
    write_files(files)
    return [
        Workload("keepalive", "keep-alive, 64 connections", ["-c64"], {
            "null_uring": (null("uring"), 1), "brood": (own(), 1), "nginx": (nginx(), 1),
            "null_epoll": (null("epoll"), 4), "brood (epoll)": (own("epoll"), 4),
            "node cluster": (lambda port: peers.node(workdir, port, cpu), 4),
        }, {("brood", "null_uring"): 1.08, ("brood", "nginx"): 0.78, ("null_epoll", "null_uring"): None,
            ("nginx", "null_uring"): None, ("brood (epoll)", "null_uring"): None,
            ("node cluster", "null_uring"): None}, 0.38),
        Workload("pipelined", "pipelined 16 deep, 64 connections", ["-c64", "-s", pipeline], {
            "null_uring": (null("uring"), 1), "brood": (own(), 1),
            "null_epoll": (null("epoll"), 4), "nginx": (nginx(), 4),
        }, {("brood", "null_uring"): 1.5, ("null_epoll", "null_uring"): None,
            ("nginx", "null_uring"): None}, 0.14),
        Workload("close", "one connection per request, 64 at a time", ["-c64", "-H", "Connection: close"], {
            "brood": (own(), 1), "nginx": (nginx(), 1),
            "null_uring": (null_closing(), 2), "null_uring, deferred": (null_closing("--defer"), 4),
        }, {("brood", "nginx"): 1.0, ("null_uring", "nginx"): None,
            ("null_uring, deferred", "nginx"): None}, 0.2),
        Workload("file-1k", "1 KiB file from the cache, 64 connections", ["-c64"], {
            "brood": (own(directory=files), 1), "nginx": (nginx(files), 1),
            "nginx, sendfile off": (nginx(files, sendfile="off"), 4),
        }, {("brood", "nginx"): 0.65, ("nginx, sendfile off", "nginx"): None}, 0.14, "/1k.txt"),
        Workload("file-1m", "1 MiB file, 64 connections", ["-c64"], {
            "brood": (own(directory=files), 1),
            "nginx": (nginx(files, nopush="off"), 1),  # faster for this size
        }, {("brood", "nginx"): 1.05}, 0.14, "/1m.bin"),
    ]


def print_header(args, cpus):
    steal = sum(cpu_ticks(cpu)[1] for cpu in cpus)
    facts = {
        "kernel": platform.release(),
        "cpu": f"{cpu_model()}, {os.cpu_count()} cores; "
               f"server on {cpus[0]}, wrk on {cpus[1]}",
        **settings(cpus[0]),
        "stolen so far": f"{steal:.2f} s; load {first_line('/proc/loadavg')}",
        **versions(),
        "brood": " ".join(map(str, brood(args.brood, args.ports).argv)),
        "slices": f"{args.slice} s, up to {args.rounds} rounds, ABBA",
    }
    for name, value in facts.items():
        print(f"{name + ':':<15}{value}")
    return facts


def run_sibling(script, *arguments):
    sys.stdout.flush()
    return subprocess.run([sys.executable, os.path.join(HERE, script), *map(str, arguments)]).returncode


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brood", default="build/brood", help="the binary (default build/brood)")
    parser.add_argument("--build", default="build/bench", help="where null_uring and null_epoll are")
    parser.add_argument("--only", action="append", metavar="WORKLOAD",
                        help="keepalive, pipelined, close, file-1k, file-1m, footprint, respawn; repeatable")
    parser.add_argument("--rounds", type=int, default=16, help="at most so many per workload (16)")
    parser.add_argument("--slice", type=float, default=0.8, metavar="SECONDS")
    parser.add_argument("--budget", type=float, default=140, metavar="SECONDS", help="for all slices (140)")
    parser.add_argument("--ports", type=int, default=22000, metavar="BASE", help="five digits; 60 are used")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bar is missed")
    args = parser.parse_args()
    if not 10000 <= args.ports <= 65000:
        parser.error("--ports must be between 10000 and 65000")
    return args


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cpus = choose_cpus()
    os.makedirs(args.build, exist_ok=True)
    args.wrk = shutil.which("wrk")
    missed, cannot_run = [], None
    with contextlib.ExitStack() as stack:
        workdir = stack.enter_context(tempfile.TemporaryDirectory(prefix="brood-bench-"))
        jsonl = stack.enter_context(open(os.path.join(args.build, "quick.jsonl"), "w"))

        def log(**fields):
            print(json.dumps(fields), file=jsonl, flush=True)

        log(kind="header", **print_header(args, cpus))
        args.fill_bytes = fill_bytes(args, cpus[0])
        chosen = [w for w in workloads(args, workdir, cpus[0]) if not args.only or w.key in args.only]
        if not args.wrk:
            print("\nrequests: missing: apt install wrk")
            missed += [pair for w in chosen for pair, bar in w.bars.items() if bar]
            chosen = []
        whole = sum(w.weight for w in chosen)
        for i, workload in enumerate(chosen):
            with contextlib.ExitStack() as servers:
                contest = Contest(args, workload, cpus, log)
                contest.start(servers, args.ports + 10 * i)
                contest.run(args.rounds, time.monotonic() + args.budget * workload.weight / whole)
            missed += contest.report()
            cannot_run = contest.absent.get("brood", cannot_run)
            sys.stdout.flush()
    for i, script in enumerate(("footprint", "respawn")):
        if not args.only or script in args.only:
            print()
            code = run_sibling(f"{script}.py", "--brood", args.brood, "--port", args.ports + 50 + i,
                               "--strict")
            missed += [script] if code == 1 else []
            cannot_run = cannot_run or (f"{script} could not run" if code > 1 else None)
    print(f"\nmissed or not measured: {len(missed)}" if missed else "\nevery bar met")
    if cannot_run:
        print(f"brood could not run: {cannot_run}", file=sys.stderr)
        return 1
    return 1 if missed and args.strict else 0


if __name__ == "__main__":
    sys.exit(main())
