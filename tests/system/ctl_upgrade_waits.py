#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# timeout: 300
"""`brood ctl upgrade --wait` ends when the new parent has the pool, or says why it has not; the status tells both."""
# waits: mostly
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from _play import (BROOD, NOBODY, Brood, Checker, Client, adopt_orphans, check, children_of, drop_to, engines, is_alive,
                   wait_until)

ALONE = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")


def install(program, text=None):
    if text is None:
        shutil.copy2(BROOD, program + ".draft")
    else:
        with open(program + ".draft", "w") as f:
            f.write("#!/bin/sh\n" + text)
    os.chmod(program + ".draft", 0o755)
    os.replace(program + ".draft", program)


def waiting(brood):
    return subprocess.Popen([BROOD, "ctl", "--control", brood.control, "upgrade", "--wait"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def expect_failure(client, said, seconds):
    began = time.monotonic()
    output, complaint = client.communicate(timeout=seconds)
    check(client.returncode == 1 and complaint == f"brood: failed: {said}\n", (client.returncode, output, complaint))
    print(f"  {complaint.strip()}, after {time.monotonic() - began:.1f} s")


def succeed(brood, times=3):
    """Each begins when the one before is over, and nobody says that it is not."""
    check(brood.status()["upgrade"] == {"running": False, "failure": None, "from": None, "to": None}, "none yet")
    checkers = [Checker(brood.port, "keepalive", 16, rate=10, path="/"), Checker(brood.port, "close", 4)]
    for _ in range(times):
        before = set(brood.workers())
        check(brood.ctl("upgrade", "--wait") == "upgrade begun\n", "it has begun")
        status = brood.status()
        old = brood.follow()
        check(status["pid"] == brood.pid and status["ready"] and not status["stopping"], status)
        check(status["upgrade"] == {"running": False, "failure": None, "from": old.pid, "to": None}, status)
        check(not before & set(brood.workers()), "other workers serve")
        check(f"taken over from pid {old.pid}\n" in brood.ctl("status"), "and the table says so")
        check(old.wait(15) == 0, "the old one has left")
    for checker in checkers:
        checker.finish().expect_nothing_lost()
        check(checker["refused"] == 0, "and nobody was refused")


def fail_to_start(brood, program):
    gate = pathlib.Path(brood.directory.name, "gate")
    install(program, f"while [ ! -e {gate} ]; do sleep 0.05; done\nexit 3\n")
    client = waiting(brood)
    status = wait_until(lambda: (s := brood.status())["upgrade"]["running"] and s, 5, "it is under way")
    check(status["upgrade"]["failure"] is None and "\nupgrading\n" in brood.ctl("status"), status)
    for words in (("upgrade",), ("upgrade", "--wait"), ("reload",), ("scale", 3)):
        check("under way" in brood.ctl(*words, code=1), words)
    gate.touch()
    pid = brood.lines("upgrade: started")[-1].rpartition("pid ")[2].rstrip(")")
    expect_failure(client, f"the new parent (pid {pid}) ended with code 3 before it was ready", 10)
    status = brood.status()
    check(status["pid"] == brood.pid and not status["upgrade"]["running"], status)
    check("ended with code 3" in status["upgrade"]["failure"], status)
    check("upgrade: the new parent" in brood.ctl("status"), "and the table says so")
    install(program)
    check(brood.ctl("upgrade", "--wait") and brood.status()["upgrade"]["failure"] is None, "mended, it goes through")
    old = brood.follow()
    check(old.wait(15) == 0, "the old one has left")


def stop_meanwhile(brood, program):
    install(program, "exec sleep 60\n")
    client = waiting(brood)
    wait_until(lambda: brood.status()["upgrade"]["running"], 5, "it is under way")
    with Client(brood.port) as slow:
        slow.send("GET /sleep?ms=1000 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.1)
        brood.kill(signal.SIGTERM)
        expect_failure(client, "given up, because the pool stops", 5)
        check(slow.response().body == b"slept\n", "what was begun is finished")
    brood.wait_exit(0, 5)


def nobody_left(engine, program):
    """Whoever could answer is killed: it does not wait for ever."""
    with Brood(engine=engine, control=True, program=program) as brood:
        install(program, "exec sleep 60\n")
        client = waiting(brood)
        wait_until(lambda: brood.status()["upgrade"]["running"], 5, "it is under way")
        new = int(brood.wait_for_line("upgrade: started").rpartition("pid ")[2].rstrip(")"))
        for pid in (new, brood.pid):
            os.kill(pid, signal.SIGKILL)
        expect_failure(client, "nobody answers at this socket any more", 15)
        brood.process.wait()
        wait_until(lambda: not any(map(is_alive, brood.seen_workers)), 5, "the workers leave")


def another_socket(engine, program):
    """The new program has another: the old one goes on to answer, says where it went, and its end is the upgrade's."""
    with Brood(engine=engine, control=True, program=program) as brood, Client(brood.port) as slow:
        slow.send("POST /echo HTTP/1.1\r\nHost: play\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(0.1)
        other = brood.control + "2"
        install(program, f'exec {BROOD} "$@" --control {other}\n')
        client = waiting(brood)
        status = wait_until(lambda: (s := brood.status())["upgrade"]["to"] and s, 5, "it says who has taken over")
        check(status["pid"] == brood.pid and status["stopping"] and not status["upgrade"]["running"], status)
        check(f"taken over by pid {status['upgrade']['to']}\n" in brood.ctl("status"), "and the table says so")
        slow.send("cd")         # until now it has to be there, however long the new one took to start
        check(slow.response().body == b"abcd", "what was begun is finished")
        check(client.communicate(timeout=5) == ("upgrade begun\n", "") and client.returncode == 0, "it is done")
        brood.follow()
        brood.control = other
        check(brood.status()["pid"] == brood.pid, "there the new one answers")
        brood.stop()


def process_1(engine, program):
    """There it ends with the second half, when process 1 has the pool again and nobody is beside it."""
    install(program)
    with Brood(engine=engine, control=True, program=program, prefix=ALONE, ready=False) as brood:
        brood.wait_for_line(r"\bready: \d+ worker")
        brood.pid = children_of(brood.process.pid)[0]
        checkers = [Checker(brood.port, "keepalive", 16, rate=10, path="/"), Checker(brood.port, "close", 4)]
        for _ in range(3):
            before = set(brood.workers())
            check(brood.ctl("upgrade", "--wait") == "upgrade begun\n", "it has begun")
            status, workers = brood.status(), set(brood.workers())
            check(status["pid"] == 1 and status["upgrade"]["from"] > 1 and not status["upgrade"]["running"], status)
            check(len(workers) == 2 and not workers & before and not any(map(children_of, workers)), "it is alone")
        install(program, "exit 3\n")
        said = brood.ctl("upgrade", "--wait", code=1)
        check("ended with code 3 before it was ready" in said and brood.status()["pid"] == 1, said)
        for checker in checkers:
            checker.finish().expect_nothing_lost()
            check(checker["refused"] == 0, "and nobody was refused")
        brood.stop()


def play(engine, program, **user):
    with Brood(engine=engine, control=True, program=program, **user) as brood:
        succeed(brood)
        fail_to_start(brood, program)
        stop_meanwhile(brood, program)
    print(f"{engine}: {'as nobody' if user else 'as we are'}")


adopt_orphans()
for engine in engines():
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        os.chmod(directory, 0o755)
        program = os.path.join(directory, "brood")
        scenes = [play, nobody_left, another_socket]
        if os.geteuid() == 0:
            scenes += [lambda *of: play(*of, preexec_fn=drop_to(NOBODY)), process_1]
        for scene in scenes:
            install(program)
            scene(engine, program)
