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
from _play import Checker, check, free_port, skip, wait_until

N_WORKERS = 3
N_RELOADS = 2
APP = '''
def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
'''


NGINX = """
worker_processes 1;
error_log stderr warn;
events { worker_connections 512; }
http {
	access_log off;
	server { listen 127.0.0.1:%d backlog=1024; location / { return 200 "Hello from the brood.\\n"; } }
	client_body_temp_path %s/body;
}
"""
folder = tempfile.TemporaryDirectory(prefix="brood-play-")


def nginx(port):
    """It takes its sockets by a variable of its own, leaves by QUIT, and has no /echo but the text of the demo."""
    home = os.path.join(folder.name, "nginx")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, "nginx.conf"), "w", encoding="ascii") as file:
        file.write(NGINX % (port, home))
    return (shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", home, "-e", f"{home}/error", "-c",
            f"{home}/nginx.conf", "-g", f"pid {home}/pid-{{slot}}; daemon off;")


def programs():
    """Name, command, modes of the checker that it can be asked in, path, options."""
    if shutil.which("node"):
        yield "node", ("node", os.path.join(HERE, "../../tools/examples/server.js")), ("keepalive", "close"), "/echo", ()
    if nginx(0)[0]:
        yield "nginx", nginx, ("close",), "/", ("--env", "NGINX=3;", "--stop-signal", "QUIT", "--non-blocking")
    if shutil.which("gunicorn"):
        with open(os.path.join(folder.name, "app.py"), "w", encoding="ascii") as file:
            file.write(APP)
        yield "gunicorn", ("gunicorn", "--chdir", folder.name, "--workers", "1", "--log-level", "warning",
                           "app:application"), ("close",), "/echo", ("--ready", "notify")      # told to go while it starts, it forgets


def expect_the_same_number(brood, n):
    wait_until(lambda: len(brood.programs()) == n, 10, f"there are {n} programs")


def play(model, name, command, modes, path, options):
    port = free_port()
    command = command(port) if callable(command) else command
    with Guest("--stdio", "log", *options, model=model, workers=N_WORKERS, program=command, port=port) as brood:
        checkers = [Checker(brood.port, mode, 8, path=path, foreign=True) for mode in modes]
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
        checkers = [Checker(brood.port, mode, 8, path=path, foreign=True) for mode in modes]
        time.sleep(0.5)
        took = brood.stop(within=8)
        for checker in checkers:
            checker.finish()
            checker.expect_nothing_lost()
        print(f"{name}, {model}: stopped after {took * 1000:.0f} ms")


found = list(programs())
if not found:
    skip("there is neither Node nor nginx nor gunicorn here")
print("with", ", ".join(name for name, *_ in found))
for each in found:
    for model in MODELS:
        play(model, *each)
