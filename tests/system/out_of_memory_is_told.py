#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""Under a memory limit: a worker that the kernel kills for it is told apart, --max-rss auto replaces it before that."""
# waits: mostly
import os
import signal
import time

from _cgroup import Cgroup
from _play import IS_SANITIZED, Brood, Client, check, engines, skip, wait_until

MIB = 1024 * 1024


def grow(brood, kib):
    with Client(brood.port) as client:
        client.send(f"GET /leak?kb={kib} HTTP/1.1\r\nHost: play\r\n\r\n")
        try:
            client.response()
        except (EOFError, OSError):
            pass


def play_killed(engine, group):
    with Brood("--backoff", "1ms..2ms", "--restart-limit", "100/10s", engine=engine, workers=2,
               preexec_fn=group.enter) as brood:
        for i in range(1, 4):
            grow(brood, 256 * 1024)
            line = brood.wait_for_line(r"killed by the kernel: out of memory \(memory\.\w+ 64M\) after", 10, i)
        print(f"{engine}:", line)
        wait_until(lambda: len(brood.workers()) == 2, 5, "they are replaced")
        pid = brood.whoami()["pid"]
        time.sleep(1.1)
        os.kill(pid, signal.SIGKILL)
        line = brood.wait_for_line(rf"pid {pid}\): killed by ")
        check("killed by SIGKILL after" in line, f"who kills is told apart: {line}")
        brood.stop()


def play_replaced(engine, group):
    with Brood("--max-rss", "auto", "--log-level", "debug", engine=engine, workers=2,
               preexec_fn=group.enter) as brood:
        line = brood.wait_for_line(r"max-rss auto: 24576 KiB for each of 2, of memory\.\w+ 65536 KiB")
        print(f"{engine}:", line)
        who = brood.whoami()["pid"]
        with brood.connect_to(who) as client:
            client.get("/leak?kb=25000")
        brood.wait_for_line(r"retiring \(max-rss\)", 10)
        brood.wait_for_line("left after", 10)
        check(not brood.lines("killed"), "before it was too late")
        brood.stop()


def play_without(group):
    with Brood("--max-rss", "auto", "--log-level", "debug", preexec_fn=group.enter) as brood:
        brood.wait_for_line("max-rss auto: off, because no cgroup limits the memory|max-rss auto: \\d+ KiB")
        brood.stop()


if IS_SANITIZED:
    skip("a sanitizer takes more memory than the limit")
for engine in engines():
    with Cgroup("memory", 64 * MIB) as group:
        play_killed(engine, group)
        play_replaced(engine, group)
with Cgroup("memory") as unlimited:
    play_without(unlimited)
