#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A request that has killed three workers is answered 503 instead of killing more; its neighbours are answered."""
# models: one
import json

from _play import Brood, check, engines


def crash(brood, query):
    try:
        return brood.get(f"/crash?how={query}").status
    except (EOFError, ConnectionResetError):
        return 0


for engine in engines():
    with Brood("--restart-limit", "100/10s", "--backoff", "1ms..1ms", engine=engine, workers=2) as brood:
        found = [crash(brood, how) for how in ("segv", "abort", "segv")]    # another query is no other request
        check(found == [0, 0, 0], f"three die: {found}")
        line = brood.wait_for_line(r'poison: requests like "GET /crash.*" have made workers fault 3 times')
        brood.wait_for_line("ready after", 5, 3)
        n_deaths = len(brood.lines("died by"))
        for _ in range(20):
            response = brood.get("/crash?how=segv")
            check(response.status == 503 and 0 < int(response["retry-after"]) <= 60, response.raw)
            check(brood.get("/").status == 200 and json.loads(brood.get("/whoami").body), "others are answered")
        check(len(brood.lines("died by")) == n_deaths, "nobody else dies")
        brood.stop()
        print(f"{engine}: {line}")
    with Brood("--restart-limit", "100/10s", "--backoff", "1ms..1ms", "--poison-limit", "0", engine=engine) as brood:
        check([crash(brood, "segv") for _ in range(5)] == [0] * 5, "off: each of them kills")
        brood.stop()
