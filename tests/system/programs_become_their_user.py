#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With --user the program is nobody's, and so is its keeper; started as nobody, all goes as for root."""
# models: one
import json
import os
import pathlib
import shutil
import signal
import tempfile

from _guest import MODELS, PROGRAM, Guest
from _play import NOBODY, check, drop_to, need_root, wait_until

need_root()
folder = tempfile.TemporaryDirectory(prefix="brood-play-")
os.chmod(folder.name, 0o755)
program = (PROGRAM[0], shutil.copy(PROGRAM[1], folder.name))


def uid_of(pid):
    return os.stat(f"/proc/{pid}").st_uid


for model in MODELS:
    for how in ({}, {"user": "nobody"}):
        options = [] if how else ["--user", "nobody"]
        popen = {"preexec_fn": drop_to(NOBODY)} if how else {}
        with Guest(*options, "--cwd", "/", model=model, program=program, **popen) as brood:
            about = json.loads(brood.get("/whoami").body)
            check(about["uid"] == NOBODY and about["groups"] in ([NOBODY], []), f"it is nobody: {about['uid']}, {about['groups']}")
            check(all(uid_of(pid) == NOBODY for pid in brood.workers()), "so is its keeper")
            status = pathlib.Path(f"/proc/{about['pid']}/status").read_text()
            check("NoNewPrivs:\t1" in status, "and stays so")
            before = set(brood.programs())
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done", 10)
            wait_until(lambda: not before & set(brood.programs()), 5, "the old ones have left")
            os.kill(pid := brood.programs()[0], signal.SIGKILL)
            brood.replaced(pid)
            os.kill(keeper := brood.workers()[0], signal.SIGKILL)
            wait_until(lambda: keeper not in brood.workers() and len(brood.programs()) == 2, 5, "replaced")
            for number, n in ((signal.SIGTTIN, 3), (signal.SIGTTOU, 2)):
                brood.kill(number)
                brood.wait_for_line(f"scaling: {n} workers after", 10)
            brood.stop()
