#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A worker that hangs, or is stopped, gets nothing more after a moment; what waited for it is answered; then it goes.

A worker that is only slow is left alone.
"""
# waits: mostly
import os
import signal
import time

from _play import MODEL, SLOW, Brood, Client, check, engines, wait_until

N_WORKERS = 4


def ask_all(brood, n, within):
    """n connections, one by one, each answered in time."""
    for i in range(n):
        began = time.monotonic()
        check(brood.get("/", timeout=within * SLOW).status == 200, f"connection {i}")
        check(time.monotonic() - began < within * SLOW, f"connection {i} of {n} was answered within {within} s")


def queue_some(brood):
    """Connections made while nobody has noticed yet; some of them are the hung worker's."""
    clients = [Client(brood.port, timeout=5) for _ in range(24)]
    for client in clients:
        client.send("GET /whoami HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
    return clients


def hang(brood):
    client = brood.connect_to(pid := brood.whoami()["pid"])
    client.send("GET /hang HTTP/1.1\r\nHost: play\r\n\r\n")
    return pid


def stop(brood):
    os.kill(pid := brood.whoami()["pid"], signal.SIGSTOP)
    return pid


def play(engine, how, said):
    with Brood("--hang-timeout", "3s", engine=engine, workers=N_WORKERS) as brood:
        began = time.monotonic()
        victim = how(brood)
        time.sleep(0.05)
        waiting = queue_some(brood)
        time.sleep(max(0, 1.6 * SLOW - (time.monotonic() - began)))
        ask_all(brood, 100, 0.5)
        for client in waiting:
            check(client.response().status == 200, "who had queued up for it is answered by another")
        line = brood.wait_for_line(rf"pid {victim}\): hung for [34]\.\d s; aborting it", 6)
        brood.wait_for_line(rf"pid {victim}\): {said}", 3)
        wait_until(lambda: len(brood.workers()) == N_WORKERS and victim not in brood.workers(), 3, "it is replaced")
        took = time.monotonic() - began
        check(took < 6 * SLOW, f"soon, not after {took:.1f} s")
        brood.stop()
        print(f"{engine}, {how.__name__}: {line}")


for engine in engines() if MODEL == "reuseport" else engines()[:1]:        # what differs by engine does not differ by model
    play(engine, hang, r'died by SIGABRT .*serving "GET /hang')
    play(engine, stop, r"killed by SIGKILL \(hung\)")
    with Brood("--hang-timeout", "1s", engine=engine) as brood:     # long, but it comes back
        pids = set(brood.workers())
        for _ in range(3):
            brood.get("/spin?ms=700")
        check(set(brood.workers()) == pids and not brood.lines("hung"), "a slow worker is no hung one")
        brood.stop()
