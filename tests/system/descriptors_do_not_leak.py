#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Crashes, retirements and connections leave the parent's descriptors as they were, and a worker has only its own."""
import os
import re

from _play import MODEL, Brood, Client, check, descriptors_at_rest, descriptors_of, engines, get, wait_until

ENGINE = {"uring": "anon_inode:[io_uring]", "epoll": "anon_inode:[eventpoll]"}
TIMES = 12


def kinds(pid, log_path, of=descriptors_of):
    return sorted(re.sub(re.escape(log_path), "log", kind) for kind in of(pid).values())


def crash(brood, i):
    try:
        get(brood.port, f"/crash?how={('segv', 'abort', 'exit')[i % 3]}")
    except EOFError:
        pass
    brood.wait_for_line("ready after", n=i + 1)


for engine in engines():
    stray = os.open("/dev/null", os.O_RDONLY)
    with Brood("--restart-limit", "1000/10s", "--poison-limit", "off", "--backoff", "1ms..2ms", engine=engine, workers=2,
               pass_fds=[stray]) as brood:
        os.close(stray)
        parent = kinds(brood.pid, brood.log_path, of=descriptors_at_rest)
        expected = sorted(["/dev/null", "log", "log", "socket", "socket", "socket", "socket", "anon_inode:[signalfd]", ENGINE[engine],
                           "anon_inode:[eventfd]"])     # that tells of changes of the shared state
        if MODEL == "reuseport":
            expected = sorted([*expected, "anon_inode:[eventfd]"])      # that wakes the parent
        for pid in brood.workers():
            check(kinds(pid, brood.log_path) == expected, f"a worker has {kinds(pid, brood.log_path)}")
        for i in range(TIMES):
            wait_until(lambda: len(brood.workers()) == 2, 5, "two workers")
            crash(brood, i)
        for i in range(TIMES):
            brood.get(f"/retire?reason=turn+{i}.")
            brood.wait_for_line("left after", n=i + 1)
        clients = [Client(brood.port) for _ in range(100)]
        for client in clients:
            client.get("/")
            client.close()
        wait_until(lambda: kinds(brood.pid, brood.log_path) == parent, 3,
                   f"the parent's are as they were: {parent} {kinds(brood.pid, brood.log_path)}")
        for pid in brood.workers():
            wait_until(lambda pid=pid: kinds(pid, brood.log_path) == expected, 3,
                       f"a later worker has the same: {kinds(pid, brood.log_path)}")
        print(f"{engine}: {TIMES} crashes and {TIMES} retirements: parent {len(parent)}, workers {len(expected)} as before")
        brood.stop()
