#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a worker gets from a Redis server a second, beside redis-benchmark on one connection: bench/redis.py [--build DIR]

Values of 64 bytes over loopback, as many at a time as the row says. Slices of both take turns; the medians, with their
quartiles. The server has one core and so has who asks, so on two cores nothing else should run.
"""
import argparse
import http.client
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--build", default="build")
parser.add_argument("--slices", type=int, default=7)
parser.add_argument("-n", type=int, default=100000)
options = parser.parse_args()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    sys.exit(f"nobody listens on {port}")


def ours(port, p):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/?n={options.n}&p={p}")
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        sys.exit(f"{response.status} {body}")
    return options.n / int(body) * 1e6


def theirs(port, p):
    said = subprocess.run(["redis-benchmark", "-p", str(port), "-t", "get", "-n", str(options.n), "-P", str(p),
                           "-c", "1", "-d", "64", "-r", "1000", "-q"], capture_output=True, text=True, check=True).stdout
    return float(re.findall(r"GET: ([0-9.]+) requests per second", said)[-1])


def row(name, rates):
    low, median, high = statistics.quantiles(rates, n=4)
    return f"{name} {median:9.0f} ({low:.0f} to {high:.0f})"


if not shutil.which("redis-server"):
    sys.exit("there is no redis-server here: tools/deps test")
with tempfile.TemporaryDirectory() as folder:
    redis_port, port = free_port(), free_port()
    redis = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", str(redis_port), "--save", "",
                              "--dir", folder], stdout=subprocess.DEVNULL)
    wait_for(redis_port)
    brood = subprocess.Popen([pathlib.Path(options.build, "bench/redis"), f"127.0.0.1:{port}",
                              f"redis://127.0.0.1:{redis_port}"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        subprocess.run(["redis-benchmark", "-p", str(redis_port), "-t", "set", "-n", "20000", "-P", "16", "-c", "1",
                        "-d", "64", "-r", "1000", "-q"], stdout=subprocess.DEVNULL, check=True)     # what is got
        print("gets a second; at a time: brood, redis-benchmark, brood / redis-benchmark")
        for p in (1, 16, 64, 256):
            n_all, options.n = options.n, options.n // (10 if p == 1 else 1)
            rates = [(ours(port, p), theirs(redis_port, p)) for _ in range(options.slices)]
            options.n = n_all
            mine, other = zip(*rates)
            print(f"{p:4}:  {row('brood', mine)}   {row('redis-benchmark', other)}   "
                  f"{statistics.median(mine) / statistics.median(other):.2f}", flush=True)
    finally:
        brood.terminate()
        brood.wait()
        redis.kill()
        redis.wait()
