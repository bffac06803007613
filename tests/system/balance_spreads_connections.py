#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""64 connections over 8 workers: evenly by `least`, by weights more evenly than by the hash; --rounds N (10)."""
# waits: mostly
import argparse
import json
import os
import socket
import statistics
import time

from _play import NOBODY, Brood, Client, check, drop_to, engines

N_WORKERS, N_CONNECTIONS = 8, 64


def open_one_by_one(port):
    """Each has its first answer before the next one comes."""
    clients = []
    for _ in range(N_CONNECTIONS):
        clients.append(Client(port))
        clients[-1].get("/whoami")
    return clients


def open_in_a_burst(port):
    sockets = [socket.socket() for _ in range(N_CONNECTIONS)]
    for s in sockets:
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
    clients = []
    for s in sockets:
        s.settimeout(10)
        client = Client.__new__(Client)
        client.s, client.buffer = s, b""
        clients.append(client)
    return clients


def busiest(clients):
    """The busiest worker's connections, in times of the mean."""
    slots = [json.loads(client.get("/whoami").body)["slot"] for client in clients]
    for client in clients:
        client.close()
    return max(map(slots.count, slots)) * N_WORKERS / N_CONNECTIONS


def measure(brood, opened, rounds):
    found = []
    for _ in range(rounds):
        found.append(busiest(opened(brood.port)))
        time.sleep(0.15)
    return statistics.fmean(found)


def may_be_least():
    """As `auto` finds out; without privilege it says what is missing, and a pool that insists does not start."""
    with Brood("--balance", "auto", preexec_fn=drop_to(NOBODY) if os.geteuid() == 0 else None) as brood:
        brood.wait_for_line(r"balance: weighted \(least: (needs CAP_BPF and CAP_PERFMON|not built in)")
        brood.stop()
    with Brood("--balance", "least", preexec_fn=drop_to(NOBODY) if os.geteuid() == 0 else None, ready=False) as brood:
        brood.wait_exit(1, 5)
        check(len(brood.lines("cannot start: balance least: (needs|not built in)")) == 1, "and says why")
    with Brood("--balance", "auto") as brood:
        line = brood.wait_for_line("balance: ")
        brood.stop()
    print(line)
    return "balance: least" in line


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=10)
rounds = parser.parse_args().rounds
least = may_be_least()
users = [{}, {"preexec_fn": drop_to(NOBODY)}] if os.geteuid() == 0 else [{}]
for engine in engines():
    for user in users:
        ratios = {}
        for balance in ("hash", "weighted", "least") if least and not user else ("hash", "weighted"):
            with Brood("--balance", balance, engine=engine, workers=N_WORKERS, **user) as brood:
                brood.wait_for_line(f"balance: {balance}")
                ratios[balance] = [measure(brood, how, rounds) for how in (open_one_by_one, open_in_a_burst)]
                brood.stop()
        print(f"{engine}: busiest / mean, one by one and in a burst: {ratios}")
        if ratios["weighted"][0] > 1.3 or ratios["weighted"][1] >= ratios["hash"][1]:
            for balance in ("hash", "weighted"):    # means of few rounds are uncertain: those of three times as many decide
                with Brood("--balance", balance, engine=engine, workers=N_WORKERS, **user) as brood:
                    ratios[balance] = [measure(brood, how, 3 * rounds) for how in (open_one_by_one, open_in_a_burst)]
                    brood.stop()
            print(f"{engine}: the same in {3 * rounds} rounds: {ratios}")
        check(ratios["weighted"][0] <= 1.3, "one by one nobody has 1.3 times the mean")
        check(ratios["weighted"][1] < ratios["hash"][1], "a burst is spread more evenly than by the hash")
        check(max(ratios.get("least", [1])) <= 1.02, "by `least` all have the same")
