#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""READY=1, STOPPING=1, WATCHDOG=1, MAINPID=, STATUS=: heard, believed as far as they go; and garbage hurts nobody."""
# waits: mostly
# models: one
import json
import os
import signal
import socket
import time

from _guest import PROGRAM, PYTHON, Guest
from _play import NOBODY, Client, check, drop_to, wait_until


def whoami(brood):
    return json.loads(brood.get("/whoami").body)


def report(brood, text):
    """One of the programs says that; its pid."""
    pid = whoami(brood)["pid"]
    for _ in range(200):
        about = whoami(brood)
        if about["pid"] == pid:
            break
    name = about["environment"]["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text if isinstance(text, bytes) else text.encode(), "\0" + name[1:])
    return pid


# READY=1, and not before.
began = time.monotonic()
with Guest("--ready", "notify", "--env", "NOTICE=READY=1", "--env", "AFTER=0.7") as brood:
    check(time.monotonic() - began > 0.7, "it listens, but is ready when it says so")
    brood.stop()
with Guest("--ready", "notify", "--start-timeout", "1s", "--restart-limit", "1/10s", "--backoff", "10ms..10ms", workers=1,
           ready=False) as brood:
    brood.wait_for_line(r"killed by SIGKILL \(not ready within the start timeout\)", 5)
    brood.wait_exit(4, 15)
began = time.monotonic()
with Guest("--ready", "delay:600ms") as brood:
    check(0.6 < time.monotonic() - began < 3, "after this time")
    brood.stop()

# STOPPING=1: the replacement first. One that then goes at once is no death.
with Guest("--stdio", "log") as brood:
    for turn in range(2):
        pid = report(brood, "STOPPING=1\nSTATUS=had enough")
        if turn == 1:
            os.kill(pid, signal.SIGTERM)        # it ends with 0 at once, whoever is ready
        brood.replaced(pid)
        brood.wait_for_line(r"retiring \(STOPPING=1\)", 5, turn + 1)
        brood.wait_for_line("left after", 5, turn + 1)
    check(not brood.lines("exited|restarting"), "no death")
    brood.wait_for_line("status: had enough", 1)
    brood.stop()

# WATCHDOG=1 from the first on; others take its connections before it is aborted; one that never says it is left alone.
with Guest("--hang-timeout", "2s", "--env", "PING=1") as brood:
    time.sleep(2.5)
    check(not brood.lines("hung|killed|died"), "they live")
    pid = whoami(brood)["pid"]
    for _ in range(200):
        if whoami(brood)["pid"] == pid:
            brood.get("/pause")
            break
    began = time.monotonic()
    line = brood.wait_for_line(r"hung for [23]\.\d s; aborting it", 5)
    brood.wait_for_line(r"died by SIGABRT \(hung\) after|died by SIGABRT after|killed by SIGKILL \(hung\)", 3)
    print(f"hung: {time.monotonic() - began:.1f} s after its last report")
    wait_until(lambda: len(brood.programs()) == 2, 5, "it is replaced")
    brood.stop()
with Guest("--hang-timeout", "500ms", "--env", "PING=1", workers=1) as brood, Client(brood.port) as slow:
    slow.send("GET /sleep?1.2 HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
    brood.get("/pause")
    brood.stop()        # one that was told to stop need not say that it lives
    check(slow.response().status == 200 and not brood.lines("hung"), "it has until the drain timeout")
with Guest("--hang-timeout", "1s") as brood:
    pids = set(brood.programs())
    time.sleep(2.5)
    check(set(brood.programs()) == pids and not brood.lines("hung"), "who is not watched does not hang")
    os.kill(pid := brood.programs()[0], signal.SIGSTOP)     # that can be seen without
    brood.wait_for_line(r"hung for 1\.\d s; aborting it", 5)
    brood.replaced(pid)
    brood.stop()

# Garbage, from the program and from strangers.
with Guest("--stdio", "log") as brood:
    pids = set(brood.programs())
    for text in (b"", b"READY", b"\0" * 4096, b"=" * 4000, os.urandom(2000), b"MAINPID=1", b"MAINPID=%d" % os.getpid(),
                 b"READY=1\nREADY=2", b"STATUS=\x1b[2J\xff\xfe", b"STATUS=" + b"x" * 4000, b"WATCHDOG=0", b"FDSTORE=1",
                 b"A=" + b"b" * 60000):
        report(brood, text)
    name = whoami(brood)["environment"]["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect("\0" + name[1:])
        for _ in range(200):
            fds = [os.dup(0) for _ in range(3)]
            socket.send_fds(s, [b"FDSTORE=1\nFDNAME=x"], fds)
            for fd in fds:
                os.close(fd)
    keepers = brood.workers()
    check(all(len(os.listdir(f"/proc/{keeper}/fd")) < 20 for keeper in keepers), "no descriptor stays with a keeper")
    check(set(brood.programs()) == pids, "nobody was hurt")
    check(not brood.lines("\x1b"), "nothing of a terminal reaches the log")
    brood.wait_for_line("reports to its NOTIFY_SOCKET what sd_notify", 2)
    if os.geteuid() == 0:
        stranger = os.fork()
        if stranger == 0:
            drop_to(NOBODY)()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.sendto(b"STOPPING=1", "\0" + name[1:])
            os._exit(0)
        os.waitpid(stranger, 0)
        time.sleep(0.3)
        check(not brood.lines("retiring"), "a stranger is not believed")
    brood.stop()

# MAINPID: the process that was started hands over to another of the program.
with Guest("--ready", "notify", workers=1,
           program=(PYTHON, "-c", "import os, subprocess, sys, socket; e = os.environ;"
                    "p = subprocess.Popen([sys.executable, sys.argv[1]], pass_fds=[3]);"
                    "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
                    "s.sendto(f'MAINPID={p.pid}\\nREADY=1'.encode(), '\\0' + e['NOTIFY_SOCKET'][1:]); os._exit(0)",
                    PROGRAM[1])) as brood:
    time.sleep(0.3)
    check(not brood.lines("exited|died"), "the other is the program now")
    pid = whoami(brood)["pid"]
    check([pid] == brood.programs(), f"{pid}, {brood.programs()}")
    os.kill(pid, 9)
    brood.wait_for_line("killed by SIGKILL after", 5)
    brood.stop()

# FDSTORE=1: what a program has left behind is for the next one in its slot, however it ended.
with Guest(workers=1) as brood:
    first = whoami(brood)
    check(first["stored"] == [] and first["environment"]["LISTEN_FDS"] == "1", first)
    brood.get("/store?cache")
    time.sleep(0.1)
    for end in (lambda: os.kill(brood.programs()[0], signal.SIGKILL), lambda: brood.kill(signal.SIGHUP), brood.upgrade):
        pid = whoami(brood)["pid"]
        end()
        brood.replaced(pid)
        wait_until(lambda: whoami(brood)["pid"] != pid, 5, "the next one answers")
        about = whoami(brood)
        check(about["environment"]["LISTEN_FDNAMES"] == f"{brood.port}:cache:cache:cache", about["environment"])
        check(about["environment"]["LISTEN_FDS"] == "4" and about["stored"] == [f"of {first['pid']}", "pipe", "socket"], about)
    report(brood, "FDSTOREREMOVE=1\nFDNAME=cache")
    for i in range(30):     # more than there is room for
        brood.get(f"/store?n{i}")
    brood.wait_for_line("stores over 16 descriptors", 5)
    check(len(os.listdir(f"/proc/{brood.pid}/fd")) < 40, "the parent holds no more than that")
    pid = whoami(brood)["pid"]
    os.kill(pid, signal.SIGKILL)
    brood.replaced(pid)
    wait_until(lambda: whoami(brood)["pid"] != pid, 5, "the next one answers")
    names = whoami(brood)["environment"]["LISTEN_FDNAMES"].split(":")
    check(len(names) == 17 and "cache" not in names and names.count("n0") == 3, names)
    brood.stop()
