#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""100 Continue is sent to a client that waits for it when the body is wanted, and only then."""
from _play import Brood, Client, check, engines

EXPECTS = b"Host: play\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"


def play(port):
    with Client(port) as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + EXPECTS)
        check(client.response().status == 100, "the body is wanted")
        client.send(b"hello")
        check(client.response().body == b"hello", "and comes back")
        client.send(b"POST /echo HTTP/1.1\r\n" + EXPECTS + b"hello")
        response = client.response()
        check(response.status in (100, 200), "a body that is there already needs no 100")
        check((response if response.status == 200 else client.response()).body == b"hello", "the answer")
        client.send(b"POST /nowhere HTTP/1.1\r\n" + EXPECTS)
        response = client.response()
        check(response.status == 404 and response["connection"] == "close", f"not wanted: {response.raw}")
        check(client.ended(2), "and the client cannot know whether to send it: the connection ends")
    with Client(port) as client:
        client.send(b"POST /echo HTTP/1.0\r\n" + EXPECTS)
        client.send(b"hello")
        check(client.response().body == b"hello", "HTTP/1.0 knows no 100")
    with Client(port) as client:
        client.send(b"POST /echo HTTP/1.1\r\n" + EXPECTS.replace(b": 5", b": 99999999999"))
        check(client.response().status == 413, "too large is said instead")
    with Client(port) as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: play\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        check(client.response().status == 100, "chunked, in other letters")
        client.send(b"5\r\nhello\r\n0\r\n\r\n")
        check(client.response().body == b"hello", "and comes back")


for engine in engines():
    with Brood(engine=engine) as brood:
        play(brood.port)
        brood.stop()
    print(engine, "continues when due")
