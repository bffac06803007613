#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""However a request is cut into segments, the answer is the same but for the Date, and an echo's cut into chunks."""
import random
import re
import time

from _play import Brood, Client, check, engines

HEAD = b" HTTP/1.1\r\nHost: play\r\n"
CLOSE = b"Connection: close\r\n\r\n"
CORPUS = (
    b"GET /" + HEAD + CLOSE,
    b"\r\nHEAD /big?bytes=77" + HEAD + b"User-Agent: " + b"x" * 300 + b"\r\n" + CLOSE,
    b"POST /echo" + HEAD + b"Content-Length: 40\r\n" + CLOSE + b"0123456789" * 4,
    b"PUT /echo" + HEAD + b"Transfer-Encoding: chunked\r\n" + CLOSE +
    b"3;x=\"y;z\"\r\nabc\r\n00a\r\n0123456789\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    b"GET /big?bytes=30000" + HEAD + b"\r\nPOST /echo" + HEAD + b"Content-Length: 3\r\n\r\nabcDELETE /whoami" + HEAD +
    b"\r\nGET /nowhere" + HEAD + CLOSE,
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /" + HEAD + b"A : b\r\n\r\n",
    b"GET /" + HEAD + b"A: b\r\n c\r\n\r\n",
    b"POST /echo" + HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /echo" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n",
    b"BREW /" + HEAD + b"\r\n",
    b"GET / HTTP/3.0\r\n\r\n",
)
N_RANDOM = 8


def join_chunks(data):
    head, end, body = data.partition(b"\r\n\r\n")
    if b"Transfer-Encoding: chunked" not in head:
        return data
    joined = b""
    while n := int((line := body.partition(b"\r\n"))[0], 16):
        joined, body = joined + line[2][:n], line[2][n + 2:]
    check(body == b"0\r\n\r\n", f"the end of {data}")
    return head + end + joined


def answer(port, pieces, slowly):
    with Client(port) as client:
        try:
            for i, piece in enumerate(pieces):
                client.send(piece)
                if slowly and i % 16 == 0:
                    time.sleep(0.0005)
        except OSError:
            pass        # refused before its end, which the answer shows
        data = client.rest()
    return join_chunks(re.sub(rb"\r\nDate: [^\r]*", b"", data))


def cut(data, n):
    places = sorted(random.sample(range(1, len(data)), min(n, len(data) - 1)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


random.seed(26)
for engine in engines():
    with Brood(engine=engine, workers=1) as brood:
        n = 0
        for data in CORPUS:
            whole = answer(brood.port, [data], False)
            check(whole.startswith(b"HTTP/1.1 "), f"{data[:60]}: {whole[:100]}")
            splits = [[data[i:i + 1] for i in range(len(data))]]
            splits += [cut(data, random.randint(1, 20)) for _ in range(N_RANDOM)]
            for pieces in splits:
                found = answer(brood.port, pieces, True)
                n += 1
                check(found == whole, f"{pieces}\n{found[:400]}\ninstead of\n{whole[:400]}")
        print(f"{engine}: {n} splits of {len(CORPUS)} inputs, each answered like the whole")
        brood.stop()
