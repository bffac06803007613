# SPDX-License-Identifier: MIT
"""One server under measurement: start it pinned, ask it once, read what it costs from /proc, stop it.

A server is all its processes: the one started and every descendant, found anew at each reading, so
that a parent and its workers count together.
"""
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

HOST = "127.0.0.1"


class CannotRun(Exception):
    """The server did not start or did not answer; the text says why."""


def descendants(pid):
    """The pids of every living descendant of pid."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in map(int, f.read().split()):
                    found += [child] + descendants(child)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def cpu_ns(pids):
    """Time on a CPU of all threads, user and kernel, to the nanosecond."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
    return total


def reaped_ns(pid):
    """Time on a CPU of the children that pid has waited for, in the clock ticks the kernel gives."""
    with open(f"/proc/{pid}/stat") as f:
        field = f.read().rsplit(")", 1)[1].split()
    return (int(field[13]) + int(field[14])) * 10**9 // os.sysconf("SC_CLK_TCK")


def spent_ns(pids):
    """cpu_ns() with the dead: a worker that is killed meanwhile keeps counting."""
    total = 0
    for pid in pids:
        try:
            total += cpu_ns([pid]) + reaped_ns(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def voluntary_switches(pid):
    """How often the threads of pid went to sleep, hence how often they woke."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as f:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M).group(1))
    return total


def rollup_bytes(pid):
    """smaps_rollup as {field: bytes}."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return {name: int(kb) * 1024 for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M)}


def read_answer(sock, data=b""):
    """One answer with a Content-Length, as (head, body)."""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionError("closed before the end of the head")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    if not length:
        raise ConnectionError("an answer without Content-Length")
    while len(body) < int(length.group(1)):
        piece = sock.recv(1 << 20)
        if not piece:
            raise ConnectionError("closed before the end of the body")
        body += piece
    return head + b"\r\n\r\n", body


class Server:
    def __init__(self, name, argv, port, cpu=None, config=""):
        self.name, self.argv, self.port, self.cpu = name, [str(a) for a in argv], port, cpu
        self.config = config		# the text of its configuration file
        self.process = None
        self.output = None
        self.last_output = ""		# after stop(): all it said

    def pids(self):
        return [self.process.pid] + descendants(self.process.pid)

    def workers(self):
        return descendants(self.process.pid)

    def start(self):
        self.output = tempfile.TemporaryFile()
        pin = (lambda: os.sched_setaffinity(0, {self.cpu})) if self.cpu is not None else None
        try:
            self.process = subprocess.Popen(self.argv, preexec_fn=pin, stdin=subprocess.DEVNULL,
                                            stdout=self.output, stderr=self.output)
        except OSError as e:
            raise CannotRun(f"{self.argv[0]}: {e.strerror}") from e
        try:
            self.wait_ready()
        except CannotRun:
            self.stop()
            raise
        return self

    def wait_ready(self, seconds=5):
        deadline = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise CannotRun(f"exited with {self.process.returncode}: {self.last_words()}")
            try:
                return self.ask("/")
            except OSError as e:
                if time.monotonic() > deadline:
                    raise CannotRun(f"no answer in {seconds} s ({e}): {self.last_words()}") from e
                time.sleep(0.02)

    def whole_output(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def last_words(self):
        lines = self.whole_output().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def request(self, path):
        return f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\n\r\n".encode()

    def ask(self, path, seconds=2):
        """(head, body) of one GET on a connection of its own."""
        with socket.create_connection((HOST, self.port), seconds) as sock:
            sock.sendall(self.request(path))
            return read_answer(sock)

    def stop(self):
        """TERM, then KILL after two seconds, for it and what it left behind."""
        if self.process is None:
            return
        pids = self.workers()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.kill()
            self.process.wait()
        self.last_output = self.whole_output()
        self.output.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Group(Server):
    """A server in front and those behind it, which count and live together."""

    def __init__(self, front, backends):
        super().__init__(front.name, front.argv, front.port, front.cpu, "\n".join(
            " ".join(server.argv) for server in backends))
        self.backends = backends

    def pids(self):
        return super().pids() + [pid for server in self.backends for pid in server.pids()]

    def workers(self):
        return [pid for server in self.backends for pid in server.workers()]

    def start(self):
        try:
            for server in self.backends:
                server.start()
            return super().start()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        super().stop()
        for server in self.backends:
            server.stop()


def brood(binary, port, *options, directory=None, handler=None, text="Hello, world!\n", workers=1, engine=None,
          cpu=None):
    """brood as every bench starts it."""
    argv = [binary, "serve", "--listen", f"{HOST}:{port}", "--workers", workers]
    argv += ["--engine", engine] if engine else []
    content = [directory] if directory else ["--handler", handler] if handler else ["--text", text]
    argv += [*options, *content]
    return Server("brood", argv, port, cpu)
