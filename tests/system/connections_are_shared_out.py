#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Connections that come one by one: in strict turn under round-robin, in the order of waiting under preemptive."""
import collections
import json

from _play import MODEL, Brood, Client, check, engines

N_WORKERS, N_CONNECTIONS = 4, 40


def shares(brood):
    counts = collections.Counter()
    clients = []
    for _ in range(N_CONNECTIONS):
        clients.append(Client(brood.port))
        counts[json.loads(clients[-1].get("/whoami").body)["slot"]] += 1
    for client in clients:
        client.close()
    return sorted(counts.values())


for engine in engines():
    with Brood(engine=engine, workers=N_WORKERS) as brood:
        found = shares(brood)
        print(f"{MODEL}, {engine}: {found}")
        check(sum(found) == N_CONNECTIONS, "each was answered")
        if MODEL == "round-robin":
            check(found == [N_CONNECTIONS // N_WORKERS] * N_WORKERS, f"equal shares, not {found}")
        elif MODEL == "preemptive" and engine == "uring":       # epoll wakes the last to have gone to sleep
            check(len(found) == N_WORKERS and found[-1] - found[0] <= 4, f"about equal shares, not {found}")
        brood.stop()
