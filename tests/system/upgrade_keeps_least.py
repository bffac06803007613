#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# waits: mostly
# timeout: 300
"""Balance `least` is in force after every upgrade, of process 1 as well, and after one that has failed at any step."""
import json
import os
import shutil
import signal
import sys
import tempfile
import time

from _play import (BROOD, Brood, Checker, Client, Orphan, adopt_orphans, check, children_of, engines, is_alive, need_root,
                   skip, wait_until)

N_WORKERS, A_WORKER, TIMES = 4, 8, 2
ALONE = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")

# It takes all there is, says that it is ready, and cannot be told that it has the pool.
DEAF_HEIR = f"""#!{sys.executable}
import socket, sys, time
sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})
import _heir as heir
old = heir.of_environment()
old.say(heir.hello())
old.hear()
for number in range({N_WORKERS}):
    old.say(heir.take(number))
    old.hear()
old.s.shutdown(socket.SHUT_RD)
old.say(heir.ready(1, 1))
time.sleep(60)
"""


def shares(brood):
    clients = [Client(brood.port) for _ in range(N_WORKERS * A_WORKER)]
    slots = [json.loads(client.get("/whoami").body)["slot"] for client in clients]
    for client in clients:
        client.close()
    return [slots.count(slot) for slot in range(N_WORKERS)]


def expect_least(brood, what, seconds=8):
    """As soon as what was begun before has been counted: two looks of the parent later at the latest."""
    def are_equal():
        found = shares(brood)
        time.sleep(0.3)
        return found == [A_WORKER] * N_WORKERS and brood.status()["balance"] == "least"
    wait_until(are_equal, seconds, f"equal shares after {what}")
    check(not brood.lines("balance: least: .*going on"), "the program was not given up")
    print(f"{brood.name}: {what}")


def install(program, text=None):
    if text is None:
        shutil.copy2(BROOD, program + ".draft")
    else:
        with open(program + ".draft", "w") as f:
            f.write(text)
    os.chmod(program + ".draft", 0o755)
    os.replace(program + ".draft", program)


def start(engine, program, **keywords):
    install(program)
    return Brood("--log-level", "debug", engine=engine, workers=N_WORKERS, control=True, program=program, **keywords)


def finish(checkers):
    for checker in checkers:
        checker.finish()
    for checker in checkers:
        checker.expect_nothing_lost()
        check(checker["refused"] == 0, "and nobody was refused")


def play(engine, program):
    with start(engine, program) as brood:
        if brood.status()["balance"] != "least":
            skip(brood.status()["balance_why"])
        expect_least(brood, "the start")
        for turn in range(TIMES):
            checkers = [Checker(brood.port, "keepalive", 8, rate=10, path="/"), Checker(brood.port, "close", 4)]
            time.sleep(0.1)
            brood.upgrade()
            finish(checkers)
            check(brood.status()["balance"] == "least", "at once")
            expect_least(brood, f"upgrade {turn + 1}")
        brood.ctl("scale", N_WORKERS + 1, "--wait")
        brood.ctl("scale", N_WORKERS, "--wait")
        expect_least(brood, "scaling up and down")
        brood.stop()


def play_deaf(engine, program):
    """The listeners are out of the old one's map by then, and have to come back."""
    with start(engine, program) as brood:
        checkers = [Checker(brood.port, "close", 4)]
        install(program, DEAF_HEIR)
        said = brood.ctl("upgrade", "--wait", code=1)
        check("cannot be reached: Broken pipe" in said, said)
        finish(checkers)
        expect_least(brood, "an upgrade that failed at its last step")
        install(program)
        brood.upgrade()
        expect_least(brood, "the next one")
        brood.stop()


def freeze_before_the_end(brood):
    """Stops the old parent when the new one has workers, and waits until they are ready. The new one's pid; or None."""
    before = set(brood.workers())
    brood.kill(signal.SIGUSR2)
    while not (new := set(children_of(brood.pid)) - before) or not children_of(min(new)):
        if brood.process.poll() is not None:    # it was faster than we could look
            return None
    brood.kill(signal.SIGSTOP)
    new = min(new)
    wait_until(lambda: len(children_of(new)) == N_WORKERS, 5, "its workers")
    time.sleep(0.1)
    brood.seen_workers.update(children_of(new))
    return None if brood.lines("upgraded: pid") else new


def kill_at_the_end(brood, victim):
    """When the new one is ready and the old one has not heard of it. Returns whether it was still so."""
    checkers = [Checker(brood.port, "close", 4)]
    time.sleep(0.1)
    new = freeze_before_the_end(brood)
    if brood.process.poll() is None:
        os.kill(brood.pid if new is None or victim == "old" else new, signal.SIGKILL)
    if new is None:
        checkers[0].finish()
        brood.follow()
        return False
    if victim == "new":
        wait_until(lambda: not is_alive(new), 5, "it is dead")
        brood.kill(signal.SIGCONT)
        brood.wait_for_line("the old one stays")
    else:
        brood.process.wait()
        brood.process, brood.pid = Orphan(new), new
        brood.wait_for_line("taken over from pid .*, which has died")
    finish(checkers)
    return True


def play_killed(engine, program):
    for victim in ("new", "old"):
        for _ in range(20):
            with start(engine, program) as brood:
                killed = kill_at_the_end(brood, victim)
                if killed:
                    expect_least(brood, f"the {victim} parent's death", 15)
                brood.stop(within=10)
                if killed:
                    break
        else:
            print(f"{engine}: the {victim} parent was never killed in time")


def play_process_1(engine, program):
    with start(engine, program, prefix=ALONE, ready=False) as brood:
        brood.wait_for_line(r"\bready: \d+ worker")
        brood.pid = children_of(brood.process.pid)[0]
        for turn in range(2):
            checkers = [Checker(brood.port, "close", 4)]
            brood.ctl("upgrade", "--wait")
            finish(checkers)
            brood.workers()
            expect_least(brood, f"upgrade {turn + 1} of process 1")
        brood.stop()


need_root()
adopt_orphans()
with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
    for engine in engines():
        for scene in (play, play_deaf, play_killed, play_process_1):
            scene(engine, os.path.join(directory, "brood"))
