#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Socket activation: a pool serves on a socket that was passed to it, and leaves it as it was: whoever comes waits.

Under reuseport each worker needs a socket of its own, and one line says so.
"""
import os
import shutil
import signal
import socket
import subprocess
import time

from _play import (BROOD, MODEL, Brood, Checker, Client, adopt_orphans, check, engines, free_port, get, is_alive,
                   wait_until)

LAUNCH = ("sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh")


def pool(listener, engine, port, *options, names="http", pid=True, **keywords):
    fds = listener if isinstance(listener, list) else [listener]

    def pass_on():
        for number, s in enumerate(fds):
            os.dup2(s.fileno(), 3 + number)
    keywords.setdefault("env", {**os.environ, "BROOD_CONTROL": "off", "LISTEN_FDS": str(len(fds)),
                                "LISTEN_FDNAMES": names})
    return Brood(*options, engine=engine, port=port, prefix=LAUNCH if pid else (), preexec_fn=pass_on,
                 pass_fds=list(range(3, 3 + len(fds))), **keywords)


def listener(port=0):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(1024)
    while s.fileno() < 10:      # out of the way of 3, 4...
        s = s.dup()
        _kept.append(s)
    return s


_kept = []


def serves_and_leaves_it(engine):
    port = free_port()
    s = listener(port)
    with pool(s, engine, port) as brood:
        check(not brood.lines("warn|error"), brood.log())
        check(get(port, "/whoami").status == 200, "it serves")
        checker = Checker(port, "close", seconds=20, connections=8)
        time.sleep(0.3)
        brood.kill(signal.SIGHUP)
        brood.wait_for_line("reload: done")
        brood.upgrade()
        time.sleep(0.2)
        brood.stop()
        waits = Client(port)            # nobody is there, and yet it is not refused
        waits.send("GET /whoami HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.2)
        with pool(s, engine, port) as next_brood:
            check(waits.response().status == 200, "who came meanwhile is served")
            waits.close()
            time.sleep(0.3)
            checker.finish()
            checker.expect_nothing_lost()
            check(checker["refused"] == 0, "nobody was refused")
            next_brood.stop()
        check(s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1, "it listens on")
        Client(port).close()
    s.close()


def is_for_us_alone(engine):
    """What is for another process, is no such socket, or is not asked for, is not used."""
    port, other = free_port(), free_port()
    s, second = listener(other), socket.socket(socket.AF_UNIX)
    while second.fileno() < 10:
        second = second.dup()
        _kept.append(second)
    with pool([s, second], engine, port, names="one:two") as brood:
        check(brood.lines("descriptor 3 one, passed by LISTEN_FDS, is of an address that is not listened on"),
              brood.log())
        check(brood.lines("descriptor 4 two, passed by LISTEN_FDS, is no TCP socket that listens"), brood.log())
        check(get(port, "/").status == 200, "it serves")
        brood.stop()
    with pool(s, engine, other, pid=False, ready=False) as brood:
        brood.wait_exit(1, 5)
        check("already taken" in brood.log(), "LISTEN_PID is not ours")
    s.close()


def is_refused(engine):
    port = free_port()
    s = listener(port)
    with pool(s, engine, port, ready=False) as brood:
        brood.wait_exit(1, 5)
        check(len(brood.log().splitlines()) == 1 and "use the model preemptive" in brood.log(), brood.log())
    s.close()


def by_systemd(engine):
    """The address is not even named: what is passed is served."""
    if not shutil.which("systemd-socket-activate"):
        print("systemd-socket-activate is not here")
        return
    port = free_port()
    environment = [f"--setenv={name}" for name in ("BROOD_CONTROL",)]
    process = subprocess.Popen(["systemd-socket-activate", "-l", f"127.0.0.1:{port}", *environment, BROOD, "serve",
                                "--model", MODEL, "--engine", engine, "--workers", "2", "--text", "by systemd"],
                               env={**os.environ, "BROOD_CONTROL": "off"}, stderr=subprocess.DEVNULL)
    def answer():
        try:
            return get(port, "/", timeout=5)
        except OSError:
            return None
    response = wait_until(answer, 10, "an answer")
    check(response.body == b"by systemd", response.raw)
    process.send_signal(signal.SIGTERM)
    check(process.wait(10) == 0 and not is_alive(process.pid), "it drained")


adopt_orphans()
for engine in engines():
    if MODEL == "reuseport":
        is_refused(engine)
    else:
        serves_and_leaves_it(engine)
        is_for_us_alone(engine)
        by_systemd(engine)
