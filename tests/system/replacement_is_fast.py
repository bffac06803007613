#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The only worker is killed and a client that comes the next moment hardly waits; the bench measures how little."""
import os
import signal
import statistics
import time

from _play import SLOW, Brood, check, engines


def try_whoami(brood):
    try:
        return brood.whoami()
    except (OSError, EOFError):     # met the dying one
        return None


for engine in engines():
    with Brood("--restart-limit", "1000/10s", "--backoff", "1ms..1ms", engine=engine, workers=1) as brood:
        took_ms = []
        for _ in range(20):
            pid = brood.whoami()["pid"]
            began = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            while (who := try_whoami(brood)) is None or who["pid"] == pid:
                pass
            took_ms.append((time.monotonic() - began) * 1000)
        print(f"{engine}: median {statistics.median(took_ms):.1f} ms, worst {max(took_ms):.1f} ms")
        check(statistics.median(took_ms) < 200 * SLOW, "fast")
        check(who["generation"] == 20, f"each was a generation: {who}")
        brood.stop()
