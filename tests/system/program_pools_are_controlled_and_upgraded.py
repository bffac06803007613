#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ctl and USR2 mean a pool of programs as any other: the new parent takes the sockets over, and nothing is lost."""
# models: one
import json
import os
import time

from _guest import MODELS, PROGRAM, Guest
from _play import check, is_alive, wait_until


def whoami(brood):
    return json.loads(brood.get("/whoami").body)


for model in MODELS:
    with Guest(model=model, control=True) as brood:
        status = brood.status()
        check(status["engine"] == os.path.basename(PROGRAM[0]) and status["ready"], status)
        check(status["balance"] == ("weighted" if model == "reuseport" else None), status["balance"])
        before = {slot["slot"]: slot["worker"]["pid"] for slot in status["slots"]}
        check(sorted(before.values()) == sorted(brood.workers()), "the keepers are the workers")
        brood.ctl("drain", 0)
        wait_until(lambda: brood.status()["slots"][0]["worker"]["pid"] != before[0], 5, "slot 0 was replaced")
        brood.ctl("kill", 1)
        brood.wait_for_line(r"worker 1 .*killed by SIGKILL", 5)
        brood.ctl("scale", 3, "--wait")
        check(len(brood.status()["slots"]) == 3, "three")
        brood.ctl("reload", "--wait")
        brood.ctl("scale", 2, "--wait")
        check("python3" in brood.ctl("status"), "it is told to people as well")
        wait_until(lambda: len(brood.programs()) == 2, 5, "two are left")
        programs = brood.programs()
        brood.upgrade()
        wait_until(lambda: not any(map(is_alive, programs)), 5, "the old programs have left")
        check(len(brood.programs()) == 2 and whoami(brood)["pid"] in brood.programs(), "there are new ones")
        brood.ctl("stop", "--wait")
        time.sleep(0.1)
