# SPDX-License-Identifier: MIT
"""A redis-server of a play's own, which can be killed and started again; what is skipped where there is none."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from _play import BROOD, fail, free_port, skip

PASSWORD = "s3cret"


def why_no_redis():
    """None, or why no pool can be given one: there is no server, or brood was built without what asks it."""
    if not shutil.which("redis-server"):
        return "there is no redis-server here"
    said = subprocess.run([BROOD, "serve", "--text", "x", "--listen", "127.0.0.1:0", "--state", "redis://127.0.0.1/x"],
                          capture_output=True, text=True, timeout=20).stderr
    return "built without hiredis" if "without hiredis" in said else None


def need_redis():
    if reason := why_no_redis():
        skip(reason)


@contextlib.contextmanager
def back_ends():
    """Options for each place that shared state can be in here; memory first."""
    if why_no_redis():
        yield [()]
    else:
        with Redis() as redis:
            yield [(), ("--state", redis.url)]


class Redis:
    def __init__(self):
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory(prefix="brood-redis-")
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.kill()
        self.directory.cleanup()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no",
             "--requirepass", PASSWORD, "--dir", self.directory.name], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                if self.ask("PING") == b"+PONG\r\n":
                    return
            except OSError:
                pass
            time.sleep(0.01)
        fail("redis-server does not start")

    def ask(self, command):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            s.sendall(f"AUTH {PASSWORD}\r\n".encode())
            s.recv(100)
            s.sendall(f"{command}\r\n".encode())
            return s.recv(65536)

    def stop(self):
        """It does not answer any more, and is not gone either."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
