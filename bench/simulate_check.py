#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The model against arithmetic: balls into bins, and what queueing theory knows in closed form.

One line a check, `meets` or `MISSES`; exit code 1 when one missed. Every run has fixed seeds, so that the result is
the same everywhere.
"""
import argparse
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Checks:
    def __init__(self, binary):
        self.binary, self.missed = binary, 0

    def run(self, *options):
        done = subprocess.run([self.binary, *map(str, options)], stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(done.stdout)

    def near(self, name, got, expected, tolerance):
        """The tolerance is a share of what is expected."""
        self.say(name, got, f"{expected:.4g} +-{tolerance:.1%}", abs(got - expected) <= tolerance * abs(expected))

    def say(self, name, got, wanted, fine):
        self.missed += not fine
        print(f"{'meets' if fine else 'MISSES':<7} {name:<76} {got:>10.4g}   expected {wanted}", flush=True)


def expected_max(balls, bins):
    """The mean of the fullest of bins, exactly: P(max <= m) is a coefficient of (sum of x^j/j!, j <= m)^bins."""
    total = 0.0
    for m in range(balls):
        row = [1.0] + [0.0] * balls
        for _ in range(bins):
            row = [sum(row[i - j] / math.factorial(j) for j in range(min(i, m) + 1)) for i in range(balls + 1)]
        probability = row[balls] * math.exp(math.lgamma(balls + 1) - balls * math.log(bins))
        total += 1 - min(1.0, probability)
        if probability > 1 - 1e-9:
            break
    return total


def erlang_c(servers, load):
    """The probability to wait in M/M/servers."""
    last = load ** servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(load ** k / math.factorial(k) for k in range(servers)) + last)


def check_balls(checks):
    for bins, balls, stated in ((4, 16, 1.54), (4, 64, 1.26), (8, 8, 2.58), (8, 128, 1.38), (16, 16, 3.09)):
        out = checks.run("--model", "reuseport", "--workers", bins, "--connections", balls, "--rate", 0,
                         "--seeds", 20000)["over_seeds"]
        exact = expected_max(balls, bins) * bins / balls
        name = f"hash: max/mean of {balls} connections on {bins} workers"
        checks.near(name, out["max_over_mean"]["mean"], exact, 0.01)
        checks.near(name + ", as stated", out["max_over_mean"]["mean"], stated, 0.02)
        idle = bins * (1 - 1 / bins) ** balls
        if idle > 0.01:
            checks.near(f"hash: idle workers, {balls} connections on {bins}", out["idle"]["mean"], idle, 0.1)
    out = checks.run("--model", "reuseport", "--workers", 4, "--connections", 400, "--rate", 0, "--seeds", 20000)
    checks.near("hash: max/mean of 400 connections on 4 workers, as stated",
                out["over_seeds"]["max_over_mean"]["mean"], 1.11, 0.02)


def check_placement(checks):
    """The policies that leave nothing to chance, and the order of those that do."""
    place = ("--workers", 8, "--connections", 64, "--rate", 0, "--seeds", 300)
    exact = {
        "round-robin": (1, ("--model", "round-robin")),
        "least": (1, ("--model", "reuseport", "--balance", "least")),
        "preemptive, fifo, one by one": (1, ("--model", "preemptive")),
        "preemptive, lifo, one by one": (8, ("--model", "preemptive", "--wake", "lifo")),
    }
    for name, (expected, options) in exact.items():
        checks.near(f"{name}: max/mean of 64 connections on 8 workers",
                    checks.run(*place, *options)["over_seeds"]["max_over_mean"]["mean"], expected, 0)
    hashed = checks.run(*place, "--model", "reuseport")["over_seeds"]["max_over_mean"]["mean"]
    weighted = ("--model", "reuseport", "--balance", "weighted")
    slow = checks.run(*place, *weighted, "--open-rate", 50)["over_seeds"]["max_over_mean"]["mean"]
    burst = checks.run(*place, *weighted, "--opened", "burst")["over_seeds"]["max_over_mean"]["mean"]
    checks.say("weighted, opened slower than the weights are renewed: below hash", slow, f"< {0.85 * hashed:.4g}",
               slow < 0.85 * hashed)
    checks.near("weighted, in one burst, is hash", burst, hashed, 0.05)


def check_queues(checks):
    """Mean waits (the mean latency less the service time)."""
    def wait(*options, service_us=100):
        out = checks.run("--service-us", service_us, "--seconds", 200, *options)
        return out["latency_us"]["all"]["mean"] - service_us

    for rho in (0.5, 0.8):
        for model in ("reuseport", "preemptive", "round-robin"):
            checks.near(f"M/D/1 mean wait at {rho:.0%}, {model} --close",
                        wait("--model", model, "--workers", 1, "--close", "--rate", rho * 1e4),
                        rho * 100 / (2 * (1 - rho)), 0.02)
        checks.near(f"M/D/1 mean wait at {rho:.0%}, 64 connections on one worker",
                    wait("--model", "reuseport", "--workers", 1, "--connections", 64, "--rate", rho * 1e4),
                    rho * 100 / (2 * (1 - rho)), 0.02)
        checks.near(f"M/D/1 mean wait at {rho:.0%}, 4 workers by hash, --close",
                    wait("--model", "reuseport", "--workers", 4, "--close", "--rate", 4 * rho * 1e4),
                    rho * 100 / (2 * (1 - rho)), 0.02)
    exponential = ("--service-shape", "exponential", "--close")
    checks.near("M/M/1 mean wait at 80%", wait("--model", "preemptive", "--workers", 1, "--rate", 8e3, *exponential),
                0.8 * 100 / 0.2, 0.03)
    for servers, wake in ((2, "fifo"), (4, "lifo"), (16, "fifo")):
        checks.near(f"M/M/{servers} mean wait at 80%, preemptive --close, {wake} (Erlang C)",
                    wait("--model", "preemptive", "--wake", wake, "--workers", servers, "--rate", servers * 8e3,
                         *exponential), erlang_c(servers, 0.8 * servers) * 100 / (servers * 0.2), 0.03)


def check_mixes(checks):
    """Two-valued service times by Pollaczek-Khinchine; sleeps; shared cores."""
    one = ("--workers", 1, "--close", "--seconds", 200, "--model", "preemptive")
    out = checks.run(*one, "--service-us", 50, "--rate", 2500, "--spin", "1:10000")
    mean, square = 0.99 * 50 + 0.01 * 10050, 0.99 * 50 ** 2 + 0.01 * 10050 ** 2
    rate = 2500e-6
    checks.near("M/G/1 mean wait, 1 % spin 10 ms", out["latency_us"]["all"]["mean"] - mean,
                rate * square / (2 * (1 - rate * mean)), 0.05)
    checks.near("the utilisation of that", out["utilisation"], rate * mean, 0.02)
    out = checks.run(*one, "--service-us", 100, "--rate", 5000, "--sleep", "5:50000")
    checks.near("5 % asleep for 50 ms, mean latency", out["latency_us"]["all"]["mean"], 100 + 50 + 0.05 * 50000, 0.02)
    out = checks.run(*one, "--service-us", 100, "--rate", 5000, "--arrivals", "uniform", "--sleep", "5:50000")
    checks.near("the same, even arrivals: the others do not wait for the sleepers",
                out["latency_us"]["all"]["p90"], 100, 0.002)
    checks.near("and the sleepers take their sleep and no more", out["latency_us"]["all"]["max"], 50100, 1e-6)
    out = checks.run("--model", "reuseport", "--workers", 1, "--connections", 1, "--service-us", 100, "--rate", 100,
                     "--sleep", "100:4900", "--seconds", 5000)
    checks.near("one connection whose requests all sleep is M/D/1 of the sum, mean wait",
                out["latency_us"]["all"]["mean"] - 5000, 0.5 * 5000 / (2 * 0.5), 0.02)
    check_shared_core(checks)
    out = checks.run("--model", "reuseport", "--workers", 4, "--close", "--arrivals", "uniform", "--rate", 1000,
                     "--service-us", 100, "--seconds", 20)
    checks.near("even arrivals slower than the service: nobody waits", out["latency_us"]["all"]["max"], 100, 1e-6)


def check_shared_core(checks):
    """A worker for each job on one core is processor sharing: mean latency s/(1-rho), for any service time."""
    for shape in ("constant", "exponential"):
        out = checks.run("--model", "preemptive", "--workers", 200, "--cores", 1, "--close", "--rate", 7000,
                         "--service-us", 100, "--seconds", 200, "--service-shape", shape)
        checks.near(f"200 workers on one core at 70%: processor sharing, mean latency, {shape}",
                    out["latency_us"]["all"]["mean"], 100 / 0.3, 0.03)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulate", default=os.path.join(HERE, "..", "build", "bench", "simulate"))
    checks = Checks(parser.parse_args().simulate)
    for check in (check_balls, check_placement, check_queues, check_mixes):
        check(checks)
    if checks.missed:
        print(f"{checks.missed} missed")
    sys.exit(1 if checks.missed else 0)


if __name__ == "__main__":
    main()
