# SPDX-License-Identifier: MIT
"""What a bench of its own says: rows, each a number, what it is compared with, and what is asked of it.

A number is the median of its slices with the 95 % interval of that median; a ratio is the median of those of slices
taken side by side. bench/full.py keeps the rows, bench/report.py shows them.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

from lib.server import CannotRun
from lib.statistics_of import confidence, median


BEYOND = "not even its null meets the bar on this machine"


@dataclass(frozen=True)
class Bar:
    limit: float
    of: str = "value"		# or "ratio"
    at_least: bool = False		# or at most
    interval: bool = False		# the whole interval must be on the wrong side to miss it

    def asked(self, unit):
        limit = f"{self.limit:.2f}" if self.of == "ratio" else f"{self.limit:,g} {unit}".strip()
        if self.interval:
            return f"interval not {'below' if self.at_least else 'above'} {limit}"
        return f"{'≥' if self.at_least else '≤'} {limit}"

    def meets(self, spread):
        if self.at_least:
            return spread["high" if self.interval else "median"] >= self.limit
        return spread["low" if self.interval else "median"] <= self.limit


def spread_of(values):
    low, high = confidence(values)
    return {"median": median(values), "low": low, "high": high, "slices": len(values)}


def number(value):
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def shown(spread, unit=""):
    """The median, and the interval if there was more than one slice."""
    interval = f" ({number(spread['low'])}–{number(spread['high'])})" if spread["slices"] > 1 else ""
    return f"{number(spread['median'])} {unit}".strip() + interval


class Rows:
    """Printed as they come."""

    def __init__(self):
        self.rows = []

    @property
    def missed(self):
        return sum(row["verdict"] == "MISSES" for row in self.rows)

    def add(self, what, unit, values, null=None, bar=None, note="", is_floor=False):
        """null: (name, values), slice by slice beside @values; is_floor: what is measured cannot do without it."""
        row = {"what": what, "unit": unit, "value": spread_of(values), "null": None, "ratio": None, "of": None,
               "asked": None, "verdict": None, "note": note}
        if null:
            row["null"] = {"name": null[0], **spread_of(null[1])}
            row["ratio"] = spread_of([a / b for a, b in zip(values, null[1])])
        if bar:
            row.update(of=bar.of, asked=bar.asked(unit), verdict="meets" if bar.meets(row[bar.of]) else "MISSES")
        if is_floor and not bar.meets(row["null"]):
            row["note"] = "; ".join([BEYOND] + [note] * (note != ""))
        self.rows.append(row)
        print(line_of(row), flush=True)

    def write(self, path):
        with open(path, "w") as f:
            json.dump(self.rows, f)


def line_of(row):
    said = [shown(row["value"], row["unit"])]
    if row["null"]:
        said += [f"{row['null']['name']} {shown(row['null'], row['unit'])}", f"ratio {shown(row['ratio'])}"]
    if row["asked"]:
        said.append(f"{row['asked']}: {row['verdict']}")
    return f"  {row['what']:<58} " + "; ".join(said + [row["note"]] * (row["note"] != ""))


def bench(description, port, measure, **options):
    """The main() of one: parses what all have and @options, lets measure(args, rows) measure. Return: its exit code."""
    title = description.split("\n")[0]
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--brood", default="build/brood")
    parser.add_argument("--build", default="build/bench", help="where the bench's binaries are (build/bench)")
    parser.add_argument("--handler", default="build/examples/demo.so", help="the other examples are beside it")
    parser.add_argument("--port", type=int, default=port, help="a few from there on are used")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    for name, value in options.items():
        how = {"action": "store_true"} if value is False else {"type": type(value), "default": value}
        parser.add_argument(f"--{name}", **how)
    args = parser.parse_args()
    args.handler = os.path.abspath(args.handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows = Rows()
    print(title)
    why = None
    try:
        measure(args, rows)
    except (CannotRun, OSError, subprocess.SubprocessError) as e:
        why = f"could not measure: {e}"
        print(why)
    if args.json:
        rows.write(args.json)
    return 2 if why else 1 if rows.missed and args.strict else 0
