#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs of brood_state(3) and brood_once(3) are visits.c and primes.c of the examples, and do what they say."""
# models: one
import os
import pathlib
import re
import signal
import subprocess
import time

from _play import Brood, check, children_of, free_port, get, wait_until
from _redis import back_ends

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))

source = (ROOT / "src/examples/visits.c").read_text()
page = (ROOT / "tools/man/brood_state.3").read_text()
check(source[source.index("#include"):].replace("\\", "\\e") in page, "the page has it as it is")

source = (ROOT / "src/examples/primes.c").read_text()
page = (ROOT / "tools/man/brood_once.3").read_text()
check(source[source.index("#include"):].replace("\\", "\\e") in page, "the page has it as it is")
with Brood(what=("--handler", str(BUILD / "examples/primes.so"))) as brood:
    for below, n in ((10, 4), (1000000, 78498), (1000000, 78498), (2, 0)):
        check(get(brood.port, f"/?below={below}").body == f"{n}\n".encode(), f"primes below {below}")
    check(get(brood.port, "/").status == 400, "no number")


def visits(*where):
    port = free_port()
    with subprocess.Popen([BUILD / "examples/visits", f"127.0.0.1:{port}", *where], stderr=subprocess.PIPE) as process:
        try:
            while b"ready" not in process.stderr.readline():
                pass
            told = {get(port, "/a").body.decode() for _ in range(30)}
            check(told == {f"Hello, visitor {n}\n" for n in range(1, 31)}, sorted(told))
            check(get(port, "/greeting?text=Moin", method="POST").body == b"taken\n", "the greeting is taken")
            time.sleep(0.5)
            check({get(port, f"/{n}").body for n in range(30)} == {b"Moin, visitor 1\n"}, "every worker has heard of it")
            before = children_of(process.pid)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(set(children_of(process.pid)) - set(before)) == len(before), 10, "new workers")
            looks = iter(range(1000))       # of a server it is asked, which takes those born since a moment
            wait_until(lambda: (look := next(looks)) >= 0 and {get(port, f"/b{look}-{n}").body for n in range(30)} ==
                       {b"Moin, visitor 1\n"}, 2, "and so have those born since")
            check(re.fullmatch(rb"Moin, visitor 31\n", get(port, "/a").body), "nothing is forgotten")
        finally:
            process.send_signal(signal.SIGTERM)
        process.stderr.read()
        check(process.wait(15) == 0, "it drains")


with back_ends() as all_of_them:
    for options in all_of_them:
        visits(*options[1:])
