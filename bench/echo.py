#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a message of an echo costs, of a stream or a datagram: a worker of brood beside null_echo or null_udp.

Both are on one CPU and in turn, the load is on another: each connection, or socket, has one message on its way, or --burst
datagrams.
"""
import contextlib
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.machine import choose_cpus
from lib.rows import Bar, bench
from lib.server import HOST, CannotRun, Server, cpu_ns

STREAM_BAR = Bar(1.05, "ratio")
DATAGRAM_BAR, RATE_BAR = Bar(1.1, "ratio"), Bar(1.0, "ratio", at_least=True, interval=True)
SETTLE_SECONDS = 0.05
WORKER_SECONDS = 5		# until it is there


class Echo(Server):
    """What answers no HTTP, so it is there when it says so, or at once."""

    def __init__(self, name, argv, port, cpu, says=""):
        super().__init__(name, argv, port, cpu)
        self.says = says

    def wait_ready(self, seconds=WORKER_SECONDS):
        deadline = time.monotonic() + seconds
        time.sleep(SETTLE_SECONDS)
        while self.says not in self.whole_output():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"{self.name} does not start: {self.last_words()}")
            time.sleep(0.01)


def servers(args, cpu):
    """(null, brood)"""
    name, scheme, example = ("null_udp", "udp", "udp_echo.so") if args.udp else ("null_echo", "stream", "echo.so")
    handler = os.path.join(os.path.dirname(args.handler), example)
    listen = f"{scheme}:{HOST}:{args.port + 1}"
    return Echo(name, [os.path.join(args.build, name), "--port", args.port], args.port, cpu), \
        Echo("brood", [args.brood, "serve", "--listen", listen, "--workers", 1, "--engine", args.engine, "--control",
                       "off", "--handler", handler], args.port + 1, cpu, "ready: ")


def take_slice(args, server, pid, cpu):
    """(CPU time a message in ns, messages a second) of process @pid."""
    before = cpu_ns([pid])
    argv = [os.path.join(args.build, "echo"), server.port, args.connections, args.bytes, args.seconds,
            *(["udp", args.burst] if args.udp else [])]
    n = int(subprocess.run(list(map(str, argv)), stdout=subprocess.PIPE, text=True, check=True,
                           preexec_fn=lambda: os.sched_setaffinity(0, {cpu})).stdout)
    time.sleep(SETTLE_SECONDS)
    if n == 0:
        raise CannotRun(f"{server.name} answers nothing")
    return (cpu_ns([pid]) - before) / n, n / args.seconds


def measure(args, rows):
    server_cpu, client_cpu = choose_cpus()
    null, pool = servers(args, server_cpu)
    with contextlib.ExitStack() as stack:
        stack.enter_context(null)
        stack.enter_context(pool)
        both = [(null, null.process.pid), (pool, pool.workers()[0])]
        seen = {server: [] for server, _ in both}
        for turn in range(args.rounds + 1):
            for server, pid in both if turn % 2 else reversed(both):
                seen[server].append(take_slice(args, server, pid, client_cpu))
    cost, rate = ({server: [s[i] for s in slices[1:]] for server, slices in seen.items()} for i in (0, 1))
    of = f"{args.connections} {'sockets' if args.udp else 'connections'}, {args.bytes} bytes"
    of += f", {args.burst} at once" if args.burst > 1 else ""
    what = "datagram" if args.udp else "message"
    rows.add(f"echo over {'UDP' if args.udp else 'TCP'}, {of}: CPU time a {what}", "ns", cost[pool],
             (null.name, cost[null]), DATAGRAM_BAR if args.udp else STREAM_BAR)
    rows.add(f"echo over {'UDP' if args.udp else 'TCP'}, {of}: {what}s a second", "", rate[pool],
             (null.name, rate[null]), RATE_BAR if args.udp else None)


if __name__ == "__main__":
    sys.exit(bench(__doc__, 21280, measure, rounds=10, seconds=0.5, connections=64, bytes=64, engine="auto", udp=False,
                   burst=1))
