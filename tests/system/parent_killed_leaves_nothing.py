#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With the parent killed the workers answer what they hold, are gone at once, and the port is free."""
# waits: mostly
import signal
import socket
import time

from _play import MODEL, SLOW, Brood, Checker, Client, check, engines, is_alive, wait_until

for engine in engines():
    for loaded in (False, True):
        with Brood(engine=engine, workers=4) as brood:
            workers = brood.workers()
            idle = [Client(brood.port) for _ in range(10)]
            for client in idle:
                client.get("/")
            late = Client(brood.port)
            late.send("GET /sleep?ms=800 HTTP/1.1\r\nHost: play\r\n\r\n")
            checker = Checker(brood.port, "keepalive") if loaded else None
            time.sleep(0.2)
            began = time.monotonic()
            brood.kill(signal.SIGKILL)
            response = late.response()
            check(response.body == b"slept\n" and response["connection"] == "close", response.raw)
            wait_until(lambda: not any(map(is_alive, workers)), 5, "the workers are gone")
            took = time.monotonic() - began
            for client in [*idle, late]:
                client.close()
            if checker:
                checker.finish()
                if MODEL == "round-robin":      # what was in the parent's own hands goes with it
                    check(checker.lost() <= 16, f"{checker.lost()} lost, more than it could have held")
                else:
                    checker.expect_nothing_lost()
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", brood.port))
                s.listen()
            print(f"{engine}{', loaded' if loaded else ''}: gone after {took * 1000:.0f} ms")
            check(took < 1.6 * SLOW, "as soon as the last response is sent")
