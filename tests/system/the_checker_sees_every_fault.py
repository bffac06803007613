#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""Each way a server can fail its client is counted by the checker under its own name."""
# waits: mostly
import socket
import struct
import threading

from _play import Checker, check

HEAD = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: a/b\r\nContent-Length: 22\r\n"
BODY = b"Hello from the brood.\n"
GOOD = HEAD + b"\r\n" + BODY


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say(data):
    return lambda connection: connection.sendall(data)


def answer_one_of_two(connection):
    connection.sendall(GOOD)
    connection.recv(4096)


FAULTS = {
    "lost_eof": lambda connection: None,
    "lost_reset": reset,
    "cut_short": say(GOOD[:-1]),
    "closed_announced": say(HEAD + b"Connection: close\r\n\r\n" + BODY),
    "closed_idle": say(GOOD),
    "raced": answer_one_of_two,
}
PAUSED = ("closed_idle", "raced")
WRONGS = {
    "body": GOOD[:-2] + b"?\n", "status": GOOD.replace(b"200 OK", b"200 Ok"), "more": GOOD + b"!",
    "length": GOOD.replace(b"22", b"21"), "no date": GOOD.replace(b"Date", b"Data"),
    "twice": HEAD + b"Content-Length: 22\r\n\r\n" + BODY, "garbage": b"?" * 8000,
}


def serve(listener, misbehave):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            data = b""
            while b"\r\n\r\n" not in data and (more := connection.recv(4096)):
                data += more
            if data:
                misbehave(connection)


def play(misbehave, rate=0):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, misbehave))
        server.start()
        checker = Checker(listener.getsockname()[1], path="/", connections=1, seconds=0.9 if rate else 0.3, rate=rate).finish(told=False)
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    return checker


for name, misbehave in FAULTS.items():
    found = play(misbehave, rate=10 if name in PAUSED else 0)
    check(found[name] > 0, f"{name} is seen")
    others = {other for other in FAULTS if found[other]} - {name}
    check(not others and not found["wrong"], f"{name} is not taken for {others}")
for name, data in WRONGS.items():
    check(play(say(data))["wrong"] > 0, f"a wrong {name} is seen")
check(play(lambda connection: connection.recv(1))["stalled"] > 0, "a stall is seen")
with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    refused = Checker(unused.getsockname()[1], path="/", connections=1, seconds=0.2).finish(told=False)
check(refused["refused"] > 0 and refused.lost() == 0, "refused is not lost")
