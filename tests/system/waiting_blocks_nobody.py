#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs, connections, files and alarms of a handler: what they bring is right, they end with their request, and
the one worker answers others meanwhile."""
# models: one
# waits: mostly
import os
import pathlib
import signal
import socket
import socketserver
import threading
import time

from _play import BUILD, SLOW, Brood, Client, check, children_of, descriptors_of, engines, wait_until


def ask(brood, target, body=None, timeout=15):
    with Client(brood.port, timeout=timeout) as client:
        if body is None:
            return client.get(target)
        client.send(f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return client.response("POST")


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        while piece := self.request.recv(65536):
            self.request.sendall(piece)


class Flood(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(65536):
            pass
        self.request.sendall(bytes(3000000))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def check_programs(brood):
    check(ask(brood, "/run?words=sort+-r", b"a\nc\nb\n").body == b"c\nb\na\n", "sort")
    big = os.urandom(1000000)
    check(ask(brood, "/run?words=cat", big).body == big, "a megabyte through cat")
    check(ask(brood, "/run?words=false", b"")["X-Exit"] == "1", "its exit code")
    check(ask(brood, "/run?words=sh+-c+kill$IFS-9$IFS$$", b"")["X-Exit"] == str(256 + 9), "its signal")
    check(ask(brood, "/run?words=/nowhere/x").status == 404, "no such program")
    check(ask(brood, "/run?words=yes").status == 502, "too much output")
    check(b"No such file" in ask(brood, "/run?words=ls+/nowhere/x").body, "its errors")
    began = time.monotonic()
    with Client(brood.port) as client:
        client.send(b"GET /run?words=sleep+2 HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(20):
            ask(brood, "/later?ms=1")
        check(time.monotonic() - began < 1.9 * SLOW, "others are answered while it runs")
        check(client.response().status == 200, "and it is answered")


def check_leaving(brood, worker):
    client = Client(brood.port)
    client.send(b"GET /run?words=sleep+60 HTTP/1.1\r\nHost: x\r\n\r\n")
    program = wait_until(lambda: children_of(worker), 3, "it runs")[0]
    client.close()
    wait_until(lambda: not os.path.exists(f"/proc/{program}"), 2, "it ends with its request, and is reaped")


def check_time(brood):
    began = time.monotonic()
    check(ask(brood, "/run?words=sleep+60").status == 504, "out of time")
    check(4.5 < time.monotonic() - began < 6 * SLOW, "after 5 s")


def check_connections(brood, directory):
    echo, flood = serve(Server(("127.0.0.1", 0), Echo)), serve(Server(("127.0.0.1", 0), Flood))
    local = serve(UnixServer(f"{directory}/socket", Echo))
    check(ask(brood, f"/line?to=127.0.0.1:{echo.server_address[1]}&say=hello").body == b"hello\n", "TCP")
    check(ask(brood, f"/line?to=unix:{directory}/socket&say=hello").body == b"hello\n", "UNIX")
    check(ask(brood, f"/line?to=127.0.0.1:{flood.server_address[1]}").body == bytes(3000000), "3 MB")
    check(ask(brood, "/line?to=127.0.0.1:1").status == 502, "refused")
    check(ask(brood, f"/line?to=unix:{directory}/nowhere").status == 404, "no socket there")
    check(ask(brood, "/line?to=localhost:80").status == 502, "names are not looked up")
    with socket.socket() as deaf:       # accepts and says nothing: the client leaves first
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        client = Client(brood.port)
        client.send(f"GET /line?to=127.0.0.1:{deaf.getsockname()[1]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        peer, _ = deaf.accept()
        check(peer.recv(10) == b"\n", "it says its line")
        client.close()
        peer.settimeout(3)
        peer.send(b"x")     # told by a reset, or by the end it has had
        time.sleep(0.2)
        try:
            peer.send(b"x")
            peer.send(b"x")
            check(False, "the connection ends with its request")
        except OSError:
            pass
        peer.close()
    for server in (echo, flood, local):
        server.shutdown()
        server.server_close()


def check_files(brood, directory):
    path = f"{directory}/file"
    for n in (0, 1, 256 * 1024, 1000000):
        body = os.urandom(n)
        check(ask(brood, f"/file?path={path}", body).status == 200, f"{n} bytes written")
        check(pathlib.Path(path).read_bytes() == body and ask(brood, f"/file?path={path}").body == body, f"{n} bytes")
    check(ask(brood, f"/file?path={directory}/none").status == 404, "no such file")
    check(ask(brood, f"/file?path={directory}").status == 502, "a directory")
    check(ask(brood, "/file?path=/dev/zero").status == 502, "no regular file")
    check(ask(brood, "/file?path=/nowhere/x", b"x").status == 404, "nowhere to write")
    check(sorted(os.listdir(directory))[:1] == ["file"] and len(os.listdir(directory)) <= 2, os.listdir(directory))


for engine in engines():
    with Brood(engine=engine, workers=1, what=("--handler", BUILD / "examples/relay.so")) as brood:
        directory = os.path.join(brood.directory.name, "work")
        os.mkdir(directory)
        worker = brood.workers()[0]
        began = time.monotonic()
        check(ask(brood, "/later?ms=100").body == b"later\n" and 0.19 < time.monotonic() - began < 1 * SLOW, "two alarms")
        time.sleep(0.2)
        before = descriptors_of(worker)
        check_programs(brood)
        check_leaving(brood, worker)
        check_connections(brood, directory)
        check_files(brood, directory)
        check_time(brood)
        wait_until(lambda: len(descriptors_of(worker)) == len(before), 3, f"descriptors: {before} {descriptors_of(worker)}")
        check(children_of(worker) == [] and brood.workers() == [worker], "nobody is left, and nobody died")
        last = Client(brood.port)       # is waited for
        last.send(b"GET /run?words=sleep+0.5 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: children_of(worker), 3, "it runs")
        brood.kill(signal.SIGTERM)
        check(last.response()["X-Exit"] == "0", "a drain waits")
        brood.wait_exit(0, 5)
        print(f"{engine}: ok")
