#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TTIN and TTOU add and take workers, and no client notices: --times N down and up on each engine (8)."""
# timeout: 900
import argparse
import json
import os
import signal
import time

from _play import (NOBODY, Brood, Checker, Client, check, descriptors_at_rest, descriptors_of, drop_to, engines,
                   wait_until)

N_WORKERS = 4


def scale(brood, by, turn):
    """By signals, each waited for: the kernel keeps one of each kind."""
    n = N_WORKERS + by if by < 0 else N_WORKERS
    for step in range(abs(by)):
        done = turn * 2 * abs(by) + (abs(by) if by > 0 else 0) + step + 1
        brood.kill(signal.SIGTTOU if by < 0 else signal.SIGTTIN)
        brood.wait_for_line(r"scaling: \d worker", 20, done)
    check(str(n) in brood.lines(r"scaling: \d worker")[-1], f"there are {n} now")


def slots_of_busy(brood, n):
    """Who serves when each connection keeps its worker busy before the next comes: whatever the model, others do."""
    clients, slots = [], set()
    for _ in range(4 * n):
        clients.append(Client(brood.port))
        clients[-1].send("GET /spin?ms=50 HTTP/1.1\r\nHost: play\r\n\r\nGET /whoami HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.003)
    for client in clients:
        client.response()
        slots.add(json.loads(client.response().body)["slot"])
        client.close()
    return slots


def all_serve(brood, n):
    return wait_until(lambda: len(slots_of_busy(brood, n)) == n, 5, f"all {n} serve")


def play(engine, times, user):
    with Brood(engine=engine, workers=N_WORKERS, **user) as brood:
        rest = len(descriptors_at_rest(brood.pid))
        checkers = [Checker(brood.port, "keepalive", 64), Checker(brood.port, "close", 8),
                    Checker(brood.port, "close", 8), Checker(brood.port, "pipeline=16", 4)]
        time.sleep(0.3)
        began = time.monotonic()
        for turn in range(times):
            scale(brood, -3, turn)
            scale(brood, +3, turn)
        took = time.monotonic() - began
        for checker in checkers:
            checker.finish()
        all_serve(brood, N_WORKERS)     # while others hold connections, `least` gives none to who has most of them
        for checker in checkers:
            checker.expect_nothing_noticed()
        check(not brood.lines("killed|died|restarting|cut|unserved"), "no death, no penalty")
        brood.wait_for_line("left after", 20, times * 3)
        wait_until(lambda: len(descriptors_of(brood.pid)) == rest, 5, "the parent keeps nothing of them")
        brood.stop()
    print(f"{engine}: {times} times down and up, {took / times / 6 * 1000:.0f} ms a worker")


def reload_and_shrink(engine, times=5):
    """Who was to take the connections of those that were replaced leaves at once as well."""
    with Brood(engine=engine, workers=N_WORKERS) as brood:
        checkers = [Checker(brood.port, "keepalive", 32), Checker(brood.port, "pipeline=16", 4)]
        time.sleep(0.2)
        for turn in range(times):
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done after", 20, turn + 1)
            for step in range(N_WORKERS - 1):
                brood.kill(signal.SIGTTOU)
                brood.wait_for_line(r"scaling: \d worker", 20, 2 * turn * (N_WORKERS - 1) + step + 1)
            for step in range(N_WORKERS - 1):
                brood.kill(signal.SIGTTIN)
                brood.wait_for_line(r"scaling: \d worker", 20, (2 * turn + 1) * (N_WORKERS - 1) + step + 1)
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        brood.stop()


def lose_the_leaving(engine):
    """The one that leaves is stopped, or killed, meanwhile: what it had queued is served by others."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        with Brood(engine=engine, workers=2) as brood:
            leaving = next(pid for pid in brood.workers() if "brood:1" in open(f"/proc/{pid}/comm").read())
            checker = Checker(brood.port, "close", 4)
            time.sleep(0.2)
            brood.kill(signal.SIGTTOU)
            os.kill(leaving, number)
            brood.wait_for_line(r"scaling: 1 worker", 20)
            check(brood.whoami()["slot"] == 0, "the other serves")
            if number == signal.SIGSTOP:
                os.kill(leaving, signal.SIGCONT)
            checker.finish()
            check(checker.lost() <= 5 and checker["refused"] == 0, "only what it had accepted is lost")
            brood.stop(within=12)


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=8)
for engine in engines():
    play(engine, parser.parse_args().times, {})
    reload_and_shrink(engine)
    lose_the_leaving(engine)
if os.geteuid() == 0:
    play(engines()[0], 2, {"preexec_fn": drop_to(NOBODY)})

with Brood(workers=1) as brood:
    brood.kill(signal.SIGTTOU)
    brood.wait_for_line("SIGTTOU: one worker is the least")
    brood.kill(signal.SIGTTIN)
    brood.wait_for_line("scaling: 2 workers after")
    all_serve(brood, 2)
    brood.stop()
