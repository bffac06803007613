#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What has not ended by --drain-timeout is cut: code 3 at that time, and the log says how many."""
# waits: mostly
import time

from _play import SLOW, Brood, Client, check, engines

TIMEOUT_MS = 700

for engine in engines():
    with Brood("--drain-timeout", f"{TIMEOUT_MS}ms", engine=engine) as brood:
        idle = Client(brood.port)
        idle.get("/")
        never = [Client(brood.port) for _ in range(3)]
        for client in never:
            client.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.2)
        took_ms = brood.stop(code=3, within=5) * 1000
        line = brood.lines("drain timed out")
        print(f"{engine}: {took_ms:.0f} ms:", *line)
        check(TIMEOUT_MS - 50 < took_ms < TIMEOUT_MS + 1000 * SLOW, "at the timeout")      # the default is 9 s
        check(len(line) == 1 and "3 connections cut" in line[0], "the log says how many")
        for client in [idle, *never]:
            client.close()
