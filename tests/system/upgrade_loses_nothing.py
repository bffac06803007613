#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""USR2 starts the program anew, which takes over, and no client notices: --times N on each engine, as root and not (6)."""
# timeout: 900
import argparse
import os
import re
import signal
import subprocess
import time

from _play import NOBODY, Brood, Checker, check, descriptors_of, drop_to, engines, wait_until

N_WORKERS = 2


def load(port, seconds):
    """A client that was not written here: as many short connections as it can."""
    return subprocess.Popen(["wrk", "-t1", "-c32", f"-d{seconds}s", "-H", "Connection: close",
                             f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, text=True)


def variables_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        return [entry for entry in f.read().split(b"\0") if entry]


def expect_no_errors(wrk):
    output = wrk.communicate()[0]
    check(wrk.returncode == 0 and "Socket errors" not in output and "Non-2xx" not in output, output)
    return float(re.search(r"Requests/sec: *([\d.]+)", output)[1])


def play(engine, times, **popen):
    with Brood(engine=engine, workers=N_WORKERS, **popen) as brood:
        kinds = descriptors_of(brood.pid)
        began = time.monotonic()
        brood.upgrade()
        seconds = max(3, round((time.monotonic() - began + 0.3) * times))
        checkers = [Checker(brood.port, "keepalive", 64, rate=10, path="/"), Checker(brood.port, "keepalive", 4),
                    Checker(brood.port, "close", 4), Checker(brood.port, "pipeline=16", 2)]
        wrk = load(brood.port, seconds)
        time.sleep(0.3)
        took = []
        for _ in range(times):
            began = time.monotonic()
            before = set(brood.workers())
            brood.upgrade()
            took.append(time.monotonic() - began)
            check(not before & set(brood.workers()), "other workers serve")
        rate = expect_no_errors(wrk)
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        rate += checkers[2]["connections"] / checkers[2]["seconds"]
        check(not brood.lines("killed|died|restarting|cut|error"), "no death, no penalty")
        wait_until(lambda: sorted(descriptors_of(brood.pid).values()) == sorted(kinds.values()), 5,
                   f"the parent has what the first one had: {kinds}, {descriptors_of(brood.pid)}")
        check(len([v for v in variables_of(brood.pid) if v.startswith(b"BROOD_UPGRADE_FD=")]) == 1, "one variable")
        brood.stop()
    return rate, sorted(took)


def shrink_and_upgrade(engine, times):
    """Those that have just been scaled away hand over to siblings, who leave at once as well."""
    with Brood(engine=engine, workers=4) as brood:
        checkers = [Checker(brood.port, "keepalive", 64, path="/", rate=400), Checker(brood.port, "pipeline=16", 4),
                    Checker(brood.port, "keepalive", 16, path="/sleep?ms=300")]     # busy when their worker has to leave
        time.sleep(0.3)
        n_scaled = 0
        for _ in range(times):
            for number in (signal.SIGTTOU, signal.SIGTTOU, 0, signal.SIGTTIN, signal.SIGTTIN):
                if number:
                    n_scaled += 1
                    brood.kill(number)
                    brood.wait_for_line(r"scaling: \d worker", 20, n_scaled)
                else:
                    brood.upgrade()
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        brood.stop()


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=6)
times = parser.parse_args().times
for engine in engines():
    shrink_and_upgrade(engine, max(2, times // 3))
    for name, popen in (("as nobody", {"preexec_fn": drop_to(NOBODY)}), ("as root", {})):
        if popen and os.geteuid() != 0:
            continue
        rate, took = play(engine, times, **popen)
        print(f"{engine}, {name}: {times} upgrades, {took[len(took) // 2] * 1000:.0f} ms each, at {rate:.0f} connections/s")
