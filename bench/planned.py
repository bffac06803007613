#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hundreds of planned events under as many connections as wrk can make: what did a client notice of them?

Of each kind, for each user, model and engine: reloads, scalings, suicides, recycles and upgrades. Beside wrk, which
opens a connection for each request and was not written here, clients that count exactly do the same, keep 64
connections alive, and pipeline. Failed is what was refused or answered wrongly, reset what ended before it was
answered, stalled what waited for more than a second; with --strict anything but 0 makes the exit code 1.
"""
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/system"))

from lib.rows import Bar, bench
from lib.server import CannotRun

N_WORKERS = 2
LOSSES = ("failed", "reset", "stalled", "closed")
KINDS = {"reload": 50, "scale": 100, "suicide": 200, "recycle": 50, "upgrade": 20}
PAUSE_S = 0.05


def wrk(port, seconds):
    return subprocess.Popen(["wrk", "-t1", "-c32", f"-d{seconds:.0f}s", "-H", "Connection: close",
                             f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Shorts:
    """Rounds of wrk, one after another, for as long as the events take."""

    def __init__(self, port):
        self.port, self.n, self.seconds, self.errors, self.told = port, 0, 0.0, 0, ""
        self.process = wrk(port, 2)

    def _take(self):
        output = self.process.communicate()[0]
        done = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", output)
        if not done or self.process.returncode != 0:
            raise SystemExit(f"wrk: {output}")
        self.n += int(done[1])
        self.seconds += float(done[2]) * {"ms": 0.001, "s": 1, "m": 60}[done[3]]
        for line in re.findall(r"(?:Socket errors|Non-2xx).*", output):
            self.errors += sum(map(int, re.findall(r" (\d+)(?:,|$)", line)))
            self.told += f"wrk: {line}\n"

    def go_on(self):
        if self.process.poll() is not None:
            self._take()
            self.process = wrk(self.port, 2)

    def finish(self):
        self._take()


def reload(brood, turn):
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done after", 30, turn + 1)


def scale(brood, turn):
    brood.kill(signal.SIGTTOU)
    brood.wait_for_line(r"scaling: \d+ worker", 30, 2 * turn + 1)
    brood.kill(signal.SIGTTIN)
    brood.wait_for_line(r"scaling: \d+ worker", 30, 2 * turn + 2)


def suicide(brood, turn):
    brood.get("/retire?reason=because", timeout=10)
    brood.wait_for_line(r"retiring .because.", 30, turn + 1)
    brood.wait_for_line("left after", 30, turn + 1)


def recycle(brood, turn):
    brood.wait_for_line(r"retiring .*(max-requests|requests)", 60, turn + 1)


def upgrade(brood, turn):
    brood.upgrade()


EVENTS = {"reload": reload, "scale": scale, "suicide": suicide, "recycle": recycle, "upgrade": upgrade}


def play(kind, times, engine, model, popen):
    import _play
    options = ["--max-requests", 5000] if kind == "recycle" else []
    with _play.Brood(*options, engine=engine, model=model, workers=N_WORKERS, **popen) as brood:
        checkers = [_play.Checker(brood.port, "keepalive", 64, rate=100, path="/", seconds=600),
                    _play.Checker(brood.port, "pipeline=16", 2, rate=100, seconds=600),
                    _play.Checker(brood.port, "close", 2, seconds=600)]
        shorts = Shorts(brood.port)
        time.sleep(0.3)
        for turn in range(times):
            EVENTS[kind](brood, turn)
            shorts.go_on()
            time.sleep(PAUSE_S)
        shorts.finish()
        for checker in checkers:
            checker.finish()
        told = brood.lines("killed|died|restarting|cut|error")
        brood.stop(within=15)
    return {
        "connections": shorts.n + sum(c["connections"] for c in checkers),
        "rate": shorts.n / shorts.seconds + checkers[2]["connections"] / checkers[2]["seconds"],
        "requests": shorts.n + sum(c["answered"] for c in checkers),
        "failed": shorts.errors + sum(c["refused"] + c["wrong"] + c["raced"] + c["reset_idle"] for c in checkers),
        "reset": sum(c["lost_reset"] + c["lost_eof"] + c["cut_short"] for c in checkers),
        "stalled": sum(c["stalled"] for c in checkers),
        "closed": sum(c["connections"] - c.n_kept for c in checkers if c.n_kept),
        "told": told, "complaints": shorts.told + "".join(c.complaints for c in checkers),
    }


def print_row(*cells):
    print("    {:7} {:12} {:6} {:8} {:>6} {:>8} {:>12} {:>10} {:>7} {:>6} {:>8} {:>7}".format(*cells), flush=True)


def measure(args, rows):
    if not shutil.which("wrk"):
        raise CannotRun("missing: wrk (apt install wrk)")
    os.environ["BUILD"] = os.path.dirname(os.path.abspath(args.build))
    import _play
    users = {"root": {}, "self": {}, "nobody": {"preexec_fn": _play.drop_to(_play.NOBODY)}}
    sums, n_wrong = dict.fromkeys(("events", "connections", "requests"), 0), 0
    print_row("user", "model", "engine", "event", "events", "shorts/s", "connections", "requests", *LOSSES)
    for user, model, engine, kind in itertools.product(args.users.split(","), args.models.split(","),
                                                       args.engines.split(","), args.kinds.split(",")):
        times = max(1, round(KINDS[kind] * args.part))
        r = play(kind, times, engine, model, users[user])
        for name in sums:
            sums[name] += times if name == "events" else r[name]
        print_row(user, model, engine, kind, times, f"{r['rate']:.0f}", r["connections"], r["requests"],
                  *(r[name] for name in LOSSES))
        if r["told"] or any(r[name] for name in LOSSES):
            print(r["complaints"], *r["told"], sep="\n", flush=True)
        n_wrong += len(r["told"]) + sum(r[name] for name in LOSSES)
    rows.add(f"planned events: connections {', '.join(LOSSES)}, and complaints of the pool", "", [n_wrong], bar=Bar(0),
             note=f"{sums['events']} events, {sums['connections']:,} connections, {sums['requests']:,} requests")


if __name__ == "__main__":
    sys.exit(bench(__doc__, 0, measure, kinds=",".join(KINDS), models="reuseport", engines="uring,epoll", part=1.0,
                   users="root,nobody" if os.geteuid() == 0 else "self"))
