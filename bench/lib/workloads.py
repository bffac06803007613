# SPDX-License-Identifier: MIT
"""What is asked of the contenders, who takes part, and which bars there are.

Plain workloads have the server on one CPU and the client on the other, because CPU time per request is
the score. The others float over all CPUs with 2, 4 and 8 workers, because where a connection lands and
how long an answer takes is the score.
"""
from dataclasses import dataclass, field as default

from lib.arms import BALANCES, MODELS, brood_arms, guest_arm, h2o_arm, haproxy_arm, nginx_arm, node_arm, null_arm, proxy_arm

RATE_KEEPALIVE, RATE_CLOSE = 5000, 1000	# the slowest contender reaches more than twice as much
RATE_SPIN = 2000		# x 1 % x 10 ms: a fifth of one CPU spins
RATE_SPIN_CLOSE = 1000		# Node's parent, dealing out connections, is near its limit with 2,000
RATE_ASYNC = 1000		# x 5 % x 50 ms: two or three requests sleep at any time
RATE_FEW, RATE_OPEN = 2000, 1000
RATE_KILL = 2000
RATE_SLOW = 1000
SPIN, SLEEP = "1:/spin?ms=10", "5:/sleep?ms=50"
KILL_SECONDS = 2.0		# a slice with a kill in the middle of each second


@dataclass
class Workload:
    key: str
    title: str
    arms: list
    client: str = "openloop"	# or wrk
    serves: str = "text"
    path: str = "/"
    connections: int = 64
    per_worker: int = 0		# connections per worker instead
    open_rate: int = 0		# of these connections a second at the start; 0: all at once
    wrk: tuple = ()		# more options
    rate: int = 0		# of openloop
    mix: str = ""
    arrivals: str = "poisson"
    close: bool = False
    by_worker: bool = False
    pinned: bool = False
    idle: int = 0		# connections that do nothing meanwhile
    kill: bool = False		# a worker every second
    slow: int = 0		# readers of /1m.bin meanwhile
    length: float = 1.0		# of a slice, beside the others
    seconds: float = 0.0	# of a slice, whatever the others have
    warm_up: float = 0.1
    bars: dict = default(default_factory=dict)	# (arm, of arm) -> bar

    @property
    def plain(self):
        """Whether CPU time per request is the score."""
        return self.pinned

    def paths(self):
        return [self.path] + ([self.mix.split(":", 1)[1]] if self.mix else [])

    def connections_for(self, arm):
        return self.per_worker * arm.workers or self.connections


OWN, OWN_EPOLL = "brood reuseport uring x1", "brood reuseport epoll x1"
NGINX = "nginx reuseport x1"
BOTH = ("uring", "epoll")


def pool_arms():
    """brood's models alone and with two workers, on both engines."""
    return brood_arms(engines=BOTH) + brood_arms(workers=(2,))


def peer_arms():
    return [nginx_arm("reuseport"), nginx_arm("shared"), haproxy_arm(), h2o_arm(), node_arm("rr"),
            node_arm("none"), guest_arm(), proxy_arm()]


def file_arms(nopush="on"):
    return brood_arms() + brood_arms(("reuseport",), ("epoll",)) + [nginx_arm("reuseport", nopush=nopush), h2o_arm()]


def saturated(key, title, arms, **rest):
    return Workload(key, title, arms, client="wrk", pinned=True, **rest)


def plain_workloads(pipeline):
    nulls = [null_arm("uring"), null_arm("epoll")]
    some = brood_arms() + brood_arms(("reuseport",), ("epoll",)) + [nulls[0], nginx_arm("reuseport")]
    return [
        saturated("keepalive-64", "keep-alive, 64 connections", pool_arms() + nulls + peer_arms(),
                  bars={(OWN, "null_uring"): 1.08, (OWN, NGINX): 0.78}),
        saturated("keepalive-512", "keep-alive, 512 connections", some, connections=512, length=0.8),
        saturated("pipelined", "pipelined 16 deep, 64 connections", some + [nulls[1], haproxy_arm(), h2o_arm()],
                  wrk=("-s", pipeline), length=0.8, bars={(OWN, "null_uring"): 1.5}),
        saturated("close", "one connection per request, 64 at a time",
                  pool_arms() + brood_arms(BALANCES, workers=(2,)) + [nulls[0]] + peer_arms(),
                  wrk=("-H", "Connection: close"), close=True,
                  bars={(OWN, NGINX): 1.0}),
        saturated("file-1k", "1 KiB file, 64 connections", file_arms(), serves="files", path="/1k.txt",
                  length=0.8, bars={(OWN, NGINX): 0.65}),
        saturated("body-100k", "100 KB file, 64 connections", file_arms(), serves="files", path="/100k.bin",
                  length=0.8),
        saturated("body-1m", "1 MiB file, 64 connections", file_arms(nopush="off"), serves="files",
                  path="/1m.bin", bars={(OWN, NGINX): 1.05}),
        saturated("idle-1000", "16 active connections beside 1,000 idle ones",
                  some + [haproxy_arm(), h2o_arm()], connections=16, idle=1000, length=0.8),
        Workload("rate-keepalive", f"keep-alive, 64 connections, {RATE_KEEPALIVE:,} requests a second for all",
                 brood_arms(engines=BOTH) + nulls + peer_arms(), rate=RATE_KEEPALIVE, arrivals="uniform",
                 pinned=True),
        Workload("rate-close", f"one connection per request, {RATE_CLOSE:,} a second for all",
                 brood_arms(engines=BOTH) + peer_arms(), rate=RATE_CLOSE, close=True, arrivals="uniform",
                 pinned=True),
    ]


def latency_workloads():
    grown = brood_arms(workers=(2, 4, 8))
    aware = brood_arms(BALANCES, workers=(2, 8))
    half = grown + brood_arms(engines=("epoll",), workers=(2,))
    node = [node_arm("rr", 2), node_arm("none", 2), guest_arm(2)]
    demo = {"serves": "demo", "path": "/whoami", "length": 1.2}
    return [
        Workload("spin", f"1 % of requests spin 10 ms; 64 connections, {RATE_SPIN:,} requests a second",
                 half + aware + node + [proxy_arm(2)], rate=RATE_SPIN, mix=SPIN, **demo),
        Workload("spin-close", f"1 % of requests spin 10 ms; a connection each, {RATE_SPIN_CLOSE:,} a second",
                 half + aware + node, rate=RATE_SPIN_CLOSE, mix=SPIN, close=True, **dict(demo, length=1.5)),
        Workload("async", f"5 % of requests sleep 50 ms; 256 connections, {RATE_ASYNC:,} requests a second",
                 grown + node, rate=RATE_ASYNC, mix=SLEEP, connections=256, **dict(demo, length=0.8)),
    ]


def spread_workloads():
    arms = brood_arms(MODELS + BALANCES, workers=(2, 4, 8)) + [
        nginx_arm("reuseport", 2), nginx_arm("shared", 2), node_arm("rr", 2), node_arm("none", 2)]
    common = {"rate": RATE_FEW, "by_worker": True, "serves": "demo", "path": "/whoami", "length": 0.3, "warm_up": 0.05}
    return [
        Workload(f"few-{k}n", f"{k if k > 1 else 'one'} long-lived connection{'s' if k > 1 else ''} per worker, opened "
                 f"one by one, {RATE_FEW:,} requests a second", arms, per_worker=k, open_rate=RATE_OPEN, **common)
        for k in (1, 2, 8)
    ] + [Workload("few-8n-burst", f"8 long-lived connections per worker, opened all at once, {RATE_FEW:,} requests a "
                  "second", arms, per_worker=8, **common)]


def hard_workloads():
    own = brood_arms(workers=(2,)) + brood_arms(("reuseport",), ("epoll",), (2,))
    killed = own + [nginx_arm("reuseport", 2), nginx_arm("shared", 2)]
    return [
        Workload("kill", f"one worker of two is killed every second; 64 connections, {RATE_KILL:,} requests a second",
                 killed, rate=RATE_KILL, kill=True, seconds=KILL_SECONDS),
        Workload("kill-close", f"one worker of two is killed every second; a connection each, {RATE_KILL:,} a second",
                 killed, rate=RATE_KILL, kill=True, seconds=KILL_SECONDS, close=True),
        Workload("slow", f"{RATE_SLOW:,} requests a second for 1 KiB beside 64 slow readers of 1 MiB",
                 own + [nginx_arm("reuseport", 2), h2o_arm(2)], rate=RATE_SLOW, serves="files", path="/1k.txt",
                 slow=64),
    ]


def workloads(pipeline):
    """All, in the order they are taken. pipeline: the path of wrk's script."""
    return plain_workloads(pipeline) + latency_workloads() + spread_workloads() + hard_workloads()
