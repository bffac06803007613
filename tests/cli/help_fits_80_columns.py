#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
from _brood import brood, check

for arguments in (["help"], ["--help"], ["-h"], ["help", "serve"], ["help", "run"], ["help", "ctl"], ["ctl", "-h"],
                  ["help", "top"], ["top", "--help"],
                  ["serve", "--help"], ["run", "--help"], ["run", "-h", "--", "prog"], ["serve", "-h"],
                  ["serve", "--xyzzy", "-h"], ["version"], ["--version"]):
    result = brood(*arguments, BROOD_WORKERS="wrong, but who asks for help gets it")
    check(result.returncode == 0 and result.stderr == "", arguments, result)
    check(len(result.stdout.splitlines()) >= 2, arguments, result.stdout)
    for line in result.stdout.splitlines():
        check(len(line) <= 80, len(line), "columns:", line)
        check(line == line.rstrip(), "white space at the end of:", line)

# After "--" it is the name of a directory.
result = brood("serve", "--", "--help")
check(result.returncode == 1 and 'directory "--help"' in result.stderr, result)
check(brood("help", "serve").stdout == brood("serve", "--help").stdout, "two helps")
