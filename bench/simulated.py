#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measured points beside the model, then the model where this machine ends: up to 64 workers on 64 cores.

Reads the measured points of a full run (JSON lines of kind "latency" and "spread"), runs build/bench/simulate with
the parameters of each, and prints markdown. A point agrees when it lies in the range that 95 % of the seeds give.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "..", "build", "bench")
SPREAD_SEEDS, LATENCY_SEEDS, EXTENSION_SEEDS, EXTENSION_SPREAD_SEEDS = 2000, 40, 12, 500
SECONDS, EXTENSION_SECONDS = 10, 5
SHARE, FLOOR_US = 0.1, 500	# the model has no network and no scheduler: so far off it still agrees
SIZES = (2, 4, 8, 16, 32, 64)
PER_WORKER = (1, 2, 8)
SERVICE_US, SPIN, SPIN_MEAN_US, UTILISATION = 20, "1:10000", 0.01 * 10000, 0.5
POLICIES = {		# name -> what simulate takes
    "reuseport, hash": ("--model", "reuseport"),
    "reuseport, weighted": ("--model", "reuseport", "--balance", "weighted"),
    "reuseport, least": ("--model", "reuseport", "--balance", "least"),
    "round-robin": ("--model", "round-robin"),
    "preemptive, io_uring": ("--model", "preemptive", "--wake", "armed"),
    "preemptive, epoll": ("--model", "preemptive", "--wake", "lifo"),
}


def simulate(binary, *options):
    done = subprocess.run([binary, *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, options))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def microseconds(us):
    if us >= 99950:
        return f"{us / 1e3:,.0f} ms"
    return f"{us / 1e3:.3g} ms" if us >= 1000 else f"{us:.0f} µs"


def model_options(row):
    """The epoll engine wakes the worker that slept last; what is armed in a ring stays armed while its worker is busy."""
    options = ["--model", row["model"], "--workers", row["workers"]]
    if row.get("balance") and row["model"] == "reuseport":
        options += ["--balance", row["balance"]]
    if row["model"] == "preemptive":
        options += ["--wake", "lifo" if "epoll" in row["server"] else "armed"]
    return options


def latency_options(row):
    options = model_options(row) + ["--cores", row["cores"], "--rate", row["rate"], "--service-us", row["service_us"]]
    options += ["--close"] if row["close"] else ["--connections", row["connections"]]
    if not row["close"]:
        options += ["--opened", row.get("opened", "burst")]
    for name in ("spin", "sleep"):
        options += [f"--{name}", row[name]] if row.get(name) else []
    return options + ["--seconds", row.get("seconds", SECONDS), "--arrivals", row.get("arrivals", "poisson")]


def agreement(measured, simulated, shown):
    """The last four cells of a row: measured, simulated, ratio, agrees."""
    ratio = f"{measured / simulated['mean']:.2f}" if simulated["mean"] else "-"
    inside = simulated["low"] * (1 - SHARE) - FLOOR_US <= measured <= simulated["high"] * (1 + SHARE) + FLOOR_US
    return [shown(measured), f"{shown(simulated['mean'])} ({shown(simulated['low'])}..{shown(simulated['high'])})",
            ratio, "yes" if inside else "**no**"]


def latency_rows(binary, row):
    out = simulate(binary, *latency_options(row), "--seeds", LATENCY_SEEDS)["over_seeds"]
    where = "a connection each" if row["close"] else f"{row['connections']} connections"
    for key, name in (("p99_us", "p99"), ("p99_others_us", "p99 of the others")):
        if row.get(key) is not None and out[key] is not None:
            yield [row["workload"], row["server"], f"{row['workers']}", f"{where}, {row['rate']:,.0f}/s", name,
                   *agreement(row[key], out[key], microseconds)]


def spread_row(binary, row):
    """What is compared is the mean of the repetitions, with the range in which single ones fall."""
    out = simulate(binary, *model_options(row), "--connections", row["connections"], "--rate", 0,
                   "--opened", row.get("opened", "burst"), "--seeds", SPREAD_SEEDS)["over_seeds"]["max_over_mean"]
    values = row["max_over_mean"]
    inside = sum(out["low"] - 0.005 <= v <= out["high"] + 0.005 for v in values)
    mean = statistics.mean(values)
    return [row["server"], f"{row['workers']}", f"{row['connections']}",
            f"{mean:.2f} ({min(values):.2f}..{max(values):.2f})",
            f"{out['mean']:.2f} ({out['low']:.2f}..{out['high']:.2f})", f"{mean / out['mean']:.2f}",
            f"{inside} of {len(values)}"]


def measured_tables(binary, rows):
    spread = [spread_row(binary, row) for row in rows if row.get("kind") == "spread" and row.get("max_over_mean")]
    latency = [line for row in rows if row.get("kind") == "latency" for line in latency_rows(binary, row)]
    parts = []
    if spread:
        parts += ["### Connections of the busiest worker over the mean, measured beside simulated\n",
                  table(("server", "workers", "connections", "measured: mean (range)", "simulated: mean (95 %)",
                         "ratio", "repetitions inside"), spread)]
    if latency:
        parts += ["### Latency, measured beside simulated\n\n"
                  f"A point agrees when it is within {SHARE:.0%} and {FLOOR_US / 1000:g} ms of what 95 % of the seeds give: "
                  "the model has queues, but no network, no scheduler and no cost of waking.\n",
                  table(("workload", "server", "workers", "load", "what", "measured", "simulated: mean (95 %)", "ratio",
                         "agrees"), latency)]
    return parts or ["No measured point to set beside the model.\n"]


def extension_row(name, cell):
    return [name, *[cell(n) for n in SIZES]]


def spread_extension(binary):
    def cell(options, n):
        means = (simulate(binary, *options, "--workers", n, "--connections", k * n, "--rate", 0,
                          "--seeds", EXTENSION_SPREAD_SEEDS)
                 for k in PER_WORKER)
        return " / ".join(f"{out['over_seeds']['max_over_mean']['mean']:.2f}" for out in means)

    rows = [extension_row(name, lambda n, o=options: cell(o, n)) for name, options in POLICIES.items()]
    return ["### Connections of the busiest worker over the mean, n workers: k = n / 2n / 8n connections\n",
            "Opened one by one, 1,000 a second, on an idle pool; means of "
            f"{EXTENSION_SPREAD_SEEDS} seeds.\n",
            table(("", *[f"n = {n}" for n in SIZES]), rows)]


def spin_extension(binary, close):
    """Two tables of one set of runs: the requests that did not spin, and all."""
    rate_per_worker = UTILISATION * 1e6 / (SERVICE_US + SPIN_MEAN_US)
    runs = {}
    for name, options in POLICIES.items():
        for n in SIZES:
            load = ("--close",) if close else ("--connections", 8 * n)
            runs[name, n] = simulate(binary, *options, "--workers", n, "--rate", rate_per_worker * n, *load,
                                     "--service-us", SERVICE_US, "--spin", SPIN, "--seconds", EXTENSION_SECONDS,
                                     "--seeds", EXTENSION_SEEDS)["over_seeds"]
    where = "a connection for each request" if close else "8n keep-alive connections, opened one by one"
    parts = []
    for key, what in (("p99_others_us", "the requests that did not spin"), ("p99_us", "all requests")):
        rows = [extension_row(name, lambda n, p=name: ranged(runs[p, n][key])) for name in POLICIES]
        parts += [f"### p99 of {what}, 1 % spin 10 ms, {UTILISATION:.0%} utilisation, {where}\n",
                  table(("", *[f"n = {n}" for n in SIZES]), rows)]
    return parts


def ranged(simulated):
    mean, low, high = (simulated[k] for k in ("mean", "low", "high"))
    if high - low < 0.1 * mean:
        return microseconds(mean)
    return f"{microseconds(mean)} ({microseconds(low)}..{microseconds(high)})"


def extension_tables(binary):
    return [f"## The model on n workers and n cores\n\nOther requests take {SERVICE_US} µs; {EXTENSION_SECONDS} s, "
            f"{EXTENSION_SEEDS} seeds; in brackets where 95 % of the seeds fall when that is more than a tenth apart. "
            "With keep-alive, a seed can put more on a worker than it can serve: its queue then grows as long as "
            "the run, and so does the p99. One request in a hundred spins, so the p99 of all requests lies at the edge "
            "of the spinning ones: where nobody waits it is anything up to 10 ms.\n",
            *spread_extension(binary), *spin_extension(binary, close=True), *spin_extension(binary, close=False)]


def tables(simulate_binary, measured_rows):
    """Markdown: the measured rows beside the model, then the model up to 64 workers."""
    return "\n".join([*measured_tables(simulate_binary, measured_rows), *extension_tables(simulate_binary)])


def read_rows(path):
    with open(path) as f:
        return [json.loads(line) for line in f if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", nargs="?", default=os.path.join(BUILD, "points.jsonl"),
                        help="JSON lines (default: build/bench/points.jsonl, which report.py writes)")
    parser.add_argument("--simulate", default=os.path.join(BUILD, "simulate"))
    args = parser.parse_args()
    try:
        rows = read_rows(args.measured)
    except (OSError, ValueError) as e:
        parser.error(f"{os.path.relpath(args.measured)}: {getattr(e, 'strerror', None) or e}")
    try:
        print(tables(args.simulate, rows))
    except (OSError, RuntimeError) as e:
        sys.exit(f"simulate: {e}")


if __name__ == "__main__":
    main()
