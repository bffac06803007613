# SPDX-License-Identifier: MIT
"""The load of a chaos: checkers that hurry, and clients that are slow or send garbage. Every answer is checked.

Each is a process that tells a fault as a line of JSON, and its numbers when it is asked by SIGUSR1: the one that has
workers stand still must not be late itself.
"""
import json
import pathlib
import signal
import subprocess
import sys
import threading

from _play import BUILD, check

CHECKERS = (("close", 12, "/echo", 0), ("close", 4, "/big", 0), ("keepalive", 8, "/echo", 0),
            ("keepalive", 64, "/", 1500), ("keepalive", 16, "/", 32), ("keepalive", 4, "/sleep?ms=300", 0),
            ("pipeline=16", 2, "/echo", 0))


class Client:
    """A process of the load; counts is the last it has told."""

    def __init__(self, name, on_fault, command):
        self.name, self.on_fault, self.told = name, on_fault, threading.Event()
        self.counts, self.complaints = {"connections": 0, "requests": 0}, ""
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        self.told.wait(10)      # from here on it can be asked

    def listen(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "fault" in said:
                self.on_fault({"who": self.name, **said})
            else:
                self.counts = said
                self.told.set()

    def ask(self):
        self.told.clear()
        self.process.send_signal(signal.SIGUSR1)

    def totals(self):
        check(self.told.wait(20), f"the client {self.name} answers")
        return self.counts["connections"], self.counts["requests"]

    def finish(self):
        self.complaints = self.process.stderr.read().decode()
        self.thread.join()
        return self.process.wait()


class Load:
    def __init__(self, port, on_fault, seed):
        here = pathlib.Path(__file__).resolve().parent
        self.clients = [Client(f"{mode} {path}", on_fault, [
            BUILD / "tests/tools/checker", "--port", port, "--mode", mode, "--connections", n, "--path", path,
            "--rate", rate, "--seconds", 3600, "--tell"]) for mode, n, path, rate in CHECKERS]
        self.clients.append(Client("slow", on_fault, [sys.executable, here / "_slow.py", port, seed]))

    def totals(self):
        """Connections and requests until now."""
        for client in self.clients:
            client.ask()
        return tuple(map(sum, zip(*(client.totals() for client in self.clients))))

    def kill(self):
        for client in self.clients:
            client.process.kill()

    def finish(self):
        """Returns what it has to say for itself."""
        for client in self.clients:
            client.process.terminate()
        codes = [client.finish() for client in self.clients]
        return "".join(f"a client ended with {code}\n" for code in codes if code) + "".join(
            f"{client.name}: {line}\n" for client in self.clients for line in client.complaints.splitlines())
