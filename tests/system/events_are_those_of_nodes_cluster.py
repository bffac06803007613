#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same story lived by Node's cluster and by us: start, message, disconnect, kill, crash. The events are the same."""
# models: one
import os
import shutil
import signal
import subprocess
import tempfile

from _mailer import Mailer
from _play import check, engines, skip, wait_until

if not (NODE := shutil.which("node")):
    skip("there is no node here")

# Each worker lives one part of the story; how disconnect and exit are ordered Node leaves open.
CLUSTER = """
const cluster = require("node:cluster");
if (cluster.isPrimary) {
	const ends = [(w) => w.disconnect(), (w) => w.process.kill("SIGKILL"), (w) => w.send("crash")];
	let n = 0;
	const tell = (name, w, more) => console.log([name, w.id, ...more].join(" "));
	const next = () => { if (n < ends.length) cluster.fork(); };
	cluster.on("fork", (w) => tell("fork", w, []));
	cluster.on("online", (w) => tell("online", w, []));
	cluster.on("listening", (w, a) => tell("listening", w, [a.addressType, a.address]));
	cluster.on("message", (w) => { tell("message", w, []); ends[n++](w); });
	cluster.on("disconnect", (w) => tell("disconnect", w, []));
	cluster.on("exit", (w, code, sig) => {
		tell("exit", w, [w.exitedAfterDisconnect, code === null ? -1 : code, sig]); setImmediate(next);
	});
	next();
} else {
	require("node:net").createServer().listen(0, "127.0.0.1", () => setTimeout(() => process.send("hello"), 50));
	process.on("message", () => process.kill(process.pid, "SIGSEGV"));
}
"""


def by_node():
    with tempfile.NamedTemporaryFile("w", suffix=".js") as file:
        file.write(CLUSTER)
        file.flush()
        told = subprocess.run([NODE, file.name], capture_output=True, text=True, timeout=30, check=True).stdout
    found = {1: [], 2: [], 3: []}
    for line in told.splitlines():
        name, worker, *more = line.split()
        found[int(worker)].append((name, *more))
    return found


def by_us(engine):
    """Slot 0 is told to go, slot 1 killed, slot 2 crashes; a message of each before."""
    with Mailer(engine, callbacks="process") as pool:
        for slot in range(3):
            pool.ask(slot, "/text?to=parent&text=note")
        wait_until(lambda: len(pool.lines("^event message")) == 3, 5, "three messages")
        pool.ask(0, "/retire")
        os.kill(pool.pid_of(1), signal.SIGKILL)
        wait_until(lambda: len([e for e in pool.events() if e[0] == "exit"]) == 2, 5, "two ends")
        pool.meet_end(2)
        wait_until(lambda: {"1", "2", "3"} <= {e[2]["id"] for e in pool.events() if e[0] == "exit"}, 5, "three ends")
        wait_until(lambda: len([e for e in pool.events() if e[0] == "disconnect"]) == 3, 5, "three disconnects")
        found = {1: [], 2: [], 3: []}
        for name, _, f in pool.events("setup", "suicide"):      # which Node has elsewhere, and not at all
            more = {"listening": ("4", "127.0.0.1"),
                    "exit": ("true" if f.get("told") == "1" else "false", f.get("code"),
                             signal.Signals(int(f["signal"])).name if f.get("signal", "0") != "0" else "")}.get(name, ())
            if int(f["id"]) in found:
                found[int(f["id"])].append((name, *(word for word in more if word)))
        pool.stop()
        return found


def in_one_order(events):
    return events[:-2] + sorted(events[-2:])


theirs = by_node()
for engine in engines():
    ours = by_us(engine)
    for worker, what in ((1, "disconnect"), (2, "kill"), (3, "crash")):
        check(in_one_order(ours[worker]) == in_one_order(theirs[worker]),
              f"{what}: Node tells {theirs[worker]}, we tell {ours[worker]}")
print(theirs)
