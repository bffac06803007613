#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# waits: mostly
"""Who joins a pool's SO_REUSEPORT group later is told once, by name, when a worker gets ready; its own are not."""
import os
import signal
import socket
import time

from _play import Brood, check


def reload(brood, n):
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done", n=n)


for host in ("127.0.0.1", "0.0.0.0"):
    with Brood(workers=3) as brood:
        reload(brood, 1)
        check(not brood.lines("as well"), "nobody is there")
        time.sleep(1.1)         # it looks at most once a second
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            s.bind((host, brood.port))
            s.listen()
            reload(brood, 2)
            line = brood.wait_for_line(rf"127\.0\.0\.1:{brood.port}: python3\S* \(pid {os.getpid()}\) listens on "
                                       rf"{host}:{brood.port} as well")
            time.sleep(1.1)
            reload(brood, 3)
            check(len(brood.lines("as well")) == 1, "it is said once")
        brood.stop()
    print(line)
