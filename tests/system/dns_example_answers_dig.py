#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The DNS responder of the examples: what dig gets of it, and what it makes of queries that are none."""
# models: one
# waits: mostly
import random
import re
import shutil
import socket
import struct
import subprocess

from _play import BUILD, Brood, check, free_port, skip

if not shutil.which("dig"):
    skip("there is no dig (Debian: bind9-dnsutils)")


def dig(*words):
    """What it prints, and the status of the answer's header."""
    text = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+time=3", "+nocookie", *words],
                          stdout=subprocess.PIPE, text=True, check=False).stdout
    status = re.search(r"status: (\w+)", text)
    check("Warning" not in text and "malformed" not in text, text)
    return text, status[1] if status else None


def short(*words):
    return dig("+short", *words)[0].split("\n")[:-1]


def flags(text):
    return re.search(r";; flags: ([a-z ]*);", text)[1].split()


def question(name=b"\3www\7example\4test\0", kind=1, count=1, bits=0x0100, others=0, more=0, rest=b"", number=7):
    return struct.pack(">6H", number, bits, count, others, 0, more) + name + struct.pack(">2H", kind, 1) + rest


def raw(data, timeout=3):
    """The answer's code, or None when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.sendto(data, ("127.0.0.1", port))
        try:
            answer = s.recv(65536)
        except TimeoutError:
            return None
    check(answer[:2] == data[:2] and answer[2] & 0x80 and len(answer) <= 1232, f"{data!r}: {answer!r}")
    return answer[3] & 15


port = free_port()
with Brood("--listen", f"udp:127.0.0.1:{port}", what=("--handler", BUILD / "examples/dns.so"), addresses=False) as brood:
    check(short("example.test", "A") == ["192.0.2.1"], "A")
    check(short("example.test", "AAAA") == ["2001:db8::1"], "AAAA")
    check(short("example.test", "TXT") == ['"v=spf1 -all"'], "TXT")
    check(sorted(short("WwW.eXample.TEST", "A")) == ["192.0.2.80", "192.0.2.81"], "two A, in any case")
    check(short("example.test", "SOA")[0].startswith("ns.example.test. hostmaster.example.test. 1 "), "SOA")
    text, status = dig("www.example.test", "AAAA")
    check(status == "NOERROR" and "aa" in flags(text) and "ra" not in flags(text), text)

    text, status = dig("www.example.test", "TXT")
    check(status == "NOERROR" and "ANSWER: 0, AUTHORITY: 1" in text and re.search(r"^example\.test\.\s.*SOA", text, re.M),
          f"a type there is not: {text}")
    text, status = dig("nobody.example.test", "A")
    check(status == "NXDOMAIN" and "aa" in flags(text) and re.search(r"^example\.test\.\s.*SOA", text, re.M),
          f"a name there is not: {text}")
    for words in (("example.org", "A"), ("test", "A"), (".", "NS"), ("notexample.test", "A"), ("example.test", "ANY", "+notcp"),
                  ("www.example.test", "CH", "A")):
        text, status = dig(*words)
        check(status == "REFUSED" and "aa" not in flags(text), f"{words}: {text}")

    text, status = dig("long.example.test", "TXT")
    check(len(re.search(r'^long\S+\s.*TXT\s+(.*)$', text, re.M)[1]) > 600, f"612 bytes of text: {text}")
    text, status = dig("long.example.test", "TXT", "+noedns", "+ignore")
    check("tc" in flags(text) and "ANSWER: 0" in text, f"it does not fit 512 bytes: {text}")
    text, status = dig("long.example.test", "TXT", "+bufsize=600", "+ignore")
    check("tc" in flags(text) and "ANSWER: 0" in text, f"it does not fit 600 bytes: {text}")
    text, status = dig("www.example.test", "A", "+edns=1", "+noednsneg")
    check(status == "BADVERS", f"EDNS of version 1: {text}")
    check(dig("www.example.test", "A", "+opcode=NOTIFY")[1] == "NOTIMP", "an opcode that it does not know")

    opt = b"\0" + struct.pack(">HHIH", 41, 4096, 0, 0)
    check(raw(question()) == 0 and raw(question(more=1, rest=opt)) == 0, "what is right")
    for what, data in {
            "two questions": question(count=2), "none": question(count=0), "an answer in it": question(others=1),
            "more than it says": question(rest=b"x"), "less than it says": question(more=1),
            "half an OPT": question(more=1, rest=opt[:-3]), "a record that is no OPT": question(more=1, rest=b"\0\0\1" + opt[3:]),
            "an option longer than there is": question(more=1, rest=opt[:-2] + b"\0\5abc"),
            "a compressed name": question(name=b"\xc0\x0c"), "a label of 64": question(name=b"\x40" + b"a" * 64 + b"\0"),
            "a name without end": question(name=b"\3www\7example", kind=0)[:-4], "a header alone": question()[:12],
            "a name of 257": question(name=(b"\x3f" + b"a" * 63) * 4 + b"\0")}.items():
        check(raw(data) == 1, f"{what}: {raw(data)}, and should be FORMERR")
    check(raw(question(name=(b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0")) == 5, "a name of 255 is whole")
    for data in (b"", b"\0", question()[:11], question(bits=0x8100)):
        check(raw(data, 0.2) is None, f"{data!r} is no query")
    chance = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(3000):
            data = bytearray(question(more=1, rest=opt))
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            s.sendto(data[:chance.randrange(len(data) + 1)], ("127.0.0.1", port))
    check(any(raw(question()) == 0 for _ in range(5)), "answered, when their queue has room again")
    check(len(brood.workers()) == 2, "all workers live")
    brood.stop()
    check(not brood.lines("died|fault"), "nobody has died")
