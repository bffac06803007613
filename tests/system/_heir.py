# SPDX-License-Identifier: MIT
"""Either side of an upgrade, spoken by a play: what parent/testament.h says, and what it forbids."""
import array
import os
import socket
import struct

HELLO, POOL, TAKE, SLOT, READY, GO, FAILED = range(7)
ADDRESSES = 8
VARIABLE = "BROOD_UPGRADE_FD"


def hello(least=1, most=1):
    return struct.pack("=III", HELLO, least, most)


def take(slot):
    return struct.pack("=II", TAKE, slot)


def ready(addresses, control=0):
    return struct.pack("=III", READY, addresses, control)


def failed(reason):
    return struct.pack("=I256s", FAILED, reason.encode())


def address(port, asked_port=None, ip="127.0.0.1"):
    return struct.pack("=HHHH16s", socket.AF_INET, port if asked_port is None else asked_port, port, 0,
                       socket.inet_aton(ip))


def pool(model, n_slots, addresses, version=1, n_told=None, claims=0, control=0):
    table = b"".join(addresses).ljust(24 * ADDRESSES, b"\0")
    n_told = n_slots if n_told is None else n_told
    return struct.pack("=IIIIIIII", POOL, version, model, n_slots, n_told, len(addresses), claims, control) + table


def slot(number, n_born, listeners, places=None):
    places = [number] * ADDRESSES if places is None else places
    return struct.pack("=IIII8H", SLOT, number, n_born, listeners, *places)


def go(comes_back=0):
    return struct.pack("=II", GO, comes_back)


class Socket:
    def __init__(self, s):
        self.s = s
        self.received = []      # descriptors

    def say(self, message, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.s.sendmsg([message], rights)

    def hear(self, seconds=10):
        """The type and the payload of the next message; None at the end."""
        self.s.settimeout(seconds)
        data, ancillary, _, _ = self.s.recvmsg(4096, 4096)
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self.received += array.array("i", content[:len(content) // 4 * 4])
        return (struct.unpack_from("=I", data)[0], data[4:]) if data else None

    def close(self):
        self.s.close()
        for fd in self.received:
            os.close(fd)


def of_environment():
    """For a play's new parent."""
    return Socket(socket.socket(fileno=int(os.environ.pop(VARIABLE))))


def pair():
    """For a play's old parent: our end, and the one to be inherited."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return Socket(ours), theirs
