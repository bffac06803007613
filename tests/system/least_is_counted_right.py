#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""Under balance `least` what each worker has stays known through deaths, silence, replacement and scaling: the
busiest of the workers has its share of what comes afterwards."""
# waits: mostly
import json
import os
import signal
import time

from _play import Brood, Client, check, engines, skip, wait_until

N_WORKERS, A_WORKER = 4, 8


def open_clients(brood, n):
    clients = [Client(brood.port) for _ in range(n)]
    return [(client, json.loads(client.get("/whoami").body)["slot"]) for client in clients]


def close(clients):
    for client, _ in clients:
        client.close()


def shares(clients, n_workers):
    slots = [slot for _, slot in clients]
    return [slots.count(slot) for slot in range(n_workers)]


def expect_equal_shares(brood, what, n_workers=N_WORKERS):
    """Two looks of the parent later at the latest; and a count that is wrong by one may cost one."""
    def are_equal():
        clients = open_clients(brood, n_workers * A_WORKER)
        found = shares(clients, n_workers)
        close(clients)
        time.sleep(0.3)
        return found if found == [A_WORKER] * n_workers else None
    print(f"{brood.name}: {what}: {wait_until(are_equal, 6, f'equal shares after {what}')}")


def kill_one_with_connections(brood):
    clients = open_clients(brood, N_WORKERS * A_WORKER)
    pid = brood.whoami()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in brood.workers() and len(brood.workers()) == N_WORKERS, 5, "a replacement")
    more = open_clients(brood, A_WORKER)
    close(clients + more)


def stop_one_for_a_while(brood):
    pid = brood.whoami()["pid"]
    os.kill(pid, signal.SIGSTOP)
    brood.wait_for_line("silent for", 5)
    clients = open_clients(brood, N_WORKERS * A_WORKER)
    os.kill(pid, signal.SIGCONT)
    brood.wait_for_line("goes on", 5)
    close(clients)


def replace_all(brood):
    clients = open_clients(brood, N_WORKERS * A_WORKER)
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload.*: done|reloaded", 20)
    close(clients)


def scale(brood, number, n_workers):
    brood.kill(number)
    wait_until(lambda: len(brood.workers()) == n_workers, 10, f"{n_workers} workers")
    time.sleep(0.2)


for engine in engines():
    with Brood("--log-level", "debug", "--restart-limit", "100/10s", engine=engine, workers=N_WORKERS) as brood:
        if not (line := brood.wait_for_line("balance: ")).endswith("balance: least"):
            skip(line)
        expect_equal_shares(brood, "start")
        kill_one_with_connections(brood)
        expect_equal_shares(brood, "kill -9")
        stop_one_for_a_while(brood)
        expect_equal_shares(brood, "a silence")
        replace_all(brood)
        expect_equal_shares(brood, "a reload")
        scale(brood, signal.SIGTTIN, N_WORKERS + 1)
        expect_equal_shares(brood, "one worker more", N_WORKERS + 1)
        scale(brood, signal.SIGTTOU, N_WORKERS)
        expect_equal_shares(brood, "one worker less")
        check(not brood.lines("balance: least: "), "the program was not given up")
        brood.stop()
