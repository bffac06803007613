#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing is accepted that both llhttp (Node, strict) and nginx refuse.

usage: agrees_with_llhttp.py [--mutations N] [--seed S]

Inputs: the fuzzers' seeds, the requests below, and N mutations of them. What we accept and llhttp
refuses is shown to nginx; what nginx refuses too is a failure. What all accept must be the same number
of messages with as many bytes of target and of body: a difference there is how requests are smuggled.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", TESTS.parent / "build"))
OURS = BUILD / "tests/tools/request_verdicts"
THEIRS = TESTS / "tools/llhttp_verdicts.js"
BATCH = 50_000
SKIP = 77

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

BASES = [
    GET + b"\r\n",
    GET + b"\r\n" + GET + b"Connection: close\r\n\r\n",
    GET + b"Accept: */*\r\nCookie: a=b; c=\"d\"\r\nX-Empty:\r\n\r\n",
    b"GET /a/b?c=d&e HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    b"GET http://a.example:80/x?y HTTP/1.1\r\nHost: b\r\n\r\n",
    b"GET https://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"HEAD /a%20b HTTP/1.1\r\nHost: a.b-c_d:8080\r\nExpect: 100-continue\r\n\r\n",
    POST + b"Content-Length: 5\r\n\r\nhello" + GET + b"\r\n",
    POST + b"Content-Length: 0\r\n\r\n" + GET + b"\r\n",
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + GET + b"\r\n",
    CHUNKED + b"A;x;y=z;q=\"a b\"\r\n0123456789\r\n0\r\n\r\n",
    CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\nExpires: 0\r\n\r\n",
    CHUNKED + b"003\r\nabc\r\n10\r\n0123456789abcdef\r\n000\r\n\r\n",
    b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc",
    b"DELETE /a HTTP/1.1\r\nHost: a\r\n\r\nPATCH /b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
]

# What clients, proxies and attackers put where it does not belong.
PIECES = [
    b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b"\v", b"\f", b"\x7f", b"\x80", b"\xff", b"\xc2\xa0", b":",
    b";", b",", b"=", b'"', b"\\", b"+", b"-", b"_", b".", b"0", b"1", b"f", b"g", b"0x", b"#", b"?", b"*",
    b"@", b"/", b"//", b"[", b"]", b"%", b"%00", b"{", b"|", b"chunked", b"identity", b"gzip, ", b"close",
    b"keep-alive", b"upgrade", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"http://", b"\r\n ", b"\r\n\t",
    b"\n\n", b"\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Host: b\r\n",
    b"Transfer-Encoding: identity\r\n", b"Connection: close\r\n", b"Upgrade: h2c\r\n", b"X: y\r\n z\r\n",
    b"X : y\r\n", b": y\r\n", b"X\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b";a=b", b";a=\"b\"", b";a",
]


def seeds():
    corpus = TESTS / "fuzz/corpus"
    heads = [p.read_bytes() for p in sorted((corpus / "head").iterdir())]
    bodies = [CHUNKED + p.read_bytes()[2:] for p in sorted((corpus / "body").iterdir())]
    return BASES + heads + bodies


def by_hand():
    """Every piece before and behind every field name, colon, value and line end."""
    for base in BASES:
        marks = {0, len(base)} | {m.start() for m in re.finditer(rb"\b|[:;=]|\r|\n", base)}
        for at in sorted(marks):
            for piece in PIECES:
                yield base[:at] + piece + base[at:]


def mutate(rng, corpus):
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(7)
        if what == 0:
            data[at:at] = rng.choice(PIECES)
        elif what == 1:
            data[at:at + 1] = rng.choice(PIECES)
        elif what == 2:
            del data[at:at + rng.choice((1, 1, 2, 5))]
        elif what == 3 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif what == 4 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 5:
            lines = bytes(data).split(b"\r\n")
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
            data = bytearray(b"\r\n".join(lines))
        else:
            other = rng.choice(corpus)
            data[at:] = other[rng.randrange(len(other) + 1):]
    return bytes(data)


def inputs(arguments):
    corpus = seeds()
    yield from corpus
    yield from by_hand()
    rng = random.Random(arguments.seed)
    for _ in range(arguments.mutations):
        yield mutate(rng, corpus)


def batches(items):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def verdicts(batch):
    """[(our words, llhttp's words)] for every input."""
    with tempfile.TemporaryFile() as wire:
        for item in batch:
            wire.write(len(item).to_bytes(4, "little") + item)
        wire.flush()
        fd = wire.fileno()
        running = []
        for command in ([str(OURS)], ["node", str(THEIRS)]):
            own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)  # each reads from an offset of its own
            running.append(subprocess.Popen(command, stdin=own, stdout=subprocess.PIPE, text=True))
            os.close(own)
        told = []
        for process in running:
            told.append([line.split() for line in process.communicate()[0].splitlines()])
            if process.returncode != 0 or len(told[-1]) != len(batch):
                sys.exit(f"{process.args}: code {process.returncode}, {len(told[-1])} verdicts")
    return zip(batch, *told)


class Nginx:
    """One that reads whole requests before it answers, on a socket in a directory of its own."""

    CONF = """
daemon off; worker_processes 1; pid {0}/pid; error_log {0}/log;
events {{ }}
http {{
    access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;
    uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; proxy_ignore_client_abort on;
    server {{ listen unix:{0}/front; location / {{ proxy_pass http://unix:{0}/back:/; }} }}
    server {{ listen unix:{0}/back; location / {{ return 200; }} }}
}}
"""

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory()
        at = self.dir.name
        os.chmod(at, 0o755)
        pathlib.Path(at, "conf").write_text(self.CONF.format(at))
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.process = subprocess.Popen([nginx, "-p", at, "-c", f"{at}/conf"], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 5
        while not (pathlib.Path(at, "front").exists() and pathlib.Path(at, "back").exists()):
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit("nginx does not start")
            time.sleep(0.02)
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()
        self.dir.cleanup()

    def statuses(self, data):
        """The statuses of the responses, until nginx closes or is quiet for two seconds."""
        got = b""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(f"{self.dir.name}/front")
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while piece := client.recv(65536):
                    got += piece
            except (TimeoutError, ConnectionError):
                pass
        return [int(status) for status in re.findall(rb"(?m)^HTTP/1\.[01] (\d{3}) ", got)]


def refused_by_nginx(suspects):
    """Those inputs nginx answers with an error, or not with as many answers as we found messages."""
    if not suspects:
        return []
    with Nginx() as nginx:
        refused = []
        for data, ours, theirs in suspects:
            statuses = [s for s in nginx.statuses(data) if s >= 200]
            if len(statuses) < int(ours[1]) or any(s >= 400 for s in statuses):
                refused.append((data, ours, theirs, statuses))
    return refused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    if not shutil.which("node"):
        print("SKIP: node is not installed")
        return SKIP
    if not OURS.exists():
        sys.exit(f"{OURS} is not built (make tests)")

    count = collections.Counter()
    suspects, differ = [], []
    for batch in batches(inputs(arguments)):
        for data, ours, theirs in verdicts(batch):
            # after a last message llhttp refuses what follows; we do not read it
            fine = theirs[0] in ("ok", "upgrade", "HPE_CLOSED_CONNECTION")
            accepted = ours[0] == "ok"
            count[("accepted" if accepted else "waited for" if ours[0] == "more" else "refused",
                   "accepted" if fine else "refused")] += 1
            if accepted and not fine:
                suspects.append((data, ours, theirs))
            elif accepted and theirs[0] == "ok" and ours[1:] != theirs[1:]:
                differ.append((data, ours, theirs))

    for (ours, theirs), n in sorted(count.items()):
        print(f"{n:8} {ours} by us, {theirs} by llhttp")
    for data, ours, theirs in differ:
        print(f"FRAMED DIFFERENTLY: {data!r}\n  ours: {' '.join(ours)}\n  llhttp: {' '.join(theirs)}")
    if suspects and not shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        for data, ours, theirs in suspects[:20]:
            print(f"refused by llhttp ({theirs[0]}): {data!r}")
        print(f"SKIP: {len(suspects)} inputs refused by llhttp alone, and no nginx to decide")
        return 1 if differ else SKIP
    refused = refused_by_nginx(suspects)
    for data, ours, theirs, statuses in refused:
        print(f"REFUSED BY BOTH: {data!r}\n  llhttp: {theirs[0]}\n  nginx: {statuses}")
    print(f"{len(refused)} of {len(suspects)} accepted by us and refused by llhttp are refused by nginx too")
    return 1 if refused or differ else 0


if __name__ == "__main__":
    sys.exit(main())
