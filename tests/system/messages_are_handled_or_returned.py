#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""1,000 workers are killed while they get messages: each message was handled or is returned, no descriptor is left."""
# models: one
import os
import random
import signal
import threading
import time

from _mailer import Mailer
from _play import check, descriptors_of, engines, wait_until

KILLS = 500     # by engine



def killer(pool, done, n_killed):
    """Slot 1 and 2 die as soon as they serve, after a moment of any length."""
    rng = random.Random(1)
    dead = set()
    while not done.is_set():
        pid = pool.pid_of(rng.choice((1, 2)))
        time.sleep(rng.random() * 0.01)
        if not pid or pid in dead:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
            n_killed.append(pid)
        except ProcessLookupError:      # of the last that was killed
            pass
        dead.add(pid)


def flood(pool, what, n_kills):
    done, n_killed = threading.Event(), []
    thread = threading.Thread(target=killer, args=(pool, done, n_killed))
    thread.start()
    deadline = time.monotonic() + 60
    while len(n_killed) < n_kills and time.monotonic() < deadline:
        pool.ask(0, f"/flood?ms=400&{what}", timeout=60)
    done.set()
    thread.join()
    return len(n_killed)


for engine in engines():
    with Mailer(engine) as pool:
        ids = pool.ask(0, "/who")["id"]
        check(ids == 1, f"the ledger is of the worker with the id 1, not {ids}")
        before = len(descriptors_of(pool.pid)), len(descriptors_of(pool.pid_of(0)))
        n = 0
        n += flood(pool, "to=slot&which=1&batch=300&size=64", KILLS // 3)
        begin = pool.got(0)["sent"]
        n += flood(pool, "to=others&batch=100&size=3000", KILLS // 6)
        end = pool.got(0)["sent"]
        n += flood(pool, "to=slot&which=2&batch=10&size=100000", KILLS // 6)
        n += flood(pool, "to=slot&which=1&batch=20&fd=pipe", KILLS // 3)

        # What is for others while both of them are dead is for nobody, and nobody is told.
        def settled():
            audit = pool.ask(0, "/audit")
            return not audit["lost"] or begin < audit["first_lost"] <= audit["last_lost"] <= end
        for _ in range(100):
            if settled():
                break
            time.sleep(0.2)
        audit = pool.ask(0, "/audit")
        check(settled(), f"each is accounted for, but {begin}..{end}: {audit}, {pool.got(0)}")
        print(f"{engine}: {n} killed, {audit}")
        check(n >= KILLS - 3 and audit["handled"] > 0 and audit["returned"] > 0, f"{n} killed: {audit}")
        # Of "others" one may have handled what another has not; of the rest just the one that was being handled.
        wait_until(lambda: (len(descriptors_of(pool.pid)), len(descriptors_of(pool.pid_of(0)))) == before, 5,
                   f"the descriptors are {before} again, not {len(descriptors_of(pool.pid)), len(descriptors_of(pool.pid_of(0)))}")
        pool.stop(within=15)
