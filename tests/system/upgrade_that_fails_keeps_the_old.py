#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A new program that cannot be started, ends, hangs or breaks the protocol at any step leaves the old one serving."""
# models: one
# timeout: 600
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from _play import BROOD, SLOW, Brood, Checker, check, descriptors_of, engines, replace_file, wait_until

HERE = pathlib.Path(__file__).resolve().parent
N_WORKERS = 2
AN_HEIR = f"""#!{sys.executable}
import os, signal, sys, time
sys.path.insert(0, {str(HERE)!r})
import _heir as heir
old = heir.of_environment()
"""
# what stands in the program's place, what the log says of it
SCRIPTS = {
    "#!/bin/sh\nexit 1\n": r"ended with code 1 before it was ready",
    "#!/bin/sh\nexit 0\n": r"ended with code 0 before it was ready",
    "#!/bin/sh\nkill -SEGV $$\n": r"died by SIGSEGV before it was ready",
    "#!/bin/sh\nexec sleep 60\n": r"was not ready within \d\.0 s",
    "no program\n": r"failed: cannot execute .*: Exec format error",
    AN_HEIR + "old.say(heir.hello())": r"ended with code 0",
    AN_HEIR + "old.say(heir.hello()); old.hear(); time.sleep(60)": r"was not ready within \d\.0 s",
    AN_HEIR + "old.say(heir.hello(4, 9))\ntime.sleep(60)": r"speaks versions 4 to 9 of the testament, and the old one 1 to 3",
    AN_HEIR + "old.say(heir.hello()); old.hear()\nfor i in range(2): old.say(heir.take(i)); old.hear()":
        r"ended with code 0",
    AN_HEIR + "old.say(heir.hello()); old.hear(); old.say(heir.take(7))\ntime.sleep(60)":
        r"wants slot 7, which there is not",
    AN_HEIR + "old.say(heir.hello()); old.hear(); old.say(heir.failed('out of luck'))\ntime.sleep(60)":
        r"failed: out of luck",
    AN_HEIR + "old.say(heir.go())\ntime.sleep(60)": r"sent what is no message",
    AN_HEIR + "old.say(heir.hello()[:-1])\ntime.sleep(60)": r"sent what is no message",
    AN_HEIR + "old.say(heir.hello(), [2])\ntime.sleep(60)": r"sent what is no message",
    AN_HEIR + "old.say(heir.ready(1 << 8))\ntime.sleep(60)": r"sent what is no message",
    AN_HEIR + "while True: old.say(heir.hello()); old.hear()": r"asks without end",
    AN_HEIR + "old.s.close()\ntime.sleep(60)": r"was not ready within \d\.0 s",
    AN_HEIR + "pid = os.fork()\nif pid == 0: old.say(heir.hello()); os._exit(0)\ntime.sleep(60)":
        r"is spoken for by another process \(pid \d+\)",
}


def expect_failure(brood, pattern):
    n_before = len(brood.lines("upgrade: the new parent"))
    workers = set(brood.workers())
    brood.kill(signal.SIGUSR2)
    line = brood.wait_for_line("upgrade: the new parent", 10, n_before + 1)
    check(brood.lines(rf"upgrade: the new parent \(pid \d+\) {pattern}.*; the old one stays"), f"{pattern}, not: {line}")
    wait_until(lambda: set(brood.workers()) == workers, 5, "the old workers are there, and nobody else")


def play(engine, directory):
    program = os.path.join(directory, "brood")
    shutil.copy2(BROOD, program)
    with Brood("--start-timeout", f"{2 * SLOW}s", engine=engine, program=program, workers=N_WORKERS) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8)]
        kinds = sorted(descriptors_of(brood.pid).values())
        for script, pattern in SCRIPTS.items():
            replace_file(program, script, 0o755)
            expect_failure(brood, pattern)
        replace_file(program, "#!/bin/sh\nexit 0\n")
        expect_failure(brood, r"failed: cannot execute .*: Permission denied")
        os.unlink(program)
        expect_failure(brood, r"failed: cannot execute .*: No such file or directory")
        replace_file(program, "#!/bin/sh\nexec sleep 60\n", 0o755)
        brood.kill(signal.SIGUSR2)
        brood.wait_for_line("upgrade: started", 5, len(SCRIPTS) + 3)
        brood.kill(signal.SIGUSR2)
        brood.wait_for_line("SIGUSR2: no upgrade: one is under way")
        brood.kill(signal.SIGHUP)
        brood.wait_for_line("SIGHUP: an upgrade is under way")
        brood.wait_for_line("was not ready within", 5, len([p for p in SCRIPTS.values() if "not ready" in p]) + 1)
        for checker in checkers:
            checker.finish().expect_nothing_lost()
        wait_until(lambda: sorted(descriptors_of(brood.pid).values()) == kinds, 3, f"the parent has what it had: {kinds}")
        shutil.copy2(BROOD, program + ".draft")
        os.replace(program + ".draft", program)
        brood.upgrade()
        check(brood.get("/").status == 200, "mended, it goes through")
        brood.stop()


def play_term(engine, directory):
    """A stop while the new one starts ends both."""
    program = os.path.join(directory, "brood")
    shutil.copy2(BROOD, program)
    with Brood(engine=engine, program=program) as brood:
        replace_file(program, "#!/bin/sh\nexec sleep 60\n", 0o755)
        brood.kill(signal.SIGUSR2)
        line = brood.wait_for_line("upgrade: started")
        brood.stop()
        check(brood.lines("upgrade: given up, because the pool stops"), "and says so")
        pid = int(line.rpartition("pid ")[2].rstrip(")"))
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "the new one is gone too")


for engine in engines():
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        play(engine, directory)
        play_term(engine, directory)
    print(f"{engine}: {len(SCRIPTS) + 4} failed upgrades")
