# SPDX-License-Identifier: MIT
"""The line that says how far a run is; on a terminal it stays one line."""
import sys
import time

PERIOD_SECONDS = 10		# between lines when nobody watches


class Progress:
    def __init__(self, plan, budget_seconds):
        """plan: (workload, seconds of one slice, how many) in order."""
        self.cost = {workload.key: seconds for workload, seconds, _ in plan}
        self.whole = sum(seconds * n for _, seconds, n in plan)
        self.done, self.began, self.said = 0.0, time.monotonic(), 0.0
        self.budget = budget_seconds
        self.terminal = sys.stderr.isatty()

    def late(self):
        """Whether what was done took longer than its share of the budget, so that nothing is done twice."""
        elapsed = time.monotonic() - self.began
        return elapsed > self.budget * (self.done / self.whole) + 20

    def step(self, workload):
        self.done += self.cost[workload.key]
        now = time.monotonic()
        if now - self.said > (0.2 if self.terminal else PERIOD_SECONDS):
            self.said = now
            self.say(workload.key, now - self.began)

    def say(self, what, elapsed):
        left = elapsed * (self.whole - self.done) / self.done
        line = f"{self.done / self.whole:4.0%}  {what:<16}{clock(left)} to go"
        self.put(line, "" if self.terminal else "\n")

    def put(self, line, end):
        print(f"\r{line}\033[K" if self.terminal else line, end=end, file=sys.stderr, flush=True)

    def finish(self):
        self.put(f"100%  taken in {clock(time.monotonic() - self.began)}", "\n")


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
