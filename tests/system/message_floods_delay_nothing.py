#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every worker floods: control and a reload are as quick as ever; garbage cuts its sender off and nobody else."""
# models: one
import threading
import time

from _mailer import Mailer
from _play import SLOW, check, engines, wait_until


def times_of_status(pool, until):
    """In seconds, the shortest first."""
    found = []
    while time.monotonic() < until:
        began = time.monotonic()
        pool.ctl("status", "--json")
        found.append(time.monotonic() - began)
    return sorted(found)


def flood(pool):
    """Of slot 0 to slot 1, which does not read for a while; of both others to the callbacks and to all."""
    threads = [threading.Thread(target=pool.ask, args=(slot, path, 60)) for slot, path in (
        (0, "/flood?to=others&ms=3000"), (1, "/flood?to=parent&ms=3000"), (2, "/flood?to=slot&which=0&size=60000&ms=3000"))]
    for thread in threads:
        thread.start()
    found = times_of_status(pool, time.monotonic() + 2)
    usual, most = found[len(found) // 2], found[len(found) * 9 // 10]       # a flood delays all, a pause of the machine one
    check(usual < 0.25 * SLOW and most < 0.5 * SLOW, f"brood ctl status took {usual:.3f} s, 9 of 10 up to {most:.3f} s")
    for thread in threads:
        thread.join()
    return most


def reload_under_flood(pool):
    thread = threading.Thread(target=pool.ask, args=(0, "/flood?to=all&ms=2000", 60))
    thread.start()
    began = time.monotonic()
    pool.ctl("reload", "--wait")
    took = time.monotonic() - began
    check(took < 5 * SLOW, f"the reload took {took:.3f} s")
    thread.join()
    return took


def room_is_told(pool):
    """Slot 1 does not read: its sender is refused, and told when there is room."""
    spin = threading.Thread(target=pool.ask, args=(1, "/spin?ms=1500", 60))
    spin.start()
    time.sleep(0.2)
    sent = pool.ask(0, "/send?to=slot&which=1&n=10000000&size=64")
    check(sent["result"] == -11, f"the sender has to meet EAGAIN: {sent}")
    spin.join()
    pool.await_got(0, lambda got: got["rooms"] > 0, "told of room")
    sender = str(pool.got(0)["id"])
    pool.await_got(1, lambda got: got["from"].get(sender, {}).get("n") == sent["taken"], "all that were taken")
    check(not pool.got(1)["from"][sender]["disordered"], "in order")


def garbage(pool):
    pool.ask(1, "/garbage")
    pool.wait_for_line("worker 1: sent what is no message")
    pool.await_got(1, lambda got: got["connected"] == 0, "it knows")
    check(pool.ask(1, "/send?to=slot&which=0")["result"] == -32, "EPIPE to it")
    before = pool.got(0)["returned"]
    pool.ask(0, "/send?to=slot&which=1&n=7")
    pool.await_got(0, lambda got: got["returned"] == before + 7, "nobody is there any more")
    pool.ask(2, "/send?to=slot&which=0&n=7")
    pool.ctl("status")


for engine in engines():
    with Mailer(engine, control=True) as pool:      # by whatever the three slots are now
        room_is_told(pool)
        pool.stop(within=15)
    with Mailer(engine, control=True, callbacks="process") as pool:
        most = flood(pool)
        took = reload_under_flood(pool)
        print(f"{engine}: 9 of 10 status within {most * 1000:.0f} ms, reload in {took * 1000:.0f} ms")
        wait_until(lambda: len(pool.workers()) == 4, 10, "three workers and the callbacks")
        garbage(pool)
        check(not pool.lines(" error "), "no errors")
        pool.stop(within=15)
