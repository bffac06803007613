#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a worker gets from a Redis server a second, beside redis-benchmark on one connection.

Values of 64 bytes over loopback, as many at a time as the row says; slices of both take turns. The server has one core
and so has who asks, so on two cores nothing else should run.
"""
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.rows import bench
from lib.server import HOST, CannotRun, Server

AT_A_TIME = (1, 16, 64, 256)
SLOWER = 10		# times, when only one is asked for at a time


class Quiet(Server):
    """Is there when somebody listens on its port."""

    def wait_ready(self, seconds=5):
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as sock:
                if sock.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.01)
        raise CannotRun(f"{self.name} does not start: {self.last_words()}")


def ours(server, n, p):
    body = server.ask(f"/?n={n}&p={p}", 60)[1].strip()
    if not body.isdigit():
        raise CannotRun(f"brood answers {body!r}")
    return n / int(body) * 1e6


def benchmark(port, *options):
    return subprocess.run(["redis-benchmark", "-p", str(port), "-c", "1", "-d", "64", "-r", "1000", "-q", *options],
                          capture_output=True, text=True, check=True).stdout


def theirs(port, n, p):
    said = benchmark(port, "-t", "get", "-n", str(n), "-P", str(p))
    return float(re.findall(r"GET: ([0-9.]+) requests per second", said)[-1])


def measure(args, rows):
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        raise CannotRun("missing: redis-server (apt install redis-server)")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="brood-bench-"))
        redis = stack.enter_context(Quiet("redis", ["redis-server", "--bind", HOST, "--port", args.port, "--save", "",
                                                    "--dir", folder], args.port))
        brood = stack.enter_context(Quiet("brood", [os.path.join(args.build, "redis"), f"{HOST}:{args.port + 1}",
                                                    f"redis://{HOST}:{args.port}"], args.port + 1))
        benchmark(redis.port, "-t", "set", "-n", "20000", "-P", "16")     # what is got
        for p in AT_A_TIME:
            n = args.n // (SLOWER if p == 1 else 1)
            rates = [(ours(brood, n, p), theirs(redis.port, n, p)) for _ in range(args.rounds)]
            mine, other = map(list, zip(*rates))
            rows.add(f"Redis: gets a second, {p} at a time", "", mine, ("redis-benchmark", other))


if __name__ == "__main__":
    sys.exit(bench(__doc__, 21290, measure, rounds=7, n=100000))
