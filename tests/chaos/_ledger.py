# SPDX-License-Identifier: MIT
"""What was under way when, what was lost, and which of it may be.

A planned event may lose nothing. An unplanned one has victims: with a victim is lost what it had accepted and not
answered, which is known by the clients' ports, taken while it stood still, and nothing else. Times are milliseconds
of CLOCK_MONOTONIC, as the checker has them.
"""
import threading
import time

CALM = "(nothing)"
LATE_MS = 7000          # after its worker's death a client has noticed: a stall is told after 5 s
QUEUED_MS = 1000        # for so long a connection may have waited in a queue before its reader was found out
ROUGHLY_MS = 20         # how old the checker's clock may be
RESETS = ("lost_reset", "reset_idle")
COLUMNS = ("events", "connections", "requests", "failed", "reset", "stalled", "allowed", "beyond")


def now_ms():
    return time.monotonic_ns() // 1000000


class Victim:
    """A worker that is about to die, and whose connections may be lost with it.

    A loose one runs on for a moment before it does: what was opened until then may have been accepted by it. One whose
    pool is stopping takes along what is queued for it as well: nobody else reads that any more.
    """

    def __init__(self, event, pid, since_ms, ports, loose, queued):
        self.event, self.pid, self.ports, self.loose, self.queued = event, pid, ports, loose, queued
        self.since_ms, self.until_ms = since_ms, None       # of the looking at its ports; of its death

    def may_have_had(self, fault):
        until_ms = self.until_ms or now_ms()
        if fault["at_ms"] < self.since_ms - ROUGHLY_MS or fault["at_ms"] > until_ms + LATE_MS:
            return False
        if self.loose and self.since_ms - ROUGHLY_MS <= fault["opened_ms"] <= until_ms:
            return True
        if self.queued and self.since_ms - QUEUED_MS <= fault["opened_ms"] <= self.since_ms:
            return True
        return fault["port"] in self.ports and fault["opened_ms"] <= self.since_ms


class Event:
    def __init__(self, kind, parameters, number):
        self.kind, self.parameters, self.number = kind, parameters, number
        self.begin_ms, self.end_ms, self.note = now_ms(), None, ""

    def __str__(self):
        words = ", ".join(f"{name} {value}" for name, value in self.parameters.items())
        return f"{self.number}: {self.kind}{' with ' + words if words else ''}{self.note and ': ' + self.note}"


class Ledger:
    """Of one pool's run."""

    def __init__(self):
        self.lock = threading.Lock()
        self.began_ms = now_ms()
        self.events, self.under_way, self.victims, self.faults = [], [], [], []
        self.rows, self.counted = {}, (0, 0)

    def row(self, kind):
        return self.rows.setdefault(kind, dict.fromkeys(COLUMNS, 0))

    def begin(self, kind, parameters, totals):
        self.spread(totals)
        event = Event(kind, parameters, len(self.events) + 1)
        self.events.append(event)
        self.under_way.append(event)
        self.row(kind)["events"] += 1
        return event

    def end_all(self, totals):
        self.spread(totals)
        for event in self.under_way:
            event.end_ms = now_ms()
        self.under_way = []

    def spread(self, totals):
        """What was connected and asked since the last time is put down to each kind that was under way."""
        for kind in {event.kind for event in self.under_way} or {CALM}:
            self.row(kind)["connections"] += totals[0] - self.counted[0]
            self.row(kind)["requests"] += totals[1] - self.counted[1]
        self.counted = totals

    def add_victim(self, event, pid, since_ms, ports, loose=False, queued=False):
        self.victims.append(victim := Victim(event, pid, since_ms, ports, loose, queued))
        self.row(event.kind)["allowed"] += len(ports)
        return victim

    def replace(self, victim, pid, ports):
        """It is another one that dies."""
        self.row(victim.event.kind)["allowed"] += len(ports) - len(victim.ports)
        victim.pid, victim.ports = pid, ports

    def spare(self, victim):
        """It does not die after all."""
        self.victims.remove(victim)
        self.row(victim.event.kind)["allowed"] -= len(victim.ports)

    def add_fault(self, fault):
        """fault, n, port, at_ms, opened_ms, sent_ms, as the checker tells it; and who: which client it was."""
        with self.lock:
            self.faults.append(fault)

    def under_way_at(self, at_ms):
        return [e for e in self.events if e.begin_ms <= at_ms and (e.end_ms is None or at_ms <= e.end_ms)]

    def judge(self):
        """Puts each fault down to a kind of event. Returns those that no victim explains."""
        beyond = []
        for fault in self.faults:
            victim = next((v for v in self.victims if v.may_have_had(fault)), None)
            events = [victim.event] if victim else self.under_way_at(fault["at_ms"])
            row = self.row(events[-1].kind if events else CALM)
            name = fault["fault"]
            row["reset" if name in RESETS else "stalled" if name == "stalled" else "failed"] += fault["n"]
            if not victim:
                row["beyond"] += fault["n"]
                beyond.append(fault)
        return beyond

    def tell_fault(self, fault):
        events = self.under_way_at(fault["at_ms"])
        return (f"at {fault['at_ms'] - self.began_ms} ms, {fault['who']}, port {fault['port']} "
                f"(opened at {fault['opened_ms'] - self.began_ms} ms, asked at {fault['sent_ms'] - self.began_ms} ms): "
                f"{fault['n']} {fault['fault']}; under way: {'; '.join(map(str, events)) or 'nothing'}")


def add_up(tables):
    total = {}
    for table in tables:
        for kind, row in table.items():
            sums = total.setdefault(kind, dict.fromkeys(COLUMNS, 0))
            for name in COLUMNS:
                sums[name] += row[name]
    return total


def format_table(table):
    lines = [f"{'':22}" + "".join(f"{name:>12}" for name in COLUMNS)]
    for kind in sorted(table, key=lambda kind: (kind == CALM, kind)):
        lines.append(f"{kind:22}" + "".join(f"{table[kind][name]:12}" for name in COLUMNS))
    return "\n".join(lines)
