#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each request is one line of the access log, whatever became of it, and nothing a client sends makes another."""
# models: one
import json
import re
import socket
import struct
import time

from _play import Brood, Checker, Client, check, engines, get, wait_until

COMMON = re.compile(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "([^"]*)" (\d{3}) (\d+)'
                    r'( "[^"]*" "[^"]*")? time=(\d+\.\d{6}) slot=(\d)')


def raw(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass


def abandon(port):
    """A client that leaves, with a reset, before its answer."""
    with Client(port) as client:
        client.send("GET /sleep?ms=5000 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.1)
        client.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


for engine in engines():
    with Brood("--access-log", "access", "--access-log-format", "json", "--header-timeout", "300ms",
               "--max-body", "1k", engine=engine, workers=1) as brood:
        def lines():
            with open(f"{brood.directory.name}/access", "rb") as log:
                text = log.read()
            check(text.isascii() and (not text or text.endswith(b"\n")), f"whole lines of ASCII: {text[-200:]}")
            return [json.loads(line) for line in text.splitlines()]

        def last(n):
            return wait_until(lambda: len(found := lines()) >= n and found[n - 1], 5, f"line {n}")

        get(brood.port, "/whoami?a=b", "Referer: http://r/\"\\\r\nUser-Agent: x\xfe\r\n")
        line = last(1)
        check(line["client"] == "127.0.0.1" and line["request"] == "GET /whoami?a=b HTTP/1.1", line)
        check(line["status"] == 200 and line["slot"] == 0 and line["bytes"] > 20, line)
        check(line["referer"] == 'http://r/"\\' and line["agent"].startswith("x"), line)
        check(0 <= line["seconds"] < 1, line)
        get(brood.port, "/sleep?ms=120")
        check(0.1 <= last(2)["seconds"] < 2, last(2))
        get(brood.port, "/spin?ms=60")          # in the loop: it is this request's time as well
        check(0.05 <= last(3)["seconds"] < 2, last(3))
        get(brood.port, "/big?bytes=300000")
        check(last(4)["bytes"] == 300000, last(4))
        get(brood.port, "/big?bytes=300000", method="HEAD")
        check(last(5)["bytes"] == 0 and last(5)["request"].startswith("HEAD "), last(5))
        raw(brood.port, b"GE\"T /\\ \x80\x01\r\nInjected: 1\r\n\r\n")
        check(last(6)["request"] == "GE\"T /\\ \x80\x01" and 400 <= last(6)["status"] < 600, last(6))
        raw(brood.port, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
        check(last(7)["status"] == 413, last(7))
        with Client(brood.port) as client:      # half a head, and no more
            client.send("GET / HT")
            client.response()
        check(last(8)["status"] == 408 and last(8)["request"] is None, last(8))
        abandon(brood.port)
        check(last(9)["status"] == 499, last(9))
        with Client(brood.port) as client:      # pipelined, kept alive: the client is known of each
            client.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
            for _ in range(5):
                client.response()
        last(14)
        check(all(line["client"] == "127.0.0.1" for line in lines()), "each has its client")
        brood.stop()
        check(len(lines()) == 14, f"and there is no other line: {lines()[14:]}")

    with Brood("--access-log", "access", "--access-log-format", "common", engine=engine, workers=2) as brood:
        checker = Checker(brood.port, seconds=1).finish(told=False)
        brood.stop()
        with open(f"{brood.directory.name}/access", encoding="ascii") as log:
            found = [COMMON.fullmatch(line.rstrip("\n")) for line in log]
        check(all(found), "each line has its form")
        check(len(found) == checker["answered"], f"{len(found)} lines of {checker['answered']} answers")
        check(all(match[2] == "200" and not match[4] for match in found), "and what it says is so")
        check({match[6] for match in found} == {"0", "1"}, "of both slots")
        print(f"{engine}: {len(found)} lines")
