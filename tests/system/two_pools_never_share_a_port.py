#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# timeout: 300
# waits: mostly
"""Of two pools that start at the same moment where they overlap, exactly one serves; the other says who."""
import os
import pathlib
import subprocess
import tempfile
import time

from _play import BROOD, MODEL, NOBODY, check, drop_to, free_port, get, wait_until

TIMES = 12 if MODEL != "reuseport" else 50


def start(address, log, uid=None):
    command = [BROOD, "serve", "--listen", address, "--workers", "1", "--model", MODEL, "--text", "x"]
    preexec = drop_to(uid) if uid and os.geteuid() == 0 else None
    with open(log, "wb") as output:
        return subprocess.Popen(command, stderr=output, stdin=subprocess.DEVNULL, preexec_fn=preexec)


def lines_of(log):
    return pathlib.Path(log).read_text().splitlines()


def loser_of(processes):
    """Waits for the one that gives up."""
    ended = wait_until(lambda: [p for p in processes if p.poll() is not None], 10, "one of them gives up")
    time.sleep(0.01)
    check(len(ended) == 1, f"exactly one gives up: {[p.poll() for p in processes]}")
    return ended[0]


def race(scratch, addresses, uids=(None, None)):
    logs = [f"{scratch}/log{i}" for i in range(2)]
    processes = [start(address, log, uid) for address, log, uid in zip(addresses, logs, uids)]
    try:
        lost = loser_of(processes)
        won = processes[1 - processes.index(lost)]
        winners_log = logs[processes.index(won)]
        told = lines_of(logs[processes.index(lost)])
        address = addresses[processes.index(lost)]
        check(lost.returncode == 1 and len(told) == 1, f"code 1 and one line: {lost.returncode} {told}")
        check("already taken by brood" in told[0] and f"(pid {won.pid})" in told[0] and address in told[0],
              f"{address} is taken by {won.pid}: {told}")
        wait_until(lambda: "ready: " in "".join(lines_of(winners_log)), 10, "the other one serves")
        check(get(int(addresses[0].rpartition(":")[2]), "/").body == b"x", "and answers")
    finally:
        for process in processes:
            process.terminate()
    for process in processes:
        process.wait(10)
    check(won.returncode == 0, f"and ends well: {won.returncode}")


with tempfile.TemporaryDirectory(prefix="brood-race-") as scratch:
    for _ in range(TIMES):
        port = free_port()
        race(scratch, [f"127.0.0.1:{port}"] * 2)
    for other in ("0.0.0.0", "[::]", ""):
        for _ in range(4):
            port = free_port()
            race(scratch, [f"127.0.0.1:{port}", f"{other}:{port}"])
            race(scratch, [f"{other}:{port}", f"127.0.0.1:{port}"])
    for _ in range(4):
        port = free_port()
        race(scratch, [f"0.0.0.0:{port}", f"[::]:{port}"])
    if os.geteuid() == 0:
        for uids in ((NOBODY, NOBODY), (NOBODY, 1), (None, NOBODY)):
            for _ in range(4):
                port = free_port()
                race(scratch, [f"127.0.0.1:{port}"] * 2, uids)
print(f"{TIMES} times the same address, and those that overlap")
