#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pool needs no privilege; one started by root gives its workers' away with --user, and their successors' too."""
import os
import pathlib
import re
import signal

from _play import NOBODY, Brood, Checker, check, drop_to, engines, get, need_root


def ids(pid, key):
    return set(re.search(rf"^{key}:(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1].split())


def crash_and_retire(brood):
    try:
        get(brood.port, "/crash?how=segv")
    except EOFError:
        pass
    brood.wait_for_line("ready after")
    brood.get("/retire?reason=enough")
    brood.wait_for_line("left after")


need_root()
for engine in engines():
    with Brood(engine=engine, preexec_fn=drop_to(NOBODY)) as brood:
        checker = Checker(brood.port)
        crash_and_retire(brood)
        checker.finish()
        check(checker["answered"] > 0 and checker["wrong"] == 0, "serves")
        check(not brood.lines("giveup|could not start"), "and replaces")
        brood.stop()
    with Brood("--user", "nobody", engine=engine) as brood:
        crash_and_retire(brood)
        os.kill(brood.workers()[0], signal.SIGKILL)
        brood.wait_for_line("ready after", n=3)
        check(ids(brood.pid, "Uid") == {"0"}, "the parent stays")
        for pid in brood.workers():
            check(ids(pid, "Uid") == {str(NOBODY)}, f"worker {pid} is nobody")
            check(ids(pid, "Gid") == {str(NOBODY)} == ids(pid, "Groups"), f"worker {pid} is of no other group")
            check(ids(pid, "CapEff") == ids(pid, "CapPrm") == {"0" * 16}, f"worker {pid} has no capability left")
        check(brood.get("/").status == 200, "and serves")
        brood.stop()
    with Brood("--user", "nobody", "--group", "daemon", engine=engine) as brood:
        check(all(ids(pid, "Gid") == {"1"} for pid in brood.workers()), "--group")
        brood.stop()
    print(engine, "as nobody, and with --user")
