#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How evenly 64 connections land on 8 workers by each balance, and what looking at the loads costs the parent.

The connections are opened one by one, each answered before the next one comes, or all at once; the number is that of
the busiest worker over the mean. A look is all that the parent does when it wakes up: reads the loads, weighs them, and
changes the groups when that moved by enough; while connections come and go it does so every few milliseconds. They are
closed at once, so that there is nothing to change, or held for a while, so that most looks change something. The null
is what the kernel takes for a change alone: a program of as many instructions attached to a group of as many sockets.
"""
import collections
import contextlib
import ctypes
import json
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib.rows import Bar, bench
from lib.server import HOST, CannotRun, brood, cpu_ns, read_answer, voluntary_switches
from lib.statistics_of import max_over_mean

WORKERS, CONNECTIONS = 8, 64
NULL = "hash"
BARS = {"weighted": Bar(1.3), "least": Bar(1.02)}
LOOK_BAR = Bar(50)
PAUSE_SECONDS = 0.15		# until a closed connection is nobody's load any more
HELD, OPENED_EACH_SECONDS, LOOKED_AT_SECONDS = 100, 0.003, 0.7

SO_ATTACH_REUSEPORT_CBPF = 51
LOAD, ADD, BRANCH, RETURN = 0x20, 0x04, 0x35, 0x06	# of classic BPF: a word, a constant, if not less, the end
ADDRESS = 0xfff0000c		# the source address, from SKF_NET_OFF
LOADS, ADDITIONS = 5, 15		# and a branch for each worker but the last: 35 instructions, as brood's program has
ATTACHED = 50			# times, of a slice


def slot_of(server, sock):
    sock.sendall(server.request("/whoami"))
    return json.loads(read_answer(sock)[1])["slot"]


def open_one_by_one(server):
    held, slots = [], []
    for _ in range(CONNECTIONS):
        held.append(socket.create_connection((HOST, server.port), 5))
        slots.append(slot_of(server, held[-1]))
    return held, slots


def open_at_once(server):
    held = [socket.socket() for _ in range(CONNECTIONS)]
    for sock in held:
        sock.setblocking(False)
        sock.connect_ex((HOST, server.port))
    for sock in held:
        sock.settimeout(5)
    return held, [slot_of(server, sock) for sock in held]


WAYS = {"one by one": open_one_by_one, "in a burst": open_at_once}


def busiest(server, opened):
    held, slots = opened(server)
    for sock in held:
        sock.close()
    time.sleep(PAUSE_SECONDS)
    return max_over_mean([slots.count(slot) for slot in range(WORKERS)])


def measure_spread(rows, servers, rounds):
    seen = {(name, way): [] for name in servers for way in WAYS}
    for turn in range(rounds):
        for name, way in seen if turn % 2 == 0 else reversed(seen):
            seen[name, way].append(busiest(servers[name], WAYS[way]))
    for name, way in seen:
        if name != NULL:
            rows.add(f"{CONNECTIONS} connections on {WORKERS} workers {way}, {name}: busiest / mean", "",
                     seen[name, way], (NULL, seen[NULL, way]), BARS[name])


def look(server, held, most):
    """CPU time of the parent for each of its looks, in us, and how many there were in a second."""
    parent = server.process.pid
    before, n_before = cpu_ns([parent]), voluntary_switches(parent)
    end = time.monotonic() + LOOKED_AT_SECONDS
    while time.monotonic() < end:
        held.append(socket.create_connection((HOST, server.port), 5))
        if len(held) > most:
            held.popleft().close()
        time.sleep(OPENED_EACH_SECONDS)
    n = voluntary_switches(parent) - n_before
    if n == 0:
        raise CannotRun("the parent did not look at the loads")
    return (cpu_ns([parent]) - before) / n / 1000, n / LOOKED_AT_SECONDS


def attach(group):
    """CPU time of one attachment, in us, with pauses between them as the parent has."""
    code = [(LOAD, 0, 0, ADDRESS)] * LOADS + [(ADD, 0, 0, 1)] * ADDITIONS
    for i in range(1, WORKERS):
        code += [(BRANCH, 0, 1, (1 << 32) // WORKERS * i), (RETURN, 0, 0, i)]
    code.append((RETURN, 0, 0, 0))
    filters = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(filters))
    spent = 0
    for _ in range(ATTACHED):
        time.sleep(0.01)
        began = time.thread_time_ns()
        group[0].setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)
        spent += time.thread_time_ns() - began
    return spent / ATTACHED / 1000


def group_of(stack, port):
    sockets = [stack.enter_context(socket.socket()) for _ in range(WORKERS)]
    for sock in sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((HOST, port))
        sock.listen()
    return sockets


def measure_looks(rows, server, group, rounds):
    held = collections.deque()
    changing = [(look(server, held, HELD), attach(group)) for _ in range(rounds)]
    while held:
        held.popleft().close()
    still = [look(server, held, 0) for _ in range(rounds)]
    for what, looks, null in (("a look at loads that stay", still, None),
                              ("a look at loads that move", [each for each, _ in changing],
                               ("a change alone", [us for _, us in changing]))):
        rows.add(f"{what}, weighted, {WORKERS} workers: CPU time of the parent", "µs", [us for us, _ in looks], null,
                 LOOK_BAR, f"{max(n for _, n in looks):,.0f} a second while connections come, none when none do",
                 is_floor=null is not None)


def measure(args, rows):
    with contextlib.ExitStack() as stack:
        servers = {}
        for i, name in enumerate((NULL, *BARS)):
            server = brood(args.brood, args.port + i, "--balance", name, handler=args.handler, workers=WORKERS)
            try:
                servers[name] = stack.enter_context(server)
            except CannotRun as e:
                print(f"  without {name}: {e}")
        measure_spread(rows, servers, args.rounds)
        measure_looks(rows, servers["weighted"], group_of(stack, args.port + len(BARS) + 1), args.rounds // 2 or 1)


if __name__ == "__main__":
    sys.exit(bench(__doc__, 21300, measure, rounds=12))
