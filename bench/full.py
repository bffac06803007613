#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every accept model of brood beside each other and beside other servers, in about half an hour.

Each workload starts all its contenders, takes a slice of each in ABBA order, round after round, and
appends what it saw to build/bench/full.jsonl. Interrupted, it goes on where it was; bench/report.py then
makes bench/RESULTS.md of that file. What cannot be started costs only its row, with the reason.
"""
import argparse
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib import machine
from lib.arms import Field
from lib.content import TEXT, fill_bytes, write_files
from lib.match import Match
from lib.progress import Progress
from lib.results import Results, fingerprint
from lib.server import HOST
from lib.siblings import SIBLINGS
from lib.workloads import workloads

HERE = os.path.dirname(os.path.abspath(__file__))
OVERHEAD_SECONDS = 0.13		# of a slice, beside its seconds and its warm-up
SPARE = 0.85			# of the budget; the rest is for retries, starts and stops
SECONDS_MIN = 0.2
RATE_MARGIN = 1.05		# a client at a fixed rate ends a little later
BINARIES = ("openloop", "proxy", "null_uring", "null_epoll", "null_echo", "null_udp", "shared_listener", "echo",
            "messages", "state", "redis", "without_metrics")
TEXTS = ("guests", "openloop_check", "shared_listener")	# scripts and a program whose words are kept


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", metavar="WORKLOAD", help="repeatable; --list shows them")
    parser.add_argument("--arms", metavar="TEXT", help="only contenders with this in their name")
    parser.add_argument("--rounds", type=int, default=10, help="slices of each contender in a workload (10)")
    parser.add_argument("--slice", type=float, metavar="SECONDS", help="instead of what fits the budget")
    parser.add_argument("--budget", type=float, default=25, metavar="MINUTES", help="for all workloads (25)")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--list", action="store_true", help="the workloads and contenders, then end")
    parser.add_argument("--report", action="store_true", help="only make the report of what is there")
    parser.add_argument("--brood", default="build/brood", help="the binary (build/brood)")
    parser.add_argument("--build", default="build/bench", help="where the bench's binaries and results are")
    parser.add_argument("--handler", default="build/examples/demo.so", help="(build/examples/demo.so)")
    parser.add_argument("--ports", type=int, default=23000, metavar="BASE", help="five digits; 500 are used")
    args = parser.parse_args()
    args.here, args.wrk = HERE, shutil.which("wrk") or "wrk"
    if not 10000 <= args.ports <= 65000:
        parser.error("--ports must be between 10000 and 65000")
    if args.rounds < 1 or args.budget <= 0 or (args.slice is not None and args.slice <= 0):
        parser.error("--rounds, --slice and --budget must be more than nothing")
    return parser, args


def print_list(every):
    for workload in every:
        print(f"{workload.key:<16}{workload.title}")
        print("".join(f"    {arm.name}\n" for arm in workload.arms), end="")


def slice_seconds(args, every):
    """The length of a slice of length 1, so that all of every workload fits the budget."""
    if args.slice:
        return args.slice
    fixed = sum(len(w.arms) * (OVERHEAD_SECONDS + w.warm_up + w.seconds * RATE_MARGIN) for w in every)
    scaled = sum(len(w.arms) * w.length * RATE_MARGIN for w in every if not w.seconds)
    return max(SECONDS_MIN, round((args.budget * 60 * SPARE / args.rounds - fixed) / scaled, 2))


def facts_of(args, cpus, unit):
    """All that a reader must know of the machine and what runs on it."""
    version = subprocess.run([args.brood, "version"], capture_output=True, text=True).stdout.strip()
    return {
        "kernel": platform.release(), "cpu": machine.cpu_model(), "cores": os.cpu_count(),
        "openloop_priority": "real-time" if machine.can_be_urgent() else "ordinary",
        "server_cpu": cpus[0], "client_cpu": cpus[1], **machine.settings(cpus[0]),
        "mitigations": machine.mitigations(), "slice_seconds": unit, **machine.versions(),
        "haproxy": machine.version_of("haproxy", "haproxy", "-v", r"version (\S+)"),
        "h2o": machine.version_of("h2o", "h2o", "--version", r"h2o version (\S+)"),
        "brood": version.splitlines()[0] if version else "unknown",
    }


def run_siblings(args, results, field):
    """Each of the benches that give rows; of one that cannot measure all of them, why."""
    for kind, (script, *told) in SIBLINGS.items():
        if (args.only and kind not in args.only) or results.knows(kind):
            continue
        path = os.path.join(field.workdir, kind)
        done = subprocess.run([sys.executable, os.path.join(HERE, script), *told, "--brood", args.brood, "--build",
                               args.build, "--handler", args.handler, "--port", str(field.take_port()), "--json", path],
                              stdout=subprocess.PIPE, text=True)
        measured = []
        if os.path.exists(path):
            with open(path) as f:
                measured = json.load(f)
        said = done.stdout.strip().splitlines() or [f"{script} ended with {done.returncode}"]
        results.add(kind, measured=measured, absent=None if done.returncode == 0 else said[-1])
        print(done.stdout, end="", file=sys.stderr, flush=True)


def run(args, every, cpus):
    unit = slice_seconds(args, every)
    facts = facts_of(args, cpus, unit)
    binaries = [args.brood, args.handler] + [os.path.join(args.build, name) for name in BINARIES]
    os.makedirs(args.build, exist_ok=True)
    chosen = [w for w in every if not args.only or w.key in args.only]
    with tempfile.TemporaryDirectory(prefix="brood-bench-") as workdir, \
            Results(os.path.join(args.build, "full.jsonl"), fingerprint(binaries, facts), args.fresh) as results:
        results.add("run", at=time.time(), rounds=args.rounds, load=machine.first_line("/proc/loadavg"), **facts)
        field = make_field(args, workdir, cpus)
        matches = [Match(field, w, cpus, results, w.seconds or round(unit * w.length, 3)) for w in chosen]
        todo = [match.missing(args.rounds) for match in matches]
        progress = Progress([(m.workload, m.seconds + m.workload.warm_up + OVERHEAD_SECONDS, len(t))
                             for m, t in zip(matches, todo)], args.budget * 60)
        for match, slices in zip(matches, todo):
            if slices:
                match.run(slices, progress)
        run_siblings(args, results, field)
        run_texts(args, results, field)
        progress.finish()


def run_texts(args, results, field):
    """What else the report shows as it was printed."""
    common = ["--brood", args.brood, "--build", args.build, "--handler", args.handler]
    commands = {"guests": [sys.executable, os.path.join(HERE, "guests.py"), *common[:4], "--rounds", "6"],
                "openloop_check": [sys.executable, os.path.join(HERE, "openloop_check.py"), *common],
                "shared_listener": [os.path.join(args.build, "shared_listener")]}
    for name in TEXTS:
        if (args.only and name not in args.only) or results.knows(name):
            continue
        done = subprocess.run([*commands[name], "--port", str(field.take_port())], stdout=subprocess.PIPE, text=True)
        results.add(name, text=done.stdout.strip() if done.returncode == 0 else None, absent=done.returncode or None)


def make_field(args, workdir, cpus):
    files, text = os.path.join(workdir, "files"), os.path.join(workdir, "text")
    write_files(files)
    os.makedirs(text)
    with open(os.path.join(text, "index.html"), "w") as f:
        f.write(TEXT)
    field = Field(args, workdir, files, text)
    field.wrk_request_bytes = len(f"GET / HTTP/1.1\r\nHost: {HOST}:{args.ports}\r\n\r\n")  # same digits everywhere
    field.fill_bytes = fill_bytes(args, cpus[0])
    return field


def leave(number, _frame):
    """Once: what was started is being stopped, and a second signal must not interrupt that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def raise_fd_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parser, args = parse_arguments()
    every = workloads(os.path.join(HERE, "pipeline.lua"))
    known = [w.key for w in every] + [*SIBLINGS, *TEXTS]
    for name in args.only or []:
        if name not in known:
            parser.error(f"--only {name}: it must be one of {', '.join(known)}")
    if args.list:
        print_list(every)
        return 0
    if not args.report and not os.access(args.brood, os.X_OK):
        parser.error(f"{args.brood} is not there; make builds it")
    if args.report:
        return subprocess.run([sys.executable, os.path.join(HERE, "report.py"), "--build", args.build]).returncode
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, leave)
    raise_fd_limit()
    run(args, every, machine.choose_cpus())
    return 0


if __name__ == "__main__":
    sys.exit(main())
