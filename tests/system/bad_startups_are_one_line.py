#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""What cannot start says why in one line, with code 1 (or 2 for its usage), at once, and leaves nothing behind."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from _play import DEMO, NOBODY, Brood, check, drop_to

STARTS_BADLY = """
struct brood_request;
void brood_handle(struct brood_request *r) { }
int brood_handler_start(void) { return -5; }
"""
NO_SYMBOL = "int nothing_here = 1;"
UNDEFINED = "struct brood_request; int no_such_thing(void); void brood_handle(struct brood_request *r) { no_such_thing(); }"


def make_handler(directory, name, text):
    source, target = directory / f"{name}.c", directory / f"{name}.so"
    source.write_text(text)
    subprocess.run([os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-o", target, source], check=True)
    return str(target)


def refuses(pattern, *options, what=(), code=1, **popen):
    with Brood(*options, what=what, ready=False, **popen) as brood:
        took = brood.wait_exit(code, 3)
        lines = brood.log().splitlines()
        print(f"{code} in {took * 1000:.0f} ms:", *lines)
        check(len(lines) == 1, "one line")
        check(brood.lines(pattern), f"that says {pattern}")


with tempfile.TemporaryDirectory(prefix="brood-bad-") as name:
    directory = pathlib.Path(name)
    directory.chmod(0o755)
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    broken = directory / "broken.so"
    broken.write_text("this is no shared object")
    handlers = {}
    if shutil.which(os.environ.get("CC", "gcc")):
        handlers = {name: make_handler(directory, name, text) for name, text in
                    (("badly", STARTS_BADLY), ("empty", NO_SYMBOL), ("undefined", UNDEFINED))}

    refuses(r"nowhere.*No such file", what=(str(directory / "nowhere"),))
    refuses(r"broken\.so", what=(str(broken),))
    refuses(r"nowhere\.so", what=("--handler", str(directory / "nowhere.so")))
    refuses(r"broken\.so", what=("--handler", str(broken)))
    if handlers:
        refuses(r"empty\.so.*brood_handle", what=("--handler", handlers["empty"]))
        refuses(r"undefined\.so.*no_such_thing", what=("--handler", handlers["undefined"]))
        refuses(r"brood_handler_start.*-5", what=("--handler", handlers["badly"]))
    if os.geteuid() == 0:
        as_nobody = {"preexec_fn": drop_to(NOBODY)}
        refuses(r"closed.*Permission denied", what=(str(closed),), **as_nobody)
        refuses(r"closed.*Permission denied", "--user", "nobody", what=(str(closed),))
        refuses(r"nobody-there", "--user", "nobody-there", what=("--text", "x"), code=2)
        refuses(r"no-such-group", "--user", "nobody", "--group", "no-such-group", what=("--text", "x"), code=2)
        refuses(r"root|permitted", "--user", "daemon", what=("--text", "x"), **as_nobody)
        if int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) > 81:
            refuses(r":81\b.*Permission denied", "--listen", "127.0.0.1:81", what=("--text", "x"), **as_nobody)
    refuses(r"127\.0\.0\.1:notaport", "--listen", "127.0.0.1:notaport", code=2)
    refuses(r"203\.0\.113\.9:2000.*[Cc]annot assign", "--listen", "203.0.113.9:2000", what=("--text", "x"))
    refuses(r"no-such-option", "--no-such-option", code=2)
    refuses(r"workers.*lots", "--workers", "lots", code=2)
    refuses(r"drain-timeout.*soon", "--drain-timeout", "soon", code=2)
    refuses(r"(?=.*text)(?=.*handler)", what=("--text", "x", "--handler", DEMO), code=2)
    refuses(r"pid", "--pid-file", str(directory / "nowhere" / "pid"), what=("--text", "x"))
