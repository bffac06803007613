#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A reload whose new worker does not get ready stops, says why, and the old ones serve on; mended, it goes through."""
import os
import shutil
import signal
import tempfile

from _play import DEMO, Brood, Checker, check, engines


def install(handler, write):
    """A new file under the old name: the one that is mapped stays as it is."""
    draft = handler + ".draft"
    write(draft)
    os.replace(draft, handler)


def write_garbage(path):
    with open(path, "w") as f:
        f.write("no shared object")


for engine in engines():
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        handler = os.path.join(directory, "handler.so")
        install(handler, lambda path: shutil.copy(DEMO, path))
        with Brood(engine=engine, workers=3, what=("--handler", handler)) as brood:
            old = set(brood.workers())
            checker = Checker(brood.port, "keepalive", 8)
            install(handler, write_garbage)
            brood.kill(signal.SIGHUP)
            line = brood.wait_for_line("reload: stopped at worker 0, .*; 3 old workers stay")
            check(brood.lines(r"worker \d \(pid \d+\): could not start: handler .*handler\.so: "), "and why")
            check(set(brood.workers()) == old, "the old ones serve on")
            install(handler, lambda path: shutil.copy(DEMO, path))
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: done after")
            checker.finish().expect_nothing_noticed()
            check(brood.whoami()["pid"] not in old, "the new ones serve")
            brood.stop()
        print(f"{engine}: {line}")
