#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU a message of an echo: a worker of brood and null_echo, or null_udp, in turn, on one CPU, the load on another.

  bench/echo.py [--build build] [--rounds 9] [--seconds 0.5] [--connections 64] [--bytes 64] [--udp]
"""
import argparse
import pathlib
import signal
import statistics
import subprocess
import time

parser = argparse.ArgumentParser()
parser.add_argument("--build", default="build")
parser.add_argument("--rounds", type=int, default=9)
parser.add_argument("--seconds", type=float, default=0.5)
parser.add_argument("--connections", type=int, default=64)
parser.add_argument("--bytes", type=int, default=64)
parser.add_argument("--port", type=int, default=21280)
parser.add_argument("--engine", default="auto")
parser.add_argument("--udp", action="store_true")
told = parser.parse_args()
build = pathlib.Path(told.build).resolve()


def cpu_ns(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def pinned(cpu, *command):
    return ["taskset", "-c", str(cpu), *map(str, command)]


def slice_of(pid, port):
    before = cpu_ns(pid)
    how = ["udp"] if told.udp else []
    n = int(subprocess.run(pinned(1, build / "bench/echo", port, told.connections, told.bytes, told.seconds, *how),
                           stdout=subprocess.PIPE, text=True, check=True).stdout)
    time.sleep(0.05)
    return (cpu_ns(pid) - before) / n, n / told.seconds


null = subprocess.Popen(pinned(0, build / ("bench/null_udp" if told.udp else "bench/null_echo"), "--port", told.port))
listen = f"{'udp' if told.udp else 'stream'}:127.0.0.1:{told.port + 1}"
pool = subprocess.Popen(pinned(0, build / "brood", "serve", "--listen", listen, "--workers", 1, "--engine", told.engine, "--control", "off", "--handler", build / ("examples/udp_echo.so" if told.udp else "examples/echo.so")),
                        stderr=subprocess.PIPE, text=True)
try:
    while "ready: " not in (line := pool.stderr.readline()):
        assert line, "the pool does not start"
    worker = int(pathlib.Path(f"/proc/{pool.pid}/task/{pool.pid}/children").read_text().split()[0])
    rows = [(*slice_of(null.pid, told.port), *slice_of(worker, told.port + 1)) for _ in range(told.rounds + 1)][1:]
finally:
    null.kill()
    pool.send_signal(signal.SIGTERM)
    null.wait()
    pool.wait()
ratios = [row[2] / row[0] for row in rows]
low, middle, high = statistics.quantiles(ratios, n=4)
print(f"{told.connections} connections, {told.bytes} bytes: null {statistics.median(r[0] for r in rows):.0f} ns a message "
      f"({statistics.median(r[1] for r in rows):.0f}/s), brood {statistics.median(r[2] for r in rows):.0f} ns "
      f"({statistics.median(r[3] for r in rows):.0f}/s): ratio {middle:.3f} [{low:.3f} {high:.3f}]")
