#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A worker that hangs while it drains goes by the hang timeout, not by the drain's: in a scale down, a retirement, a
reload, an upgrade and a stop. One whose answer is slow, or whose client, is left alone.
"""
# waits: mostly
import json
import signal

from _play import MODEL, Brood, Client, adopt_orphans, check, engines, wait_until

OPTIONS = ("--hang-timeout", "600ms", "--drain-timeout", "30s", "--poison-limit", "off", "--surge", "1")


def connect(brood, slot):
    """A connection to the worker of this slot, and who that is; the others are kept, so that it has the fewest."""
    others = []
    for _ in range(400):
        client = Client(brood.port)
        who = json.loads(client.get("/whoami").body)
        if who["slot"] == slot:
            return client, who["pid"]
        others.append(client)
    return check(False, f"no connection to slot {slot} in 400")


def hang(brood, slot, first=None):
    """From now on it does not return to its loop; whatever is asked of the pool next finds it so."""
    client, pid = connect(brood, slot)
    if first:
        client.get(first)
    client.send("GET /hang HTTP/1.1\r\nHost: play\r\n\r\n")
    return pid


def ask(brood):
    client = Client(brood.port)
    client.send("GET /whoami HTTP/1.1\r\nHost: play\r\n\r\n")
    return client


def see_it_end(brood, *pids):
    for pid in pids:
        brood.wait_for_line(rf"pid {pid}\): hung for .*, draining; aborting it", 3)
        brood.wait_for_line(rf'pid {pid}\): died by SIGABRT .*serving "GET /hang.* cut', 2)


def play(engine):
    with Brood(*OPTIONS, engine=engine, workers=3, control=True) as brood:
        retired, scaled = hang(brood, 0, "/retire?reason=play"), hang(brood, 2)
        brood.ctl("scale", 2)
        see_it_end(brood, retired, scaled)

        reloaded = hang(brood, 0)
        brood.ctl("reload", "--wait")
        upgraded = hang(brood, 1)
        wait_until(lambda: brood.status()["slots"][1]["worker"]["lag_ms"] >= 100, 5, "it takes nothing any more")
        queued = [ask(brood) for _ in range(12)]
        brood.kill(signal.SIGUSR2)
        old = wait_until(brood.follow, 5, "log: upgraded")
        check(all(client.response().status == 200 for client in queued), "what was queued for it is answered by the new pool")
        see_it_end(brood, reloaded, upgraded)
        check(old.wait(10) == 3, "the old parent knows what it has cut")

        brood.wait_for_line(r"\bready: \d+ worker", 5, 2)
        slow, _ = connect(brood, 1)
        slow.send("GET /sleep?ms=1300 HTTP/1.1\r\nHost: play\r\n\r\n")
        stopped = hang(brood, 0)
        brood.kill(signal.SIGTERM)
        see_it_end(brood, stopped)
        check(slow.response().status == 200, "one that only waits is not taken for hung")
        brood.wait_exit(3, 2)
        check(len(brood.lines("aborting it")) == 5, "and no other")
        print(f"{engine}:", *brood.lines("aborting it"), brood.lines("not all drained")[-1], sep="\n  ")


adopt_orphans()
for each in engines() if MODEL == "reuseport" else engines()[:1]:
    play(each)
