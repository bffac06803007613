# SPDX-License-Identifier: MIT
"""A pool that things happen to: where it is, who of it is to die, and whether it has settled."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from _ledger import Ledger, now_ms
from _load import Load
from _play import (BROOD, DEMO, NOBODY, SLOW, Brood, Client, adopt_orphans, check, children_of, clients_of,
                   connections_on, descriptors_of, drop_to, is_alive, replace_file, stop_process, wait_until)

HANG_S = 2
DEATH = r"pid \d+\): (died by SIG\w+ .*serving \"GET /crash|exited with code 7 )"      # as the demo's /crash does it
BASE = {"handler": DEMO, "hang-timeout": f"{HANG_S * SLOW}s", "restart-limit": "1000/10s", "backoff": "1ms..20ms"}
# Lines of level error, and the kinds of event that explain them.
EXPLAINED = {
    r"upgrade: the new parent": ("upgrade, fails", "kill -9", "crash", "hang"),
    r"reload: .*nothing is changed": ("reload, fails",),
    r"reload: stopped at worker|could not start: handler": ("reload, fails", "kill -9", "crash", "hang"),
    r"scaling: worker \d+ did not get ready": ("kill -9", "crash", "hang"),
    r"hung for .*; aborting it": ("hang",),
    r"poison: requests like \"GET /(crash|hang)": ("crash", "fault, contained", "hang"),
}


class Pool:
    """One brood, its load and its ledger; on_fault is "die" or "contain", user None or "nobody"."""

    def __init__(self, model, engine, user, workers, options, on_fault, seed):
        adopt_orphans()
        self.directory = tempfile.TemporaryDirectory(prefix="brood-chaos-")
        os.chmod(self.directory.name, 0o755)
        self.program = os.path.join(self.directory.name, "brood")
        self.mend_program()
        self.config = os.path.join(self.directory.name, "brood.ini")
        self.settings = {**BASE, "workers": workers, "on-fault": on_fault}
        self.contains = on_fault == "contain"
        self.write_config()
        popen = {"preexec_fn": drop_to(NOBODY)} if user else {}
        self.brood = Brood("--config", self.config, *options, engine=engine, model=model, workers=None, what=(),
                           control=True, program=self.program, **popen)
        self.ledger, self.stopped, self.old_parents = Ledger(), {}, []
        self.event = None
        self.wait_settled()
        self.descriptors = sorted(descriptors_of(self.brood.pid).values())
        self.load = Load(self.brood.port, self.ledger.add_fault, seed)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.load.kill()
        self.brood.__exit__(*error)
        self.directory.cleanup()

    # ---- its files

    def mend_program(self):
        shutil.copy2(BROOD, self.program + ".draft")
        os.replace(self.program + ".draft", self.program)

    def spoil_program(self, text, mode=0o755):
        replace_file(self.program, text, mode)

    def write_config(self, **more):
        settings = {**self.settings, **{name.replace("_", "-"): value for name, value in more.items()}}
        replace_file(self.config, "".join(f"{name} = {value}\n" for name, value in settings.items()))

    # ---- what it says

    def try_ctl(self, *words):
        """What ctl says, whether the pool agrees or not."""
        return subprocess.run([BROOD, "ctl", "--control", self.brood.control, *map(str, words)], text=True, timeout=30,
                              capture_output=True, check=False)

    def status(self):
        self.follow()
        result = self.try_ctl("status", "--json")
        return json.loads(result.stdout) if result.returncode == 0 else None

    def follow(self):
        if old := self.brood.follow():
            self.old_parents.append(old)

    def n_lines(self, pattern):
        return len(self.brood.lines(pattern))

    def wait_for_more(self, pattern, before, seconds=20):
        wait_until(lambda: self.n_lines(pattern) > before, seconds, f"log: another {pattern}")

    def upgrades_are_over(self):
        return self.n_lines(r"upgrade: started") == self.n_lines(r"upgraded: pid|upgrade: (the new parent|given up)")

    def wait_upgraded(self):
        wait_until(self.upgrades_are_over, 20, "the upgrade is over")
        self.follow()

    def is_silent(self, pid):
        """Is it known not to turn? True too when it is none of the pool's any more, but leaving."""
        s = self.status()
        workers = [slot["worker"] for slot in s["slots"] if slot["worker"]] if s else [{"pid": pid, "silent": False}]
        return all(worker["silent"] for worker in workers if worker["pid"] == pid)

    def is_settled(self):
        for victim in self.ledger.victims:
            if not victim.until_ms and not is_alive(victim.pid):
                victim.until_ms = now_ms()
                self.release(victim.pid)
        if self.stopped or not self.upgrades_are_over():
            return False
        s = self.status()
        return (s and not s["reload"]["running"] and not s["scaling"] and s["wanted"] == len(s["slots"])
                and all(slot["state"] == "READY" and not slot["successor"] and slot["leaving"] == 0
                        and slot["lent_to"] is None and not slot["worker"]["silent"] for slot in s["slots"])
                and not any(old.poll() is None for old in self.old_parents))

    def wait_settled(self, seconds=30):
        """Twice, because a signal is acted upon a moment after it was sent."""
        for _ in range(2):
            wait_until(lambda: self.is_settled() or time.sleep(0.03), seconds, f"settled after {self.event}")
            time.sleep(0.03)
        fine = (0, 3) if "hang" in self.ledger.rows else (0,)      # one that hung has not drained
        check(all(old.returncode in fine for old in self.old_parents), f"old parents ended with 0 after {self.event}")
        self.brood.workers()

    # ---- who is to die

    def pick(self, place):
        """Slot and pid of the worker at this place, from 0 to 1; None when there is none now."""
        slots = [slot for slot in (self.status() or {"slots": []})["slots"] if slot["worker"]]
        if not slots:
            return None, None
        slot = slots[int(place * len(slots))]
        return slot["slot"], slot["worker"]["pid"]

    def halt(self, pid):
        """Return: false when it was gone, or is no worker of ours."""
        try:
            if not self.brood.owns(pid):
                return False
            stop_process(pid)
            return True
        except OSError:
            return False

    def kill(self, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def holder_of(self, client, pid):
        """The worker that has this connection, if it is not this one any more."""
        port = client.s.getsockname()[1]
        for worker in self.brood.workers():
            with contextlib.suppress(OSError):
                if port in clients_of(worker, self.brood.port):
                    return worker
        return pid

    def release(self, pid):
        if timer := self.stopped.pop(pid, None):
            timer.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def release_after(self, pid, seconds):
        self.stopped[pid] = timer = threading.Timer(seconds, self.release, (pid,))
        timer.daemon = True
        timer.start()

    def doom(self, pid):
        """This worker, which stands still, is to die and to take along what it has accepted."""
        return self.ledger.add_victim(self.event, pid, now_ms(), clients_of(pid, self.brood.port),
                                      queued=pid not in children_of(self.brood.pid))

    def doom_running(self, pid):
        """The same of one that runs on for a moment: what others have, and do not hand on, is not its own."""
        since_ms, n_told, held = now_ms(), self.n_lines(DEATH), {}
        for slot in (self.status() or {"slots": []})["slots"]:      # those that leave are in none
            with contextlib.suppress(OSError):
                if slot["worker"]:
                    held[slot["worker"]["pid"]] = clients_of(slot["worker"]["pid"], self.brood.port)
        every = {client for inode, client in connections_on(self.brood.port)}

        def ports_of(pid):
            return every.difference(*(ports for worker, ports in held.items() if worker != pid))

        victim = self.ledger.add_victim(self.event, pid, since_ms, ports_of(pid), loose=True)
        victim.n_told, victim.ports_of = n_told, ports_of
        return victim

    def find_dead(self, victim):
        """Who has died of what was asked: one that is to leave hands on idle connections, with what waits in them."""
        lines = wait_until(lambda: self.brood.lines(DEATH)[victim.n_told:], 10, f"somebody died of {self.event}")
        pids = [int(re.search(r"pid (\d+)", line)[1]) for line in lines]
        if victim.pid not in pids:
            self.ledger.replace(victim, pids[0], victim.ports_of(pids[0]))
        self.wait_dead(victim)

    def wait_dead(self, victim):
        wait_until(lambda: not is_alive(victim.pid), 10, f"pid {victim.pid} is dead after {self.event}")
        victim.until_ms = now_ms()

    def corner(self):
        """A connection, and the worker that has it, which stands still; None when it got away each time."""
        for _ in range(20):
            try:
                client = Client(self.brood.port, timeout=10)
                response = client.get("/whoami")
                pid = json.loads(response.body)["pid"]
            except (OSError, EOFError):
                continue
            if not response["connection"] and self.halt(pid):
                if client.s.getsockname()[1] in clients_of(pid, self.brood.port):
                    return client, pid
                self.release(pid)
            client.close()
        return None, None

    # ---- the end

    def expect_the_beginning(self):
        """Everything back as it was at first: nothing has stuck to the parent."""
        self.event = self.ledger.begin("(put back)", {}, self.load.totals())
        self.write_config()
        self.try_ctl("reload")
        self.wait_settled()
        self.try_ctl("scale", self.settings["workers"])
        self.wait_settled()
        wait_until(lambda: sorted(descriptors_of(self.brood.pid).values()) == self.descriptors, 10,
                   f"the parent has what it had: {self.descriptors}, now {descriptors_of(self.brood.pid)}")
        self.ledger.end_all(self.load.totals())

    def unexplained_errors(self):
        kinds = set(self.ledger.rows)
        errors = self.brood.lines(r"^\S+ error ")
        return [line for line in errors if not any(
            kinds & set(causes) and re.search(pattern, line) for pattern, causes in EXPLAINED.items())]

    def stop(self):
        """TERM under load; then the load, which finds nobody any more."""
        self.event = self.ledger.begin("TERM", {}, self.load.totals())
        term_ms = now_ms()
        self.brood.stop(within=15)
        time.sleep(0.1)
        self.ledger.end_all(self.load.totals())
        complaints = self.load.finish()
        self.ledger.faults = [f for f in self.ledger.faults if f["fault"] != "refused" or f["at_ms"] < term_ms]
        return complaints
