#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo handler is answered the same by io_uring and by epoll, and the log says which it is."""
import json
import time

from _play import MODEL, Brood, Client, check, engines

NAMES = {"uring": "io_uring", "epoll": "epoll"}


def pattern(n):
    return (b"abcdefghijklmnopqrstuvwxyz" * (n // 26 + 1))[:n]


def play(brood, engine):
    with Client(brood.port) as client:
        root = client.get("/")
        check(root.status == 200 and root.body == b"Hello from the brood.\n", root.raw)
        who = json.loads(client.get("/whoami").body)
        check(who["engine"] == NAMES[engine] and who["model"] == MODEL and who["pid"] in brood.workers(), who)
        for body in (b"", b"x", bytes(range(256)) * 4000):
            client.send(f"PUT /echo HTTP/1.1\r\nHost: play\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            check(client.response().body == body, f"{len(body)} bytes come back")
        client.send("POST /echo HTTP/1.1\r\nHost: play\r\nTransfer-Encoding: chunked\r\nContent-Type: a/b\r\n\r\n"
                    "5;name=value\r\nhello\r\nA\r\n, chunked!\r\n0\r\nTrailer: yes\r\n\r\n")
        echo = client.response()
        check(echo.body == b"hello, chunked!" and echo["content-type"] == "a/b", echo.raw)
        for n in (0, 1, 25, 16384, 300_000, 5_000_000):
            big = client.get(f"/big?bytes={n}")
            check(big.body == pattern(n) and big["content-length"] == str(n), f"/big?bytes={n}")
        head = client.get("/big?bytes=12345", method="HEAD")
        check(head.status == 200 and head["content-length"] == "12345" and head.body == b"", head.raw)
        began = time.monotonic()
        check(client.get("/sleep?ms=120").body == b"slept\n", "/sleep")
        check(0.1 < time.monotonic() - began < 2, "/sleep takes its time")
        check(client.get("/nowhere").status == 404, "404")
        refused = client.get("/whoami", method="DELETE")
        check(refused.status == 405 and refused["allow"] == "GET, HEAD", refused.raw)
        check(client.get("/big?bytes=many").status == 400, "400")
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            check(client.get("/", method=method).body == root.body, method)


for engine in engines():
    with Brood(engine=engine) as brood:
        check(brood.lines(rf"ready: 2 workers on http://127\.0\.0\.1:{brood.port} \({MODEL}, {NAMES[engine]}\)"),
              "the log names address, model and engine")
        play(brood, engine)
        brood.stop()
    with Brood(engine=engine, what=("--text", "only this")) as brood:
        answer = brood.get("/any/where")
        check(answer.status == 200 and answer.body.rstrip(b"\n") == b"only this", answer.raw)
        brood.stop()
    print(engine, "serves")
