# SPDX-License-Identifier: MIT
"""One slice: a client runs against one server for a while, and what is read meanwhile.

The CPU time of a saturated slice is that of the whole client's life, divided by the requests it counted.
At a fixed rate it is that of a window in the middle, divided by the requests due in that window, so that
connecting costs nothing there.
"""
import contextlib
import json
import os
import re
import signal
import subprocess
import time

from lib.machine import can_be_urgent, cpu_ticks
from lib.observe import connections_of, count_open, open_idle, pss_bytes
from lib.server import HOST, spent_ns
from lib.workloads import SPIN

STOLEN_MAX = 0.02		# of a slice, on any CPU
OTHERS_MAX = 0.08		# of a pinned slice, on the server's CPU
WINDOW = 0.9			# of the seconds of a fixed rate
LOOK_AT = 0.7			# of the window
KILL_AT = 0.5			# of each second
PATIENCE_SECONDS = 15		# for a client to end
SLOW_BYTES = 128 << 10		# a second, for each slow reader
SETTLE_SECONDS = 0.01		# the server sees the connections end
SLOW_SETTLE_SECONDS = 0.2	# every slow reader's buffers are full
LOSSES = ("refused", "reset", "unanswered", "broken")


def wrk_argv(args, workload, server, connections):
    return [args.wrk, "-t1", "-d60", f"-c{connections}", *workload.wrk, f"http://{HOST}:{server.port}{workload.path}"]


def openloop_argv(args, workload, server, connections, seconds, seed):
    argv = [os.path.join(args.build, "openloop"), "--port", server.port, "--rate", workload.rate, "--seconds",
            f"{seconds:.3f}", "--warm-up", workload.warm_up, "--arrivals", workload.arrivals, "--path",
            workload.path, "--timeout", 1, "--seed", seed]
    argv += ["--close"] if workload.close else ["--connections", connections]
    argv += ["--open-rate", workload.open_rate] if workload.open_rate else []
    argv += ["--mix", workload.mix] if workload.mix else []
    argv += ["--by-worker"] if workload.by_worker else []
    return [str(a) for a in argv]


def client_argv(args, workload, server, connections, seconds, seed):
    if workload.client == "wrk":
        return wrk_argv(args, workload, server, connections)
    return openloop_argv(args, workload, server, connections, seconds, seed)


def become_client(cpu, urgent):
    """On its CPU; urgent: ahead of everything else there, so that it can keep to its schedule."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    if urgent:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@contextlib.contextmanager
def running(argv, cpu=None, urgent=False):
    """A client process, ended whatever happens."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: become_client(cpu, urgent and can_be_urgent()))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Slice:
    """measure() -> everything that was seen, "discarded" with the reason among it."""

    def __init__(self, args, cpus, workload, arm, server, seconds, turn):
        self.args, self.cpus, self.workload, self.arm, self.server = args, cpus, workload, arm, server
        self.seconds, self.turn = seconds, turn
        self.client_cpu = cpus[1] if workload.pinned else None
        self.connections = workload.connections_for(arm)
        self.seen = {"errors": [], "kills": 0}

    def measure(self):
        with contextlib.ExitStack() as stack:
            idle = self.open_beside(stack)
            if self.workload.client == "wrk":
                self.warm_up()
            ticks, began = [cpu_ticks(cpu) for cpu in self.cpus], time.monotonic()
            whole = spent_ns(self.server.pids())
            self.run_wrk() if self.workload.client == "wrk" else self.run_openloop()
            time.sleep(SETTLE_SECONDS)
            whole = (spent_ns(self.server.pids()) - whole) / 1e9
            took = time.monotonic() - began
            ticks = [(after[0] - before[0], after[1] - before[1])
                     for before, after in zip(ticks, (cpu_ticks(cpu) for cpu in self.cpus))]
            if count_open(idle) < len(idle):
                self.seen["errors"].append(f"{len(idle) - count_open(idle)} idle connections were closed")
        if self.workload.client == "wrk" and self.seen["requests"]:
            self.seen["us_per_request"] = whole * 1e6 / self.seen["requests"]
        self.seen["seconds"] = took
        self.seen["stolen"] = max(stolen for _, stolen in ticks)
        self.seen["discarded"] = self.fault(took, ticks, whole)
        return self.seen

    def fault(self, took, ticks, whole):
        """Why this slice does not count; None when it does."""
        if self.seen["errors"]:
            return self.seen["errors"][0]
        if not self.workload.kill and not self.seen.get("openloop", {}).get("rate_met", True):
            return "rate not met"
        if self.seen["stolen"] > STOLEN_MAX * took:
            return "stolen time"
        if self.workload.pinned and ticks[0][0] - whole > OTHERS_MAX * took:
            return "other load"
        return None

    def open_beside(self, stack):
        """The connections that are there while the client runs. Return: the idle ones."""
        if self.workload.slow:
            argv = [os.path.join(self.args.build, "openloop"), "--port", self.server.port, "--path", "/1m.bin",
                    "--connections", self.workload.slow, "--rate", self.workload.slow * 4, "--seconds", 60,
                    "--warm-up", 0, "--slow-read", SLOW_BYTES]
            self.slow = stack.enter_context(running([str(a) for a in argv]))
            time.sleep(SLOW_SETTLE_SECONDS)
            if self.slow.poll() is not None:
                self.seen["errors"].append("the slow readers did not run: " + self.slow.stderr.read().strip())
        idle = open_idle(self.server, self.workload.idle, self.workload.path) if self.workload.idle else []
        for sock in idle:
            stack.callback(sock.close)
        return idle

    def look(self):
        """Now and then: it takes a little time of the client's CPU."""
        if self.turn % 3 == 0 or self.workload.by_worker:
            self.seen["pss_bytes"] = pss_bytes(self.server.pids())
            if self.arm.separate and not self.workload.close:
                self.seen["worker_connections"] = connections_of(self.server)

    def warm_up(self):
        """Of a saturated slice; openloop has its own."""
        with running(wrk_argv(self.args, self.workload, self.server, self.connections), self.client_cpu) as wrk:
            time.sleep(self.workload.warm_up)
            wrk.send_signal(signal.SIGINT)
            wrk.communicate(timeout=PATIENCE_SECONDS)

    def run_wrk(self):
        with running(wrk_argv(self.args, self.workload, self.server, self.connections), self.client_cpu) as wrk:
            time.sleep(self.seconds)
            self.look()
            wrk.send_signal(signal.SIGINT)
            said = wrk.communicate(timeout=PATIENCE_SECONDS)[0]
        count = re.search(r"(\d+) requests in", said)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        failed = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        self.seen["requests"] = int(count.group(1)) if count else 0
        self.seen["rate"] = float(rate.group(1)) if rate else 0.0
        self.seen["failed"] = sum(map(int, failed.groups())) if failed else 0
        self.seen["errors"] += re.findall(r"(Socket errors:.*|Non-2xx.*)", said)
        if not self.seen["requests"]:
            self.seen["errors"].append("no request was answered")

    def run_openloop(self):
        argv = openloop_argv(self.args, self.workload, self.server, self.connections, self.seconds, self.turn + 1)
        with running(argv, self.client_cpu, urgent=True) as client:
            time.sleep(self.workload.warm_up)
            began, spent = time.monotonic(), spent_ns(self.server.pids())
            self.wait_and_kill(began)
            spent, window = spent_ns(self.server.pids()) - spent, time.monotonic() - began
            said, complaint = client.communicate(timeout=PATIENCE_SECONDS)
        if client.returncode != 0:
            raise RuntimeError(f"openloop: {complaint.strip()}")
        self.keep_answer(json.loads(said), spent, window)

    def wait_and_kill(self, began):
        """Sleeps through the window and looks in between; with kills, one worker dies each second."""
        window = self.seconds * WINDOW
        events = [(window * LOOK_AT, self.look)]
        if self.workload.kill:
            events += [(second + KILL_AT, self.kill_worker) for second in range(int(window - KILL_AT) + 1)]
        for at, act in sorted(events, key=lambda event: event[0]):
            time.sleep(max(0, began + at - time.monotonic()))
            act()
        time.sleep(max(0, began + window - time.monotonic()))

    def kill_worker(self):
        """Each in turn."""
        workers = sorted(self.server.workers())
        if workers:
            os.kill(workers[self.seen["kills"] % len(workers)], signal.SIGKILL)
            self.seen["kills"] += 1

    def keep_answer(self, said, spent, window):
        """Histograms are kept where a plot is made of them; they are most of the bytes."""
        if self.workload.mix != SPIN:
            said.pop("histogram", None)
        self.seen["openloop"] = said
        self.seen["rate"] = said["achieved_rate"]
        self.seen["failed"] = sum(said[name] for name in LOSSES)
        self.seen["us_per_request"] = spent / 1e3 / (self.workload.rate * window)
        others = {status: n for status, n in said["statuses"].items() if status != "200"}
        self.seen["errors"] += [f"{n} answers with status {status}" for status, n in others.items()]
        if not self.workload.kill and self.seen["failed"]:
            self.seen["errors"].append(", ".join(f"{said[name]} {name}" for name in LOSSES if said[name]))
