#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A new program may have more workers or fewer, other addresses, none of brood(1): what it shares with the old one goes on."""
# timeout: 300
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from _play import (BROOD, BUILD, DEMO, MODEL, Brood, Checker, Client, Orphan, adopt_orphans, check, engines, free_port, get,
                   wait_until)


def install(program, *arguments):
    """In its place comes one that is brood with other arguments."""
    with open(program + ".draft", "w") as f:
        f.write(f"#!/bin/sh\nexec {BROOD} serve --handler {DEMO} {' '.join(map(str, arguments))}\n")
    os.chmod(program + ".draft", 0o755)
    os.replace(program + ".draft", program)


def start(engine, program, workers, *options, **keywords):
    shutil.copy2(BROOD, program)
    return Brood(*options, engine=engine, program=program, workers=workers, **keywords)


def common(engine, port):
    return "--engine", engine, "--model", MODEL, "--listen", f"127.0.0.1:{port}"


def other_number_of_workers(engine, program):
    for before, after in ((2, 4), (4, 2)):
        with start(engine, program, before) as brood:
            checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8)]
            install(program, *common(engine, brood.port), "--workers", after)
            brood.upgrade()
            wait_until(lambda: len(brood.workers()) == after, 10, f"{after} workers serve")
            time.sleep(0.3)
            for checker in checkers:
                checker.finish().expect_nothing_lost()
                check(checker["longest_gap_ms"] < 900, "nobody's SYN was dropped")
            brood.stop()


def scaled_pool(engine, program):
    """It stays as it was scaled; and who is where in a group is handed down, so that it can be scaled further."""
    with start(engine, program, 2) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8)]
        for turn, (number, wanted) in enumerate(((signal.SIGTTIN, 3), (signal.SIGTTIN, 4), (signal.SIGTTOU, 3),
                                                 (signal.SIGTTOU, 2), (signal.SIGTTOU, 1), (signal.SIGTTIN, 2))):
            brood.kill(number)
            brood.wait_for_line(r"scaling: \d worker", 10, turn + 1)
            brood.upgrade()
            check(len(brood.workers()) == wanted, f"{wanted} workers, and not {len(brood.workers())}")
        for checker in checkers:
            checker.finish().expect_nothing_lost()
            check(checker["longest_gap_ms"] < 900, "nobody's SYN was dropped")
        brood.stop()


def other_addresses(engine, program):
    """One stays, one goes, one comes; what waits for the one that goes is served."""
    ports = set()
    while len(ports) < 3:
        ports.add(free_port())
    port, gone, new = ports
    with start(engine, program, 2, "--listen", f"127.0.0.1:{gone}", port=port) as brood:
        checkers = [Checker(brood.port, "keepalive", 8), Checker(brood.port, "close", 8)]
        slow = Client(gone)
        slow.send("GET /sleep?ms=300 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.1)
        install(program, *common(engine, brood.port), "--workers", 2, "--listen", f"127.0.0.1:{new}")
        brood.upgrade()
        check(slow.response().body == b"slept\n", "what was begun is finished")
        slow.close()
        for checker in checkers:
            checker.finish().expect_nothing_lost()
        check(get(new, "/").status == 200, "the new address is served")
        with socket.socket() as s:
            check(s.connect_ex(("127.0.0.1", gone)) != 0, "the old one is not")
        brood.stop()


def other_model(engine, program):
    with start(engine, program, 2) as brood:
        other = {"reuseport": "preemptive", "preemptive": "round-robin", "round-robin": "reuseport"}[MODEL]
        install(program, "--model", other, "--listen", f"127.0.0.1:{brood.port}")
        brood.kill(signal.SIGUSR2)
        brood.wait_for_line(f"cannot take over: the pool that runs has another model than {other}")
        brood.wait_for_line("failed: another model is asked for; stop the pool and start it anew; the old one stays")
        check(brood.get("/").status == 200, "which serves")
        brood.stop()


def port_of_the_kernels_choice(engine, program):
    """The port that was chosen is kept, and so are the generations, the pid file and the environment."""
    shutil.copy2(BROOD, program)
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        pid_file = os.path.join(directory, "pid")
        with Brood("--listen", "127.0.0.1:0", "--pid-file", pid_file, engine=engine, program=program) as brood:
            for generation in (1, 2):
                brood.upgrade()
                with open(pid_file) as f:
                    check(int(f.read()) == brood.pid, "the pid file has the new one's")
                check(brood.whoami()["generation"] == generation, "generations go on")
            ports = [re.search(r"http://127\.0\.0\.1:(\d+)", line)[1] for line in brood.lines(r"\bready: ")]
            check(len(set(ports[1::2])) == 1 and len(ports) == 6, f"one port: {ports}")
            brood.stop()
            check(os.listdir(directory) == [], "and no pid file stays")


def link(path, target):
    os.symlink(target, path + ".draft")
    os.replace(path + ".draft", path)


def program_of_a_user(directory):
    """brood_run() of another program, found in PATH by a link that is then turned to another file."""
    adopt_orphans()
    port, log = free_port(), os.path.join(directory, "log")
    for version in "1", "2":
        shutil.copy2(BUILD / "examples/hello", os.path.join(directory, "hello" + version))
    link(os.path.join(directory, "hello"), "hello1")

    def lines(pattern):
        with open(log) as f:
            return re.findall(pattern, f.read())

    with open(log, "wb") as f:
        old = subprocess.Popen(["hello", f"127.0.0.1:{port}"], executable=os.path.join(directory, "hello"), stderr=f,
                               cwd="/", env={"PATH": "/usr/bin:" + directory, "EXTRA": "kept"})
    wait_until(lambda: lines("ready: "), 10, "ready")
    link(os.path.join(directory, "hello"), "hello2")
    old.send_signal(signal.SIGUSR2)
    new = Orphan(int(wait_until(lambda: lines(r"upgraded: pid (\d+)"), 10, "upgraded")[0]))
    check(old.wait(10) == 0, "the old one has left")
    wait_until(lambda: len(lines("ready: ")) == 2, 10, "ready again")
    check(os.readlink(f"/proc/{new.pid}/exe").endswith("hello2"), "the link is followed anew")
    with open(f"/proc/{new.pid}/environ", "rb") as f:
        check(b"EXTRA=kept" in f.read().split(b"\0"), "the environment goes with it")
    with open(f"/proc/{new.pid}/cmdline", "rb") as f:
        check(f.read().split(b"\0")[:2] == [b"hello", f"127.0.0.1:{port}".encode()], "and so do the arguments")
    check(get(port, "/").body == b"Hello\n", "it serves")
    os.kill(new.pid, signal.SIGTERM)
    check(new.wait(10) == 0, "and ends as any")


for engine in engines():
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        program = os.path.join(directory, "brood")
        for scene in (other_number_of_workers, scaled_pool, other_addresses, other_model, port_of_the_kernels_choice):
            scene(engine, program)
            print(f"{engine}: {scene.__name__}")
with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
    program_of_a_user(directory)
    print("program_of_a_user")
