#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""Endless lines, fields, targets and chunks of one byte are refused early: little memory, little time, no death."""
import pathlib

from _play import IS_SANITIZED, SLOW, Brood, Client, check, engines, memory_of

HEAD = b"GET / HTTP/1.1\r\nHost: play\r\n"
CHUNKED = b"POST /%s HTTP/1.1\r\nHost: play\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = (
    ("10000 fields", HEAD + b"".join(b"A%d: b\r\n" % i for i in range(10000)), (431,)),
    ("a field of 100 KB", HEAD + b"A: " + b"b" * 100_000, (431,)),
    ("a name of 100 KB", HEAD + b"a" * 100_000, (431,)),
    ("a method of 8 KB", b"G" * 8192 + b" / HTTP/1.1\r\n", (400, 414, 431, 501)),
    ("a target of 1 MB", b"GET /" + b"a" * 1_000_000, (414,)),
    ("100000 empty lines", b"\r\n" * 100_000, (400,)),
    ("100000 chunks of a byte", CHUNKED % b"echo" + b"1\r\na\r\n" * 100_000, (200, 400, 413)),
    ("100000 chunks of a byte that nobody reads", CHUNKED % b"nowhere" + b"1\r\na\r\n" * 100_000, (400, 404, 413)),
    ("a chunk extension of 64 KB", CHUNKED % b"echo" + b"1;" + b"a" * 65536, (400,)),
    ("trailers without end", CHUNKED % b"echo" + b"0\r\n" + b"A: b\r\n" * 100_000, (400,)),
)
TIMES = 5


def cpu_ms(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def flood(port, data):
    with Client(port) as client:
        try:
            client.send(data)
        except OSError:
            pass        # it need not take all of it
        try:
            answer = client.rest()
        except ConnectionResetError:
            answer = client.buffer
    return int(answer[9:12] or 0)


for engine in engines():
    with Brood("--linger-timeout", "200ms", engine=engine, workers=1) as brood:
        worker = brood.workers()[0]
        brood.get("/")
        before_kib = memory_of(worker, "Rss")
        for name, data, statuses in FLOODS:
            began_ms = cpu_ms(worker)
            found = {flood(brood.port, data) for _ in range(TIMES)}
            took_ms = (cpu_ms(worker) - began_ms) / TIMES
            print(f"{engine}: {name}: {found}, {took_ms:.1f} ms of CPU each")
            check(found <= set(statuses), f"{name}: {found} instead of {statuses}")
            check(took_ms < 50 * SLOW, f"{name} costs {took_ms:.0f} ms")
        grown_kib = memory_of(worker, "Rss") - before_kib
        print(f"{engine}: grown by {grown_kib} KiB")
        check(IS_SANITIZED or grown_kib < 4096, "memory")
        check(brood.workers() == [worker] and brood.get("/").status == 200, "still there")
        brood.stop()
