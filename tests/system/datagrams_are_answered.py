#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every datagram to a live pool is answered, from the address that was asked, over reloads, scaling and an upgrade."""
# timeout: 300
import errno
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from _play import Brood, Checker, MODEL, check, engines, free_port, stop_process, wait_until

UDP_SEGMENT = 103       # of linux/udp.h


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


def exchange(port, sizes, host="127.0.0.1", cut=0):
    """Datagrams of these sizes while the worker sleeps, so that they come together; with cut, given to the kernel as one."""
    asker = Asker(port, host)
    burst = [os.urandom(n) for n in sizes]
    if cut:
        asker.socket.sendmsg([b"".join(burst)], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("@H", cut))], 0, asker.to)
    else:
        for data in burst:
            asker.socket.sendto(data, asker.to)
    return lambda: check([asker.socket.recvfrom(65536) for _ in burst] == [(data, asker.to) for data in burst],
                         f"{sizes} to {host}: each comes back as it was, in order")


def together(engine):
    """What leaves or comes as one for the kernel is many for everybody else."""
    port = free_port()
    with Brood("--listen", f"udp::{port}", "--log-level", "debug", engine=engine, workers=1) as brood:
        pid = brood.workers()[0]
        stop_process(pid)
        answers = [exchange(port, sizes) for sizes in ([64] * 20, [100] * 5 + [7], [0, 0, 9, 9, 0, 9], [5, 6, 7, 7, 6],
                                                        [1200] * 12, [20000] * 2)]
        answers += [exchange(port, [512] * 12, host) for host in ("127.0.0.1", "127.0.0.2")]
        answers += [exchange(port, [300] * 12 + [1], cut=300), exchange(port, [1], cut=300)]
        os.kill(pid, signal.SIGCONT)
        for answer in answers:
            answer()
        n = 20 + 6 + 6 + 5 + 12 + 2 + 24 + 13 + 1
        brood.stop()
        check(brood.lines(f" datagrams={n} datagrams_sent={n} datagrams_dropped=0 "), f"{n} were counted")


def through_a_narrow_way(engine):
    """Where the kernel cannot cut, because what is cut would not fit, they go one by one."""
    way = ["ip", "route", "add", "local", "127.9.9.9", "dev", "lo", "table", "local", "mtu", "lock", "1000"]
    if not shutil.which("ip") or subprocess.run(way, capture_output=True, check=False).returncode:
        print("no narrow way: may not make one")
        return
    try:
        port = free_port()
        with Brood("--listen", f"udp::{port}", engine=engine, workers=1) as brood:
            for _ in range(2):
                stop_process(brood.workers()[0])
                answers = [exchange(port, [n] * 10, "127.9.9.9") for n in (500, 1200, 700)]
                os.kill(brood.workers()[0], signal.SIGCONT)
                for answer in answers:
                    answer()
            brood.stop()
    finally:
        subprocess.run([*way[:2], "del", *way[3:9]], check=True)


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
    together(name)
    through_a_narrow_way(name)
    to_who_has_not_asked(name)
    deaths(name)
    print(f"{name}, {MODEL}: answered")
