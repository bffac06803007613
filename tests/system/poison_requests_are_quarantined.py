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


def check_suspicion(brood):
    """Its first death makes a request suspected; forgotten, it may kill as often as any other again."""
    check(crash(brood, "segv") == 0, "one dies")
    brood.wait_for_line("ready after")
    told = json.loads(brood.ctl("poison", "--json"))
    check(told["quarantined"] == [] and len(told["suspects"]) == 1, told)
    suspect = told["suspects"][0]
    check(suspect["request"].startswith("GET /crash?how=segv ") and suspect["faults"] == 1, told)
    check(0 < suspect["left_ms"] <= 60000 and len(suspect["fingerprint"]) == 16, told)
    check(brood.ctl("poison", "clear") == "0 no longer answered 503\n", "it was not, but")
    check(json.loads(brood.ctl("poison", "--json"))["suspects"] == [], "it is forgotten")


def check_clearing(brood):
    told = json.loads(brood.ctl("poison", "--json"))
    check(len(told["quarantined"]) == 1 and told["suspects"] == [], told)
    check("GET /crash?how=" in brood.ctl("poison"), "it is told with its text")
    check(brood.ctl("poison", "clear", told["quarantined"][0]["n"]) == "1 no longer answered 503\n", told)
    check(crash(brood, "segv") == 0, "and it kills again")


for engine in engines():
    with Brood("--restart-limit", "100/10s", "--backoff", "1ms..1ms", engine=engine, workers=2, control=True) as brood:
        check_suspicion(brood)
        found = [crash(brood, how) for how in ("segv", "abort", "segv")]    # another query is no other request
        check(found == [0, 0, 0], f"three die: {found}")
        line = brood.wait_for_line(r'poison: requests like "GET /crash.*" have made workers fault 3 times')
        brood.wait_for_line("ready after", 5, 4)
        n_deaths = len(brood.lines("died by"))
        for _ in range(20):
            response = brood.get("/crash?how=segv")
            check(response.status == 503 and 0 < int(response["retry-after"]) <= 60, response.raw)
            check(brood.get("/").status == 200 and json.loads(brood.get("/whoami").body), "others are answered")
        check(len(brood.lines("died by")) == n_deaths, "nobody else dies")
        check_clearing(brood)
        brood.stop()
        print(f"{engine}: {line}")
    with Brood("--restart-limit", "100/10s", "--backoff", "1ms..1ms", "--poison-limit", "0", engine=engine) as brood:
        check([crash(brood, "segv") for _ in range(5)] == [0] * 5, "off: each of them kills")
        brood.wait_for_line("died by", n=5)
        brood.stop()
