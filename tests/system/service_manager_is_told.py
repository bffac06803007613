#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""A service manager is told by sd_notify(3): ready, reloading, stopping, the new main process; its watchdog is fed.
# waits: mostly

The other end is a socket of ours, which reads as strictly as a manager does, and believes the main process alone.
"""
import os
import pathlib
import re
import signal
import socket
import struct
import tempfile
import time

from _play import Brood, Client, adopt_orphans, check, engines, stop_process, wait_until

FORMS = {"READY": "1", "RELOADING": "1", "STOPPING": "1", "WATCHDOG": "1", "STATUS": ".+", "MONOTONIC_USEC": r"\d+",
         "MAINPID": r"\d+", "EXTEND_TIMEOUT_USEC": r"\d+"}


class Manager:
    def __init__(self, abstract=False):
        self.folder = tempfile.TemporaryDirectory(prefix="brood-play-")
        self.name = f"@brood-play-{os.getpid()}" if abstract else f"{self.folder.name}/notify"
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.s.bind("\0" + self.name[1:] if abstract else self.name)
        os.chmod(self.name, 0o777) if not abstract else None
        self.main = None
        self.told = []      # (time, {name: value}), in order

    def environment(self, **more):
        return {**os.environ, "BROOD_CONTROL": "off", "NOTIFY_SOCKET": self.name, **more}

    def close(self):
        self.s.close()
        self.folder.cleanup()

    def read(self):
        self.s.setblocking(False)
        while True:
            try:
                data, control, _, _ = self.s.recvmsg(4096, 256)
            except BlockingIOError:
                return self.told
            pid = struct.unpack_from("i", control[0][2])[0]
            check(self.main in (None, pid), f"the main process is {self.main}, and {pid} says {data}")
            fields = {}
            for line in data.decode("utf-8").split("\n"):
                name, equals, value = line.partition("=")
                check(equals and re.fullmatch(FORMS.get(name, "$."), value), f"no assignment: {line!r}")
                check(name not in fields, f"twice: {data}")
                fields[name] = value
            self.main = int(fields.get("MAINPID", pid))
            self.told.append((time.monotonic(), fields))

    def names(self, *interesting):
        return [name for _, fields in self.read() for name in fields if name in interesting]

    def wait_for(self, name, n=1, seconds=10):
        return wait_until(lambda: len(found := [fields for _, fields in self.read() if name in fields]) >= n and
                          found[n - 1], seconds, f"{n} times {name}: {self.told[-5:]}")


def tells_what_happens(engine):
    manager = Manager()
    with Brood("--drain-timeout", "20s", engine=engine, env=manager.environment()) as brood:
        check(manager.wait_for("READY")["STATUS"] == "2 of 2 workers, 0 connections", manager.told)
        with Client(brood.port) as client:
            client.get("/whoami")
            wait_until(lambda: "1 connections" in str(manager.read()[-1]), 5, "the status")
        began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        brood.kill(signal.SIGHUP)
        check(began <= int(manager.wait_for("RELOADING")["MONOTONIC_USEC"]), "the time of the reload")
        manager.wait_for("READY", 2)
        n = len(manager.read())
        time.sleep(2.5)
        check(len(manager.read()) - n <= 3, f"an idle pool says little: {manager.told[n:]}")
        with Client(brood.port) as client:
            client.send("GET /sleep?ms=500 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.1)
            brood.kill(signal.SIGTERM)
            stopping = manager.wait_for("STOPPING")
            check(int(stopping["EXTEND_TIMEOUT_USEC"]) > 20_000_000, stopping)
            check("Draining" in stopping["STATUS"], stopping)
            check(client.response().status == 200, "and it drains")
        brood.wait_exit(0, 5)
        order = manager.names("READY", "RELOADING", "STOPPING", "MAINPID", "WATCHDOG")
        check(order == ["READY", "RELOADING", "READY", "STOPPING"], order)
    manager.close()


def hands_its_place_over(engine):
    manager = Manager(abstract=True)
    with Brood(engine=engine, env=manager.environment(WATCHDOG_USEC="400000")) as brood:
        first = brood.pid
        manager.wait_for("READY")
        brood.upgrade()
        check(int(manager.wait_for("MAINPID")["MAINPID"]) == brood.pid != first, "the new parent is named")
        manager.wait_for("READY", 2)
        n = len(manager.names("WATCHDOG"))
        manager.wait_for("WATCHDOG", n + 2)
        check(manager.main == brood.pid, "and speaks for itself")
        brood.stop()
        order = manager.names("READY", "RELOADING", "STOPPING", "MAINPID")
        check(order == ["READY", "MAINPID", "READY", "STOPPING"], order)
    manager.close()


def refused_reload_ends_too(engine):
    manager = Manager()
    with Brood(engine=engine) as other:
        config = pathlib.Path(other.directory.name, "brood.ini")
        config.write_text("idle-timeout = 10s\n")
        with Brood("--config", config, engine=engine, env=manager.environment()) as brood:
            manager.wait_for("READY")
            config.write_text("idle-timeout = soon\n")
            brood.kill(signal.SIGHUP)
            manager.wait_for("READY", 2)
            check(manager.names("READY", "RELOADING") == ["READY", "RELOADING", "READY"], manager.told)
            brood.stop()
        other.stop()
    manager.close()


def watchdog_is_fed(engine):
    """At half its time, also with one worker stopped; not with all of them. Nor when it is somebody else's."""
    manager = Manager()
    with Brood("--hang-timeout", "off", engine=engine, env=manager.environment(WATCHDOG_USEC="600000")) as brood:
        manager.wait_for("WATCHDOG", 6)
        times = [at for at, fields in manager.told if "WATCHDOG" in fields][1:]
        gaps = [b - a for a, b in zip(times, times[1:])]
        check(0.2 < sum(gaps) / len(gaps) < 0.45, gaps)
        workers = brood.workers()
        stop_process(workers[0])
        time.sleep(1.5)
        n = len(manager.names("WATCHDOG"))
        manager.wait_for("WATCHDOG", n + 2)
        stop_process(workers[1])
        time.sleep(1.5)
        n = len(manager.names("WATCHDOG"))
        time.sleep(1)
        check(len(manager.names("WATCHDOG")) == n, "all of them hang, and the watchdog is fed")
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        manager.wait_for("WATCHDOG", n + 1)
        brood.stop()
    manager.close()
    manager = Manager()
    with Brood(engine=engine, env=manager.environment(WATCHDOG_USEC="200000", WATCHDOG_PID="1")) as brood:
        manager.wait_for("READY")
        time.sleep(0.5)
        check(not manager.names("WATCHDOG"), "the watchdog of process 1")
        brood.stop()
    manager.close()


def bad_names_are_said(engine):
    for name in ("relative", "vsock:2:1", "/" + "x" * 200, "/nobody/is/there"):
        with Brood(engine=engine, env={**os.environ, "BROOD_CONTROL": "off", "NOTIFY_SOCKET": name}) as brood:
            check(bool(brood.lines("NOTIFY_SOCKET is")) == (name != "/nobody/is/there"), brood.log())
            brood.stop()


adopt_orphans()
for engine in engines():
    tells_what_happens(engine)
    hands_its_place_over(engine)
    refused_reload_ends_too(engine)
    watchdog_is_fed(engine)
    bad_names_are_said(engine)
