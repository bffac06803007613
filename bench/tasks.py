#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What long computations cost the other requests: 1 % of them take 10 ms of CPU, in the worker or in a task process.

One worker on CPU 0; on CPU 1 the task process and the client, who goes before it (SCHED_FIFO, where that is allowed), since
it is not what is measured. Requests at a fixed rate; p99 of those that ask for little, without the long ones, with
them in a task process, and with them in the worker; slices in turn, medians, and the least and the most of the slices.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.server import CannotRun, brood

BAR = 1.2
ARMS = {"without": None, "in a task": "1:/task?ms=10", "in the worker": "1:/spin?ms=10"}


def go_first():
    os.sched_setaffinity(0, {1 % os.cpu_count()})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


def pin(server):
    """The task process to CPU 1, what else there is to CPU 0."""
    for pid in server.workers():
        with open(f"/proc/{pid}/comm") as f:
            is_task = f.read().startswith("brood:task")
        os.sched_setaffinity(pid, {1 % os.cpu_count() if is_task else 0})


def slice_of(args, mix):
    command = [args.openloop, "--port", str(args.port), "--rate", str(args.rate), "--seconds", str(args.seconds),
               "--connections", "32", "--arrivals", "poisson", "--path", "/", *(["--mix", mix] if mix else [])]
    result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=go_first).stdout)
    if result["statuses"].keys() != {"200"}:
        raise CannotRun(f"answers with {result['statuses']}")
    return result["paths"]["/"]["latency_us"]["p99"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--brood", default="build/brood")
    parser.add_argument("--handler", default="build/examples/demo.so")
    parser.add_argument("--openloop", default="build/bench/openloop")
    parser.add_argument("--port", type=int, default=22061)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--strict", action="store_true", help="exit 1 when the bar is missed")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = {arm: [] for arm in ARMS}
    try:
        with brood(args.brood, args.port, "--tasks", "1", handler=os.path.abspath(args.handler)) as server:
            pin(server)
            for _ in range(args.slices):
                for arm, mix in ARMS.items():
                    found[arm].append(slice_of(args, mix))
    except (CannotRun, OSError, subprocess.CalledProcessError) as e:
        print(f"  could not measure: {e}")
        return 2
    print(f"p99 of the others, {args.rate} requests/s, of which 1 % take 10 ms of CPU")
    for arm, times in found.items():
        print(f"  {arm:14} {statistics.median(times):8.0f} us  ({min(times):.0f}-{max(times):.0f})")
    ratio = statistics.median(a / b for a, b in zip(found["in a task"], found["without"]))
    print(f"  in a task to without: {ratio:.2f}   bar {BAR}  {'meets' if ratio <= BAR else 'MISSES'}")
    return 1 if ratio > BAR and args.strict else 0


if __name__ == "__main__":
    sys.exit(main())
