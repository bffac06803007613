#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""brood ctl events tells what happens, in order: a crash, a retirement, a reload, a hang, scaling, upgrade, stop."""
# waits: mostly
import json
import os
import signal
import socket
import subprocess
import threading

from _play import BROOD, MODEL, Brood, adopt_orphans, check, engines, wait_until


class Events:
    """`brood ctl events --json`, read as it comes."""

    def __init__(self, brood):
        self.seen = []
        self.process = subprocess.Popen([BROOD, "ctl", "--control", brood.control, "--json", "events"],
                                        stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        self.expect("setup")

    def read(self):
        for line in self.process.stdout:
            self.seen.append(json.loads(line))

    def names(self, since=0, **fields):
        return [e["event"] for e in self.seen[since:] if all(e.get(key) == value for key, value in fields.items())]

    def expect(self, *names, since=0, **fields):
        """These, in this order, with whatever between them."""
        def come():
            rest = iter(self.names(since, **fields))
            return all(name in rest for name in names)
        wait_until(come, 10, f"{names} {fields or ''} in {self.seen[since:]}")

    def last(self, name, **fields):
        return [e for e in self.seen if e["event"] == name and all(e.get(k) == v for k, v in fields.items())][-1]

    def end(self):
        check(self.process.wait(10) == 0, "it ends with the pool, and well")
        self.thread.join()


def crash(brood, events):
    since, pid = len(events.seen), brood.workers()[0]
    os.kill(pid, signal.SIGKILL)
    events.expect("disconnect", "exit", since=since, pid=pid)
    events.expect("exit", "fork", "online", "listening", since=since)
    death, birth = events.last("exit", pid=pid), events.last("fork")
    check(death["signal"] == "SIGKILL" and death["code"] is None and not death["exited_after_disconnect"], death)
    check("killed by SIGKILL" in death["cause"], death)
    check(birth["slot"] == death["slot"] and birth["generation"] == death["generation"] + 1, birth)
    check(birth["id"] > death["id"] and birth["cause"] == "restart", birth)


def retirement(brood, events):
    since = len(events.seen)
    pid = brood.whoami()["pid"]
    while brood.whoami()["pid"] != pid:
        pass
    brood.get("/retire?reason=tired")
    events.expect("suicide", "fork", "online", "listening", since=since)
    old = events.last("suicide")
    check(old["cause"] == "tired", old)
    events.expect("suicide", "disconnect", "exit", since=since, pid=old["pid"])
    check(events.last("fork")["cause"] == "tired", "and so is the replacement's")
    death = events.last("exit", pid=old["pid"])
    check(death["exited_after_disconnect"] and death["code"] == 0 and death["signal"] is None, death)
    order = events.names(since)
    check(order.index("listening") < order.index("exit"), f"the new one listens first: {order}")


def hang(brood, events):
    since, pid = len(events.seen), brood.workers()[0]
    os.kill(pid, signal.SIGSTOP)
    events.expect("hung", since=since, pid=pid, aborted=False)
    if MODEL == "reuseport":
        events.expect("steer", since=since, around=True)
    os.kill(pid, signal.SIGCONT)
    events.expect("hung", "hung", since=since, pid=pid)
    check(events.last("hung", pid=pid)["silent_ms"] == 0, "it goes on")


def whole_pool(brood, events):
    since = len(events.seen)
    brood.kill(signal.SIGHUP)
    events.expect("reload", "reload", "setup", since=since)
    check([e["state"] for e in events.seen[since:] if e["event"] == "reload"] == ["begun", "done"], "begun and done")
    since = len(events.seen)
    brood.ctl("scale", 3, "--wait")
    events.expect("scale", "fork", "online", "listening", "scale", since=since)
    brood.ctl("upgrade", "--wait")
    old = brood.follow()
    events.expect("upgrade", "upgrade", "stop", "exit", "setup", since=since)
    check(old.wait(10) == 0 and events.last("setup")["pid"] == brood.pid, "it goes on with the new parent")


def slow_listener(brood):
    """One that takes nothing is told later how much it has missed, or is cut; nobody waits for it."""
    with socket.socket(socket.AF_UNIX) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        s.connect(brood.control)
        s.sendall(b'{"command":"events"}\n')
        for _ in range(3):
            brood.ctl("reload", "--wait")
        check(brood.get("/").status == 200, "served as ever")


def too_many(brood):
    listeners = []
    for _ in range(4):
        listeners.append(s := socket.socket(socket.AF_UNIX))
        s.connect(brood.control)
        s.sendall(b'{"command":"events"}\n')
        check(b'"ok":true' in s.recv(4096), "it may listen")
    reply = subprocess.run([BROOD, "ctl", "--control", brood.control, "events"], capture_output=True, text=True, timeout=10)
    check(reply.returncode == 1 and "4 listen already" in reply.stderr, reply)
    for _ in range(20):
        check(brood.status()["pid"] == brood.pid, "others are heard")
    for s in listeners:
        s.close()
    wait_until(lambda: brood.status(), 5, "heard")


adopt_orphans()
for engine in engines():
    with Brood("--hang-timeout", "20s", "--restart-limit", "100/10s", engine=engine, workers=2, control=True) as brood:
        events = Events(brood)
        for scene in (crash, retirement, hang, whole_pool):
            scene(brood, events)
        slow_listener(brood)
        people = subprocess.Popen([BROOD, "ctl", "--control", brood.control, "events"], stdout=subprocess.PIPE, text=True)
        check("setup" in people.stdout.readline(), "for people as well")
        since = len(events.seen)
        brood.stop()
        events.expect("stop", "exit", since=since)
        events.end()
        print(people.communicate(timeout=10)[0])
        check(people.returncode == 0, people.returncode)
    with Brood(engine=engine, workers=1, control=True) as brood:
        too_many(brood)
        brood.stop()
    print(f"{engine}: {len(events.seen)} events")
