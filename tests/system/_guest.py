# SPDX-License-Identifier: MIT
"""What the plays of `brood run` share: a pool of programs, and those programs."""
import os
import shutil
import sys

from _play import Brood, children_of, skip, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
PROGRAM = (PYTHON, os.path.join(HERE, "_program.py"))
MODELS = ("reuseport", "preemptive")        # round-robin is refused


def need(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") or skip(f"there is no {program} here")


class Guest(Brood):
    """`brood run` of a program; workers() are its keepers, programs() what they keep."""

    def __init__(self, *options, program=PROGRAM, **how):
        how.setdefault("model", "reuseport")
        self.program, self.n_workers = program, how.get("workers", 2)
        super().__init__(*options, what=("--", *program), verb="run", **how)

    def programs(self):
        found = [program for keeper in self.workers() for program in children_of(keeper)]
        self.seen_workers.update(found)
        return found

    def owns(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            return False
        return str(self.port).encode() in line or os.path.basename(self.program[-1]).encode() in line

    def replaced(self, pid, seconds=5):
        """Until another program is where this one was; its pid."""
        return wait_until(lambda: pid not in (now := self.programs()) and len(now) >= self.n_workers and now, seconds,
                          f"program {pid} is replaced")
