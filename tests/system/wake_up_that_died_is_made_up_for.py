#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Under the preemptive model a worker woken for a connection may die before it accepts: another one is told to look."""
# models: one
import os
import random
import re
import signal
import subprocess
import sys
import time

from _play import Brood, Client, check, engines, wait_until


def kill(brood, pid):
    os.kill(pid, signal.SIGKILL)
    brood.wait_for_line(rf"pid {pid}\): killed")


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "T", 5, "stopped")


def is_answered(client, seconds):
    client.s.settimeout(seconds)
    try:
        return client.response().status == 200
    except TimeoutError:
        return False


def one_that_waits_for(brood, victim):
    """A client whom the stopped one was woken for; None = there is none, five times."""
    for _ in range(5):
        stop(victim)
        for _ in range(3):                      # in turn, so that one of them wakes the one that is stopped
            client = Client(brood.port)
            client.send("GET / HTTP/1.1\r\nHost: play\r\n\r\n")
            if not is_answered(client, 0.2):
                return client
        os.kill(victim, signal.SIGCONT)         # it had not begun to wait for any
        time.sleep(0.1)
    return None


def arrive_right_after_deaths(seconds=8):
    """The kernel takes a dead worker's ring apart later than its death is known, later still when it is busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    took = []
    try:
        with Brood("--model", "preemptive", "--restart-limit", "1000/1s", "--backoff", "1ms..1ms", engine="uring") as brood:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                n_ready = len(brood.lines("ready after"))
                os.kill(random.choice(brood.workers()), signal.SIGKILL)
                brood.wait_for_line("ready after", 5, n_ready + 1)
                began = time.monotonic()
                check(brood.get("/").status == 200, "answered")
                took.append(time.monotonic() - began)
            brood.stop()
    finally:
        for process in busy:
            process.kill()
            process.wait()
    print(f"{len(took)} deaths; who came right after one was answered within {max(took) * 1000:.0f} ms")
    check(max(took) < 2, "nobody waits for the next to come")


for engine in engines():
    with Brood("--model", "preemptive", "--backoff", "5s..5s", "--hang-timeout", "off", engine=engine) as brood:
        kill(brood, brood.workers()[0])         # its replacement comes at once, the one after that waits
        victim = int(re.search(r"pid (\d+)", brood.wait_for_line("ready after"))[1])
        waiting = one_that_waits_for(brood, victim)
        check(waiting or engine == "epoll", "one waits; epoll wakes none that is not asleep in it")
        began = time.monotonic()
        kill(brood, victim)
        check(not waiting or is_answered(waiting, 3), "who waited for the dead is served")
        took = time.monotonic() - began
        print(f"{engine}: {'one' if waiting else 'nobody'} waited for the stopped worker; {took * 1000:.0f} ms after its death")
        check(took < 2, "without waiting for the replacement")
        check(brood.lines(r"restarting in \d"), "which comes later")
        brood.stop()
    if engine == "uring":
        arrive_right_after_deaths()
