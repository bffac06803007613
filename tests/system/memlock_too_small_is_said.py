#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With too little locked memory for its rings the pool serves on epoll, as far as need be, and says RLIMIT_MEMLOCK."""
# waits: mostly
import os
import resource
import signal

from _play import NOBODY, Brood, check, drop_to, io_uring_works, need_root, skip


def limited(kib):
    def limit():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (kib * 1024, kib * 1024))
        drop_to(NOBODY)()
    return limit


need_root()
if not io_uring_works():
    skip("io_uring is refused here anyway")

for kib in (0, 32, 64, 1024):
    with Brood("--backoff", "1ms..20ms", preexec_fn=limited(kib), workers=4) as brood:
        engines = {who["slot"]: who["engine"] for who in (brood.whoami() for _ in range(80))}
        if "epoll" in engines.values():
            check(brood.lines("RLIMIT_MEMLOCK"), "the log says RLIMIT_MEMLOCK")
        for i, pid in enumerate(brood.workers(), 1):
            os.kill(pid, signal.SIGKILL)
            brood.wait_for_line("ready after", 5, i)
        for i in range(3):
            brood.get(f"/retire?reason=turn+{i}.")
            brood.wait_for_line("left after", 5, i + 1)
        check(not brood.lines("giveup|could not start"), "and goes on when workers die or retire")
        brood.stop()
    print(f"RLIMIT_MEMLOCK of {kib} KiB: {sorted(engines.values())}")

with Brood(preexec_fn=limited(0), engine="uring", ready=False) as brood:
    brood.wait_exit(1, 3)
    lines = brood.log().splitlines()
    check(len(lines) == 1 and "RLIMIT_MEMLOCK" in lines[0], lines)
    print("--engine uring:", lines[0])
