#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that cannot be executed is one line and code 1; one that never gets ready is given up with code 4."""
# models: one
import os
import pathlib
import signal
import subprocess
import tempfile

from _guest import MODELS, PROGRAM, PYTHON, Guest
from _play import BROOD, check, free_port

folder = tempfile.TemporaryDirectory(prefix="brood-play-")
not_executable = pathlib.Path(folder.name, "data")
not_executable.write_text("no program\n")
no_interpreter = pathlib.Path(folder.name, "script")
no_interpreter.write_text("#!/no/such/interpreter\n")
no_interpreter.chmod(0o755)


def refused(code, said, *words):
    result = subprocess.run([BROOD, "run", "--listen", f"127.0.0.1:{free_port()}", "--workers", "3", *words], text=True,
                            env={**os.environ, "BROOD_CONTROL": "off"}, capture_output=True, timeout=20, check=False)
    told = f"{words}: code {result.returncode}: {result.stdout}{result.stderr}"
    check(result.returncode == code and result.stdout == "", told)
    check(result.stderr.count("\n") == 1 and said in result.stderr, told)


refused(1, "no-such-program", "--", "no-such-program-here")
refused(1, "/no/such/program", "--", "/no/such/program")
refused(1, "Permission denied", "--", str(not_executable))
refused(1, "Permission denied", "--", folder.name)
refused(1, "cannot execute", "--", str(no_interpreter))
refused(1, "/no/such/place", "--cwd", "/no/such/place", "--", "true")
refused(1, "cannot execute no-such-", "--", "no-such-{slot}")
refused(2, "round-robin", "--model", "round-robin", "--", "true")
refused(2, "least", "--balance", "least", "--", "true")
for model in MODELS:
    for words in (("true",), ("false",), (PYTHON, "-c", "import os; os.abort()")):
        with Guest("--restart-limit", "3/10s", "--backoff", "10ms..20ms", model=model, program=words, ready=False) as brood:
            brood.wait_exit(4, 10)
            check(brood.lines("giveup: .* deaths"), "and says so")
            check(brood.lines(r"exited with code [01] after|died by SIGABRT after"), "how each died is told")
    # The reload of a program that does not get ready any more leaves the old ones.
    with tempfile.TemporaryDirectory(prefix="brood-play-") as place:
        os.chmod(place, 0o755)
        script = pathlib.Path(place, "worker")
        script.write_text(f"#!/bin/sh\nexec {' '.join(PROGRAM)}\n")
        script.chmod(0o755)
        with Guest(model=model, program=(str(script),)) as brood:
            pids = set(brood.programs())
            script.write_text("#!/bin/sh\nexit 7\n")
            brood.kill(signal.SIGHUP)
            brood.wait_for_line("reload: .*stay", 10)
            check(brood.get("/").status == 200 and set(brood.programs()) == pids, "the old ones stay")
            brood.stop()
