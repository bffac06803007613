#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The proxy of the examples: both ways whole, ends passed on one by one, bounded by who does not read."""
# models: one
# timeout: 180
import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from _play import BUILD, IS_SANITIZED, Brood, Checker, check, children_of, free_port, get, wait_until

MUCH = 20 << 20
DATA = os.urandom(1 << 20) * 20


class Proxy:
    def __init__(self, to):
        self.port, self.log = free_port(), tempfile.TemporaryFile()
        self.pool = subprocess.Popen([BUILD / "examples/proxy", f"127.0.0.1:{self.port}", f"127.0.0.1:{to}", "2"],
                                     stderr=self.log, stdin=subprocess.DEVNULL)

    def says(self, what):
        self.log.seek(0)
        return what in self.log.read()

    def __enter__(self):
        wait_until(lambda: self.says(b"ready: 2 workers"), 10, "ready")
        return self

    def __exit__(self, kind, value, trace):
        self.pool.send_signal(signal.SIGTERM)
        try:
            code = self.pool.wait(20)
            check(kind or (code == 0 and not self.says(b"died")), f"it ends with {code}")
        finally:
            self.pool.kill()
            self.log.close()

    def client(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def rss_kib(self):
        return sum(int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])
                   for pid in children_of(self.pool.pid))


def all_of(s):
    return b"".join(iter(lambda: s.recv(1 << 18), b""))


def background(fn, *words):
    thread = threading.Thread(target=fn, args=words)
    thread.start()
    return thread


def clients_end_goes_on(listener, proxy):
    """The client sends all, then its end; only then the server answers."""
    with proxy.client() as client:
        sender = background(lambda: (client.sendall(DATA), client.shutdown(socket.SHUT_WR)))
        server = listener.accept()[0]
        found = hashlib.sha256(all_of(server)).digest()
        server.sendall(found)
        server.close()
        sender.join()
        check(all_of(client) == hashlib.sha256(DATA).digest(), "20 MiB and an end, to the server")


def servers_end_goes_on(listener, proxy):
    """The server sends all, then its end; only then the client begins."""
    with proxy.client() as client:
        server = listener.accept()[0]
        sender = background(lambda: (server.sendall(DATA), server.shutdown(socket.SHUT_WR)))
        check(all_of(client) == DATA, "20 MiB and an end, to the client")
        sender.join()
        found = []
        reader = background(lambda: found.append(all_of(server)))
        client.sendall(DATA[:5 << 20])
        client.shutdown(socket.SHUT_WR)
        reader.join()
        check(found[0] == DATA[:5 << 20], "5 MiB, behind the server's end")
        server.close()


def both_ends_before_it_is_read(listener, proxy):
    with proxy.client() as client:
        server = listener.accept()[0]
        server.shutdown(socket.SHUT_WR)
        check(client.recv(1) == b"", "the server's end")
        sender = background(lambda: (client.sendall(DATA[:8 << 20]), client.shutdown(socket.SHUT_WR)))
        time.sleep(0.3)
        check(all_of(server) == DATA[:8 << 20], "what was sent before both had ended")
        sender.join()
        server.close()


def push(s):
    """As much as goes. Returns how much, until nothing has gone for a while."""
    s.settimeout(0.5)
    n = 0
    try:
        while n < 10 * MUCH:
            n += s.send(DATA[n % (1 << 20):][:1 << 18])
    except TimeoutError:
        pass
    s.settimeout(20)
    return n


def who_does_not_read_holds_back(listener, proxy, to_server):
    before = proxy.rss_kib()
    with proxy.client() as client:
        server = listener.accept()[0]
        server.settimeout(20)
        sender, receiver = (client, server) if to_server else (server, client)
        n = push(sender)
        grown = proxy.rss_kib() - before
        check(n < 10 * MUCH, "no end of what is taken")
        check(grown < 2048 or IS_SANITIZED, f"{n} bytes were taken, and {grown} KiB of memory")
        receiver.settimeout(20)
        sender.shutdown(socket.SHUT_WR)
        found = all_of(receiver)
        check(len(found) == n, f"{len(found)} of {n} bytes")
        server.close()


def failures(listener, proxy):
    with proxy.client() as client:
        server = listener.accept()[0]
        server.sendall(b"and then")
        check(client.recv(100) == b"and then", "the beginning")
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()      # a reset
        check(client.recv(100) == b"", "the client's connection is closed, too")
    with proxy.client() as client:
        server = listener.accept()[0]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        server.settimeout(10)
        try:
            check(server.recv(100) == b"", "the server's connection is closed, too")
        except ConnectionError:
            pass


with socket.create_server(("127.0.0.1", free_port())) as sink, Proxy(sink.getsockname()[1]) as proxied:
    sink.settimeout(20)
    clients_end_goes_on(sink, proxied)
    servers_end_goes_on(sink, proxied)
    both_ends_before_it_is_read(sink, proxied)
    for towards_server in (True, False):
        who_does_not_read_holds_back(sink, proxied, towards_server)
    failures(sink, proxied)
with Proxy(free_port()) as to_nobody, to_nobody.client() as refused:
    check(refused.recv(100) == b"", "with nobody there, the connection is closed")
with Brood() as brood, Proxy(brood.port) as proxied:
    check(get(proxied.port, "/").status == get(brood.port, "/").status, "as the server says")
    checker = Checker(proxied.port, "keepalive", 8)
    time.sleep(1)
    checker.finish()
    checker.expect_nothing_noticed()
    brood.stop()
