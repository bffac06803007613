#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What brood run takes, what it refuses in one line, and what --check says of it; serve refuses what is run's."""
import pathlib
import tempfile

from _brood import brood, check, check_refused

for arguments in ([], ["--"], ["--workers", "2"], ["--", ""]):
    check_refused(2, ["no program", "brood run [OPTIONS] -- PROG"], "run", *arguments)
check_refused(2, ['"prog" stands before --'], "run", "prog")
check_refused(2, ['"prog" stands before --'], "run", "--workers", "2", "prog", "--", "x")
check_refused(2, ["unknown option --wrokers", "did you mean --workers?"], "run", "--wrokers", "2", "--", "true")
check_refused(2, ["unknown option --xyzzy", "brood run --help"], "run", "--xyzzy", "--", "true")
for flag in ("root", "text", "handler", "max-body", "idle-timeout", "engine", "on-fault", "poison-limit", "max-requests",
             "rebalance", "max-connections"):
    check_refused(2, [f"--{flag} is an option of brood serve, not of brood run"], "run", f"--{flag}", "--", "true")
    variable = "BROOD_" + flag.upper().replace("-", "_")
    check_refused(2, [variable, "an option of brood serve"], "run", "--", "true", **{variable: "1"})
for flag in ("ready", "stop-signal", "shell", "non-blocking", "stdio", "env", "cwd"):
    check_refused(2, [f"--{flag} is an option of brood run, not of brood serve"], "serve", f"--{flag}")
for flag, wrong, allowed in (("ready", "soon", "listen, notify or delay"), ("ready", "delay:", "delay:500ms"),
                             ("ready", "delay:0ms", "delay:500ms"), ("ready", "delay:5", "delay:500ms"),
                             ("stop-signal", "KILL", "not KILL or STOP"), ("stop-signal", "SIGSTOP", "not KILL or STOP"),
                             ("stop-signal", "9", "not KILL or STOP"), ("stop-signal", "0", "such as TERM"),
                             ("stop-signal", "65", "such as TERM"), ("stop-signal", "term", "such as TERM"),
                             ("stdio", "file", "inherit, null or log"), ("env", "A", "NAME=VALUE"),
                             ("env", "=b", "NAME=VALUE"), ("env", "A B=c", "NAME=VALUE"), ("env", "A=b\nC=d", "one line"),
                             ("cwd", "", "not empty"), ("listen", "nothing", "an address")):
    check_refused(2, [f"--{flag} ", allowed], "run", f"--{flag}", wrong, "--", "true")
check_refused(2, ["--listen none, and other addresses"], "run", "--listen", "none", "--listen", ":1", "--", "true")
check_refused(2, ["--listen"], "serve", "--listen", "none")
check_refused(2, ["model", "round-robin"], "run", "--check", "--model", "round-robin", "--", "true")
check_refused(2, ["cannot run", "PATH"], "run", "--check", "--", "no-such-program-here")
check_refused(1, ["cannot run", "PATH"], "run", "--", "no-such-program-here")


def in_force(*arguments, **variables):
    result = brood("run", "--check", *arguments, "--", "true", "--help", **variables)
    check(result.returncode == 0 and not result.stderr, arguments, result)
    return [line.partition(" ;")[0].rstrip() for line in result.stdout.splitlines()]


lines = in_force()
for line in ("ready = listen", "stop-signal = TERM", "shell = 0", "non-blocking = 0", "stdio = inherit", "workers = auto"):
    check(line in lines, line, lines)
check(not any(line.startswith(("max-body", "root", "engine")) for line in lines), lines)
check("listen = none" in (lines := in_force("--listen", "none")), lines)
check("listen = :1" in (lines := in_force("--listen", ":1", BROOD_LISTEN="none")), lines)
lines = in_force("--ready", "delay:2s", "--stop-signal=3", "--env", "A=b c, d", "--env", "B=", "--stdio", "log", "--shell", "--non-blocking")
for line in ("ready = delay:2s", "stop-signal = QUIT", "env = A=b c, d", "env = B=", "stdio = log", "shell = 1", "non-blocking = 1"):
    check(line in lines, line, lines)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "brood.ini")
    path.write_text("ready = notify\nenv = A=1\nenv = B=2,3\nstop-signal = SIGUSR1\nshell = 1\n")
    lines = in_force("--config", str(path))
    for line in ("ready = notify", "env = A=1", "env = B=2,3", "stop-signal = USR1", "shell = 1"):
        check(line in lines, line, lines)
    check("env = C=4" in (lines := in_force("--config", str(path), "--env", "C=4")) and "env = A=1" not in lines, lines)
    path.write_text("max-body = 1M\n")
    check_refused(2, [f"{path}:1: max-body is an option of brood serve"], "run", "--config", str(path), "--", "true")
