#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TERM with 20 responses of a second in flight and 100 idle connections: all 20 come, the idle are closed."""
# waits: mostly
import signal
import time

from _play import SLOW, Brood, Client, check, engines

for engine in engines():
    with Brood(engine=engine) as brood:
        idle = [Client(brood.port) for _ in range(100)]
        for client in idle:
            check(client.get("/").status == 200, "served")
        busy = [Client(brood.port) for _ in range(20)]
        for client in busy:
            client.send("GET /sleep?ms=1000 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.2)
        began = time.monotonic()
        brood.kill(signal.SIGTERM)
        check(all(client.ended(2) for client in idle), "idle connections are closed, orderly")
        idle_ms = (time.monotonic() - began) * 1000
        for client in busy:
            response = client.response()
            check(response.body == b"slept\n" and response["connection"] == "close", response.raw)
        brood.wait_exit(0, 3)
        total_ms = (time.monotonic() - began) * 1000
        print(f"{engine}: 100 idle closed within {idle_ms:.0f} ms, 20 of 20 answered, ended after {total_ms:.0f} ms")
        check(idle_ms < 600 * SLOW, "idle ones do not wait for the others")
        check(total_ms < 1300 * SLOW, "the pool ends with the last response")
        for client in idle + busy:
            client.close()
