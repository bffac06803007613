#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hundred requests in one write are answered in order, then the connection goes on, or ends if the client did."""
import socket

from _play import Brood, Client, check, engines


def request(i):
    if i % 3 == 0:
        body = f"body {i} ".encode() * (i + 1)
        return b"POST /echo HTTP/1.1\r\nHost: play\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    if i % 7 == 0:
        return b"GET /sleep?ms=%d HTTP/1.1\r\nHost: play\r\n\r\n" % (i % 5)
    if i % 11 == 0:
        return b"POST /nowhere HTTP/1.1\r\nHost: play\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    return b"GET /big?bytes=%d HTTP/1.1\r\nHost: play\r\n\r\n" % (i * 100)


def is_right(i, response):
    if i % 3 == 0:
        return response.body == f"body {i} ".encode() * (i + 1)
    if i % 7 == 0:
        return response.body == b"slept\n"
    if i % 11 == 0:
        return response.status == 404
    return response.status == 200 and len(response.body) == i * 100


for engine in engines():
    with Brood(engine=engine) as brood:
        for half_close in (False, True):
            with Client(brood.port) as client:
                client.send(b"".join(map(request, range(100))))
                if half_close:
                    client.s.shutdown(socket.SHUT_WR)
                for i in range(100):
                    response = client.response()
                    check(is_right(i, response), f"{i}: {response.raw[:300]}")
                if half_close:
                    check(client.ended(2), "nothing more, and an orderly end")
                else:
                    check(client.get("/").status == 200, "the connection goes on")
        with Client(brood.port) as client:      # 10 MB of answers to one that begins to read late
            client.send(b"GET /big?bytes=100000 HTTP/1.1\r\nHost: play\r\n\r\n" * 100)
            for _ in range(100):
                check(len(client.response().body) == 100000, "whole")
        for piece in (b"", b"GET / HTTP/1.1\r\nHost:"):      # half-closed without a request, and within one
            with Client(brood.port) as client:
                client.send(piece)
                client.s.shutdown(socket.SHUT_WR)
                check(client.ended(2), "closed at once")
        brood.stop()
    print(engine, "answers 100 in order, twice")
