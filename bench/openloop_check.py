#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Can the numbers of openloop be believed? One line per check, against arithmetic and never against itself.

  delay   5 % of the requests are answered after 50 ms: p99 and p99.9 must be 50 ms.
  stall   the worker is stopped for half a second under a uniform rate. A request due t seconds after the stop
          must be answered when it ends, so the slowest requests are a straight line: of all, the share q
          waited longer than (length - q * seconds). What a closed loop would print of the same run stands
          beside it.
  cost    the client's own CPU time per request at 50,000/s, alone on its CPU, against null_uring on another.
  counts  no request is counted twice or forgotten.

A run in which the client itself was late says nothing about the server: it is repeated, and that is said.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.machine import choose_cpus, cpu_ticks
from lib.server import HOST, CannotRun, Server, brood

DELAY_MS = 50
STALL_S = 0.5
AGREE = 0.05			# how far a percentile may be off
CPU_BAR_US = 2.0
COST_RATE = 50000
COST_ROUNDS = 3
PRECISION_MS = 0.2		# so far off its time may a send be in the mean, when it is to be cheap
TRIES = 5
# As wide as a real test; the same with a coarser tick; and as cheap as it gets within the precision.
SETTINGS = {
    "64 connections": ("--connections", 64),
    "64 connections, tick 400 us": ("--connections", 64, "--tick", 400),
    "1 pipelined, tick 400 us": ("--connections", 1, "--pipeline", 256, "--tick", 400),
}
CHEAPEST = "1 pipelined, tick 400 us"


class Checks:
    """What was checked; each check prints itself."""

    def __init__(self, args):
        self.args = args
        self.missed = []
        self.repeated = 0

    def bar(self, name, meets, said):
        print(f"{name:<42}{'meets' if meets else 'MISSES':<8}{said}", flush=True)
        if not meets:
            self.missed.append(name)

    def near(self, name, measured_us, expected_us):
        off = measured_us / expected_us - 1
        self.bar(name, abs(off) <= AGREE,
                 f"{measured_us / 1e3:.2f} ms, expected {expected_us / 1e3:.2f} ms ({off:+.1%}, bar {AGREE:.0%})")

    def start_client(self, port, *options, cpu=None):
        argv = [os.path.join(self.args.build, "openloop"), "--port", port, *options]
        pin = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
        try:
            return subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True, preexec_fn=pin)
        except OSError as e:
            raise CannotRun(f"{argv[0]}: {e.strerror}") from e

    def finish_client(self, process, seconds=60):
        try:
            said = process.communicate(timeout=seconds)[0]
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise CannotRun(f"openloop exited with {process.returncode}")
        return json.loads(said)

    def undisturbed(self, run):
        """Runs until the client kept to its schedule; the last result when it never did."""
        for turn in range(TRIES):
            result = run()
            if result["rate_met"]:
                break
            self.repeated += turn + 1 < TRIES
        return result

    def balance(self, name, result):
        ends = sum(result[k] for k in ("answered", "refused", "reset", "broken", "unanswered"))
        counted = sum(n for _, n in result["histogram"])
        wanted = result["answered"] + result["unanswered"]
        self.bar(f"{name}: counts", ends == result["scheduled"] and counted == wanted,
                 f"{result['scheduled']} scheduled, {result['answered']} answered, {ends} accounted for, "
                 f"{counted} of {wanted} in the histogram")
        self.bar(f"{name}: rate", result["rate_met"],
                 f"{result['achieved_rate']:,.0f}/s of {result['rate']:,.0f}/s, {result['late']} late")


def check_delay(checks, port):
    path = f"/sleep?ms={DELAY_MS}"
    result = checks.undisturbed(lambda: checks.finish_client(checks.start_client(
        port, "--rate", 2000, "--seconds", 3, "--connections", 512, "--mix", f"5:{path}")))
    for key, name in (("p99", "p99"), ("p999", "p99.9")):
        checks.near(f"delay: {name}", result["latency_us"][key], DELAY_MS * 1e3)
    others = result["paths"]["/"]["latency_us"]["p50"]
    checks.bar("delay: p50 of the other requests", others < DELAY_MS * 1e3 * AGREE, f"{others / 1e3:.3f} ms")
    checks.balance("delay", result)


def stop_for(pids, seconds):
    """Return: how long they were stopped, as well as we can know."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        time.sleep(seconds)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    return time.monotonic() - began


def run_stalled(checks, server, seconds):
    client = checks.start_client(server.port, "--rate", 1000, "--seconds", seconds, "--connections", 4)
    try:
        time.sleep(1 + seconds / 3)		# the warm-up is 1 s
    finally:
        stopped = stop_for(server.workers(), STALL_S)
    return {**checks.finish_client(client), "stopped": stopped}


def check_stall(checks, server):
    seconds = 5
    result = checks.undisturbed(lambda: run_stalled(checks, server, seconds))
    for key, name, share in (("p99", "p99", 0.01), ("p999", "p99.9", 0.001), ("max", "max", 0)):
        checks.near(f"stall: {name}", result["latency_us"][key], (result["stopped"] - share * seconds) * 1e6)
    hidden, shown = result["service_us"]["p99"], result["latency_us"]["p99"]
    checks.bar("stall: a closed loop's p99 hides it", hidden < shown * AGREE,
               f"{hidden / 1e3:.2f} ms from the actual send, {shown / 1e3:.2f} ms from the intended one")
    checks.balance("stall", result)


def run_pinned(checks, port, cpu, options):
    """A run, with "others": the share of the client's CPU that someone else took."""
    before, began = cpu_ticks(cpu), time.monotonic()
    result = checks.finish_client(checks.start_client(
        port, "--rate", COST_RATE, "--seconds", 2, "--warm-up", 0.3, *options, cpu=cpu))
    took, after = time.monotonic() - began, cpu_ticks(cpu)
    busy = sum(after) - sum(before)
    return {**result, "others": max(0.0, busy / took - result["client"]["busy"])}


def check_cost(checks, port, cpu):
    for name, options in SETTINGS.items():
        results = [checks.undisturbed(lambda: run_pinned(checks, port, cpu, options)) for _ in range(COST_ROUNDS)]
        user, system, total = (statistics.median(r["client"][f"{part}_us_per_request"] for r in results)
                               for part in ("user", "sys", "total"))
        off, off_p99 = (statistics.median(r["lateness_us"][key] for r in results) / 1e3 for key in ("mean", "p99"))
        others = statistics.median(r["others"] for r in results)
        cheap = name == CHEAPEST
        checks.bar(f"cost: {name}", (total if cheap else user) <= CPU_BAR_US,
                   f"{total:.2f} us/request, {user:.2f} user and {system:.2f} kernel; bar {CPU_BAR_US:g} us "
                   f"{'in all' if cheap else 'user'}")
        kept = sum(r["rate_met"] for r in results)
        checks.bar("  rate and precision", kept * 2 > COST_ROUNDS and (off <= PRECISION_MS or not cheap),
                   f"rate met in {kept} of {COST_ROUNDS} runs, sends off by {off:.3f} ms"
                   f"{f' (bar {PRECISION_MS:g} ms)' if cheap else ''}, p99 {off_p99:.3f} ms; "
                   f"others took {others:.0%} of its CPU")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brood", default="build/brood", metavar="PATH")
    parser.add_argument("--build", default="build/bench", metavar="DIR", help="where openloop and null_uring are")
    parser.add_argument("--handler", default="build/examples/demo.so", metavar="FILE")
    parser.add_argument("--port", type=int, default=22060, help="and the next one")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a check misses")
    args = parser.parse_args()
    if not 1024 <= args.port < 65535:
        parser.error("--port must be between 1024 and 65534")
    return args


def main():
    args = parse_arguments()
    checks = Checks(args)
    server_cpu, client_cpu = choose_cpus()
    null_port = args.port + 1
    null = Server("null_uring", [os.path.join(args.build, "null_uring"), "--port", null_port, "--request-bytes",
                                 len(f"GET / HTTP/1.1\r\nHost: {HOST}:{null_port}\r\n\r\n")], null_port, server_cpu)
    try:
        with brood(args.brood, args.port, handler=os.path.abspath(args.handler)) as server:
            check_delay(checks, server.port)
            check_stall(checks, server)
        with null:
            check_cost(checks, null.port, client_cpu)
    except CannotRun as e:
        print(f"could not run: {e}", file=sys.stderr)
        return 2
    if checks.repeated:
        print(f"repeated because the client itself was late: {checks.repeated} runs")
    print(f"missed: {len(checks.missed)}" if checks.missed else "every check met")
    return 1 if checks.missed and args.strict else 0


if __name__ == "__main__":
    sys.exit(main())
