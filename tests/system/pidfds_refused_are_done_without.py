#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where pidfd_open is refused, as by a container's profile of long ago, the parent hears of every end all the same."""
# models: one
# waits: mostly
import os
import pathlib
import shutil
import signal
import tempfile

from _mailer import Mailer
from _play import BROOD, BUILD, Brood, Checker, check, engines, is_alive, stop_process, wait_until


def denied(error):
    return BUILD / "tests/tools/deny", "pidfd", error


def kill_and_wait(brood, pid, kind):
    os.kill(pid, signal.SIGKILL)
    brood.wait_for_line(rf"{kind} \d \(pid {pid}\): killed by SIGKILL", 5)
    wait_until(lambda: not is_alive(pid), 5, "it is collected")


def planned(engine):
    with Brood(engine=engine, workers=2, prefix=denied("EPERM"), control=True) as brood:
        brood.wait_for_line("pidfd_open: Operation not permitted; the ends of processes are heard of by SIGCHLD", 1)
        checkers = [Checker(brood.port, mode, 8) for mode in ("keepalive", "close")]
        brood.ctl("reload", "--wait")
        brood.ctl("scale", 3, "--wait")
        brood.ctl("scale", 2, "--wait")
        brood.upgrade()
        for checker in checkers:
            checker.finish().expect_nothing_lost()
        check(not brood.lines(" (warn|error) "), "nothing that anybody has to know")
        brood.stop()


def deaths(engine):
    options = ("--tasks", 1, "--hang-timeout", "1s")
    with Brood(*options, engine=engine, workers=2, prefix=denied("ENOSYS"), control=True) as brood:
        kill_and_wait(brood, brood.whoami()["pid"], "worker")
        kill_and_wait(brood, brood.task_pids()[0], "task")
        wait_until(lambda: len(brood.task_pids()) == 1 and len(brood.workers()) == 3, 5, "all are back")
        stopped = brood.whoami()["pid"]
        stop_process(stopped)
        wait_until(lambda: not is_alive(stopped), 10, "who hangs is ended")
        wait_until(lambda: len(brood.workers()) == 3, 5, "and replaced")
        brood.stop()


def callbacks(engine):
    with Mailer(engine, callbacks="process", prefix=denied("ENOSYS")) as pool:
        helper = pool.helper()
        os.kill(helper, signal.SIGKILL)
        pool.wait_for_line(rf"the process of the callbacks \(pid {helper}\): died by SIGKILL", 5)
        wait_until(lambda: pool.helper() not in (None, helper), 5, "another one")
        pool.stop(within=15)


def failed_upgrade(engine):
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory, "brood")
        shutil.copy2(BROOD, program)
        with Brood(engine=engine, program=program, prefix=denied("ENOSYS")) as brood:
            program.unlink()
            shutil.copy2("/bin/false", program)
            brood.kill(signal.SIGUSR2)
            brood.wait_for_line(r"new parent \(pid \d+\) ended with code 1 before it was ready", 5)
            brood.whoami()
            brood.stop()


for name in engines():
    planned(name)
    deaths(name)
    callbacks(name)
    failed_upgrade(name)
