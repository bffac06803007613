#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reloads, an upgrade, scaling and the end of the pool lose no task, nor does what task processes are recycled for."""
# timeout: 300
import signal
import threading
import time

from _play import Brood, Client, check, engines, wait_until


class Asker(threading.Thread):
    """Asks, on a new connection each time the pool has closed the old one, which it may between two answers."""

    def __init__(self, port, stop):
        super().__init__()
        self.port, self.stop, self.n, self.trouble = port, stop, 0, []

    def run(self):
        client = Client(self.port, timeout=20)
        while not self.stop.is_set():
            try:
                answer = client.get("/task?ms=5")
            except (OSError, EOFError, ValueError) as error:
                self.trouble.append(repr(error))
                return
            self.n += 1
            if answer.status != 200:
                self.trouble.append(answer.status)
            if answer["Connection"] == "close":
                client.close()
                client = Client(self.port, timeout=20)
        client.close()


def asked_and_taken(brood):
    tasks = brood.status()["tasks"]
    return tasks["totals"]["asked"] - tasks["queued"]


def play(engine):
    with Brood("--tasks", 2, "--max-requests", 40, engine=engine, control=True) as brood:
        stop = threading.Event()
        askers = [Asker(brood.port, stop) for _ in range(6)]
        for asker in askers:
            asker.start()
        time.sleep(0.5)
        before = set(brood.task_pids())
        for i in range(3):
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done", 20, i + 1)
        after = set(brood.task_pids())
        check(not before & after, f"a reload replaces task processes too: {before} {after}")
        brood.ctl("scale", 3, "--wait")
        check(len(brood.status()["tasks"]["slots"]) == 2, "scaling leaves task processes alone")
        brood.upgrade()
        time.sleep(0.5)
        stop.set()
        for asker in askers:
            asker.join()
            check(not asker.trouble, f"lost: {asker.trouble}")
        check(not brood.lines("cut|killed|died|giveup"), "nobody died")
        last = Client(brood.port)       # is waited for
        before = asked_and_taken(brood)
        last.send(b"GET /task?ms=700 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: asked_and_taken(brood) > before, 3, "it runs")      # in one that is leaving, perhaps
        brood.kill(signal.SIGTERM)
        check(last.response().status == 200, "a drain waits for the task")
        brood.wait_exit(0, 5)
        n = sum(asker.n for asker in askers)
        retired = len(brood.lines(r"task \d .*retiring \(max-requests"))
        check(n < 300 or retired > 0, f"{n} tasks, and {retired} task processes recycled")
        print(f"{engine}: {n} tasks over 3 reloads, a scaling and an upgrade, {retired} processes recycled")


for engine in engines():
    play(engine)
