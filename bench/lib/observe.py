# SPDX-License-Identifier: MIT
"""A server under load, seen from outside: its memory, and which of its processes has which connections."""
import os
import re
import socket

from lib.server import HOST, read_answer, rollup_bytes

ESTABLISHED = "01"


def pss_bytes(pids):
    """Proportional memory of all of them; a process that just left counts nothing."""
    total = 0
    for pid in pids:
        try:
            total += rollup_bytes(pid).get("Pss", 0)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def accepted_inodes(port):
    """The inodes of the established connections whose server side is port."""
    inodes = set()
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            column = line.split()
            if column[3] == ESTABLISHED and int(column[1].split(":")[1], 16) == port:
                inodes.add(column[9])
    return inodes


def socket_inodes(pid):
    found = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                link = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                continue
            found += [link.group(1)] if link else []
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def connections_of(server):
    """How many established connections each worker process holds, in the order of their pids."""
    inodes = accepted_inodes(server.port)
    return [sum(inode in inodes for inode in socket_inodes(pid)) for pid in sorted(server.workers())]


def open_idle(server, n, path="/"):
    """n connections, each answered once and left open."""
    request = server.request(path)
    held = []
    for _ in range(n):
        sock = socket.create_connection((HOST, server.port), 5)
        held.append(sock)
        sock.sendall(request)
        read_answer(sock)
    return held


def count_open(held):
    return sum(still_open(sock) for sock in held)


def still_open(sock):
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
