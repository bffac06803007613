#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where io_uring is refused epoll serves and the log says why; --engine uring fails instead, in one line."""
# alone: yes
import os
import pathlib
import re

from _play import BUILD, NOBODY, Brood, check, drop_to, io_uring_works, skip

SYSCTL = pathlib.Path("/proc/sys/kernel/io_uring_disabled")


def falls_back(why, **how):
    with Brood(**how) as brood:
        line = brood.lines(r"engine: epoll \(.*\)")
        check(len(line) == 1 and re.search(why, line[0]), f"the log says epoll and {why}: {line}")
        check(brood.whoami()["engine"] == "epoll", "and it serves")
        brood.stop()
    print("fell back:", line[0])


def fails(why, **how):
    with Brood(engine="uring", ready=False, **how) as brood:
        took = brood.wait_exit(1, 2)
        lines = brood.log().splitlines()
        check(len(lines) == 1 and re.search(why, lines[0]), f"one line that says {why}: {lines}")
    print(f"failed in {took * 1000:.0f} ms:", lines[0])


if not io_uring_works():
    skip("io_uring is refused here anyway")

for error in ("EPERM", "ENOSYS"):
    deny = (BUILD / "tests/tools/deny", "io_uring", error)
    falls_back("io_uring refused: .*seccomp", prefix=deny)
    fails("io_uring refused: .*seccomp", prefix=deny)

if os.access(SYSCTL, os.W_OK):
    before = SYSCTL.read_text()
    try:
        SYSCTL.write_text("2")
        falls_back("kernel.io_uring_disabled = 2")
        fails("kernel.io_uring_disabled = 2")
        if os.geteuid() == 0:
            SYSCTL.write_text("1")
            falls_back("kernel.io_uring_disabled = 1", preexec_fn=drop_to(NOBODY))
    finally:
        SYSCTL.write_text(before)
else:
    print("kernel.io_uring_disabled cannot be written: left out")
