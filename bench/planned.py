#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hundreds of planned events under as many connections as wrk can make: what did a client notice of them?

Of each kind, for each user, model and engine: reloads, scalings, suicides, recycles and upgrades. Beside wrk, which
opens a connection for each request and was not written here, clients that count exactly do the same, keep 64
connections alive, and pipeline. Failed is what was refused or answered wrongly, reset what ended before it was answered, stalled what
waited for more than a second; anything but 0 makes the exit code 1.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))

N_WORKERS = 2
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--models", default="reuseport")
    parser.add_argument("--engines", default="uring,epoll")
    parser.add_argument("--users", default="root,nobody" if os.geteuid() == 0 else "self")
    parser.add_argument("--part", type=float, default=1.0, help="of the events of each kind")
    args = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    os.environ["BUILD"] = args.build
    import _play
    users = {"root": {}, "self": {}, "nobody": {"preexec_fn": _play.drop_to(_play.NOBODY)}}
    bad = False
    rows = []
    for user in args.users.split(","):
        for model in args.models.split(","):
            for engine in args.engines.split(","):
                for kind in args.kinds.split(","):
                    times = max(1, round(KINDS[kind] * args.part))
                    r = play(kind, times, engine, model, users[user])
                    wrong = r["failed"] + r["reset"] + r["stalled"] + r["closed"] + len(r["told"])
                    bad |= wrong > 0
                    rows.append(f"{user:7} {model:12} {engine:6} {kind:8} {times:6} {r['rate']:8.0f} {r['connections']:12} "
                                f"{r['requests']:10} {r['failed']:7} {r['reset']:6} {r['stalled']:8} {r['closed']:7}")
                    print(rows[-1], flush=True)
                    if wrong:
                        print(r["complaints"], *r["told"], sep="\n", flush=True)
    print(f"\n{'user':7} {'model':12} {'engine':6} {'event':8} {'events':>6} {'shorts/s':>8} {'connections':>12} "
          f"{'requests':>10} {'failed':>7} {'reset':>6} {'stalled':>8} {'closed':>7}")
    print(*rows, sep="\n")
    return bad


if __name__ == "__main__":
    sys.exit(main())
