#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What messages between processes and the shared state cost, as build/bench/messages and build/bench/state measure it.

Both programs measure by themselves and print a table; with --slices they print each slice, of which this makes rows.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.rows import Bar, bench
from lib.server import CannotRun
from lib.statistics_of import median

RATE_BAR, TRIP_BAR = Bar(300000, at_least=True), Bar(30)
GET_BAR, ADD_BAR = Bar(150), Bar(100)
TRIPS = 10		# parts of all the round trips, each with its median

ONE_WAY, AND_BACK = "null: one packet each, no parent", "null: with one that passes it on"
MESSAGES = [		# what, what the program calls it, its null, unit, bar
    ("64 bytes one way, worker to worker", "worker to worker", ONE_WAY, "/s", RATE_BAR),
    ("64 bytes one way, worker to callbacks", "worker to callbacks", ONE_WAY, "/s", RATE_BAR),
    ("there and back, worker to worker", "worker to worker and back", AND_BACK, "µs", TRIP_BAR),
    ("there and back, worker to callbacks", "worker to callbacks and back", AND_BACK, "µs", TRIP_BAR),
]
STATE = [
    ("get, 64 bytes", "get, 64 bytes of 1,000 keys", "null: copy of 64 bytes", "ns", GET_BAR),
    ("set, 64 bytes", "set, 64 bytes of 1,000 keys", "null: copy of 64 bytes", "ns", None),
    ("get of one key that another sets all the time", "get of one key, another sets it always",
     "null: copy of 64 bytes", "ns", None),
    ("add to a counter, alone", "add to a counter", "null: atomic addition", "ns", None),
    ("add to a counter that another adds to", "add to the same counter, by two", "null: atomic addition, by two", "ns",
     ADD_BAR),
]
PROGRAMS = {"messages": MESSAGES, "state": STATE}


def run(path):
    """{name: values}"""
    said = subprocess.run([path, "--slices"], stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line.split("\t") for line in said.splitlines()]
    return {name: list(map(float, values.split())) for name, values in lines}


def in_parts(values):
    """Medians of as many parts as there are slices elsewhere; few values stay what they are."""
    size = len(values) // TRIPS
    return [median(values[i * size:(i + 1) * size]) for i in range(TRIPS)] if size > TRIPS else values


def measure(args, rows):
    chosen = {name: rows_of for name, rows_of in PROGRAMS.items() if args.of in ("all", name)}
    if not chosen:
        raise CannotRun(f"--of {args.of}: it must be all, {' or '.join(PROGRAMS)}")
    for program, rows_of in chosen.items():
        seen = {name: in_parts(values) for name, values in run(os.path.join(args.build, program)).items()}
        for what, name, null, unit, bar in rows_of:
            rows.add(f"{program}: {what}", unit, seen[name], (null, seen[null]), bar,
                     is_floor=null == AND_BACK)


if __name__ == "__main__":
    sys.exit(bench(__doc__, 0, measure, of="all"))
