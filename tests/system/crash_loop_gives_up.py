#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A request that kills every worker it meets ends the pool with code 4 and a line that says by what."""
import time

from _play import Brood, check, engines, get

REASONS = {"segv": r'giveup: .* SIGSEGV.*serving "GET /crash\?how=segv HTTP/1\.1"',
           "abort": r'giveup: .* SIGABRT.*serving "GET /crash\?how=abort HTTP/1\.1"',
           "exit": r"giveup: .*exit code 7"}


def crash_until_end(brood, how):
    n = 0
    deadline = time.monotonic() + 20
    while brood.process.poll() is None:
        check(time.monotonic() < deadline, f"given up at last, after {n}")
        try:
            get(brood.port, f"/crash?how={how}", timeout=2)
            check(False, "a crash does not answer")
        except OSError:
            time.sleep(0.002)
        except EOFError:
            n += 1
    return n


for engine in engines():
    for how, reason in REASONS.items():
        with Brood("--poison-limit", "off", "--backoff", "10ms..50ms", engine=engine) as brood:
            crash_until_end(brood, how)
            brood.wait_exit(4, 1)
            n = len(brood.lines(r"worker \d+ \(pid \d+\): (died|exited)"))
            lines = brood.lines("giveup")
            print(f"{engine}, {how}: {n} deaths, then:", *lines)
            check(len(lines) == 1 and brood.lines(reason), f"the log gives the reason: {reason}")
            check(3 <= n <= 12, "the limit is a limit")

with Brood("--poison-limit", "off", "--restart-limit", "2/10s", "--backoff", "10ms..50ms", workers=1) as brood:
    crash_until_end(brood, "exit")
    brood.wait_exit(4, 1)
    check(len(brood.lines("exited with code 7 after")) == 3 and brood.lines("giveup"), "two restarts, then none")
