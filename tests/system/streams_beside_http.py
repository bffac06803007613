#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pool serves HTTP and streams side by side, under each model; streams outlast a reload, and faults cost their own."""
# timeout: 300
import os
import signal
import socket
import threading
import time

from _play import Brood, Checker, MODEL, SLOW, check, engines, free_port, wait_until


class Stream:
    """A client of the demo's echo."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10 * SLOW)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            check(piece, f"ended after {len(data)} of {n} bytes")
            data += piece
        return data

    def echoes(self, data):
        self.socket.sendall(data)
        return self.exactly(len(data)) == data

    def pid(self):
        self.socket.sendall(b"!pid\n")
        line = b""
        while not line.endswith(b"\n"):
            line += self.exactly(1)
        return int(line)

    def ending(self):
        """How it ends: the rest of the bytes and "end", or the error."""
        data = b""
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except OSError as error:
            return data, type(error).__name__
        return data, "end"


def stream_pool(*options, **how):
    port = free_port()
    brood = Brood("--listen", f"stream:127.0.0.1:{port}", *options, **how)
    brood.stream_port = port
    return brood


def echo_much(port, n_bytes):
    """Sends all before it reads anything but what it must."""
    stream = Stream(port)
    data = os.urandom(n_bytes)

    def send():
        stream.socket.sendall(data)
        stream.socket.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    found = bytearray()
    while piece := stream.socket.recv(30000):
        found += piece
        if len(found) % 7 == 0:
            time.sleep(0.001)
    sender.join()
    check(found == data, f"{len(found)} of {n_bytes} bytes came back")


def side_by_side(engine):
    with stream_pool(engine=engine) as brood:
        brood.wait_for_line(rf"ready: .* on stream:127.0.0.1:{brood.stream_port}")
        checker = Checker(brood.port, "keepalive", 8)
        streams = [Stream(brood.stream_port) for _ in range(1000)]
        for round_ in range(3):
            for i, stream in enumerate(streams):
                stream.socket.sendall(f"{round_} {i}\n".encode() * 3)
            for i, stream in enumerate(streams):
                check(stream.exactly(3 * len(f"{round_} {i}\n")) == f"{round_} {i}\n".encode() * 3, "its own echo")
        first = streams[0].pid()
        others = {stream.pid() for stream in streams} - {first}
        check(others or MODEL == "preemptive", "more than one worker has them")
        if not others and engine == "uring":    # who is awake takes all; epoll wakes the same one first, always
            wait_until(lambda: Stream(brood.stream_port).pid() != first, 10, "another worker takes one, too")
        for stream in streams[::2]:     # those that reset
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            stream.socket.close()
        for stream in streams[1::2]:
            stream.socket.sendall(b"!bye\n")
            check(stream.ending() == (b"", "end"), "we are asked to close, and do")
        for _ in range(3):
            echo_much(brood.stream_port, 20_000_000 // SLOW)
        checker.finish()
        checker.expect_nothing_noticed()
        check(not brood.lines("died|cut"), "nothing was lost")
        brood.stop()


def outlast_a_reload(engine):
    with stream_pool("--drain-timeout", "3s", engine=engine) as brood:      # 1.8 s for a turn that stands still
        streams = [Stream(brood.stream_port) for _ in range(20)]
        before = {stream.pid() for stream in streams}
        began = time.monotonic()
        brood.kill(signal.SIGHUP)
        n = 0
        while time.monotonic() < began + 1.2:
            for stream in streams:
                check(stream.echoes(f"turn {n}".encode()), "it goes on")
            n += 1
        brood.wait_for_line("reload: done", 10)
        check({stream.pid() for stream in streams} == before, "with the worker it began with")
        check(Stream(brood.stream_port).pid() not in before, "a new one is the new worker's")
        for stream in streams:
            stream.socket.settimeout(5 * SLOW)
            check(stream.ending()[1] in ("end", "ConnectionResetError"), "until the drain timeout")
        took = time.monotonic() - began
        check(2.9 < took < 5 * SLOW, f"cut after {took:.2f} s")
        brood.wait_for_line("left after", 10, 2)
        brood.stop(within=8)


def faults(engine):
    with stream_pool("--on-fault", "contain", engine=engine, workers=1) as brood:
        quiet, loud = Stream(brood.stream_port), Stream(brood.stream_port)
        pid = quiet.pid()
        check(quiet.echoes(b"before") and loud.pid() == pid, "both are there")
        loud.socket.sendall(b"!crash\n")
        check(loud.ending()[1] == "ConnectionResetError", "a fault costs its stream")
        check(quiet.echoes(b"after"), "and no other")
        brood.wait_for_line("a stream of address 1")
        wait_until(lambda: Stream(brood.stream_port).pid() != pid, 10, "the worker is replaced")
        check(quiet.echoes(b"still"), "while it finishes what it has")
        quiet.socket.close()
        brood.stop()
    with stream_pool(engine=engine) as brood:
        streams = [Stream(brood.stream_port) for _ in range(20)]
        pids = [stream.pid() for stream in streams]
        streams[0].socket.sendall(b"!crash\n")
        for stream, pid in zip(streams, pids):
            if pid == pids[0]:
                check(stream.ending()[0] == b"", "it dies with all it holds")
            else:
                check(stream.echoes(b"here"), "the others live")
        brood.wait_for_line(r"died|killed by signal|SIGSEGV")
        wait_until(lambda: len(set(brood.workers()) - {pids[0]}) == 2, 10, "it is replaced")
        victim = next(pid for pid in brood.workers() if pid != pids[0])
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(brood.workers()) - {victim, pids[0]}) == 2, 10, "and so is the other")
        check(Stream(brood.stream_port).echoes(b"and serve"), "and serve")
        brood.stop()


for name in engines():
    side_by_side(name)
    outlast_a_reload(name)
    faults(name)
    print(f"{name}: 1,000 streams beside HTTP; over a reload; faults")
