# SPDX-License-Identifier: MIT
"""One workload taken by several servers in turn: slices, their CPU time per request, the ratios."""
import os
import re
import signal
import statistics
import subprocess
import time

from lib.content import expected
from lib.machine import cpu_ticks
from lib.server import HOST, CannotRun, cpu_ns
from lib.statistics_of import quartiles

STOLEN_MAX = 0.02		# of a slice, on either CPU
OTHERS_MAX = 0.08		# of a slice, on the server's CPU
CLEAN_MIN = 3			# rounds; with fewer, disturbed slices are used and said to be so
WARM_UP_SECONDS = 0.3
RETRIES = 1


class Workload:
    """One table of the report: who takes part, and which ratio has which bar."""

    def __init__(self, key, title, wrk, contestants, bars, weight, path="/"):
        self.key, self.title, self.wrk, self.path = key, title, wrk, path
        self.contestants = contestants	# name -> (function of a port giving a Server, rounds between turns)
        self.bars = bars		# (name, of name) -> bar, or None when only of interest
        self.weight = weight		# its share of the time


def run_wrk(wrk, cpu, server, workload, seconds):
    """(requests, requests per second, errors). SIGINT ends wrk early and orderly, at any fraction."""
    url = f"http://{HOST}:{server.port}{workload.path}"
    process = subprocess.Popen([wrk, "-t1", "-d60", *workload.wrk, url], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    try:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[0]
    except BaseException:
        process.kill()
        process.wait()
        raise
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    errors = re.findall(r"(Socket errors:.*|Non-2xx.*)", said)
    if not count or int(count.group(1)) == 0:
        return 0, 0.0, errors or ["no request was answered"]
    return int(count.group(1)), float(rate.group(1)), errors


class Contest:
    """The slices of one workload and what they say."""

    def __init__(self, args, workload, cpus, log):
        self.args, self.workload, self.cpus, self.log = args, workload, cpus, log
        self.servers = {}
        self.absent = {}		# name -> why
        self.slices = {}		# name -> {round: microseconds per request}
        self.noisy = {}			# the same of slices that were disturbed
        self.rates = {}			# name -> [requests per second]
        self.discarded = {}		# why -> count

    def start(self, stack, first_port):
        for i, (name, (make, _)) in enumerate(self.workload.contestants.items()):
            try:
                server = make(first_port + i)
                self.servers[name] = stack.enter_context(server)
                self.check_answer(server)
            except CannotRun as e:
                self.servers.pop(name, None)
                self.absent[name] = str(e)

    def check_answer(self, server):
        body = server.ask(self.workload.path)[1]
        if body != expected(self.workload.path):
            raise CannotRun(f"answers {self.workload.path} with {len(body)} other bytes")

    def take_slice(self, name, turn, seconds):
        """Runs and records one slice. Return: whether it was undisturbed."""
        server, (server_cpu, wrk_cpu) = self.servers[name], self.cpus
        before, wrk_before = cpu_ticks(server_cpu), cpu_ticks(wrk_cpu)
        began, cpu_before = time.monotonic(), cpu_ns(server.pids())
        n, rate, errors = run_wrk(self.args.wrk, wrk_cpu, server, self.workload, seconds)
        time.sleep(0.01)		# the server sees the connections end
        cpu = (cpu_ns(server.pids()) - cpu_before) / 1e9
        took = time.monotonic() - began
        after, wrk_after = cpu_ticks(server_cpu), cpu_ticks(wrk_cpu)
        reason = None
        if errors:
            reason = errors[0]
        elif max(after[1] - before[1], wrk_after[1] - wrk_before[1]) > STOLEN_MAX * took:
            reason = "stolen time"
        elif after[0] - before[0] - cpu > OTHERS_MAX * took:
            reason = "other load"
        us = cpu * 1e6 / n if n else None
        self.log(kind="slice", workload=self.workload.key, server=name, us_per_request=us, rate=rate,
                 requests=n, seconds=took, discarded=reason)
        if reason:
            self.discarded[reason] = self.discarded.get(reason, 0) + 1
        if not errors:
            (self.noisy if reason else self.slices).setdefault(name, {})[turn] = us
            self.rates.setdefault(name, []).append(rate)
        return reason is None

    def run(self, rounds, deadline):
        for name in self.servers:
            run_wrk(self.args.wrk, self.cpus[1], self.servers[name], self.workload, WARM_UP_SECONDS)
        for turn in range(rounds):
            names = [n for n in self.servers if turn % self.workload.contestants[n][1] == 0]
            for name in names if turn % 2 == 0 else reversed(names):
                for _ in range(1 + RETRIES):
                    if time.monotonic() > deadline:
                        return
                    if self.take_slice(name, turn, self.args.slice):
                        break

    def compare(self, a, b):
        """The sorted ratios of the rounds that both finished, and whether disturbed ones had to do."""
        one, other = self.slices.get(a, {}), self.slices.get(b, {})
        noisy = len(one.keys() & other.keys()) < min(CLEAN_MIN, self.args.rounds)
        if noisy:
            one, other = {**self.noisy.get(a, {}), **one}, {**self.noisy.get(b, {}), **other}
        return sorted(one[turn] / other[turn] for turn in one.keys() & other.keys()), noisy

    def report(self):
        """Prints the table. Return: the bars missed or not decided."""
        print(f"\n{self.workload.title}   (wrk -t1 {' '.join(map(brief, self.workload.wrk))})")
        for name in self.workload.contestants:
            self.print_server(name)
        missed = [self.print_ratio(a, b, bar) for (a, b), bar in self.workload.bars.items()]
        if self.discarded:
            print("  discarded: " + ", ".join(f"{n} x {why}" for why, n in self.discarded.items()))
        return [m for m in missed if m]

    def print_server(self, name):
        us = sorted((self.slices.get(name) or self.noisy.get(name, {})).values())
        if us:
            print(f"  {name:<22}{statistics.median(self.rates.get(name, [0])):>10,.0f} req/s"
                  f"{statistics.median(us):>10.3f} us CPU/request   "
                  f"{us[0]:.3f}..{us[-1]:.3f}, {len(us)} slices")
        else:
            print(f"  {name:<23}{self.absent.get(name, 'no slice was worth counting')}")

    def print_ratio(self, a, b, bar):
        ratios, noisy = self.compare(a, b)
        row = f"    {a} / {b}"
        if not ratios:
            if bar:
                print(f"{row:<42}      -  bar {bar:.2f}  not measured")
            return (a, b) if bar else None
        median = statistics.median(ratios)
        low, high = quartiles(ratios)
        verdict = "" if not bar else "meets" if median <= bar else "MISSES"
        rounds = f"{len(ratios)} disturbed rounds" if noisy else f"{len(ratios)} rounds"
        against = f"bar {bar:.2f}  {verdict:<8}" if bar else ""
        print(f"{row:<42}{median:>7.3f}  {against:<18}(quartiles {low:.3f}..{high:.3f}, "
              f"range {ratios[0]:.3f}..{ratios[-1]:.3f}, {rounds})")
        self.log(kind="ratio", workload=self.workload.key, of=a, to=b, median=median, quartiles=[low, high],
                 range=[ratios[0], ratios[-1]], rounds=len(ratios), disturbed=noisy, bar=bar, verdict=verdict)
        return (a, b) if verdict == "MISSES" else None


def brief(argument):
    shown = os.path.relpath(argument) if os.path.isabs(argument) else argument
    return f"'{shown}'" if " " in shown else shown
