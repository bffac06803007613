#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Task processes that die too often are given up: requests are told so, and the workers go on; what hangs is ended."""
# models: one
# waits: mostly

from _play import Brood, Client, check, engines, get, stop_process, wait_until


def play_giveup(engine):
    with Brood("--tasks", 1, "--restart-limit", "2/10s", "--backoff", "1ms..5ms", engine=engine, control=True) as brood:
        waiting = Client(brood.port, timeout=20)
        for i in range(3):
            wait_until(lambda: brood.status()["tasks"]["slots"][0]["state"] == "READY", 5, "ready")
            if i == 2:      # in the queue behind the last one
                first = Client(brood.port)
                first.send(b"GET /task?ms=1000&do=crash HTTP/1.1\r\nHost: x\r\n\r\n")
                wait_until(lambda: brood.status()["tasks"]["slots"][0]["process"]["running"], 3, "it runs")
                waiting.send(b"GET /task?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n")
                check(first.response().status == 502, "the third crash")
            else:
                check(get(brood.port, "/task?ms=1&do=crash").status == 502, "crashed")
        check(waiting.response().status == 502, "what was queued is told, too")
        brood.wait_for_line("giveup: task 0: 3 deaths .* the workers go on")
        tasks = brood.status()["tasks"]
        check(tasks["slots"][0]["state"] == "GIVEN_UP" and tasks["giveups"] == 1 and brood.status()["giveups"] == 0, tasks)
        check(get(brood.port, "/task?ms=1").status == 501, "brood_task() says that there is nobody")
        check(get(brood.port, "/").status == 200, "the workers go on")
        brood.stop()


def play_hang(engine):
    """One that is stopped cannot see that its time is over: the parent does."""
    with Brood("--tasks", 1, engine=engine, control=True) as brood:
        pid = brood.status()["tasks"]["slots"][0]["process"]["pid"]
        client = Client(brood.port)
        client.send(b"GET /task?ms=60000&timeout=300 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: brood.status()["tasks"]["slots"][0]["process"]["running"], 3, "it runs")
        stop_process(pid)
        check(client.response().status == 504, "the request is told in time")
        brood.wait_for_line(rf"task 0 \(pid {pid}\): runs .* beyond its time; aborting it", 8)
        wait_until(lambda: brood.status()["tasks"]["slots"][0]["state"] == "READY", 5, "replaced")
        check(get(brood.port, "/task?ms=1").status == 200, "and works")
        brood.stop()


def play_names():
    brood = Brood("--tasks", 1, what=("--text", "x"), ready=False)
    brood.wait_exit(2, 5)
    check(brood.lines("tasks"), "a text asks for none")
    with Brood(control=True) as plain:
        check(get(plain.port, "/task?ms=1").status == 501 and plain.status()["tasks"] is None, "without --tasks")
        plain.stop()


for engine in engines():
    play_giveup(engine)
    play_hang(engine)
play_names()
