#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second TERM, INT or QUIT does not wait for anything: code 3 within 200 ms, 400 if a worker is deaf."""
import os
import signal
import time

from _play import Brood, Client, check, engines

for engine in engines():
    for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT),
                          (signal.SIGQUIT, signal.SIGTERM)):
        with Brood(engine=engine) as brood:
            clients = [Client(brood.port) for _ in range(5)]
            for client in clients:
                client.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: play\r\n\r\n")
            time.sleep(0.1)
            brood.kill(first)
            brood.wait_for_line("draining")     # two that are pending together are one
            check(brood.process.poll() is None, "the first signal waits")
            took = brood.stop(second, code=3, within=2)
            print(f"{engine}, {first.name} and {second.name}: {took * 1000:.0f} ms:", *brood.lines("ended at once"))
            check(took < 1, "now, and not when they are answered")
            check(brood.lines("5 connections cut"), "the log says how many")
            for client in clients:
                client.close()
    with Brood(engine=engine) as brood:
        held = [Client(brood.port) for _ in range(3)]       # until it is answered the first signal waits
        for client in held:
            client.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.1)
        workers = brood.workers()
        brood.kill(signal.SIGTERM)
        brood.wait_for_line("draining")
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        took = brood.stop(code=3, within=2)
        check(took < 1, "now, though they cannot tell")
        check(brood.lines("ended at once: 3 connections cut"), "as the board has them")
        for client in held:
            client.close()
