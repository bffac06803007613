#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every datagram to a live pool is answered, from the address that was asked, over reloads, scaling and an upgrade."""
# timeout: 300
import errno
import os
import signal
import socket
import threading
import time

from _play import Brood, Checker, MODEL, check, engines, free_port, wait_until


class Asker:
    """Sends numbered datagrams, and waits for each answer."""

    def __init__(self, port, host="127.0.0.1", family=socket.AF_INET):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.to, self.n, self.failure, self.over = (host, port), 0, None, False

    def ask(self, data):
        self.socket.sendto(data, self.to)
        found, source = self.socket.recvfrom(65536)
        check(found == data, f"{found[:40]} instead of {data[:40]}")
        check(source[:2] == self.to, f"the answer comes from {source}, and {self.to} was asked")

    def run(self):
        try:
            while not self.over:
                self.ask(f"question {self.n} of {id(self)}".encode())
                self.n += 1
                time.sleep(0.0005)
        except OSError as error:
            self.failure = f"{error} behind {self.n} answers"


def answered(engine):
    port = free_port()
    with Brood("--listen", f"udp:127.0.0.1:{port}", engine=engine, control=True) as brood:
        check(brood.status()["listen"][1] == f"udp:127.0.0.1:{port}", "the status")
        askers = [Asker(port) for _ in range(8)]
        threads = [threading.Thread(target=asker.run) for asker in askers]
        checker = Checker(brood.port, "keepalive", 4)
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        for turn in range(3):
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done", 10, turn + 1)
        checker.finish()
        checker.expect_nothing_noticed()
        brood.ctl("scale", 4, "--wait")
        brood.ctl("scale", 1, "--wait")
        brood.ctl("upgrade", "--wait")
        brood.seen_workers.add(brood.status()["pid"])       # not to be left behind, whatever follows
        time.sleep(0.1)
        for asker, thread in zip(askers, threads):
            asker.over = True
            thread.join()
            check(not asker.failure and asker.n > 20, f"{asker.n} answers, {asker.failure}")
        for n in (0, 1, 1472, 60000):
            askers[0].ask(os.urandom(n))
        brood.ctl("stop")
        wait_until(lambda: not [line for line in os.popen("ps -eo args") if f"udp:127.0.0.1:{port}" in line], 10, "it ends")


def from_the_right_address(engine):
    port = free_port()
    with Brood("--listen", f"udp::{port}", "--on-fault", "contain", engine=engine, workers=1) as brood:
        for host in ("127.0.0.1", "127.0.0.2", "127.3.2.1"):
            Asker(port, host).ask(b"who is there?")
        if socket.has_ipv6:
            try:
                Asker(port, "::1", socket.AF_INET6).ask(b"and there?")
            except OSError as error:
                print(f"no IPv6: {error}")
        asker = Asker(port)
        burst = [f"burst {i}".encode() for i in range(200)]     # fits the socket's queue
        for data in burst:
            asker.socket.sendto(data, asker.to)
        found = [asker.socket.recvfrom(100)[0] for _ in burst]
        check(found == burst, "all of a burst, in order")
        asker.socket.sendto(b"!crash\n", asker.to)
        asker.ask(b"still there")
        brood.wait_for_line("fault")
        asker.ask(b"and there")
        brood.stop()


def to_who_has_not_asked(engine):
    port = free_port()
    with Brood("--listen", f"udp::{port}", engine=engine) as brood, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(5)
        asker = Asker(port)
        for to, said in ((f"127.0.0.1:{other.getsockname()[1]}", 0), ("nobody:1", -errno.EINVAL), (":53", -errno.EINVAL),
                         ("127.0.0.1:0", -errno.EINVAL), ("unix:/tmp/x", -errno.EINVAL)):
            asker.socket.sendto(f"!send {to}".encode(), asker.to)
            found = int(asker.socket.recvfrom(100)[0])
            check(found == said, f"to {to}: {found}, and should be {said}")
        data, source = other.recvfrom(100)
        check(data == b"sent" and source[1] == port, f"{data} from {source}")
        brood.stop()


def deaths(engine):
    port = free_port()
    with Brood("--listen", f"udp:127.0.0.1:{port}", engine=engine, workers=2) as brood:
        asker = Asker(port)
        asker.ask(b"before")
        for pid in brood.workers():
            os.kill(pid, signal.SIGSTOP)
        for i in range(50):                 # they wait in the socket
            asker.socket.sendto(f"{i}".encode(), asker.to)
        for pid in brood.workers():
            os.kill(pid, signal.SIGKILL)
        found = [int(asker.socket.recvfrom(100)[0]) for _ in range(50)]
        check(sorted(found) == list(range(50)), f"what waited is answered by the next: {found}")
        brood.stop()


for name in engines():
    answered(name)
    from_the_right_address(name)
    to_who_has_not_asked(name)
    deaths(name)
    print(f"{name}, {MODEL}: answered")
