# SPDX-License-Identifier: MIT
"""The contenders: a name, what kind of server it is, and how it is started on a port for a workload."""
import os
import socket
from dataclasses import dataclass
from typing import Callable

from lib import peers
from lib.content import TEXT
from lib.server import HOST, CannotRun, brood

MODELS = ("reuseport", "preemptive", "round-robin")	# reuseport as the kernel's hash falls
BALANCES = ("reuseport/weighted", "reuseport/least")
PORTS = 480			# from --ports on, used in turn
BACKLOG_TOTAL = 2048		# of all listening sockets of a server together; somaxconn must allow it


@dataclass(frozen=True)
class Arm:
    name: str
    server: str			# brood, nginx, ...
    model: str			# how connections reach its workers
    engine: str
    workers: int
    make: Callable		# (field, port, serves) -> Server; serves: "text", "files" or "demo"
    separate: bool = True	# workers are processes, with connections of their own, told apart from outside


class Field:
    """What the contenders of one run share: arguments, directories, where the server is pinned."""

    def __init__(self, args, workdir, files, text):
        self.args, self.workdir, self.files, self.text = args, workdir, files, text
        self.cpu = None			# None: on every CPU
        self.all_cpus = os.sched_getaffinity(0)
        self.close = False		# the workload makes a connection per request
        self.request_bytes = 0		# of the client's request, when null servers must count it
        self.fill_bytes = 0
        self.next_port = args.ports

    def take_port(self):
        """The next one that nothing uses; another run's connections may be among the clients' own ports."""
        while True:
            port = self.next_port
            self.next_port = self.args.ports + (port + 1 - self.args.ports) % PORTS
            with socket.socket() as sock:
                try:
                    sock.bind((HOST, port))
                    return port
                except OSError:
                    continue


def brood_server(field, port, serves, model, engine, workers):
    args = field.args
    model, _, balance = model.partition("/")
    balance = balance or ("hash" if model == "reuseport" else "auto")
    options = ["--model", model, "--balance", balance, "--backlog", max(1, BACKLOG_TOTAL // workers),
               "--log-level", "debug", "--restart-limit", "1000/10s", "--backoff", "1ms..10ms"]
    content = {"demo": {"handler": args.handler}, "files": {"directory": field.files}, "text": {"text": TEXT}}
    return brood(args.brood, port, *options, workers=workers, engine=engine, cpu=field.cpu, **content[serves])


def brood_arm(model, engine="uring", workers=1):
    def make(field, port, serves):
        return brood_server(field, port, serves, model, engine, workers)
    return Arm(f"brood {model} {engine} x{workers}", "brood", model, engine, workers, make)


def brood_arms(models=MODELS, engines=("uring",), workers=(1,)):
    return [brood_arm(m, e, n) for n in workers for e in engines for m in models]


def null_arm(kind):
    def make(field, port, serves):
        options = ["--request-bytes", field.request_bytes] if field.request_bytes else []
        options += ["--fill-bytes", field.fill_bytes] if field.fill_bytes else []
        options += ["--close"] if field.close else []
        if field.close and kind == "epoll":
            raise CannotRun("null_epoll keeps its connections")
        return peers.null_server(field.args.build, kind, port, field.cpu, *options)
    return Arm(f"null_{kind}", f"null_{kind}", "one process", kind, 1, make, separate=False)


def nginx_arm(listen, workers=1, nopush="on"):
    def make(field, port, serves):
        return peers.nginx(field.workdir, port, field.cpu, field.files if serves == "files" else None,
                           nopush=nopush, workers=workers, listen=listen,
                           backlog=BACKLOG_TOTAL // (workers if listen == "reuseport" else 1))
    return Arm(f"nginx {listen} x{workers}", "nginx", listen, "epoll", workers, make)


def node_arm(policy, workers=1):
    def make(field, port, serves):
        return peers.node(field.workdir, port, field.cpu, workers, policy, BACKLOG_TOTAL)
    return Arm(f"node {policy} x{workers}", "node", f"SCHED_{policy.upper()}", "epoll", workers, make)


def guest_arm(workers=1):
    def make(field, port, serves):
        return peers.node_behind_brood(field.args.brood, field.workdir, port, field.cpu, workers,
                                       max(1, BACKLOG_TOTAL // workers))
    return Arm(f"node behind brood x{workers}", "node", "brood run", "epoll", workers, make)


def haproxy_arm(workers=1):
    def make(field, port, serves):
        return peers.haproxy(field.workdir, port, field.cpu, workers, BACKLOG_TOTAL)
    return Arm(f"haproxy x{workers}", "haproxy", "threads, one socket", "epoll", workers, make, separate=False)


def h2o_arm(workers=1):
    def make(field, port, serves):
        return peers.h2o(field.workdir, port, field.cpu, field.files if serves == "files" else field.text,
                         workers)
    return Arm(f"h2o x{workers}", "h2o", "threads, one socket", "epoll", workers, make, separate=False)


def proxy_arm(workers=1):
    def make(field, port, serves):
        backends = [brood_server(field, field.take_port(), serves, "reuseport", "uring", 1)
                    for _ in range(workers)]
        return peers.proxy(field.args.build, port, field.cpu, backends)
    return Arm(f"proxy x{workers}", "proxy", "proxy", "uring", workers, make, separate=False)


def check_answers(arm, server, paths, expected):
    """Refuses a server that answers one of the paths with anything but what it must."""
    for path in paths:
        try:
            head, body = server.ask(path)
        except OSError as e:
            raise CannotRun(f"{path}: {e}") from e
        if not head.startswith(b"HTTP/1.1 200 "):
            raise CannotRun(f"answers {path} with {head.splitlines()[0].decode(errors='replace')}")
        if expected(path) is not None and body != expected(path):
            raise CannotRun(f"answers {path} with {len(body)} other bytes")


