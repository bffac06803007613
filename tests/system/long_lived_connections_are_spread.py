#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Under --rebalance idle connections move from workers with many to workers with few, and no request is lost."""
# waits: mostly
# models: one
import json
import math
import os
import signal
import time

from _play import SLOW, Brood, Checker, Client, check, clients_of, engines, is_alive, wait_until

N_CONNECTIONS, N_WORKERS = 64, 8
OPTIONS = ("--rebalance", "--balance", "hash", "--log-level", "debug")     # weights would have them even at once


def spread(brood):
    """The most connections of a worker over the mean, where that is a whole number; else over the next one."""
    held = [len(clients_of(pid, brood.port)) for pid in brood.workers()]
    return max(held) / max(math.ceil(sum(held) / len(held)), 1)


def open_unevenly(brood):
    """As the hash falls, but that one worker gets none."""
    clients = []
    while len(clients) < N_CONNECTIONS:
        client = Client(brood.port)
        if json.loads(client.get("/whoami").body)["slot"] == 3:
            client.close()
        else:
            clients.append(client)
    return clients


def expect_even(brood):
    wait_until(lambda: spread(brood) <= 1.1, 20, "they are even")


def under_load(engine):
    with Brood(*OPTIONS, engine=engine, workers=N_WORKERS) as brood:
        checker = Checker(brood.port, "keepalive", N_CONNECTIONS, rate=2000)
        time.sleep(0.3)
        before, began = spread(brood), time.monotonic()
        expect_even(brood)
        took = time.monotonic() - began
        time.sleep(2)
        check(spread(brood) <= 1.1, "and stay even")
        checker.finish().expect_nothing_lost()
        check(checker["connections"] == N_CONNECTIONS, "no connection was opened anew")
        check(not brood.lines("killed|died|lost"), "nothing else happened")
        brood.stop()
    print(f"{engine}: {before:.2f} times the mean at first, at most 1.10 after {took:.1f} s")


def at_rest(engine):
    """What is even stays, and a connection that was moved is kept for as long as any other."""
    with Brood(*OPTIONS, "--header-timeout", "2s", engine=engine, workers=N_WORKERS) as brood:
        clients = open_unevenly(brood)
        check(spread(brood) > 1.1, "uneven")
        expect_even(brood)
        n_orders = len(brood.lines("rebalance: "))
        time.sleep(3)
        check(len(brood.lines("rebalance: ")) == n_orders and spread(brood) <= 1.1, "nothing moves any more")
        check(all(client.get("/").status == 200 for client in clients), "each is served on")
        brood.stop()


def held_by_others(brood, victim):
    """Each once, though it may be passed on between two looks; nothing until no gift is under way."""
    def look():
        return set().union(*(clients_of(pid, brood.port) for pid in brood.workers() if pid != victim))
    held = look()
    time.sleep(1)
    return held if held == look() else None


def with_deaths_and_reloads(engine):
    """Who is given something may be replaced, or die, at any moment."""
    with Brood(*OPTIONS, "--restart-limit", "1000/10s", "--backoff", "1ms..20ms", engine=engine,
               workers=N_WORKERS) as brood:
        checker = Checker(brood.port, "keepalive", N_CONNECTIONS, rate=4000)
        for _ in range(5):
            brood.kill(signal.SIGHUP)
            time.sleep(1.1 * SLOW)
        check(checker.finish().lost() == 0, f"nothing is lost\n{checker.complaints}")
        brood.wait_for_line("reload: done", 20)
        clients = open_unevenly(brood)
        held = {json.loads(client.get("/whoami").body)["pid"] for client in clients}
        victim = next(pid for pid in brood.workers() if pid not in held)
        n_orders = len(brood.lines("rebalance: .* to worker 3,"))
        brood.wait_for_line("rebalance: .* to worker 3,", 10, n_orders + 1)
        os.kill(victim, signal.SIGSTOP)     # perhaps before it took what it was given
        n_alive = len(wait_until(lambda: held_by_others(brood, victim), 10, "nothing moves to it any more"))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: not is_alive(victim), 5, "it is dead")
        expect_even(brood)
        n_served = 0
        for client in clients:
            try:
                n_served += client.get("/").status == 200
            except (EOFError, ConnectionResetError):
                pass
        check(n_served >= n_alive, f"{n_alive} were not in its hands, {n_served} are served")
        brood.stop()


for name in engines():
    under_load(name)
    at_rest(name)
    with_deaths_and_reloads(name)
