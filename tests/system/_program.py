#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program to be a worker of `brood run`: answers on descriptor 3, and does what it is told to do there.

With NOTICE it reports that when it has started; with PING it reports WATCHDOG=1 as often as it should.
"""
import http.server
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.parse

paused = threading.Event()


def report(text):
    name = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode("latin-1"), "\0" + name[1:] if name[0] == "@" else name)


def store(name):
    """The end of a pipe, a piece of memory, one end of a pair of sockets, and a file that is not to be kept."""
    memory = os.memfd_create(name)
    os.write(memory, f"of {os.getpid()}".encode())
    fds = [memory, os.pipe()[0], socket.socketpair()[0].detach(), os.open("/dev/null", os.O_RDONLY)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect("\0" + os.environ["NOTIFY_SOCKET"][1:])
        socket.send_fds(s, [f"FDSTORE=1\nFDNAME={name}".encode()], fds)
        socket.send_fds(s, [f"FDSTORE=1\nFDNAME={name}".encode()], fds)       # again: they are there already


def read_stored():
    found = []
    for i in range(4, 3 + int(os.environ["LISTEN_FDS"])):
        link = os.readlink(f"/proc/self/fd/{i}")
        found.append(os.pread(i, 100, 0).decode() if "memfd:" in link else link.split(":")[0])
    return found


def ping():
    while not paused.is_set():
        report("WATCHDOG=1")
        time.sleep(int(os.environ["WATCHDOG_USEC"]) / 2e6)


def about():
    return {"pid": os.getpid(), "slot": int(os.environ["BROOD_SLOT"]), "generation": int(os.environ["BROOD_GENERATION"]),
            "argv": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd(), "uid": os.getuid(),
            "groups": os.getgroups(), "stored": read_stored(), "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd")),
            "blocked": [line for line in open("/proc/self/status") if line.startswith(("SigBlk", "SigIgn"))]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        query = urllib.parse.unquote(query, "latin-1")
        body = json.dumps(about()).encode() if path == "/whoami" else b"done\n"
        if path == "/sleep":
            time.sleep(float(query))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if path == "/report":
            report(query)
        elif path == "/store":
            store(query)
        elif path == "/say":
            os.write(1, query.encode("latin-1"))
        elif path == "/pause":
            paused.set()
        elif path == "/exit":
            os._exit(int(query))
        elif path == "/kill":
            os.kill(os.getpid(), int(query))

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=3)
server.socket.setblocking(False)        # others wait for it too, and may be faster
server.daemon_threads = False       # what is being answered is answered to its end
server.server_activate()
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
if "PING" in os.environ:
    threading.Thread(target=ping, daemon=True).start()
if "NOTICE" in os.environ:
    time.sleep(float(os.environ.get("AFTER", 0)))
    report(os.environ["NOTICE"])
server.serve_forever(0.01)
server.server_close()
