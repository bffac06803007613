#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With too little locked memory for a ring the pool serves on epoll, or says RLIMIT_MEMLOCK and ends."""
import resource

from _play import NOBODY, Brood, check, drop_to, io_uring_works, need_root, skip


def limited(kib):
    def limit():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (kib * 1024, kib * 1024))
        drop_to(NOBODY)()
    return limit


need_root()
if not io_uring_works():
    skip("io_uring is refused here anyway")

for kib in (0, 64, 1024):
    with Brood(preexec_fn=limited(kib)) as brood:
        engine = brood.whoami()["engine"]
        if engine == "epoll":
            check(brood.lines(r"engine: epoll \(.*RLIMIT_MEMLOCK"), "the log says RLIMIT_MEMLOCK")
        brood.stop()
    print(f"RLIMIT_MEMLOCK of {kib} KiB: {engine}")

with Brood(preexec_fn=limited(0), engine="uring", ready=False) as brood:
    brood.wait_exit(1, 3)
    lines = brood.log().splitlines()
    check(len(lines) == 1 and "RLIMIT_MEMLOCK" in lines[0], lines)
    print("--engine uring:", lines[0])
