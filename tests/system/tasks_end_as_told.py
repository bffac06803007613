#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever becomes of a task, its request is told, and soon: done, failed, crashed, timed out, cancelled, refused."""
# models: one
# waits: mostly
import hashlib
import os
import re
import time

from _play import SLOW, Brood, Client, check, descriptors_of, engines, get, wait_until

N_TASKS, N_QUEUE = 2, 8


def task_of(brood):
    return brood.status()["tasks"]


def said(brood, name):
    """A counter of all workers, from the log of their ends: what the board had."""
    return sum(int(line.split(f" {name}=")[1].split()[0]) for line in brood.lines(r"worker \d .*counters:"))


def check_outcomes(brood):
    for target, status, within in (("/task?ms=5", 200, 1), ("/task?ms=1&do=fail", 500, 1), ("/task?ms=1&do=crash", 502, 1),
                                   ("/task?ms=1&do=exit", 502, 1), ("/task?ms=1&do=hang&timeout=100", 504, 1)):
        wait_until(lambda: all(slot["state"] == "READY" for slot in task_of(brood)["slots"]), 5, "task processes ready")
        began = time.monotonic()
        answer = get(brood.port, target)
        took = time.monotonic() - began
        check(answer.status == status and took < within * SLOW, f"{target}: {answer.status} after {took:.2f} s")
    answer = get(brood.port, "/task?ms=1&do=progress")
    check(answer["X-Progress"] and answer.status == 200, "progress came before the result")


def check_sizes(brood):
    alphabet = b"abcdefghijklmnopqrstuvwxyz"
    for n in (1, 65535, 65536, 65537, 3000000):
        body = get(brood.port, f"/task?ms=0&bytes={n}", timeout=20).body
        check(body == (alphabet * (n // 26 + 1))[:n], f"{n} bytes out")
    for n in (1, 65000, 65536, 70000, 5000000):
        body = os.urandom(n)
        with Client(brood.port, timeout=20) as client:
            client.send(f"POST /task?ms=0 HTTP/1.1\r\nHost: x\r\nContent-Length: {n}\r\n\r\n".encode() + body)
            back = client.response("POST").body
            check(hashlib.sha256(back).digest() == hashlib.sha256(body).digest(), f"{n} bytes in and out")


def check_queue_full(brood):
    """All processes busy and the queue full: one more is refused at once, and those that wait are all answered."""
    wait_until(lambda: not any(slot["process"] is None or slot["process"]["running"] for slot in task_of(brood)["slots"]), 5,
               "all are free")
    busy = [Client(brood.port) for _ in range(N_TASKS)]
    for client in busy:
        client.send(b"GET /task?ms=2000 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: all(slot["process"]["running"] for slot in task_of(brood)["slots"]), 3, "all run")
    waiting = [Client(brood.port) for _ in range(N_QUEUE)]
    for client in waiting:
        client.send(b"GET /task?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: task_of(brood)["queued"] == N_QUEUE, 3, "the queue is full")
    began = time.monotonic()
    answer = get(brood.port, "/task?ms=1")
    check(answer.status == 503 and answer["Retry-After"] == "1", f"full: {answer.status}")
    check(time.monotonic() - began < 1 * SLOW, "before any of them is done")
    for client in busy + waiting:
        check(client.response().status == 200, "who waited")
        client.close()


def check_cancelled(brood):
    """A client that leaves takes its task along: a queued one never runs, a running one sees it, a deaf one is ended."""
    clients = [Client(brood.port) for _ in range(N_TASKS)]
    for client in clients:
        client.send(b"GET /task?ms=60000&timeout=90000 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: all(slot["process"]["running"] for slot in task_of(brood)["slots"]), 3, "all run")
    queued = Client(brood.port)
    queued.send(b"GET /task?ms=60000&timeout=90000 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: task_of(brood)["queued"] == 1, 3, "one waits")
    pids = [slot["process"]["pid"] for slot in task_of(brood)["slots"]]
    queued.close()
    for client in clients:
        client.close()
    wait_until(lambda: not any(slot["process"]["running"] for slot in task_of(brood)["slots"]), 1, "they have stopped")
    check(pids == [slot["process"]["pid"] for slot in task_of(brood)["slots"]], "the processes are the same")
    check(get(brood.port, "/task?ms=1").status == 200 and task_of(brood)["queued"] == 0, "the queued one was left out")
    client = Client(brood.port)
    client.send(b"GET /task?ms=60000&do=deaf&timeout=90000 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: any(slot["process"]["running"] for slot in task_of(brood)["slots"]), 3, "it runs")
    n = len(brood.lines("nobody waits"))
    client.close()
    brood.wait_for_line("nobody waits for what it ran.; replaced", 3, n + 1)
    wait_until(lambda: all(slot["state"] == "READY" for slot in task_of(brood)["slots"]), 1, "replaced at once")


def count_descriptors(pids):
    return [len(descriptors_of(pid)) for pid in pids]


for engine in engines():
    with Brood("--tasks", N_TASKS, "--task-queue", N_QUEUE, "--restart-limit", "100/10s", "--log-level", "debug",
               engine=engine, control=True) as brood:
        workers = [slot["worker"]["pid"] for slot in brood.status()["slots"]]
        get(brood.port, "/task?ms=1")
        time.sleep(0.3)     # that connection is closed
        before = count_descriptors([*workers, brood.pid])
        check_outcomes(brood)
        check_sizes(brood)
        check_queue_full(brood)
        check_cancelled(brood)
        wait_until(lambda: count_descriptors([*workers, brood.pid]) == before, 3,
                   f"descriptors as before, {before}: {[descriptors_of(pid) for pid in [*workers, brood.pid]]}")
        told, lines = task_of(brood)["totals"], brood.ctl("status").splitlines()
        brood.stop()
        asked = said(brood, "tasks_asked")
        parts = {name: said(brood, f"tasks_{name}") for name in ("done", "failed", "crashed", "timed_out", "cancelled")}
        check(asked == sum(parts.values()) and said(brood, "tasks_refused") == 1, f"{asked} asked, {parts}")
        check({name: told[name] for name in parts} == parts and told["asked"] == asked, f"the status says so too: {told}")
        check(any(re.match(rf"tasks: {N_TASKS} processes, 0 queued, \d running, {parts['done']} done, 1 failed", line)
                  for line in lines), lines)
        check(parts["failed"] == 1 and parts["crashed"] == 2 and parts["timed_out"] == 1 and parts["cancelled"] == 4, parts)
        print(f"{engine}: {asked} asked: {parts}")
