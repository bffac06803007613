#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events in Node's order, by a process that may crash, hang and be killed; then another knows the workers there are."""
# models: one
# waits: mostly
import os
import signal

from _mailer import Mailer
from _play import check, engines, wait_until



def names_of(pool, worker):
    return [name for name, _, fields in pool.events() if fields["id"] == str(worker)]


def story(pool):
    """Start, retire, kill, crash."""
    wait_until(lambda: len([e for e in pool.events() if e[0] == "listening"]) == 3, 5, "three listen")
    told = [name for name, _, _ in pool.events()]
    check(told[0] == "setup", f"setup is first: {told}")
    for worker in (1, 2, 3):
        check(names_of(pool, worker) == ["fork", "online", "listening"], f"worker {worker}: {names_of(pool, worker)}")
    pool.ask(0, "/retire")
    wait_until(lambda: "exit" in names_of(pool, 1), 5, "the first has left")
    check(names_of(pool, 1)[3:] == ["suicide", "disconnect", "exit"], names_of(pool, 1))
    gone = [fields for name, _, fields in pool.events() if fields["id"] == "1"][-1]
    check(gone["told"] == "1" and gone["code"] == "0" and gone["known"] == "0", f"exited after disconnect: {gone}")
    os.kill(pool.pid_of(1), signal.SIGKILL)
    wait_until(lambda: len(names_of(pool, 2)) == 5, 5, "the second was killed")
    check(sorted(names_of(pool, 2)[3:]) == ["disconnect", "exit"], names_of(pool, 2))
    end = next(fields for name, _, fields in pool.events() if name == "exit" and fields["id"] == "2")
    check(end["signal"] == "9" and end["code"] == "-1" and end["told"] == "0", f"killed: {end}")


def crash_and_hang(pool):
    helper = pool.helper()
    check(helper, "there is a process for the callbacks")
    pool.ask(2, "/text?to=parent&text=crash")
    wait_until(lambda: pool.helper() not in (None, helper), 5, "another after the crash")
    check(pool.lines("callbacks .*died by SIGABRT; another in 100 ms"), "the log says so")
    helper = pool.helper()
    os.kill(pool.pid_of(2), signal.SIGKILL)
    wait_until(lambda: [e for e in pool.events() if e[0] == "exit" and e[2]["id"] == "3"], 5, "the new one is told")
    pool.ask(0, "/text?to=parent&text=hang")
    pool.wait_for_line("has not returned within the hang timeout; killing it", 8)
    wait_until(lambda: pool.helper() not in (None, helper), 5, "another after the hang")
    for _ in range(3):
        pool.ask(0, "/send?to=parent&n=3")
    wait_until(lambda: sum(f["n"] for f in pool.told()["from"].values()) >= 9, 5, "it hears")
    check(len([pid for pid in pool.workers() if pool.comm(pid).startswith("brood:")]) == 4, "the pool is whole")


for engine in engines():
    with Mailer(engine, "--hang-ms", 1500, callbacks="process") as pool:
        story(pool)
        crash_and_hang(pool)
        pool.stop(within=10)
        exits = [e for e in pool.events() if e[0] == "exit"]
        check(len(exits) >= 6, f"each end is told, those of the pool's end too: {len(exits)}")
    with Mailer(engine, callbacks="inside") as pool:
        story(pool)
        check(not pool.helper(), "no process")
        pool.stop(within=10)
