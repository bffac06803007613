#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""As nobody in a directory that cannot be written, stdin closed, stdout and stderr full pipes: it serves.

What the log lost is counted in the next line that fits.
"""
import fcntl
import os
import re
import time

from _play import NOBODY, Brood, Checker, check, drop_to, engines, get, wait_until

F_SETPIPE_SZ = 1031


def shut():
    if os.geteuid() == 0:
        drop_to(NOBODY)()
    os.close(0)


def crash(brood):
    try:
        get(brood.port, "/crash?how=abort", timeout=5)
    except (OSError, EOFError):
        pass


def is_up(brood):
    try:
        return get(brood.port, "/", timeout=1).status == 200
    except (OSError, EOFError):
        return False


for engine in engines():
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, F_SETPIPE_SZ, 4096)
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write_end, True)
    with Brood("--restart-limit", "1000/10s", "--poison-limit", "off", "--backoff", "1ms..2ms", engine=engine, ready=False, cwd="/proc",
               preexec_fn=shut, stdin=None, stdout=write_end, stderr=write_end) as brood:
        os.close(write_end)
        wait_until(lambda: is_up(brood), 10, "it serves although it cannot say so")
        for _ in range(20):
            crash(brood)
        checker = Checker(brood.port, seconds=0.5).finish(told=False)
        checker.expect_nothing_lost()
        os.set_blocking(read_end, False)
        os.read(read_end, 1 << 20)
        crash(brood)
        time.sleep(0.2)
        text = os.read(read_end, 1 << 20).decode()
        lost = re.search(r"(\d+) (?:log )?lines?", text)
        print(f"{engine}:", text.splitlines()[0] if text else "nothing")
        check(lost and int(lost[1]) >= 20, f"the loss is counted: {text}")
        brood.workers()
        brood.stop()
    os.close(read_end)
