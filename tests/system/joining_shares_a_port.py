#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# waits: mostly
"""With --join a port is shared with those who let others in, which is said; with nobody else."""
import os
import signal
import socket
import time

from _play import NOBODY, Brood, check, drop_to, engines, free_port, wait_until


def stranger(port, shared, host="127.0.0.1"):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
    s.bind((host, port))
    s.listen()
    return s


def squat(port):
    s = socket.socket(socket.AF_UNIX)
    s.bind(f"\0brood/tcp/{port}/127.0.0.1:{port}")
    return s


def refused(port, pattern, *options, **popen):
    with Brood(*options, port=port, ready=False, **popen) as brood:
        brood.wait_exit(1, 5)
        lines = brood.log().splitlines()
        check(len(lines) == 1 and brood.lines(pattern), f"one line with {pattern}: {lines}")
    print(lines[0])


me = rf"python3\S* \(pid {os.getpid()}\)"
def wait_until_all_serve(*pools):
    seen, all_of_them = set(), {pid for pool in pools for pid in pool.workers()}
    wait_until(lambda: seen.add(pools[0].whoami()["pid"]) or seen >= all_of_them, 20, "all serve")


for engine in engines():
    with Brood("--join", engine=engine) as first, Brood("--join", port=first.port, engine=engine) as second:
        check(second.lines(rf"joining brood \(pid {first.pid}\) on 127\.0\.0\.1:{first.port}"), "it says whom it joins")
        wait_until_all_serve(first, second)
        refused(first.port, rf"already taken by brood \(pid ({first.pid}|{second.pid})\)")
        first.stop()
        check(second.get("/").status == 200, "the second one goes on")
        refused(second.port, rf"already taken by brood \(pid {second.pid}\)")
        second.stop()

    # One that did not expect company learns of it when a worker gets ready, and leaves the balance to the kernel.
    with Brood(engine=engine) as first, Brood("--join", port=first.port, engine=engine) as second:
        time.sleep(1.1)         # it looks at most once a second
        first.kill(signal.SIGHUP)
        line = first.wait_for_line(rf"brood \(pid {second.pid}\) listens on 127\.0\.0\.1:{first.port} as well")
        first.wait_for_line("left after", n=2)
        check(not second.lines("as well"), "who joined knows it")
        wait_until_all_serve(first, second)
        first.stop()
        second.stop()
    print(f"{engine}: {line}")

# A name that is squatted keeps nobody out who is willing to share.
port = free_port()
with squat(port):
    refused(port, rf"127\.0\.0\.1:{port}: already taken by {me}")
    with Brood("--join", port=port) as brood:
        check(brood.lines(rf"joining {me}"), "it says who holds the name")
        brood.stop()

port = free_port()
with stranger(port, True), Brood("--join", port=port) as brood:
    check(brood.lines(rf"joining {me}"), "it says whom it joins")
    brood.stop()
for host in ("127.0.0.1", "0.0.0.0"):
    port = free_port()
    with stranger(port, False, host):
        refused(port, rf"already taken by {me}", "--join")
if os.geteuid() == 0:
    port = free_port()
    with stranger(port, True):
        refused(port, "already taken by a process of user 0", "--join", preexec_fn=drop_to(NOBODY))

port = free_port()
with Brood("--listen", f"0.0.0.0:{port}", port=port, ready=False) as brood:
    brood.wait_exit(1, 5)
    check(brood.lines(rf"cannot listen on 0\.0\.0\.0:{port}: it overlaps with 127\.0\.0\.1:{port}, given"), "overlap")
for option, value, told in (("--model", "preemptive", "only the model reuseport"),
                            ("--balance", "weighted", "hash alone")):
    with Brood("--join", option, value, ready=False) as brood:
        brood.wait_exit(2, 5)
        check(brood.lines(f"option join: .*{told}"), f"not with {value}")
