#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With --stdio log each line that a program writes is a line of the log, with its slot, bounded; it never waits for that."""
# models: one
import json
import time

from _guest import PYTHON, Guest
from _play import check

TALK = """
import os, socket, sys, time
s = socket.socket(fileno=3)
s.listen()
os.write(1, b"first\\nsecond, in")
time.sleep(0.1)
os.write(1, b" two parts\\n\\nthird\\r\\n\\x1b[31mred\\x00\\xff\\n")
os.write(2, b"an error\\n")
os.write(1, b"x" * 10000 + b"\\n")
for i in range(20000):
    os.write(1, b"%d bottles\\n" % i)
os.write(2, b"done")
sys.exit(3)
"""

with Guest("--stdio", "log", "--ready", "notify", "--restart-limit", "1/10s", "--backoff", "10ms..10ms", workers=1, ready=False,
           program=(PYTHON, "-c", TALK)) as brood:
    began = time.monotonic()
    brood.wait_exit(4, 20)
    log = brood.lines("stdout|stderr")
    head = r"worker 0 \(program \d+\) std"
    for said in (head + "out: first$", head + "out: second, in two parts$", r"out: third\\r$", r"out: \\x1b\[31mred", head + "err: an error",
                 head + "err: done$", "0 bottles", "19999 bottles"):
        check(brood.lines(said), f"the log has {said}")
    check(all(len(line) < 1024 for line in log), "no line is longer than those of the log are")
    check(sum(line.count("x") for line in log) > 9000, "a long one is told in pieces")
    check(brood.lines("exited with code 3"), "and how it ended")
    print(f"{len(log)} lines in {time.monotonic() - began:.1f} s")

with Guest("--stdio", "log", "--log-format", "json", workers=1) as brood:
    brood.get("/say?%22quoted%22%0A")
    line = json.loads(brood.wait_for_line("quoted", 5))
    check(line["message"].endswith('stdout: "quoted"') and line["level"] == "info", line)
    brood.stop()
with Guest("--stdio", "null", workers=1) as brood:
    brood.get("/say?nobody+hears+this%0A")
    brood.stop()
    check("nobody" not in brood.log(), "null is silent")
with Guest(workers=1) as brood:
    brood.get("/say?as+it+is%0A")
    brood.stop()
    check("\nas+it+is\n" in brood.log(), "inherit writes where we do")
