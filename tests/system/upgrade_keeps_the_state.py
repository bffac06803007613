#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An upgrade loses no count, while both pools count; another size begins anew and says so."""
import pathlib
import tempfile
import threading

from _play import Brood, check, engines, get


def count_while(brood, stop, counts):
    while not stop.is_set():
        counts.append(int(get(brood.port, "/count?key=k").body))


def keep(engine):
    with Brood(engine=engine, workers=2, control=True) as brood:
        stop, counts = threading.Event(), []
        thread = threading.Thread(target=count_while, args=(brood, stop, counts))
        thread.start()
        for _ in range(3):
            brood.upgrade()
        stop.set()
        thread.join()
        check(counts == list(range(1, len(counts) + 1)), f"every request is counted once, in order: {len(counts)}")
        check(not brood.lines("begins empty"), "it was taken over")


def other_size():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "brood.ini")
        path.write_text("state-size = 4M\n")
        with Brood("--config", str(path), control=True) as brood:
            check(get(brood.port, "/count").body == b"1\n", "one")
            path.write_text("state-size = 8M\n")
            brood.upgrade()
            check(get(brood.port, "/count").body == b"1\n", "it begins anew")
            check(len(brood.lines("begins empty")) == 1, "and says so")


for engine_name in engines():
    keep(engine_name)
other_size()
