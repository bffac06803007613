#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What long computations cost the other requests: 1 % of them take 10 ms of CPU, in the worker or in a task process.

One worker on CPU 0; on CPU 1 the task process and the client, who goes before it (SCHED_FIFO, where that is allowed),
since it is not what is measured. Requests at a fixed rate; p99 of those that ask for little, without the long ones,
with them in a task process, and with them in the worker; slices in turn.
"""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.rows import Bar, bench
from lib.server import CannotRun, brood

BAR = Bar(1.2, "ratio")
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
    command = [os.path.join(args.build, "openloop"), "--port", args.port, "--rate", args.rate, "--seconds",
               args.seconds, "--connections", 32, "--arrivals", "poisson", "--path", "/", *(["--mix", mix] if mix else [])]
    result = json.loads(subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True,
                                       preexec_fn=go_first).stdout)
    if result["statuses"].keys() != {"200"}:
        raise CannotRun(f"answers with {result['statuses']}")
    return result["paths"]["/"]["latency_us"]["p99"] / 1000


def measure(args, rows):
    found = {arm: [] for arm in ARMS}
    with brood(args.brood, args.port, "--tasks", "1", handler=args.handler) as server:
        pin(server)
        for _ in range(args.rounds):
            for arm, mix in ARMS.items():
                found[arm].append(slice_of(args, mix))
    for arm, bar in (("in a task", BAR), ("in the worker", None)):
        rows.add(f"p99 of {args.rate:,} requests a second, 1 % take 10 ms of CPU {arm}", "ms", found[arm],
                 ("without those", found["without"]), bar)


if __name__ == "__main__":
    sys.exit(bench(__doc__, 22061, measure, rate=1000, seconds=2, rounds=5))
