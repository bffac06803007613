#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An access log that takes nothing, a full disk or a full pipe: nobody waits, lines are dropped, counted and said."""
# models: one
import json
import os
import pathlib
import re
import subprocess
import threading

from _play import Brood, Checker, check, engines, wait_until


def n_dropped(brood):
    return sum(int(n) for line in brood.lines("counters:") for n in re.findall(r" log_dropped=(\d+)", line))


def load(brood):
    checker = Checker(brood.port, seconds=1).finish(told=False)
    checker.expect_nothing_lost()
    return checker["answered"]


def on_full_device(engine):
    with Brood("--access-log", "/dev/full", "--log-level", "debug", engine=engine) as brood:
        answered = load(brood)
        check(brood.lines("access log: No space left on device; lines are dropped"), "it is said")
        check(len(brood.lines("access log:")) <= 2, "once a worker")
        brood.stop()
        check(n_dropped(brood) == answered, f"{n_dropped(brood)} were dropped of {answered}")


def on_small_disk(engine):
    """Once there is room again, lines go on, each whole."""
    with Brood("--listing", what=("--text", "x"), engine=engine) as other:
        disk = pathlib.Path(other.directory.name, "disk")
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "brood-play", disk], check=False,
                          capture_output=True).returncode != 0:
            print("no small disk: may not mount one")
            return
        try:
            with Brood("--access-log", disk / "access", "--log-level", "debug", "--access-log-format", "json",
                       engine=engine) as brood:
                load(brood)
                check(brood.lines("No space left on device"), "it is full")
                check((disk / "access").stat().st_size == 65536, "to the last byte")
                os.truncate(disk / "access", 0)
                for _ in range(40):
                    brood.get("/echo")
                brood.wait_for_line(r"access log: written again; \d+ lines were dropped")
                brood.stop()
                torn = 0
                for line in (disk / "access").read_text().splitlines():
                    try:
                        json.loads(line)
                    except ValueError:
                        torn += 1
                check(torn <= 2, f"{torn} lines are torn")
        finally:
            subprocess.run(["umount", disk], check=True)
        other.stop()


def on_full_pipe(engine):
    """What is read is whole lines, although two workers write at once."""
    with Brood(what=("--text", "x"), engine=engine) as other:
        fifo = os.path.join(other.directory.name, "fifo")
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with Brood("--access-log", fifo, "--log-level", "debug", "--access-log-format", "json", engine=engine) as brood:
            answered = load(brood)
            if answered <= 10000:       # many more than there are lines in a pipe; not at once on a busy machine
                answered += load(brood)
            check(answered > 10000, f"it is not held up: {answered}")
            os.set_blocking(reader, True)
            text = []
            drain = threading.Thread(target=lambda: text.extend(iter(lambda: os.read(reader, 65536), b"")))
            drain.start()
            wait_until(lambda: text, 5, "the pipe is read")
            brood.stop()
            drain.join(10)
            lines = b"".join(text).split(b"\n")
            check(lines.pop() == b"", "the last is whole")
            for line in lines:
                json.loads(line)
            check(len(lines) + n_dropped(brood) == answered, f"{len(lines)} read, {n_dropped(brood)} dropped of {answered}")
            print(f"{engine}: {len(lines)} lines read, {n_dropped(brood)} dropped of {answered}")
        os.close(reader)
        other.stop()


for engine in engines():
    on_full_device(engine)
    on_small_disk(engine)
    on_full_pipe(engine)
