#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of task processes under load: every request is answered, "crashed" exactly those whose task was running."""
# models: one
import os
import random
import signal
import threading
import time

from _play import Brood, Client, check, engines, wait_until

SECONDS = 4


class Asker(threading.Thread):
    def __init__(self, port, stop):
        super().__init__()
        self.port, self.stop, self.answers, self.trouble = port, stop, {}, None

    def run(self):
        try:
            with Client(self.port, timeout=20) as client:
                while not self.stop.is_set():
                    status = client.get("/task?ms=3").status
                    self.answers[status] = self.answers.get(status, 0) + 1
        except (OSError, EOFError, ValueError) as error:
            self.trouble = error


def play(engine):
    with Brood("--tasks", 3, "--restart-limit", "1000/10s", "--backoff", "1ms..5ms", engine=engine, control=True) as brood:
        stop = threading.Event()
        askers = [Asker(brood.port, stop) for _ in range(8)]
        for asker in askers:
            asker.start()
        end, killed = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            time.sleep(random.uniform(0.02, 0.1))
            victims = brood.task_pids()
            if victims:
                try:
                    os.kill(random.choice(victims), signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
        wait_until(lambda: len(brood.task_pids()) == 3, 5, "all are back")
        stop.set()
        for asker in askers:
            asker.join()
            check(asker.trouble is None, f"a request without an answer: {asker.trouble!r}")
        crashed = sum(asker.answers.get(502, 0) for asker in askers)
        done = sum(asker.answers.get(200, 0) for asker in askers)
        check(all(set(asker.answers) <= {200, 502} for asker in askers), [asker.answers for asker in askers])
        ran = len(brood.lines(r"task \d \(pid \d+\): killed by SIGKILL.*1 request in flight"))
        idle = len(brood.lines(r"task \d \(pid \d+\): killed by SIGKILL.*0 requests in flight"))
        check(ran + idle >= killed - 3, f"{killed} killed, {ran} running, {idle} idle")
        # Whoever dies costs one at most. Between taking a ticket and saying so on the board, and between the result and
        # that, lie a few instructions, in which some are killed that seem to be idle, and a few that seem to run.
        check(ran - 2 - killed // 20 <= crashed <= killed, f"{crashed} told crashed, {ran} of {killed} died while they ran")
        check(not brood.lines(r"worker \d .*(killed|died)"), "no worker dies of it")
        brood.stop()
        print(f"{engine}: {killed} killed: {done} done, {crashed} crashed; {ran} were running")


for engine in engines():
    play(engine)
