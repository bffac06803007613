# SPDX-License-Identifier: MIT
"""What the plays of the command line share: run it, and hold what it says."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
BROOD = os.environ.get("BROOD", str(BUILD / "brood"))
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("BROOD_")}


def brood(*arguments, **variables):
    """Runs it to its end, which must come by itself. The result has returncode, stdout, stderr."""
    return subprocess.run([BROOD, *arguments], env={**CLEAN, **variables}, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=30, check=False)


def check(holds, *what):
    if not holds:
        print("FAILED:", *what)
        sys.exit(1)


def check_refused(code, parts, *arguments, **variables):
    """One line on stderr, nothing on stdout, this exit code; the line holds each of parts."""
    result = brood(*arguments, **variables)
    told = f"{arguments} {variables}: code {result.returncode}, {result.stdout!r}, {result.stderr!r}"
    check(result.returncode == code, told)
    check(result.stdout == "", told)
    check(result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), told)
    for part in parts:
        check(part in result.stderr, f"no {part!r}:", told)
