#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Redis killed, stopped and started again under load: every request is answered, in time; then all counts again."""
# models: one
# waits: mostly
import collections
import pathlib
import threading
import time

from _play import SLOW, Brood, check, children_of, engines, get, wait_until
from _redis import Redis, need_redis

TIMEOUT_S = 0.5


class Load:
    """Counts on connections of its own; what it saw, and how long the slowest took."""

    def __init__(self, port, n=8):
        self.port, self.statuses, self.slowest_s = port, collections.Counter(), 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(n)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self):
        while not self.stop.is_set():
            began = time.monotonic()
            status = get(self.port, "/count?key=k").status
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.statuses[status] += 1
            time.sleep(0.002)


def counts_again(brood):
    """Each worker that had lost it has found it, and as many in a row as would have met one that has not are counted."""
    wait_until(lambda: len(brood.lines("until it is there again")) == len(brood.lines(r":\d+: there again")) and
               all(get(brood.port, "/count?key=again").status == 200 for _ in range(20)), 10, "it counts again")


def killed(engine):
    with Redis() as redis, Brood("--state", redis.url, "--state-timeout", "500ms", engine=engine, workers=3,
                                 control=True) as brood:
        before = set(children_of(brood.pid))
        with Load(brood.port) as load:
            for _ in range(2):
                wait_until(lambda: load.statuses[200] > 100, 10, "it counts")
                redis.kill()
                load.statuses.clear()
                wait_until(lambda: load.statuses[503] > 100, 10, "it is told")
                redis.start()
                counts_again(brood)
                load.statuses.clear()
            wait_until(lambda: load.statuses[200] > 100, 10, "it counts")
            check(load.statuses[503] == 0, f"and nothing fails any more: {load.statuses}")
            load.statuses.clear()
            brood.ctl("reload", "--wait")
            brood.ctl("scale", "4", "--wait")
            check(set(load.statuses) == {200}, f"a reload and scaling lose nothing: {load.statuses}")
        check(load.slowest_s < (TIMEOUT_S + 0.5) * SLOW, f"nobody waits longer than the timeout: {load.slowest_s:.2f} s")
        check(len(brood.lines("there again")) >= 3, "the log says so")
        check(not before & set(children_of(brood.pid)), "they were all replaced by the reload alone")
        check(not brood.lines("SIG") and not brood.lines("died"), "nobody has died of it")


def stopped(engine):
    with Redis() as redis, Brood("--state", redis.url, "--state-timeout", "500ms", engine=engine, workers=3) as brood:
        with Load(brood.port) as load:
            wait_until(lambda: load.statuses[200] > 100, 10, "it counts")
            redis.stop()
            load.statuses.clear()
            began = time.monotonic()
            check(get(brood.port, "/whoami").status == 200 and time.monotonic() - began < TIMEOUT_S * SLOW, "others are served")
            wait_until(lambda: load.statuses[503] > 100, 10, "it is told")
            check(len(brood.lines("no answer in time")) > 0, "and the log says so")
            redis.go_on()
            counts_again(brood)
            load.statuses.clear()
            wait_until(lambda: load.statuses[200] > 100, 10, "it counts")
            check(load.statuses[503] == 0, f"and nothing fails any more: {load.statuses}")
        check(load.slowest_s < (TIMEOUT_S + 0.5) * SLOW, f"nobody waits longer than the timeout: {load.slowest_s:.2f} s")


def comes_later():
    redis = Redis()
    with Brood("--state", redis.url, workers=2) as brood:
        check(get(brood.port, "/count").status == 503, "there is none yet")
        check(len(brood.lines("refused")) > 0, "the log says so")
        with redis:
            counts_again(brood)


def wrong_password():
    with Redis() as redis, Brood("--state", redis.url.replace("s3cret", "other"), workers=1) as brood:
        wait_until(lambda: brood.lines("WRONGPASS"), 10, "the log says what it says")
        check("other" not in brood.log(), "but not the password")
        check(get(brood.port, "/count").status == 503, "and nothing is counted")


def shared():
    """Two pools, and a third one with a prefix of its own."""
    with Redis() as redis, Brood("--state", redis.url) as one, Brood("--state", redis.url) as two, \
            Brood("--state", redis.url, "--state-prefix", "else:") as three, Brood("--state", redis.url + "/7") as four:
        seen = [int(get(brood.port, "/count").body) for _ in range(10) for brood in (one, two)]
        check(seen == list(range(1, 21)), f"two pools count together: {seen}")
        check(get(three.port, "/count").body == b"1\n", "another prefix is another store")
        check(get(four.port, "/count").body == b"1\n", "and so is another database")



def switches(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)


def sleeps():
    with Redis() as redis, Brood("--state", redis.url, workers=2) as brood:
        for _ in range(20):
            get(brood.port, "/count")
        time.sleep(2)       # until timers of requests are over
        workers = children_of(brood.pid)
        before = sum(map(switches, workers))
        time.sleep(2)
        check(sum(map(switches, workers)) - before <= 4, "who asks nothing is not woken for it")


need_redis()
for engine_name in engines():
    killed(engine_name)
    stopped(engine_name)
comes_later()
wrong_password()
shared()
sleeps()
