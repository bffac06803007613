#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Servers in other languages behind brood run: reloaded, scaled, replaced, upgraded and stopped under load, losing nothing."""
# models: one
# timeout: 300
import os
import shutil
import signal
import tempfile
import time

from _guest import HERE, MODELS, Guest
from _play import Checker, check, skip, wait_until

N_WORKERS = 3
N_RELOADS = 2
APP = '''
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
'''


folder = tempfile.TemporaryDirectory(prefix="brood-play-")


def programs():
    """Name, command, modes of the checker that it can be asked in, when it may be ready."""
    if shutil.which("node"):
        yield "node", ("node", os.path.join(HERE, "../../tools/examples/server.js")), ("keepalive", "close")
    if shutil.which("gunicorn"):
        with open(os.path.join(folder.name, "app.py"), "w", encoding="ascii") as file:
            file.write(APP)
        yield "gunicorn", ("gunicorn", "--chdir", folder.name, "--workers", "1", "--log-level", "warning",
                           "app:application"), ("close",)


def expect_the_same_number(brood, n):
    wait_until(lambda: len(brood.programs()) == n, 10, f"there are {n} programs")


def play(model, name, command, modes):
    with Guest("--stdio", "log", model=model, workers=N_WORKERS, program=command) as brood:
        checkers = [Checker(brood.port, mode, 8, foreign=True) for mode in modes]
        time.sleep(0.3)
        for turn in range(N_RELOADS):
            before = set(brood.programs())
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done after", 30, turn + 1)
            wait_until(lambda: not before & set(brood.programs()), 15, "none of the old ones is left")
        for turn in range(2):
            brood.kill(signal.SIGTTIN)
            brood.wait_for_line(f"scaling: {N_WORKERS + 1} workers after", 15, turn + 1)
            time.sleep(0.2)
            brood.kill(signal.SIGTTOU)
            brood.wait_for_line(f"scaling: {N_WORKERS} workers after", 15, turn + 1)
        os.kill(brood.workers()[0], signal.SIGTERM)         # a keeper passes on the wish
        brood.wait_for_line("retiring .SIGTERM.", 5)
        n_left = N_RELOADS * N_WORKERS + 2 + 1
        brood.wait_for_line(r"left after", 15, n_left)
        brood.upgrade()
        expect_the_same_number(brood, N_WORKERS)
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_lost()
            check(checker["refused"] == 0, "and nobody was refused")
        check(not brood.lines(r"killed|died|restarting|cut|unserved|exited with"), "no death, no penalty")
        checkers = [Checker(brood.port, mode, 8, foreign=True) for mode in modes]
        time.sleep(0.5)
        took = brood.stop(within=8)
        for checker in checkers:
            checker.finish()
            checker.expect_nothing_lost()
        print(f"{name}, {model}: stopped after {took * 1000:.0f} ms")


found = list(programs())
if not found:
    skip("there is neither Node nor gunicorn here")
for name, command, modes in found:
    for model in MODELS:
        play(model, name, command, modes)
