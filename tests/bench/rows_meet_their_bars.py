#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A bench's row is judged by the number its bar is about, and the report shows it, or why it is not there."""
import json
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))

import report
from lib.measured import Measured
from lib.rows import Bar, Rows
from lib.verdicts import single_bars

HOLDS_ONE = Bar(1.0, "ratio", at_least=True, interval=True)
CASES = [		# values, those of the null, bar, what is asked, verdict
    ([9.0], None, Bar(10), "≤ 10 ns", "meets"),
    ([11.0], None, Bar(10), "≤ 10 ns", "MISSES"),
    ([0], None, Bar(0), "≤ 0 ns", "meets"),
    ([300000.0], None, Bar(300000, at_least=True), "≥ 300,000 ns", "meets"),
    ([299999.0], None, Bar(300000, at_least=True), "≥ 300,000 ns", "MISSES"),
    ([1000.0, 10.4, 10.5], [1000.0, 10.0, 10.0], Bar(1.05, "ratio"), "≤ 1.05", "meets"),
    ([10.6, 10.6, 10.6], [10.0, 10.0, 10.0], Bar(1.05, "ratio"), "≤ 1.05", "MISSES"),
    ([9.0, 9.8, 10.1], [10.0, 10.0, 10.0], HOLDS_ONE, "interval not below 1.00", "meets"),
    ([9.0, 9.8, 9.9], [10.0, 10.0, 10.0], HOLDS_ONE, "interval not below 1.00", "MISSES"),
]


def lines():
    rows = Rows()
    for i, (values, null, bar, _, _) in enumerate(CASES):
        rows.add(f"case {i}", "ns", values, ("memory", null) if null else None, bar)
    return [{"kind": "state", "run": "old", "absent": "it was not built"},
            {"kind": "state", "run": "new", "measured": rows.rows, "absent": None},
            {"kind": "redis", "run": "new", "measured": None, "absent": "missing: redis-server"}]


with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
    f.writelines(json.dumps(line) + "\n" for line in lines())
    f.flush()
    measured = Measured(f.name)
bars = single_bars(measured)
assert len(bars) == len(CASES), bars
for bar, (values, null, _, asked, verdict) in zip(bars, CASES):
    assert (bar.bar, bar.verdict) == (asked, verdict), (values, null, bar.bar, bar.verdict)
text = report.singles_section(measured)
shown = "| case 5 | 10.5 ns (10.4–1,000) | memory 10.0 ns (10.0–1,000) | 1.04 (1.00–1.05) | ≤ 1.05 | meets |"
assert shown in text, text
assert text.count("**MISSES**") == 4, text
assert "- redis: missing: redis-server" in text and "- tasks: did not run" in text, text
