#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# timeout: 300
"""HUP reads --config again: what may change does, losing nothing; what is wrong, or cannot start, changes nothing."""
import os
import shutil
import signal
import socket
import tempfile
import time

from _play import DEMO, MODEL, Brood, Checker, check, engines, replace_file, wait_until


def reload(brood, n):
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done", 20, n)


def idle_for(port):
    """How long the server keeps a connection on which nothing is asked for any more."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(4096)
        began = time.monotonic()
        while s.recv(4096):
            pass
        return time.monotonic() - began


def play_changes(directory, engine):
    config = f"{directory}/brood.ini"
    replace_file(config, "text = first\nidle-timeout = 75s\n")
    with Brood("--config", config, engine=engine, what=()) as brood:
        check(brood.get("/").body == b"first", "as the file says")
        replace_file(config, "text = second\nidle-timeout = 200ms\nlog-level = debug\n")
        reload(brood, 1)
        if MODEL == "preemptive":
            brood.wait_for_line("left after", n=2)      # until it hears that it is to go, one takes what it is woken for
        check(brood.get("/").body == b"second", "another text")
        took = idle_for(brood.port)
        check(0.1 < took < 3, f"another timeout: {took}")
        check(brood.lines(" debug "), "another level of the log, for the workers")
        replace_file(config, f"handler = {DEMO}\n")
        reload(brood, 2)
        check(brood.whoami()["engine"], "a handler instead")

        # Flags are stronger, at a reload too; what waits for the next start is said.
        replace_file(config, f"handler = {DEMO}\nworkers = 7\nlisten = :1\npid-file = {directory}/pid\nbacklog = 9\n")
        reload(brood, 3)
        brood.wait_for_line("left after", n=6)
        check(len(brood.workers()) == 2, "--workers is stronger than the file")
        for name in ("pid_file", "backlog"):
            check(len(brood.lines(rf"reload: option {name} takes effect at the next start")) == 1, f"{name} is said")
        check(not os.path.exists(f"{directory}/pid"), "and not done")
        brood.stop()


def play_mistakes(directory, engine):
    config, handler = f"{directory}/brood.ini", f"{directory}/handler.so"
    shutil.copy(DEMO, handler)
    replace_file(config, f"handler = {handler}\nhang-timeout = 5s\n")
    with Brood("--config", config, engine=engine, workers=3, what=()) as brood:
        old = set(brood.workers())
        for text, told in (("wrokers = 3\n", "brood.ini:1: unknown option wrokers; did you mean workers"),
                           (f"handler = {directory}/none.so\n", "none.so.: No such file"),
                           ("text = a\nroot = /\n", "only one of"), (None, "brood.ini.: No such file")):
            if text is None:
                os.unlink(config)
            else:
                replace_file(config, text)
            brood.kill(signal.SIGHUP)
            brood.wait_for_line(rf"reload: .*{told}.*; nothing is changed")
            check(set(brood.workers()) == old, "nobody is replaced")
        os.mkfifo(config)
        brood.kill(signal.SIGHUP)
        brood.wait_for_line("not a regular file; nothing is changed")
        os.unlink(config)

        # What cannot start is found by the first worker; the ones that die later get what is proven.
        broken = f"{directory}/broken.so"
        replace_file(broken, "no shared object")
        replace_file(config, f"handler = {broken}\n")
        brood.kill(signal.SIGHUP)
        brood.wait_for_line("reload: stopped at worker 0, .*; 3 old workers stay")
        victim = brood.whoami()["pid"]
        os.kill(victim, signal.SIGKILL)
        brood.wait_for_line(r"worker \d \(pid \d+\): ready after")
        wait_until(lambda: len(brood.workers()) == 3, 5, "all are back")
        check(brood.get("/").status == 200, "with the handler there was before")
        replace_file(config, f"handler = {handler}\n")
        reload(brood, 1)
        wait_until(lambda: not old & set(brood.workers()), 5, "mended, it goes through")
        brood.stop()


def play_load(directory, engine):
    config = f"{directory}/brood.ini"
    replace_file(config, f"handler = {DEMO}\nworkers = 2\nrestart-limit = 5/10s\n")
    with Brood("--config", config, engine=engine, workers=None, what=()) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8)]
        for turn, n_workers in enumerate((4, 1, 3, 2), 1):
            replace_file(config, f"handler = {DEMO}\nworkers = {n_workers}\nmax-fields = {50 + turn}\n"
                                 f"restart-limit = {5 * turn}/10s\n")
            reload(brood, turn)
            wait_until(lambda n=n_workers: len(brood.workers()) == n, 20, f"{n_workers} workers")
        for checker in checkers:
            checker.finish().expect_nothing_noticed()
        os.kill(brood.workers()[0], signal.SIGKILL)
        brood.wait_for_line("killed by SIGKILL.*restarting")
        brood.stop()


for engine in engines():
    for play in (play_changes, play_mistakes, play_load):
        with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
            os.chmod(directory, 0o755)
            play(directory, engine)
