#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""Thousands of damaged requests over the wire: every answer is an answer, none is a 500, and the workers live.

--times N requests on each engine (2500), --seed S.
"""
import argparse
import random
import re
import socket

from _play import ROOT, Brood, Checker, Client, check, engines

CORPUS = ROOT / "tests/fuzz/corpus"
PIECES = (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"%", b"Content-Length: 5\r\n", b"0\r\n\r\n",
          b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.1", b"/echo")
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: play\r\nTransfer-Encoding: chunked\r\n\r\n"
FORBIDDEN = (b"500", b"502", b"503")


def seeds():
    heads = [path.read_bytes() for path in sorted((CORPUS / "head").iterdir())]
    return heads + [CHUNKED + path.read_bytes() for path in sorted((CORPUS / "body").iterdir())]


def mutate(data):
    data = bytearray(data)
    for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        what = random.random()
        if what < 0.3:
            data[at:at + 1] = bytes([random.randrange(256)])
        elif what < 0.6:
            data[at:at] = random.choice(PIECES)
        elif what < 0.8:
            del data[at:at + random.choice((1, 2, 10, 100))]
        else:
            data[at:at] = data[random.randrange(len(data) + 1):][:random.choice((5, 50, 500))]
    return bytes(data)


def send(port, data):
    with Client(port, timeout=5) as client:
        try:
            cut = random.randrange(len(data) + 1) if data else 0
            client.send(data[:cut])
            client.send(data[cut:])
            client.s.shutdown(socket.SHUT_WR)
            return client.rest()
        except TimeoutError:
            check(False, f"no end after {data!r}: {client.buffer!r}")
        except OSError:     # reset: it was refused and sent more than is lingered for
            return client.buffer


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=2500)
parser.add_argument("--seed", type=int, default=28)
options = parser.parse_args()
corpus = seeds()
for engine in engines():
    random.seed(options.seed)
    with Brood(engine=engine) as brood:
        workers = brood.workers()
        checker = Checker(brood.port, connections=2)
        seen = {}
        for _ in range(options.times):
            data = mutate(random.choice(corpus))
            answer = send(brood.port, data)
            check(answer == b"" or answer.startswith(b"HTTP/1.1 "), f"{data!r}: {answer[:100]!r}")
            for status in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.M):
                seen[status.decode()] = seen.get(status.decode(), 0) + 1
                check(status not in FORBIDDEN, f"{data!r}: {answer[:200]!r}")
            check(brood.workers() == workers, f"a worker died of {data!r}")
        checker.finish().expect_nothing_lost()
        brood.stop()
    print(f"{engine}: {options.times} damaged requests:", dict(sorted(seen.items())))
