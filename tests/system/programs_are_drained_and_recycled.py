#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that does not leave is killed and told as cut; old and large ones are replaced; one that is given up is gone."""
# models: one
# waits: mostly
import json
import os
import signal
import time

from _guest import MODELS, PYTHON, Guest
from _play import Client, check, wait_until

DEAF = (PYTHON, "-c", "import signal, socket, sys, time\n"
        "for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, lambda n, _: print('heard', n, flush=True))\n"
        "s = socket.socket(fileno=3)\ns.listen()\nheld = []\n"
        "while True:\n    held.append(s.accept())\n")

for model in MODELS:
    # It accepts, and never answers nor leaves.
    with Guest("--drain-timeout", "700ms", "--stdio", "log", model=model, program=DEAF) as brood:
        clients = [Client(brood.port) for _ in range(6)]
        time.sleep(0.2)
        took = brood.stop(code=3, within=5)
        check(0.6 < took < 3, f"after the drain timeout: {took:.1f} s")
        brood.wait_for_line("stdout: heard 15", 1)
        line = brood.wait_for_line(r"drain timed out .*: [67] connections cut", 1)     # a program without any counts as one
        print(f"{model}: {line}")
    with Guest("--stop-signal", "INT", "--drain-timeout", "30s", "--stdio", "log", model=model, program=DEAF) as brood:
        brood.kill(signal.SIGTERM)
        brood.wait_for_line("stdout: heard 2", 5)
        check(not brood.lines("heard 15"), "the other signal")
        took = brood.stop(code=3, within=3)         # the second one
        check(took < 2, f"at once: {took:.1f} s")
    with Guest("--drain-timeout", "30s", model=model, program=DEAF) as brood:
        brood.kill(signal.SIGTERM)
        brood.wait_for_line("draining", 5)
        for keeper in brood.workers():
            os.kill(keeper, signal.SIGSTOP)         # none can say what its program had
        brood.stop(code=3, within=3)
        check(brood.lines("ended at once, not all drained"), "nobody knows what they had")
    # A reload does not wait for one that does not leave; what it holds is cut when its time is over.
    with Guest("--drain-timeout", "700ms", model=model, program=DEAF) as brood:
        before = set(brood.programs())
        brood.kill(signal.SIGHUP)
        brood.wait_for_line("reload: done", 10)
        wait_until(lambda: not before & set(brood.programs()), 5, "the old ones are killed")
        brood.stop(code=3)

    with Guest("--max-age", "1s", model=model) as brood:
        before = set(brood.programs())
        wait_until(lambda: not before & set(brood.programs()), 10, "each is replaced")
        brood.wait_for_line(r"retiring \(max-age\)", 5, 2)
        check(not brood.lines("killed|died|exited"), "no death")
        brood.stop()
    with Guest("--max-rss", "1M", model=model, workers=1) as brood:
        pid = brood.programs()[0]
        brood.replaced(pid)
        brood.wait_for_line(r"retiring \(max-rss\)", 5)
        brood.stop()

    with Guest("--on-giveup", "degrade", "--restart-limit", "2/10s", "--backoff", "10ms..10ms", model=model) as brood:
        def slot_1_dies():
            about = json.loads(brood.get("/whoami").body)
            if about["slot"] == 1:
                os.kill(about["pid"], signal.SIGKILL)
            return brood.lines("giveup: slot 1")
        wait_until(slot_1_dies, 20, "slot 1 is given up")
        for _ in range(50):
            check(json.loads(brood.get("/whoami").body)["slot"] == 0, "the other answers")
        brood.stop()
