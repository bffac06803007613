#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Without descriptors the worker rests, says so once, keeps what waits, and goes on when some are free again."""
# waits: mostly
import os
import resource
import select
import time

from _play import IS_SANITIZED, Brood, Client, check, engines, is_alive

N_CLIENTS = 200
TICKS = os.sysconf("SC_CLK_TCK")


def limit():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def try_response(client):
    try:
        return client.response()
    except TimeoutError:
        return None


def play(engine, options, says_so):
    with Brood(*options, engine=engine, workers=1, preexec_fn=limit) as brood:
        worker = brood.workers()[0]
        clients = [Client(brood.port) for _ in range(N_CLIENTS)]
        for client in clients:
            client.send("GET / HTTP/1.1\r\nHost: play\r\n\r\n")
            client.s.settimeout(0.002)
        time.sleep(0.3)
        served = [client for client in clients if (response := try_response(client)) and response.status == 200]
        waiting = [client for client in clients if client not in served]
        before = cpu_seconds(worker)
        time.sleep(1.5)
        share = (cpu_seconds(worker) - before) / 1.5
        check(10 <= len(served) < 64, f"{len(served)} have a descriptor")
        check(share < 0.2, f"a starved worker rests: {share:.0%} of a core")
        check(len(brood.lines("accepting pauses")) == says_so, "told once")
        for client in served[5:]:
            client.close()
        began = time.monotonic()
        n_answered = 0
        while waiting:
            readable = select.select([client.s for client in waiting], [], [], 0.1)[0]
            answered = [client for client in waiting if client.s in readable and try_response(client)]
            check(answered or time.monotonic() - began < 5, "it goes on")
            for client in answered:
                client.close()
                waiting.remove(client)
            n_answered += len(answered)
        took = time.monotonic() - began
        print(f"{engine} {' '.join(options)}: {len(served)} served, {share:.1%} of a core while starved, "
              f"{n_answered} that waited answered within {took:.2f} s")
        check(took < 2 if not IS_SANITIZED else True, "soon")
        check(is_alive(worker) and brood.workers() == [worker], "no crash")
        if says_so:
            brood.wait_for_line("accepting again", 2)
        for client in served[:5]:
            client.s.settimeout(5)
            check(client.get("/").status == 200, "those that had one go on too")
            client.close()
        brood.stop()


for engine in engines():
    play(engine, (), says_so=0)                             # as many connections as descriptors allow: no surprise
    play(engine, ("--max-connections", "1000"), says_so=1)  # more than there are: EMFILE
