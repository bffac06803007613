#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clients that trickle, stall, never read, half-close or reset are ended in time, and the others notice nothing."""
# models: one
# waits: mostly
import socket
import struct
import threading
import time

from _play import SLOW, Brood, Checker, Client, check, descriptors_of, engines, memory_of, wait_until

TIMEOUT_S = 1
OPTIONS = ("--header-timeout", "1s", "--body-timeout", "1s", "--write-timeout", "1s", "--idle-timeout", "2s",
           "--linger-timeout", "500ms")
N = 10      # of each kind
SLOWLY_BYTES = 8_000_000    # more than the kernel's buffers take
POST = "POST /echo HTTP/1.1\r\nHost: play\r\nContent-Length: 100\r\n\r\n"


def until_end(client, seconds=8):
    """Everything that comes before the end, whatever kind of end it is."""
    client.s.settimeout(seconds)
    data = b""
    try:
        while piece := client.s.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def trickle_head(client):
    text = b"GET / HTTP/1.1\r\nHost: play\r\nA: " + b"b" * 100
    client.s.settimeout(0.1)
    for i in range(len(text)):
        client.send(text[i:i + 1])
        try:
            return client.s.recv(65536).startswith(b"HTTP/1.1 408 ")
        except TimeoutError:
            pass
    return False


def say_nothing(client):
    return until_end(client)[:13] in (b"", b"HTTP/1.1 408 ")


def stall_in_body(client):
    client.send(POST + "half of it")
    return not until_end(client).endswith(b"half of it" * 10)


def want_all_and_read_nothing(client):
    client.send("GET /big?bytes=1000000000 HTTP/1.1\r\nHost: play\r\n\r\n")
    time.sleep(TIMEOUT_S * 3 * SLOW)
    return 0 < len(until_end(client)) < 50_000_000


def half_close_in_body(client):
    client.send(POST + "half of it")
    client.s.shutdown(socket.SHUT_WR)
    return len(until_end(client, 2)) < 400


def reset_in_body(client):
    client.send(POST + "half of it")
    client.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    return True


def stay_idle(client):
    check(client.get("/").status == 200, "served")
    return until_end(client) == b""


# What it does, and between how many seconds it is over.
KINDS = ((trickle_head, 0.8, 2.5), (say_nothing, 0.8, 2.5), (stall_in_body, 0.8, 3),
         (want_all_and_read_nothing, 2.9, 4.5), (half_close_in_body, 0, 1), (reset_in_body, 0, 1), (stay_idle, 1.8, 3.5))


def play(port, kind, least, most, problems):
    with Client(port, receive_bytes=4096) as client:
        began = time.monotonic()
        try:
            fine = kind(client)
        except OSError as problem:
            fine = False
            problems.append(f"{kind.__name__}: {problem!r}")
        took = time.monotonic() - began
    if not fine or not least <= took <= most * SLOW:
        problems.append(f"{kind.__name__}: {fine}, over after {took:.2f} s")


def read_slowly(port, problems):
    """Takes something all the time and is left in peace, although it needs longer than any timeout."""
    with Client(port, receive_bytes=65536) as client:
        client.send(f"GET /big?bytes={SLOWLY_BYTES} HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
        n = 0
        for _ in range(32):         # often: its kernel tells of room only when there is much
            time.sleep(0.125)
            n += len(client.s.recv(30000))
        n += len(until_end(client))
    if n < SLOWLY_BYTES:
        problems.append(f"the slow reader got {n} bytes")


for engine in engines():
    with Brood(*OPTIONS, engine=engine) as brood:
        workers = brood.workers()
        rest = {pid: len(descriptors_of(pid)) for pid in workers}
        checker = Checker(brood.port, connections=4)
        problems = []
        threads = [threading.Thread(target=play, args=(brood.port, *kind, problems)) for kind in KINDS for _ in range(N)]
        threads += [threading.Thread(target=read_slowly, args=(brood.port, problems)) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.8)
        most_kib = max(memory_of(pid, "Rss") for pid in workers)
        for thread in threads:
            thread.join()
        checker.finish().expect_nothing_lost()
        check(not problems, "\n".join(sorted(problems)))
        wait_until(lambda: all(len(descriptors_of(pid)) == rest[pid] for pid in workers), 4, "all are gone")
        check(brood.workers() == workers, "nobody died of it")
        print(f"{engine}: {len(threads)} slow clients; others waited {checker['longest_ms']} ms at most, "
              f"a worker had {most_kib} KiB")
        check(checker["longest_ms"] < 1000 * SLOW, "the others wait for none of their timeouts")
        brood.stop()
