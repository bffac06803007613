#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A thousand who miss at a time are answered by one load; when its worker dies, or is too slow, another one's.

In memory on each engine, on Redis on the last.
"""
# models: one
# waits: mostly
import os
import re
import signal
import socket
import time

from _play import Brood, Client, check, engines, get
from _redis import back_ends


def ask(port, target, n):
    """n clients at once, all asking before anybody is answered."""
    clients = []
    for _ in range(n):
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        clients.append(client)
    return clients


def answers(clients):
    found = []
    for client in clients:
        raw = b""
        try:
            while piece := client.recv(65536):
                raw += piece
        except ConnectionResetError:
            pass        # its worker was killed
        client.close()
        found.append((int(raw[9:12]) if raw else 0, raw.partition(b"\r\n\r\n")[2]))
    return found


def load_once(brood):
    found = answers(ask(brood.port, "/once?key=a&ms=300", 1000))
    check(len(set(found)) == 1 and found[0][0] == 200, f"one answer for all: {set(found)}")
    check(re.fullmatch(rb"load 1 by \d+\n", found[0][1]), f"of one load: {found[0]}")
    check(get(brood.port, "/once?key=a&ms=300").body == found[0][1], "which is kept")
    time.sleep(1.2)
    check(get(brood.port, "/once?key=a&ms=1").body.startswith(b"load 2 by"), "for a second")


def fail_once(brood):
    found = answers(ask(brood.port, "/once?key=f&ms=200&fail=1", 100))
    check({status for status, _ in found} == {502}, f"all are told of the error: {set(found)}")


def survive_the_loader(brood):
    with Client(brood.port) as first:
        victim = int(first.get("/whoami").body.split(b'"pid":')[1].split(b",")[0])
        first.send(b"GET /once?key=k&ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        clients = ask(brood.port, "/once?key=k&ms=200", 200)
        time.sleep(0.3)
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        found = answers(clients)
    served = {body for status, body in found if status == 200}
    check(len(served) == 1 and min(served).startswith(b"load 1 by"), f"one load more, whole: {served}")
    check(str(victim).encode() not in min(served), "by another worker")
    check(time.monotonic() - began < 1.2, f"at once, not when its time is over: {time.monotonic() - began:.2f} s")
    n_with_it = int(re.search(r"(\d+) requests? in flight", brood.wait_for_line("killed by SIGKILL"))[1]) - 1
    n_served = len([1 for status, _ in found if status == 200])
    check(n_served >= 200 - n_with_it, f"{n_with_it} of 200 were with the dead one, and {n_served} are answered")


def survive_a_slow_one(brood):
    slow = ask(brood.port, "/once?key=s&ms=60000", 1)
    time.sleep(0.2)
    began = time.monotonic()
    found = answers(ask(brood.port, "/once?key=s&ms=100", 100))
    check({status for status, _ in found} == {200} and len(set(found)) <= 2, set(found))
    check(1 < time.monotonic() - began < 6, f"after the time a load has: {time.monotonic() - began:.2f} s")
    for client in slow:
        client.close()


def forget_who_leaves(brood):
    clients = ask(brood.port, "/once?key=l&ms=600", 60)
    time.sleep(0.2)
    for client in clients[:40]:
        client.close()
    found = answers(clients[40:])
    check({status for status, _ in found} == {200}, f"the others are answered: {set(found)}")


with back_ends() as places:
    memory, *servers = places
    for place, engine in [(memory, engine) for engine in engines()] + [(server, engines()[-1]) for server in servers]:
        with Brood(*place, engine=engine, workers=4) as pool:
            load_once(pool)
            fail_once(pool)
            forget_who_leaves(pool)
            survive_a_slow_one(pool)
            survive_the_loader(pool)
            pool.stop()
