#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/examples/worker.sh, without a socket; a command of --shell; programs that listen on ports of their own."""
# models: one
import contextlib
import json
import os
import signal
import socket
import time

from _guest import HERE, PROGRAM, PYTHON, Guest
from _play import Client, check, free_port, get, wait_until

SCRIPT = os.path.join(HERE, "../../tools/examples/worker.sh")
OWN_PORT = """
import http.server, signal, sys, threading
http.server.SimpleHTTPRequestHandler.protocol_version = "HTTP/1.1"
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.01)
"""


def ten_free_ports():
    """The first of ten, so that they differ in their last digit."""
    while True:
        first = free_port() // 10 * 10
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + 10):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


class Socketless(Guest):
    """Guest gives --listen; the last one would be one too many, so it is said anew as a variable."""

    def __init__(self, *options, **how):
        env = {**os.environ, "BROOD_CONTROL": "off", "BROOD_LISTEN": "none", "BROOD_WORKERS": "2", **how.pop("more", {})}
        super().__init__(*options, env=env, workers=None, addresses=False, **how)
        self.program = how["program"]


with Socketless("--ready", "notify", "--stdio", "log", program=(SCRIPT,), more={"PIECE": "0.05"}) as brood:
    brood.wait_for_line("stdout: worker 1 begins, after 0 before it", 5)
    brood.kill(signal.SIGHUP)
    brood.wait_for_line("reload: done after", 20)
    brood.wait_for_line(r"stdout: worker 1 ends, \d+ pieces done", 5)
    brood.wait_for_line("left after", 5, 2)
    brood.kill(signal.SIGTTIN)
    brood.wait_for_line("scaling: 3 workers after", 10)
    brood.kill(signal.SIGTTOU)
    brood.wait_for_line("scaling: 2 workers after", 10)
    check(not brood.lines("killed|died|exited|restarting"), "no death")
    brood.stop()
with Socketless("--ready", "notify", "--stdio", "log", program=(SCRIPT,), more={"PIECE": "0.05", "PIECES": "3"}) as brood:
    brood.wait_for_line(r"retiring \(STOPPING=1\)", 10, 2)
    brood.wait_for_line("status: 3 pieces are enough", 5)
    brood.wait_for_line("stdout: worker 0 begins, after 1 before it", 10)
    brood.stop(within=8)
port = ten_free_ports()
with Socketless(program=(PYTHON, "-c", OWN_PORT, f"{port // 10}{{slot}}"), more={"BROOD_CWD": "/usr"}) as brood:
    for slot in range(2):       # ready means that it listens
        check(get(port + slot, "/share/").status == 200, f"port {port + slot}")
    os.kill(brood.programs()[0], signal.SIGKILL)
    brood.wait_for_line("restarting", 5)
    wait_until(lambda: len(brood.programs()) == 2, 5, "replaced")
    brood.stop()
with Guest("--shell", program=(f"sleep 1000 & {' '.join(PROGRAM)}; echo then",)) as brood:      # the shell has children
    client = Client(brood.port)
    client.send("GET /sleep?0.5 HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
    time.sleep(0.1)
    brood.kill(signal.SIGTERM)
    check(client.response().body == b"done\n", "the shell is gone by then, and what it has started answers")
    brood.wait_exit(0, 5)
with Guest("--shell", "--stdio", "log", program=("echo slot {slot}; exec", *PROGRAM, "{slot}")) as brood:
    brood.wait_for_line("stdout: slot 1", 5)
    check(json.loads(brood.get("/whoami").body)["environment"]["LISTEN_PID"] in map(str, brood.programs()), "it is the program")
    brood.stop()
