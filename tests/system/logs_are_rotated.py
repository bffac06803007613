#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""USR1 under load: not a line is lost, and none goes to an old file once it is said that it is reopened.

As root the workers are nobody, who may not open the files.
"""
import json
import os
import pathlib
import signal
import time

from _play import NOBODY, Brood, Checker, check, engines, get, wait_until


def parsed(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def is_reopened(log):
    return log.exists() and any("nothing more goes" in line for line in log.read_text().splitlines())


def rotate(brood, folder, n):
    """Moves both away, as logrotate does. Returns the sizes of the old files when it was said that they are done with."""
    for name in ("access", "errors"):
        (folder / name).rename(folder / f"{name}.{n}")
    brood.kill(signal.SIGUSR1)
    wait_until(lambda: is_reopened(folder / "errors"), 10, "the logs are open again")
    return [(folder / f"{name}.{n}").stat().st_size for name in ("access", "errors")]


for engine in engines():
    options = ["--user", NOBODY] if os.geteuid() == 0 else []
    with Brood("--log", "errors", "--access-log", "access", "--access-log-format", "json", "--log-format", "json",
               *options, engine=engine, workers=3, ready=False, control=True) as brood:
        folder = pathlib.Path(brood.directory.name)
        wait_until(lambda: (folder / "errors").exists() and "ready: 3" in (folder / "errors").read_text(), 10, "ready")
        brood.workers()
        checkers = [Checker(brood.port, mode, seconds=20) for mode in ("keepalive", "close")]
        sizes = []
        for n in range(6):
            time.sleep(0.2)
            if n == 3:
                brood.kill(signal.SIGHUP)       # workers come and go meanwhile
            sizes.append(rotate(brood, folder, n))
        time.sleep(0.2)
        for _ in range(50):                     # more than anybody needs
            brood.kill(signal.SIGUSR1)
        wait_until(lambda: not brood.status()["reopen"]["running"], 10, "the last is over")
        check("reopening" in brood.ctl("reopen", "--wait"), "ctl reopen")
        for checker in checkers:
            checker.finish()
            checker.expect_nothing_lost()
        workers = brood.workers()
        brood.stop()
        for n, before in enumerate(sizes):
            after = [(folder / f"{name}.{n}").stat().st_size for name in ("access", "errors")]
            check(after == before, f"rotation {n}: the old files grew from {before} to {after}")
        files = [folder / "access", *(folder / f"access.{n}" for n in range(6))]
        found = [line for file in files for line in parsed(file)]
        counted = {status: sum(line["status"] == status for line in found) for status in (200, 499)}
        answered = sum(checker["answered"] for checker in checkers)
        check(answered <= counted[200] <= answered + 64, f"{counted} lines of {answered} answers")
        check(all(parsed(file) for file in files[1:]), "each file has some")
        for n in range(6):
            parsed(folder / f"errors.{n}")
        deaths = [line for line in parsed(folder / "errors.4") + parsed(folder / "errors.3") + parsed(folder / "errors.5")
                  + parsed(folder / "errors") if line.get("cause") == "drained"]
        check(len(deaths) >= 3 and all({"slot", "worker_pid", "generation"} <= line.keys() for line in deaths), deaths)
        check(not brood.log(), f"nothing goes to stderr: {brood.log()}")
        print(f"{engine}: {counted[200]} lines of {answered} answers")

    # What cannot be opened again leaves the old file in use.
    with Brood("--log", "sub/errors", engine=engine, ready=False) as brood:
        brood.wait_exit(1, 5)
        check("cannot start: option log_file: sub/errors: No such file" in brood.log(), brood.log())
    with Brood("--access-log", "x/../access", engine=engine, ready=False) as brood:
        brood.wait_exit(1, 5)
        check("cannot start: option access_log" in brood.log(), brood.log())
    with Brood(engine=engine) as brood:
        folder = pathlib.Path(brood.directory.name)
        (folder / "sub").mkdir()
        with Brood("--log", "sub/errors", engine=engine, ready=False, cwd=folder) as other:
            wait_until(lambda: (folder / "sub/errors").exists() and "ready:" in (folder / "sub/errors").read_text(), 10,
                       "ready")
            (folder / "sub").rename(folder / "moved")
            other.kill(signal.SIGUSR1)
            wait_until(lambda: "the old file stays" in (folder / "moved/errors").read_text(), 5, "a warning")
            check(get(other.port, "/").status == 200, "it serves")
            other.stop()
        brood.stop()
