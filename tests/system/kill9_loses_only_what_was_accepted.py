#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of a worker loses at most the connections it had accepted; what was queued is answered by the next.

--times N kills on each engine (20). Every second victim is stopped first, so that what it holds can be counted;
the others die in full run, where the bound is what the clients can have had open.
"""
# timeout: 900
import argparse
import os
import random
import re
import signal
import threading
import time

from _play import (MODEL, Brood, Checker, Client, check, clients_of, engines, get, is_alive, stop_process,
                   wait_until)

PATIENT = ("--restart-limit", "1000/10s", "--backoff", "1ms..20ms", "--hang-timeout", "off")
CONNECTIONS = 12        # of each checker


def kill_one(brood, counted):
    """Returns how many requests may be lost with it."""
    victim = random.choice(brood.workers())
    n_held = 2 * CONNECTIONS
    if counted:
        stop_process(victim)
        n_held = len(clients_of(victim, brood.port))
    n_ready = len(brood.lines("ready after"))
    os.kill(victim, signal.SIGKILL)
    brood.wait_for_line("ready after", 5, n_ready + 1)
    wait_until(lambda: not is_alive(victim), 5, "it is dead")
    time.sleep(random.uniform(0, 0.03))
    return n_held


def under_load(engine, times, counted):
    with Brood(*PATIENT, engine=engine, workers=4) as brood:
        checkers = [Checker(brood.port, mode, CONNECTIONS) for mode in ("keepalive", "close")]
        time.sleep(0.2)
        n_allowed = sum(kill_one(brood, counted) for _ in range(times))
        lost = sum(checker.finish().lost() for checker in checkers)
        print(f"{engine}: {times} kills, {lost} requests lost, {n_allowed} {'held' if counted else 'possible'}")
        check(lost <= n_allowed, "more was lost than the victims had accepted")
        check(not any(checker["wrong"] + checker["stalled"] + checker["refused"] for checker in checkers),
              "nothing else went wrong:\n" + "".join(checker.complaints for checker in checkers))
        check(len(brood.lines("killed by SIGKILL after .* in flight")) == times, "each death is in the log")
        brood.stop()


def queued_are_answered(engine):
    with Brood(*PATIENT, engine=engine, workers=2) as brood:
        total = 0
        for _ in range(4):
            victim, n_ready = random.choice(brood.workers()), len(brood.lines("ready after"))
            stop_process(victim)
            clients = [Client(brood.port, timeout=5) for _ in range(60)]
            for client in clients[:40]:
                client.send("GET /whoami HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
            time.sleep(0.1)
            waiting = []
            for client in clients[:40]:
                client.s.settimeout(0.01)
                try:
                    client.response()
                except TimeoutError:
                    waiting.append(client)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda pid=victim: not is_alive(pid), 5, "it is dead")
            for client in clients[40:]:
                client.send("GET /whoami HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
            for client in waiting + clients[40:]:
                client.s.settimeout(5)
                response = client.response()
                check(response.status == 200 and f'"pid":{victim},'.encode() not in response.body, response.raw)
            total += len(waiting)
            for client in clients:
                client.close()
            brood.wait_for_line("ready after", n=n_ready + 1)
        # under the preemptive model the others take what waits
        print(f"{engine}: {total} connections were queued in listeners of the killed, {total} answered")
        check(total > 20 or MODEL == "preemptive", "the play put some into the victims' queues")
        brood.stop()


def orphaned_queue_is_served(engine):
    """While a slot waits out its backoff, somebody else serves its queue."""
    with Brood("--restart-limit", "100/10s", "--backoff", "4s..4s", engine=engine, workers=2) as brood:
        who = brood.whoami()
        os.kill(who["pid"], signal.SIGKILL)     # the first restart is at once, the second waits
        line = brood.wait_for_line(rf"worker {who['slot']} .*: ready after")
        victim = int(re.search(r"pid (\d+)", line)[1])
        os.kill(victim, signal.SIGKILL)
        brood.wait_for_line(rf"pid {victim}\): killed")
        took = []

        def ask():
            began = time.monotonic()
            check(get(brood.port, "/").status == 200, "answered")
            took.append(time.monotonic() - began)

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{engine}: 50 answered during a backoff of 4 s, the slowest in {max(took) * 1000:.0f} ms")
        check(len(took) == 50 and max(took) < 2, "nobody waits for the backoff")
        brood.stop()


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=20)
times = parser.parse_args().times
for name in engines():
    under_load(name, times - times // 2, counted=True)
    under_load(name, times // 2, counted=False)
    queued_are_answered(name)
    orphaned_queue_is_served(name)
