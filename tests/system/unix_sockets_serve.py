#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unix: addresses serve HTTP and streams under each model: who may connect, over a reload, an upgrade and the end."""
# timeout: 300
import os
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

from _play import BROOD, MODEL, Brood, check, engines, wait_until


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(path)
    return client


def curl(path, target="/whoami"):
    result = subprocess.run(["curl", "-sS", "--unix-socket", path, f"http://pool{target}"], text=True, timeout=20,
                            capture_output=True, check=False)
    check(result.returncode == 0, f"curl: {result.returncode} {result.stderr}")
    return result.stdout


class Clients:
    """Ask over and over, each request whole on a connection that is kept or made anew; any failure is kept."""

    def __init__(self, path, kept):
        self.path, self.kept, self.failures, self.n, self.over = path, kept, [], 0, False
        self.threads = [threading.Thread(target=self.run) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self):
        client = None
        try:
            while not self.over:
                client = client or connect(self.path)
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = b""
                while b"brood.\n" not in answer:
                    piece = client.recv(4096)
                    if not piece:
                        raise OSError(f"ended behind {answer}")
                    answer += piece
                self.n += 1
                if not self.kept:
                    client.close()
                    client = None
                time.sleep(0.001)
        except OSError as error:
            self.failures.append(str(error))

    def finish(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        check(not self.failures and self.n > 20, f"kept {self.kept}: {self.n} answers, {self.failures}")


def serve(engine):
    with tempfile.TemporaryDirectory(prefix="brood-play-") as scratch:
        os.chmod(scratch, 0o755)
        http, stream = f"{scratch}/http.sock", f"{scratch}/stream.sock"
        with socket.socket(socket.AF_UNIX) as dead:     # what a dead pool leaves
            dead.bind(http)
        options = ["--listen", f"unix:{http},mode=0600", "--listen", f"stream:unix:{stream},mode=0666"]
        with Brood(*options, "--access-log", "access", engine=engine, control=True) as brood:
            told = brood.status()["listen"]
            check(told[1:] == [f"unix:{http}", f"stream:unix:{stream}"], f"the status: {told}")
            if MODEL == "reuseport":
                brood.wait_for_line("one socket that all workers share")
            check(stat.S_IMODE(os.stat(http).st_mode) == 0o600, "the mode that was asked for")
            check(stat.S_IMODE(os.stat(stream).st_mode) == 0o666, "and the other")
            check('"slot"' in curl(http), "HTTP")
            check(len(curl(http, "/big?bytes=3000000")) == 3000000, "much of it")
            with connect(stream) as client:
                data = os.urandom(3_000_000)
                sender = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
                sender.start()
                found = bytearray()
                while piece := client.recv(65536):
                    found += piece
                sender.join()
                check(found == data, "a stream")
            wait_until(lambda: "unix:" in open(f"{brood.directory.name}/access").read(), 5, "the access log")
            clients = [Clients(http, True), Clients(http, False)]
            idle = connect(http)
            time.sleep(0.1)
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done", 10)
            brood.ctl("scale", 3, "--wait")
            brood.ctl("scale", 1, "--wait")
            inode = os.stat(http).st_ino
            brood.ctl("upgrade", "--wait")
            brood.seen_workers.add(brood.status()["pid"])       # not to be left behind, whatever follows
            check(os.stat(http).st_ino == inode, "the socket stays over an upgrade")
            for one in clients:
                one.finish()
            idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            check(b"brood.\n" in idle.makefile("rb").read(), "an idle one is still served")
            second = subprocess.run([BROOD, "serve", "--listen", f"unix:{http}", "--text", "x", "--control", "off"],
                                    capture_output=True, text=True, timeout=20, check=False)
            check(second.returncode == 1 and "in use by pid" in second.stderr, f"a second pool: {second}")
            brood.ctl("stop")
            wait_until(lambda: not os.path.exists(http) and not os.path.exists(stream), 10, "they are removed")
            wait_until(lambda: not [line for line in os.popen("ps -eo args") if http in line and "serve" in line], 10,
                       "it ends")


for name in engines():
    serve(name)
    print(f"{name}: served, reloaded, scaled, upgraded and gone")
