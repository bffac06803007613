#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whichever parent is killed, at any step of an upgrade, clients are served by the other, and nothing else stays."""
# timeout: 600
import collections
import json
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time

import _heir as heir
from _play import (BROOD, DEMO, MODEL, SLOW, Brood, Checker, Orphan, adopt_orphans, check, children_of, engines, fail,
                   free_port, get, is_alive, wait_until)

N_WORKERS = 2
N_KILLED = 8     # workers of a pool whose parent is killed at some moment: many, so that the moment is long
MODELS = {"reuseport": 0, "preemptive": 1, "round-robin": 2}


# ---- the new parent is real, the old one is this play and dies at a step

def listener(port, listening):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if MODEL == "reuseport":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.setblocking(False)
    s.bind(("127.0.0.1", port))
    if listening:
        s.listen()
    return s


class Old:
    def __init__(self, engine):
        self.port = free_port()
        self.shared = listener(self.port, MODEL != "reuseport")
        self.own = [listener(self.port, True) for _ in range(N_WORKERS if MODEL == "reuseport" else 0)]
        self.socket, theirs = heir.pair()
        self.directory = tempfile.TemporaryDirectory(prefix="brood-play-")
        self.log_path = os.path.join(self.directory.name, "log")
        with theirs, open(self.log_path, "wb") as log:
            os.set_inheritable(theirs.fileno(), True)
            self.new = subprocess.Popen(
                [BROOD, "serve", "--listen", f"127.0.0.1:{self.port}", "--workers", str(N_WORKERS), "--model", MODEL,
                 "--engine", engine, "--handler", DEMO], stderr=log, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                env={**os.environ, heir.VARIABLE: str(theirs.fileno())})

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def hear(self, kind):
        message = self.socket.hear()
        check(message and message[0] == kind, f"{message}, not {kind}:\n{self.log()}")
        return message[1]

    def give_pool(self):
        self.hear(heir.HELLO)
        self.socket.say(heir.pool(MODELS[MODEL], N_WORKERS, [heir.address(self.port)]), [self.shared.fileno()])

    def give_slot(self):
        number = int.from_bytes(self.hear(heir.TAKE), "little")
        fds = [self.own[number].fileno()] if self.own else []
        self.socket.say(heir.slot(number, 7, len(fds)), fds)

    def leave(self):
        """As a process that dies: every descriptor is closed at once."""
        for s in (self.socket, self.shared, *self.own):
            s.close()

    def finish(self, code, line=""):
        wait_until(lambda: self.new.poll() is not None, 10, f"the new one ends:\n{self.log()}")
        check(self.new.returncode == code, f"the new one ended with {self.new.returncode}, not {code}:\n{self.log()}")
        check(line in self.log(), self.log())
        self.directory.cleanup()


def expect_served(old, stop, generation=7):
    wait_until(lambda: re.search(r"\bready: \d+ worker", old.log()), 10, f"ready:\n{old.log()}")
    response = get(old.port, "/whoami")
    check(response.status == 200 and json.loads(response.body)["generation"] == generation, response.raw)
    workers = children_of(old.new.pid)
    stop()
    old.finish(0)
    check(not any(map(is_alive, workers)), "no worker stays")


def old_dies_before_the_sockets(engine):
    old = Old(engine)
    old.hear(heir.HELLO)
    old.leave()
    old.finish(1)


def old_dies_before_the_slots(engine):
    old = Old(engine)
    old.give_pool()
    old.hear(heir.TAKE)
    old.leave()
    expect_served(old, old.new.terminate, 0)


def old_dies_before_ready(engine):
    old = Old(engine)
    old.give_pool()
    for _ in range(N_WORKERS):
        old.give_slot()
    old.leave()
    expect_served(old, old.new.terminate)


def old_dies_before_go(engine):
    old = Old(engine)
    old.give_pool()
    for _ in range(N_WORKERS):
        old.give_slot()
    old.hear(heir.READY)
    check(not re.search(r"\bready: ", old.log()), "it says so only when it is alone")
    old.leave()
    expect_served(old, old.new.terminate)


def old_goes(engine):
    old = Old(engine)
    old.give_pool()
    for _ in range(N_WORKERS):
        old.give_slot()
    old.hear(heir.READY)
    old.socket.say(heir.go())
    old.leave()
    expect_served(old, old.new.terminate)


def old_sends_garbage(engine):
    for message in (heir.go(), heir.hello(), b"", b"?", heir.pool(9, 1, [heir.address(1)]), heir.pool(0, 0, [])):
        old = Old(engine)
        old.hear(heir.HELLO)
        old.socket.say(message or b"\0", [])
        old.finish(1, "cannot take over")
        old.leave()


def old_is_of_another_model(engine):
    old = Old(engine)
    old.hear(heir.HELLO)
    old.socket.say(heir.pool((MODELS[MODEL] + 1) % 3, 1, [heir.address(old.port)]), [old.shared.fileno()])
    check(old.hear(heir.FAILED).startswith(b"another model is asked for"), "and why")
    old.finish(1, "cannot take over: the pool that runs has another model than")
    old.leave()


def slot_is_no_listener(engine):
    old = Old(engine)
    old.give_pool()
    old.hear(heir.TAKE)
    old.socket.say(heir.slot(0, 0, 1), [old.socket.s.fileno()])
    old.finish(1)
    old.leave()


# ---- both are real, and one of them is killed at some moment

def expect_end(orphan, seconds):
    try:
        return orphan.wait(seconds * SLOW)
    except subprocess.TimeoutExpired:
        fail(f"pid {orphan.pid} is still there after {seconds} s")


def begin(brood, delay):
    """The new one, delay seconds after it was seen: it is ready within a few milliseconds."""
    workers = set(brood.workers())
    brood.kill(signal.SIGUSR2)
    while not (new := set(children_of(brood.pid)) - workers) and brood.process.poll() is None:
        pass
    if not new:     # it was faster than we could look
        return Orphan(int(brood.wait_for_line("upgrade: started").rpartition("pid ")[2].rstrip(")")))
    until = time.monotonic() + delay
    while time.monotonic() < until:
        pass
    return Orphan(new.pop())


def kill_new(engine, delay):
    with Brood(engine=engine, workers=N_KILLED) as brood:
        checkers = [Checker(brood.port, "keepalive", 4), Checker(brood.port, "close", 8)]
        time.sleep(0.1)
        new = begin(brood, delay)
        os.kill(new.pid, signal.SIGSTOP)        # so that its workers can be counted
        brood.seen_workers.update(children_of(new.pid))
        os.kill(new.pid, signal.SIGKILL)
        wait_until(lambda: brood.lines("upgraded: pid|the old one stays"), 5, "one of both")
        taken_over = bool(brood.lines("upgraded: pid"))
        time.sleep(0.1)
        for checker in checkers:
            checker.finish()
        if taken_over:      # the only parent there was has been killed
            check(brood.process.wait(10) == 0, "the old one has left as it said")
            expect_end(new, 5)
        else:
            for checker in checkers:
                checker.expect_nothing_lost()
                check(checker["refused"] == 0, "and nobody was refused")
            brood.stop()
        wait_until(lambda: not any(is_alive(pid) for pid in brood.seen_workers), 5, "no worker stays")
    return "serves" if taken_over else f"had {len(brood.seen_workers) - N_KILLED} workers"


def kill_old(engine, delay):
    with Brood(engine=engine, workers=N_KILLED) as brood:
        old_workers = brood.workers()
        checkers = [Checker(brood.port, "keepalive", 4), Checker(brood.port, "close", 8)]
        time.sleep(0.1)
        new = begin(brood, delay)
        if brood.process.poll() is None:        # else it has left by itself
            brood.kill(signal.SIGKILL)
        brood.process.wait()
        wait_until(lambda: new.poll() is not None or len(brood.lines(r"\bready: \d+ worker")) == 2, 10, "it serves or not")
        took_over = new.returncode is None
        if took_over:
            brood.pid, brood.process = new.pid, new
        time.sleep(0.1)
        for checker in checkers:
            checker.finish()
        wait_until(lambda: not any(map(is_alive, old_workers)), 5, "the old workers drain and leave")
        if took_over:
            if MODEL != "round-robin":      # there what was in the parent's own hands goes with it
                for checker in checkers:
                    checker.expect_nothing_lost()
                    check(checker["refused"] == 0, "and nobody was refused")
            check(brood.get("/").status == 200, "the new one serves")
            brood.stop()
        else:
            check(brood.lines("cannot take over"), "had been given nothing yet")
    return "serves" if took_over else "had nothing"


adopt_orphans()
for engine in engines():
    for step in (old_dies_before_the_sockets, old_dies_before_the_slots, old_dies_before_ready, old_dies_before_go,
                 old_goes, old_sends_garbage, old_is_of_another_model, slot_is_no_listener):
        step(engine)
        print(f"{engine}: {step.__name__}")
    for kill in (kill_new, kill_old):
        ends = collections.Counter(kill(engine, random.uniform(0, 0.006)) for _ in range(10))
        print(f"{engine}: {kill.__name__}: the new one {dict(ends)}")
