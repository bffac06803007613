#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whatever a program has started is gone when it is: by its own end, by its keeper's, by the parent's, by a stop."""
# models: one
import os
import pathlib
import signal
import tempfile
import time

from _guest import PROGRAM, Guest
from _play import check, children_of, is_alive, wait_until

SCRIPT = """#!/bin/sh
# Starts a child, an orphan, and one in a session of its own, then serves.
sleep 1000 &
(sleep 1001 & exec sleep 0)
setsid sleep 1002 &
exec "$@"
"""
folder = tempfile.TemporaryDirectory(prefix="brood-play-")
script = pathlib.Path(folder.name, "start")
script.write_text(SCRIPT)
script.chmod(0o755)


def below(pid):
    found = children_of(pid)
    return found + [deeper for child in found for deeper in below(child)]


def play(name, end, sees_sessions=True):
    with Guest("--restart-limit", "20/10s", program=(str(script), *PROGRAM)) as brood:
        wait_until(lambda: len(below(brood.pid)) == 2 * 5, 5, "two keepers, programs, and three more of each")
        everything = below(brood.pid)
        sessions = [pid for pid in everything if "1002" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]
        victims = end(brood, everything)
        left = [pid for pid in victims if sees_sessions or pid not in sessions]
        wait_until(lambda: not any(map(is_alive, left)), 5, f"{name}: all are gone")
        for pid in sessions:
            if is_alive(pid) and not sees_sessions:
                os.kill(pid, signal.SIGKILL)
        if brood.process.poll() is None:
            brood.stop()
        time.sleep(0.1)
        for pid in sessions:        # those of replacements that a later step has not seen
            check(not is_alive(pid), f"{name}: nothing is left")


def stop(brood, everything):
    brood.stop()
    return everything


def reload(brood, everything):
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done after", 10)
    return [pid for pid in everything if pid != brood.pid]


def kill_program(brood, everything):
    keeper = brood.workers()[0]
    program = next(pid for pid in children_of(keeper) if b"_program" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
    victims = [keeper, *below(keeper)]
    os.kill(program, signal.SIGKILL)
    return victims


def kill_keeper(brood, everything):
    keeper = brood.workers()[0]
    victims = [keeper, *below(keeper)]
    os.kill(keeper, signal.SIGKILL)
    return victims


def kill_parent(brood, everything):
    brood.kill(signal.SIGKILL)
    return everything


play("stop", stop)
play("reload", reload)
play("program killed", kill_program)
play("parent killed", kill_parent)
play("keeper killed", kill_keeper, sees_sessions=False)     # what made a session of its own has got away
