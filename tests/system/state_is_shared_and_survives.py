#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counters, sessions and limits are one for all workers, in memory and on Redis, and outlive crashes, reloads, scaling."""
import os
import pathlib
import re
import signal
import threading

from _play import Brood, Client, check, engines, get
from _redis import back_ends

EXAMPLES = pathlib.Path(os.environ.get("BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")) / "examples"


def count_on(port, n, key):
    """Each request on a connection of its own, so that all workers have some."""
    for _ in range(n):
        get(port, f"/count?key={key}")


def counts(engine, where):
    with Brood(*where, engine=engine, workers=3, control=True) as brood:
        threads = [threading.Thread(target=count_on, args=(brood.port, 100, "k")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(get(brood.port, "/count?key=k").body == b"401\n", "every request is counted once")
        check(get(brood.port, "/count").body == b"1\n", "another counter is another")
        for pid in brood.workers():
            os.kill(pid, signal.SIGKILL)
        brood.wait_for_line("ready", n=2)
        check(get(brood.port, "/count?key=k").body == b"402\n", "it outlives all workers")
        brood.ctl("reload", "--wait")
        check(get(brood.port, "/count?key=k").body == b"403\n", "and a reload")
        brood.ctl("scale", "6", "--wait")
        seen = {int(get(brood.port, "/count?key=k").body) for _ in range(60)}
        check(seen == set(range(404, 464)), f"the new workers have it too: {sorted(seen)}")
        check(get(brood.port, "/count?key=").status == 400, "an empty key is refused")


def refuses():
    with Brood("--state", "off") as brood:
        check(get(brood.port, "/count").status == 503, "there is none")
    with Brood("--state-size", "1M", "--state-full", "refuse", "--admin", "127.0.0.1:0") as brood:
        status, n = 200, 0
        with Client(brood.port) as client:
            while status == 200 and n < 20000:
                status, n = client.get(f"/count?key={n}").status, n + 1
        check(status == 503 and n > 5000, f"{n} counters in 1 MiB, then {status}")
        check(get(brood.port, "/count?key=1").body == b"2\n", "those that are there stay")


def sessions(where):
    with Brood(*where, what=("--handler", str(EXAMPLES / "session.so")), workers=4) as brood:
        check(get(brood.port, "/").status == 401, "nobody is logged in")
        cookie = get(brood.port, "/login?user=ann", method="POST")["set-cookie"].split(";")[0]
        told = [get(brood.port, "/", f"Cookie: {cookie}\r\n").body.decode() for _ in range(40)]
        check([re.match(r"ann, visit (\d+), ", text)[1] for text in told] == [str(n) for n in range(1, 41)], told)
        check(len({text.split()[-1] for text in told}) > 1, "several workers have answered")
        get(brood.port, "/logout", f"Cookie: {cookie}\r\n", method="POST")
        check(get(brood.port, "/", f"Cookie: {cookie}\r\n").status == 401, "and is logged out everywhere")


def limits(where):
    with Brood(*where, what=("--handler", str(EXAMPLES / "limiter.so")), workers=4) as brood:
        check(get(brood.port, "/").status == 401, "everybody has a key")
        statuses = [get(brood.port, "/", "X-Api-Key: ann\r\n").status for _ in range(250)]
        check(100 <= statuses.count(200) <= 200, f"one window or two: {statuses.count(200)}")
        check(statuses.count(200) + statuses.count(429) == 250, "and no other answer")
        refused = get(brood.port, "/", "X-Api-Key: ann\r\n")
        check(refused.status == 200 or 1 <= int(refused["retry-after"]) <= 10, "told when to come again")
        check(get(brood.port, "/", "X-Api-Key: bob\r\n").status == 200, "others are not concerned")


with back_ends() as all_of_them:
    for options in all_of_them:
        for engine_name in engines():
            counts(engine_name, (*options, *(("--state-prefix", engine_name) if options else ())))
        sessions(options)
        limits(options)
refuses()
