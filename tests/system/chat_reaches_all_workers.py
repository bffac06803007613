#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The chat of the examples: what a client of one worker says, the clients of all workers read, over a reload too."""
# models: one
# timeout: 120
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

from _play import BUILD, check, children_of, free_port, wait_until


class Guest:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.name = "%s:%d" % self.socket.getsockname()
        self.text = b""

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def reads(self, line):
        """All there is until that line has come. Returns how often it has."""
        while line.encode() + b"\n" not in self.text:
            piece = self.socket.recv(65536)
            check(piece, f"ended before {line!r}: {self.text[-200:]!r}")
            self.text += piece
        return self.text.count(line.encode() + b"\n")


def owners(pid_of_pool, guests):
    """Which worker has each guest's connection, by the inodes of their descriptors."""
    inodes = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{port:04X}"):
            inodes[int(words[2].split(":")[1], 16)] = words[9]
    held = {}
    for pid in children_of(pid_of_pool):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                held[os.readlink(f"/proc/{pid}/fd/{fd}")] = pid
            except OSError:
                continue
    return [held.get(f"socket:[{inodes.get(int(guest.name.split(':')[1]))}]") for guest in guests]


port = free_port()
with tempfile.TemporaryFile() as log, \
        subprocess.Popen([BUILD / "examples/chat", f"127.0.0.1:{port}", "3"], stderr=log, stdin=subprocess.DEVNULL) as pool:
    def lines(what):
        log.seek(0)
        return what in log.read()

    try:
        wait_until(lambda: lines(b"ready: 3 workers"), 10, "ready")
        guests = [Guest(port) for _ in range(24)]
        wait_until(lambda: None not in owners(pool.pid, guests), 5, "every client is with a worker")
        check(len(set(owners(pool.pid, guests))) > 1, "clients of more than one worker")
        for guest in guests:
            guest.say("hello, I am " + guest.name)
        for guest in guests:
            for other in guests:
                if other is not guest:
                    n = guest.reads(f"{other.name}: hello, I am {other.name}")
                    check(n == 1, f"{guest.name} has read {n} times what {other.name} said")
            check(f"{guest.name}: hello".encode() not in guest.text, "nobody reads what he says himself")
        pool.send_signal(signal.SIGHUP)
        for guest in guests:
            guest.reads("* come again: this worker leaves")
        wait_until(lambda: lines(b"reload: done"), 10, "reload")
        guests = [Guest(port) for _ in range(8)]
        wait_until(lambda: None not in owners(pool.pid, guests), 5, "every client is with a worker again")
        for guest in guests[1:]:
            guest.say("here again")
        for guest in guests[1:]:
            guests[0].reads(f"{guest.name}: here again")
        pool.send_signal(signal.SIGTERM)
        check(pool.wait(15) == 0, f"it ends with {pool.returncode}")
    finally:
        pool.kill()
