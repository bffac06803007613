#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""brood_fetch() brings what another server says, keeps connections, and believes no response that could be two."""
# models: one
# waits: mostly
import socket
import threading
import time

from _play import BUILD, SLOW, Brood, Client, check, descriptors_of, engines, wait_until

BIG = b"x" * 1000000
ANSWERS = {
    "/length": b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\nhello",
    "/empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "/none": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: r\r\n\r\n",
    "/interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "/big": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + BIG,
    "/404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
}
ENDING = {      # the connection ends behind it
    "/end": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "/old": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "/close": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
}
WRONG = {
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    "/cutchunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "/two": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "/both": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "/garbage": b"\x16\x03\x01 what\r\n\r\n", "/nothing": b"", "/switch": b"HTTP/1.1 101 x\r\n\r\n",
    "/huge": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "/badchunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


class Server:
    """Answers by the target; counts connections and requests."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.n_connections, self.requests, self.open = 0, [], set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.n_connections += 1
            self.open.add(peer)
            threading.Thread(target=self.serve, args=[peer], daemon=True).start()

    def serve(self, peer):
        reader = peer.makefile("rb")
        try:
            while line := reader.readline():
                fields = {}
                while (field := reader.readline().strip()):
                    name, value = field.split(b": ", 1)
                    fields[name.lower()] = value
                body = reader.read(int(fields.get(b"content-length", 0)))
                method, target = line.decode().split()[:2]
                self.requests.append((method, target, fields, body))
                if target == "/sleep":
                    peer.recv(1)
                    return
                if target == "/body":
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    continue
                answer = ANSWERS.get(target)
                if answer is None or target == "/drip":
                    for byte in (ENDING | WRONG)[target]:
                        peer.send(bytes([byte]))
                    return
                peer.sendall(answer)
        except OSError:
            pass
        finally:
            self.open.discard(peer)
            reader.close()
            peer.close()

    def drop_idle(self):
        for peer in list(self.open):
            peer.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: not self.open, 3, "dropped")


def ask(brood, address, target, body=None):
    path = f"/fetch?from={address}&target={target}"
    with Client(brood.port, timeout=10) as client:
        if body is None:
            return client.get(path)
        client.send(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return client.response("POST")


def play(engine):
    server = Server()
    with Brood(engine=engine, workers=1, what=("--handler", BUILD / "examples/relay.so")) as brood:
        worker = brood.workers()[0]
        before = len(descriptors_of(worker))
        expected = {"/length": (200, b"hello"), "/empty": (200, b""), "/none": (204, b""), "/chunks": (200, b"hello"),
                    "/interim": (200, b"hello"), "/big": (200, BIG), "/404": (404, b"no")}
        for target, (status, body) in expected.items():
            answer = ask(brood, server.address, target)
            check((answer.status, answer.body) == (status, body), f"{target}: {answer.status} {answer.body[:99]}")
        check(server.n_connections == 1, f"one connection for all, not {server.n_connections}")
        check(ask(brood, server.address, "/length")["Content-Type"] == "text/x", "its fields")
        body = b"y" * 500000
        check(ask(brood, server.address, "/body", body).body == body, "what is posted")
        method, _, fields, _ = server.requests[-1]
        check(method == "POST" and fields[b"host"] == server.address.encode() and fields[b"user-agent"] == b"relay", fields)
        check(server.n_connections == 1, "still one")
        server.drop_idle()
        check(ask(brood, server.address, "/length").body == b"hello", "a closed one is replaced")
        for target in ENDING:
            answer = ask(brood, server.address, target)
            check((answer.status, answer.body) == (200, b"hello"), f"{target}: {answer.status} {answer.body[:99]}")
        for target in WRONG:
            answer = ask(brood, server.address, target)
            check(answer.status == 502, f"{target}: {answer.status} {answer.body[:99]}")
        began = time.monotonic()
        check(ask(brood, server.address, "/sleep").status == 504 and time.monotonic() - began < 1.5 * SLOW, "out of time")
        check(ask(brood, "127.0.0.1:1", "/").status == 502, "nobody there")
        check(ask(brood, server.address, "/a%20b").status == 502, "a target that is none")
        n = len(server.requests)
        client = Client(brood.port)
        client.send(f"GET /fetch?from={server.address}&target=/sleep HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda: len(server.requests) > n, 3, "asked")
        n_open = len(server.open)
        client.close()
        wait_until(lambda: len(server.open) < n_open, 2, "it ends with its request")
        server.drop_idle()
        wait_until(lambda: len(descriptors_of(worker)) <= before, 3, f"descriptors: {before}, {descriptors_of(worker)}")
        check(brood.workers() == [worker], "nobody died")
        check(ask(brood, server.address, "/length").status == 200, "an idle connection")
        check(brood.stop() < 3 * SLOW, "is not waited for")
        print(f"{engine}: {len(server.requests)} requests on {server.n_connections} connections")
    server.socket.close()


for engine in engines():
    play(engine)
