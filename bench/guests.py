#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Node behind `brood run` beside Node's own cluster: throughput, p99, and what a rolling reload loses.

One server, lib/peers.NODE_JS, with two workers, once as the workers of Node's cluster (SCHED_RR), once of brood run.
Both are up all the time; slices are taken of one and then of the other, odd rounds in reverse. A ratio is the median of
those of neighbouring slices with its 95 % interval. On a machine with two cores the client runs on the same, and whatever
else runs there takes its share of the rates; not of the CPU time.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib import peers
from lib.server import HOST, CannotRun, spent_ns
from lib.statistics_of import confidence, median

WORKERS = 2
RATE_KEEPALIVE, RATE_CLOSE = 2000, 500	# a third of what the slower one reaches
RELOAD_SECONDS = 4.0			# of a slice with a reload in it
LOSSES = ("refused", "reset", "unanswered", "broken")


def run_wrk(args, server, closing):
    """(requests a second, p99 in ms, CPU time of the server a request in us)."""
    spent = spent_ns(server.pids())
    argv = [args.wrk, "-t1", "-c64", f"-d{args.slice}s", "--latency"]
    argv += ["-H", "Connection: close"] if closing else []
    said = subprocess.run([*argv, f"http://{HOST}:{server.port}/"], stdout=subprocess.PIPE, text=True,
                          timeout=args.slice + 20, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    spent = (spent_ns(server.pids()) - spent) / 1000
    count = int(re.search(r"(\d+) requests in", said).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    return rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit], spent / count


def openloop(args, server, closing, seconds, seed):
    argv = [os.path.join(args.build, "openloop"), "--port", server.port, "--seconds", seconds, "--warm-up", 0.2,
            "--arrivals", "poisson", "--timeout", 2, "--seed", seed, "--path", "/"]
    argv += ["--close", "--rate", RATE_CLOSE] if closing else ["--connections", 64, "--rate", RATE_KEEPALIVE]
    return subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True)


def run_rate(args, server, closing, seed):
    """(p99 in ms, requests that failed)."""
    said = json.loads(openloop(args, server, closing, args.slice, seed).communicate(timeout=args.slice + 20)[0])
    return said["latency_us"]["p99"] / 1000, sum(said[name] for name in LOSSES)


def run_reload(args, name, server, closing, seed):
    """(requests, those that failed) of a slice in the middle of which every worker is replaced."""
    client = openloop(args, server, closing, RELOAD_SECONDS, seed)
    time.sleep(RELOAD_SECONDS / 4)
    n_done = server.whole_output().count(DONE[name])
    server.process.send_signal(SIGNAL[name])
    said = json.loads(client.communicate(timeout=RELOAD_SECONDS + 20)[0])
    deadline = time.monotonic() + 10
    while server.whole_output().count(DONE[name]) == n_done:
        if time.monotonic() > deadline:
            raise CannotRun(f"{name}: the reload did not end")
        time.sleep(0.05)
    return said["scheduled"], sum(said[name] for name in LOSSES)


OWN, OTHER = "brood run", "node cluster"
SIGNAL = {OWN: signal.SIGHUP, OTHER: signal.SIGUSR2}
DONE = {OWN: "reload: done", OTHER: "replaced"}


def paired(ratios):
    low, high = confidence(ratios)
    return f"{median(ratios):.2f} ({low:.2f}-{high:.2f})"


def print_row(what, own, other, digits):
    ratios = [a / b for a, b in zip(own, other)]
    print(f"{what:<46}{median(own):>11,.{digits}f}{median(other):>14,.{digits}f}   {paired(ratios)}", flush=True)


def interleave(args, servers, measure):
    """What measure(name, server, turn) gives, by name, round after round."""
    seen = {name: [] for name in servers}
    for turn in range(args.rounds):
        for name in servers if turn % 2 == 0 else reversed(servers):
            seen[name].append(measure(name, servers[name], turn))
    return seen


def compare(args, servers, closing):
    how = "a connection each" if closing else "keep-alive, 64 connections"
    interleave(argparse.Namespace(rounds=1), servers, lambda name, server, turn: run_wrk(args, server, closing))
    seen = interleave(args, servers, lambda name, server, turn: run_wrk(args, server, closing))
    for i, (what, digits) in enumerate(((f"requests a second, {how}", 0), ("  p99 then, ms", 2),
                                        ("  CPU time a request, us", 1))):
        print_row(what, *([each[i] for each in seen[name]] for name in (OWN, OTHER)), digits)
    seen = interleave(args, servers, lambda name, server, turn: run_rate(args, server, closing, turn + 1))
    rate = RATE_CLOSE if closing else RATE_KEEPALIVE
    print_row(f"  p99 at {rate:,} a second, ms", *([p99 for p99, _ in seen[name]] for name in (OWN, OTHER)), 2)


def reload(args, servers, closing):
    seen = interleave(args, servers, lambda name, server, turn: run_reload(args, name, server, closing, turn + 1))
    how = "a connection each" if closing else "keep-alive"
    told = [f"{sum(n for _, n in seen[name]):,} of {sum(n for n, _ in seen[name]):,}" for name in (OWN, OTHER)]
    print(f"{f'failed, a reload a slice, {how}':<46}{told[0]:>11}{told[1]:>14}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brood", default="build/brood")
    parser.add_argument("--build", default="build/bench", help="where openloop is")
    parser.add_argument("--port", type=int, default=22900, help="two are used")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--slice", type=int, default=2, metavar="SECONDS")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args.wrk = shutil.which("wrk")
    if not args.wrk:
        print("missing: apt install wrk")
        return 1
    with contextlib.ExitStack() as stack:
        workdir = stack.enter_context(tempfile.TemporaryDirectory(prefix="brood-bench-"))
        try:
            servers = {
                OWN: stack.enter_context(peers.node_behind_brood(args.brood, workdir, args.port, None, WORKERS)),
                OTHER: stack.enter_context(peers.node(workdir, args.port + 1, None, WORKERS, "rr")),
            }
        except CannotRun as e:
            print(e)
            return 1
        time.sleep(0.5)
        print(f"{f'{WORKERS} workers, {args.rounds} rounds of {args.slice} s':<46}{OWN:>11}{OTHER:>14}   ratio")
        for closing in (False, True):
            compare(args, servers, closing)
        for closing in (False, True):
            reload(args, servers, closing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
