# SPDX-License-Identifier: MIT
"""One workload taken by all its contenders: started, checked, sliced in ABBA order, stopped, recorded."""
import contextlib
import hashlib
import os
import re
import subprocess
import time

from lib.arms import check_answers
from lib.content import expected
from lib.server import CannotRun
from lib.slices import Slice, client_argv

RETRIES = 1
COUNTERS = re.compile(r"worker (\d+) \(pid (\d+)\): counters: (.*)")


def shown(argv, server, field):
    """A command line that is the same in every run: no port, no temporary directory, no path of programs."""
    text = " ".join(f"'{a.strip()}'" if " " in a or "\n" in a else a for a in map(str, argv))
    for port in {server.port, *(s.port for s in getattr(server, "backends", []))}:
        text = text.replace(str(port), "PORT")
    text = text.replace(field.workdir, "DIR").replace(field.args.here + "/", "bench/")
    for path in (field.args.brood, field.args.handler, str(argv[0])):
        text = text.replace(path, os.path.basename(path))
    return text


class Match:
    def __init__(self, field, workload, cpus, results, seconds):
        self.field, self.workload, self.cpus, self.results = field, workload, cpus, results
        self.seconds = seconds
        self.servers, self.arms = {}, {}
        self.lines, self.how = {}, {}	# command lines, and a short name of them and the configuration

    def chosen(self):
        pattern = self.field.args.arms
        return [arm for arm in self.workload.arms if not pattern or pattern in arm.name]

    def missing(self, turns):
        """The slices still to take, with every contender made but not started."""
        todo = []
        for arm in self.chosen():
            try:
                self.prepare(arm)
            except CannotRun as e:
                self.absent(arm, str(e))
                continue
            todo += [(turn, arm) for turn in range(turns)
                     if not self.results.has(self.workload.key, arm.name, self.how[arm.name], turn)]
        return todo

    def prepare(self, arm):
        field = self.field
        field.cpu = self.cpus[0] if self.workload.pinned else None
        field.close = self.workload.close
        field.request_bytes = field.wrk_request_bytes if self.workload.client == "wrk" else 0
        server = arm.make(field, field.take_port(), self.workload.serves)
        client = client_argv(field.args, self.workload, server, self.workload.connections_for(arm), self.seconds, 1)
        self.servers[arm.name], self.arms[arm.name] = server, arm
        lines = [shown(argv, server, field) for argv in (server.argv, client)]
        config = shown([server.config], server, field)
        self.how[arm.name] = hashlib.sha256("\n".join(lines + [config]).encode()).hexdigest()[:8]
        self.lines[arm.name] = lines

    def absent(self, arm, why):
        self.servers.pop(arm.name, None)
        self.results.add("arm", workload=self.workload.key, arm=arm.name, absent=why, **described(arm))

    def start(self, stack, arm):
        try:
            self.prepare(arm)		# on a port that is free now
            server = self.servers[arm.name]
            server.start()
            stack.callback(self.stop, arm, server)
            null = arm.server.startswith("null_")
            check_answers(arm, server, ["/"] if null else self.workload.paths(), expected)
        except CannotRun as e:
            self.absent(arm, str(e))
            return
        self.results.add("arm", workload=self.workload.key, arm=arm.name, how=self.how[arm.name], absent=None,
                         command=self.lines[arm.name][0], client=self.lines[arm.name][1], **described(arm))

    def stop(self, arm, server):
        server.stop()
        rows = []
        for _, pid, text in COUNTERS.findall(server.last_output):
            rows.append({"pid": int(pid), **{k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", text)}})
        if rows:
            self.results.add("counters", workload=self.workload.key, arm=arm.name, how=self.how[arm.name],
                             workers=rows)

    def run(self, todo, progress):
        with contextlib.ExitStack() as stack:
            stack.callback(os.sched_setaffinity, 0, self.field.all_cpus)
            for name in dict.fromkeys(arm.name for _, arm in todo):
                self.start(stack, self.arms[name])
            os.sched_setaffinity(0, {self.cpus[1]} if self.workload.pinned else self.field.all_cpus)
            turns = sorted({turn for turn, _ in todo})
            for turn in turns:
                arms = [arm for t, arm in todo if t == turn]
                for arm in arms if turn % 2 == 0 else reversed(arms):
                    if arm.name in self.servers:
                        self.take(arm, turn, progress)
                    progress.step(self.workload)

    def take(self, arm, turn, progress):
        """One slice, once more when it was disturbed and there is time for it."""
        for attempt in range(1 + RETRIES):
            began = time.time()
            try:
                seen = Slice(self.field.args, self.cpus, self.workload, arm, self.servers[arm.name],
                             self.seconds, turn).measure()
            except (OSError, RuntimeError, subprocess.SubprocessError) as e:
                seen = {"discarded": f"could not measure: {e}", "errors": [str(e)]}
            final = not seen["discarded"] or attempt == RETRIES or progress.late()
            self.results.add("slice", workload=self.workload.key, arm=arm.name, how=self.how[arm.name],
                             round=turn, at=began, final=final, **seen)
            if final:
                return


def described(arm):
    return {"server": arm.server, "model": arm.model, "engine": arm.engine, "workers": arm.workers}
