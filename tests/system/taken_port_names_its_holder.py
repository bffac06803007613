#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Somebody else's port, shared or not: one line that names address and holder, code 1, nothing left running."""
import os
import socket

from _play import Brood, check, free_port


def refused(port, pattern):
    with Brood(port=port, ready=False) as brood:
        took = brood.wait_exit(1, 3)
        lines = brood.log().splitlines()
        check(len(lines) == 1 and f":{port}" in lines[0] and brood.lines(pattern), f"one line with {pattern}: {lines}")
    print(f"{took * 1000:.0f} ms:", lines[0])


for address in ("127.0.0.1", "0.0.0.0"):
    for shared in (False, True):
        port = free_port()
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
            s.bind((address, port))
            s.listen()
            refused(port, rf"python3.* \(pid {os.getpid()}\)")

with Brood() as first:
    refused(first.port, rf"brood \(pid {first.pid}\)")
    check(first.get("/").status == 200, "the first one is not disturbed")
    first.stop()

with Brood(port=first.port) as again:       # its connections are in TIME_WAIT: no obstacle
    again.stop()
