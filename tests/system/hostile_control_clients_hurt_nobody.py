#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients of the control socket that send garbage, stay silent, never read, or come by the hundred: the pool serves
on, others are heard, and nothing of them stays."""
# waits: mostly
# models: one
# timeout: 300
import json
import os
import random
import socket
import time

from _play import Brood, Checker, check, engines, wait_until

STATUS = b'{"command":"status"}\n'


def read_line(s):
    data = b""
    while not data.endswith(b"\n") and (part := s.recv(65536)):
        data += part
    return data


def read_rest(s):
    data = b""
    try:
        while part := s.recv(65536):
            data += part
    except ConnectionResetError:        # it was closed while we still had something to say
        pass
    return data


def descriptors(brood):
    return len(os.listdir(f"/proc/{brood.pid}/fd"))


def cpu_ms(brood):
    fields = open(f"/proc/{brood.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def garbage(brood):
    for line in (b"\n", b"x\n", b"[" * 4000 + b"\n", bytes(range(1, 10)) + b"\n", b"\xff" * 100 + b"\n", b"\0\n",
                 b'{"command":"status"}{"command":"stop"}\n', b'"' + b"\\u0000" * 500 + b'"\n'):
        with brood.connect_control() as s:
            s.sendall(line)
            reply = json.loads(read_line(s))
            check(not reply["ok"] and reply["error"], f"{line[:40]}: {reply}")
            s.sendall(STATUS)
            check(json.loads(read_line(s))["ok"], "and it is heard again")


def huge_lines(brood):
    for size in (4097, 1 << 20):
        with brood.connect_control() as s:
            try:
                s.sendall(b"x" * size)
            except BrokenPipeError:
                pass
            check(b"at most 4096 bytes" in read_rest(s), f"a line of {size}")
    with brood.connect_control() as s:
        s.sendall(STATUS[:-2] + b" " * (4096 - len(STATUS)) + STATUS[-2:])
        check(json.loads(read_line(s))["ok"], "4096 bytes are a request")


def splits(brood):
    with brood.connect_control() as s:
        for byte in STATUS:
            s.sendall(bytes([byte]))
            time.sleep(0.001)
        check(json.loads(read_line(s))["ok"], "byte by byte")
    with brood.connect_control() as s:       # as printf ... | nc -N
        s.sendall(STATUS * 5 + STATUS[:7])
        s.shutdown(socket.SHUT_WR)
        replies = read_rest(s).splitlines()
        check(len(replies) == 5 and all(json.loads(reply)["ok"] for reply in replies), replies)


def never_reads(brood):
    """It may ask for as much as it likes: what the kernel has room for is made for it, and then it is cut."""
    with brood.connect_control(timeout=0.2) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        sent = 0
        try:
            while sent < 1 << 20:
                sent += s.send(STATUS * 500)
        except TimeoutError:
            pass
        time.sleep(0.5)
        before = cpu_ms(brood)
        time.sleep(1)
        check(cpu_ms(brood) - before <= 20, "the parent sleeps meanwhile")
        check(brood.status()["ok"], "others are heard")
        time.sleep(5)
        s.settimeout(5)
        n = len(read_rest(s))
        check(n < 1 << 20, f"{n} bytes were made for it, then it was cut")


def silent(brood):
    """Half a line, then nothing: after 30 seconds it is cut; others were heard all the time."""
    with brood.connect_control(timeout=40) as nothing, brood.connect_control(timeout=40) as half:
        half.sendall(STATUS[:9])
        began = time.monotonic()
        while time.monotonic() - began < 25:
            time.sleep(5)
            half.sendall(b" ")      # a byte now and then is no request
            check(brood.status()["ok"], "others are heard")
        check(nothing.recv(1) == b"", "who says nothing is cut")
        check(half.recv(1) == b"" and 28 < time.monotonic() - began < 38, "who says half, too")


def a_hundred(brood):
    """More than there is room for: the newest are heard."""
    crowd = []
    for _ in range(100):
        crowd.append(brood.connect_control())
        if len(crowd) % 10 == 0:
            check(brood.status()["ok"], "a new one is heard")
    check(descriptors(brood) < 50, f"{descriptors(brood)} descriptors of the parent")
    for s in crowd:
        s.close()
    for _ in range(1000):
        brood.connect_control().close()
    check(brood.status()["ok"], "after a thousand that came and went")


def random_bytes(brood, rng):
    with brood.connect_control() as s:
        try:
            s.sendall(bytes(rng.choice(b'{}[]":,\n\\u0command status1\xff') for _ in range(rng.randrange(1, 3000))))
            if rng.random() < 0.5:
                s.shutdown(socket.SHUT_WR)
                read_rest(s)
        except (BrokenPipeError, ConnectionResetError):
            pass


for engine in engines()[:1]:
    with Brood(engine=engine, control=True) as brood:
        n = descriptors(brood)
        checker = Checker(brood.port, "keepalive", 8, path="/", rate=200)
        garbage(brood)
        huge_lines(brood)
        splits(brood)
        a_hundred(brood)
        for seed in range(300):
            random_bytes(brood, random.Random(seed))
        never_reads(brood)
        silent(brood)
        checker.finish()
        checker.expect_nothing_lost()
        wait_until(lambda: descriptors(brood) == n, 5, "nothing of them stays")
        check(not brood.lines("worker .* (died|killed)|stopping|draining|reloading"), "and nothing was done")
        brood.stop()
        print(f"{engine}: {checker['answered']} answered meanwhile")
