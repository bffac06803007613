#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""As process 1 the pool becomes the new program in place and loses nothing: --times N upgrades on each engine (5)."""
# timeout: 600
# models: one
import argparse
import os
import shutil
import signal
import tempfile
import time

from _play import BROOD, DEMO, Brood, Checker, Client, check, children_of, descriptors_of, engines, need_root, wait_until

N_WORKERS = 2


class Container(Brood):
    """A pool whose parent is process 1; we speak to it, and unshare(1) ends with its code."""

    def __init__(self, *options, **keywords):
        super().__init__(*options, workers=N_WORKERS, prefix=("unshare", "--fork", "--pid", "--mount-proc", "--kill-child"),
                         ready=False, **keywords)
        self.wait_for_line(r"\bready: \d+ worker")
        self.pid = children_of(self.process.pid)[0]
        self.workers()

    def begin_upgrade(self):
        n = len(self.lines("upgraded: pid"))
        self.kill(signal.SIGUSR2)
        self.wait_for_line("upgraded: pid", 10, n + 1)

    def finish_upgrade(self, seconds=15):
        """Until there is nobody but process 1 and its workers."""
        n = len(self.lines("taken over from pid 1$"))
        wait_until(lambda: len(self.lines("taken over from pid")) >= 2 * n and self.is_alone(), seconds, "all is over")

    def is_alone(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
            found = f.read().split()        # those not reaped yet too
        return len(found) == N_WORKERS and not any(map(children_of, found))


def install(program, text=None):
    draft = program + ".draft"
    if text is None:
        shutil.copy2(BROOD, draft)
    else:
        with open(draft, "w") as f:
            f.write(text)
        os.chmod(draft, 0o755)
    os.replace(draft, program)


def play(engine, program, times):
    install(program)
    with Container(engine=engine, program=program) as brood:
        kinds = sorted(descriptors_of(brood.pid).values())
        checkers = [Checker(brood.port, "keepalive", 64, rate=10, path="/"), Checker(brood.port, "keepalive", 4),
                    Checker(brood.port, "close", 8)]
        time.sleep(0.2)
        for _ in range(times):
            before = set(brood.workers())
            install(program)
            check(os.readlink(f"/proc/{brood.pid}/exe").endswith("(deleted)"), "another file is there now")
            brood.begin_upgrade()
            brood.finish_upgrade()
            check(not before & set(brood.workers()), "other workers serve")
            check(os.readlink(f"/proc/{brood.pid}/exe") == program, "process 1 is what is there now")
        install(program, "#!/bin/sh\nexit 3\n")
        brood.kill(signal.SIGUSR2)
        brood.wait_for_line("ended with code 3 before it was ready; the old one stays")
        check(brood.is_alone(), "and nothing is left of it")
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        check(sorted(descriptors_of(brood.pid).values()) == kinds, f"{kinds} then, {descriptors_of(brood.pid)} now")
        brood.stop()


def begin(slow):
    """A request that the old workers have to wait for until finish(): process 1 is not in place before."""
    slow.send("POST /echo HTTP/1.1\r\nHost: play\r\nContent-Length: 4\r\n\r\nab")
    time.sleep(0.1)


def finish(slow):
    slow.send("cd")
    check(slow.response().body == b"abcd", "what was begun is finished")


def play_broken_in_between(engine, program):
    """The file is gone when process 1 wants to become it: the interim pool serves until it is back."""
    install(program)
    with Container(engine=engine, program=program) as brood, Client(brood.port) as slow:
        checker = Checker(brood.port, "close", 4)
        begin(slow)
        brood.begin_upgrade()
        os.unlink(program)
        finish(slow)
        brood.wait_for_line(r"cannot execute .*: No such file or directory; pid \d+ serves on")
        brood.kill(signal.SIGUSR2)
        brood.wait_for_line("no upgrade: one is under way")
        install(program)
        brood.finish_upgrade()
        checker.finish().expect_nothing_lost()
        brood.stop()


def play_failing_twice(engine, program):
    """What worked as a child does not start as process 1: it tries again while the interim pool serves."""
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        os.chmod(directory, 0o755)
        handler = os.path.join(directory, "handler.so")
        shutil.copy2(DEMO, handler)
        install(program)
        with Container(engine=engine, program=program, what=("--handler", handler)) as brood, Client(brood.port) as slow:
            checker = Checker(brood.port, "close", 4)
            begin(slow)
            brood.begin_upgrade()
            with open(handler + ".bad", "w") as f:
                f.write("no shared object")
            os.replace(handler + ".bad", handler)
            finish(slow)
            brood.wait_for_line("cannot start: handler", 10, 2)
            check(len(brood.lines("executing .* in place")) == 2, "not more often than once a second")
            shutil.copy2(DEMO, handler + ".good")
            os.replace(handler + ".good", handler)
            wait_until(brood.is_alone, 10, "mended, it goes through")
            checker.finish().expect_nothing_lost()
            brood.stop()


def play_term(engine, program):
    """A stop ends both pools, and process 1 not before the other."""
    install(program)
    for delay in (0, 0.002, 0.005, 0.01, 0.2):
        with Container(engine=engine, program=program) as brood, Client(brood.port) as slow:
            slow.send("GET /sleep?ms=300 HTTP/1.1\r\nHost: play\r\n\r\n")
            time.sleep(0.1)
            brood.kill(signal.SIGUSR2)
            time.sleep(delay)
            brood.kill(signal.SIGTERM)
            check(slow.response().body == b"slept\n", "what was begun is finished")
            brood.wait_exit(0, 5)


def play_interim_killed(engine, program):
    """Nobody is left who serves; process 1 starts anew."""
    install(program)
    with Container(engine=engine, program=program) as brood, Client(brood.port) as slow:
        begin(slow)
        brood.begin_upgrade()
        interim = [pid for pid in children_of(brood.pid) if children_of(pid)]
        check(len(interim) == 1, interim)
        os.kill(interim[0], signal.SIGKILL)
        finish(slow)
        wait_until(lambda: " ready: " in brood.log().partition("in place")[2], 10, "it starts anew, when the orphans are gone")
        check(brood.get("/").status == 200, "process 1 serves again")
        brood.stop()


need_root()
parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=5)
times = parser.parse_args().times
for engine in engines():
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        program = os.path.join(directory, "brood")
        play(engine, program, times)
        for scene in (play_broken_in_between, play_failing_twice, play_term, play_interim_killed):
            scene(engine, program)
            print(f"{engine}: {scene.__name__}")
