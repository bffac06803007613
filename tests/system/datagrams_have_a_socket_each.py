#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""reuseport: a UDP socket a worker; flows stay, and nothing that is queued is lost by whatever becomes of its worker."""
# models: one
# timeout: 300
import os
import pathlib
import re
import select
import signal
import socket
import time

from _play import Brood, MODEL, adopt_orphans, check, children_of, engines, free_port, wait_until


def n_full():
    """Datagrams dropped on this machine because a queue was full: that would be no fault of the pool's."""
    rows = [line.split() for line in pathlib.Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")]
    return int(dict(zip(*rows))["RcvbufErrors"])


class Clients:
    """As many sockets as flows; every datagram is numbered, and is to come back."""

    def __init__(self, port, n):
        self.to = ("127.0.0.1", port)
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(n)]
        for s in self.sockets:
            s.connect(self.to)
            s.setblocking(False)
        self.n_sent, self.waiting, self.n_full = 0, set(), n_full()

    def say(self):
        for s in self.sockets:
            text = b"%d" % self.n_sent
            s.send(text)
            self.waiting.add(text)
            self.n_sent += 1

    def hear(self, seconds=0.0):
        ready, _, _ = select.select(self.sockets, [], [], seconds)
        for s in ready:
            while True:
                try:
                    self.waiting.remove(s.recv(100))
                except BlockingIOError:
                    break

    def pump(self, seconds):
        """A few datagrams a flow on their way at most, so that no queue is ever full."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(self.waiting) < 2 * len(self.sockets):
                self.say()
            self.hear(0.002)

    def pump_until(self, found, what, seconds=20):
        until = time.monotonic() + seconds
        while not found():
            check(time.monotonic() < until, what)
            self.pump(0.02)

    def expect_all(self, when):
        until = time.monotonic() + 5
        while self.waiting and time.monotonic() < until:
            self.hear(0.1)
        check(not self.waiting, f"{when}: {len(self.waiting)} of {self.n_sent} were not answered, "
              f"{n_full() - self.n_full} found a full queue on this machine: {sorted(self.waiting)[:5]}")

    def whose(self):
        """Which worker answers each flow."""
        self.expect_all("before")
        pids = []
        for s in self.sockets:
            s.send(b"!pid\n")
            check(select.select([s], [], [], 5)[0], "no answer to !pid")
            pids.append(int(s.recv(100)))
        return pids

    def close(self):
        for s in self.sockets:
            s.close()


def group(port):
    """The sockets of the group, whoever holds them, by their inodes."""
    rows = [line.split() for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[1].endswith(f":{port:04X}")}


def udp(n, *options, **how):
    port = free_port()
    return Brood("--listen", f"udp:127.0.0.1:{port}", *options, workers=n, control=True, **how), Clients(port, 64)


def flows_stay(engine):
    brood, clients = udp(4, engine=engine)
    with brood:
        found = clients.whose()
        check(len(set(found)) == 4, f"64 flows go to {len(set(found))} of 4 workers")
        check(all(clients.whose() == found for _ in range(3)), "a flow stays with its worker")
        check(not brood.lines("one socket that all workers share"), "it says that they share a socket")
        clients.close()
        brood.stop()


def nothing_is_lost(engine):
    brood, clients = udp(4, engine=engine)
    adopt_orphans()
    with brood:
        for n in (1, 4, 2, 1, 6, 3):       # not the most at the end: an upgrade has sockets of three that have left
            brood.ctl("scale", n)
            clients.pump_until(lambda n=n: brood.lines(rf"scaling: {n} workers? after"), f"scaling to {n}")
            clients.pump(0.05)
            clients.expect_all(f"scaled to {n}")
            check(len(set(clients.whose())) == n, f"{n} workers answer: {len(set(clients.whose()))}")
        for turn in range(2):
            brood.kill(signal.SIGHUP)
            clients.pump_until(lambda turn=turn: len(brood.lines("reload: done")) > turn, "reload")
            clients.expect_all("reloaded")
        sockets = group(clients.to[1])
        check(len(sockets) == 6, f"the parent keeps all 6, not {len(sockets)}")
        for turn in range(2):
            brood.kill(signal.SIGUSR2)
            clients.pump_until(brood.follow, "upgrade")
            clients.pump_until(lambda turn=turn: len(brood.lines("taken over from")) > turn, "taken over")
            clients.pump(0.2)
            clients.expect_all("upgraded")
            check(len(set(clients.whose())) == 3, "3 workers answer after an upgrade")
            check(group(clients.to[1]) == sockets, "the group is what it was")
        for n in (7, 5):
            brood.ctl("scale", n)
            clients.pump_until(lambda n=n: brood.lines(f"scaling: {n} workers after"), "scaling")
            clients.expect_all("scaled after an upgrade")
            check(len(set(clients.whose())) == n, f"{n} workers answer")
        check(len(group(clients.to[1]) - sockets) == 1, "those of workers that had left serve again")
        clients.close()
        brood.stop()


def deaths_lose_nothing(engine):
    brood, clients = udp(3, "--restart-limit", "20/10s", engine=engine)
    with brood:
        for _ in range(4):
            clients.expect_all("deaths")
            workers = brood.workers()
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            clients.say()
            clients.say()
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            clients.expect_all("all were killed")
        victim = children_of(brood.pid)[0]
        os.kill(victim, signal.SIGSTOP)
        clients.say()
        clients.expect_all("one is stopped, and a sibling reads for it")
        os.kill(victim, signal.SIGCONT)
        clients.pump(0.1)
        clients.expect_all("it goes on")
        clients.close()
        brood.stop()


def slow_leaver(engine):
    """What is queued for one that is to leave is read before its socket is given up, even if it cannot read it."""
    brood, clients = udp(2, engine=engine)
    with brood:
        last = max(brood.workers())       # it was born last
        os.kill(last, signal.SIGSTOP)
        clients.say()
        brood.ctl("scale", 1)
        clients.expect_all("a sibling reads what waits for a stopped one that leaves")
        os.kill(last, signal.SIGCONT)
        brood.wait_for_line("scaling: 1 worker after")
        clients.pump(0.1)
        clients.expect_all("it has left")
        clients.close()
        brood.stop()


def lost(brood, admin):
    s = socket.create_connection(("127.0.0.1", admin))
    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    s.close()
    return int(re.search(r"^brood_datagrams_lost_total (\d+)$", text, re.M)[1])


def full_queues_are_counted(engine):
    admin = free_port()
    brood, clients = udp(1, "--admin", f"127.0.0.1:{admin}", engine=engine)
    with brood:
        check(lost(brood, admin) == 0, "nothing is lost yet")
        worker = brood.workers()[0]
        os.kill(worker, signal.SIGSTOP)
        for _ in range(40):
            clients.say()
        os.kill(worker, signal.SIGCONT)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            clients.hear(0.05)
        n = len(clients.waiting)
        check(n > 100, f"of 2560 datagrams {n} were dropped")
        clients.waiting.clear()
        clients.say()                       # whoever looks, looks when something has come
        clients.expect_all("after a flood")
        wait_until(lambda: lost(brood, admin) == n, 5, f"{n} lost datagrams are counted, not {lost(brood, admin)}")
        clients.close()
        brood.stop()


for name in engines():
    flows_stay(name)
    nothing_is_lost(name)
    deaths_lose_nothing(name)
    slow_leaver(name)
    full_queues_are_counted(name)
    print(f"{name}, {MODEL}: nothing is lost")
