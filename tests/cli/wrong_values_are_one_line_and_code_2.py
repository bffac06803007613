#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every option of the help, with values it cannot take: as a flag, as --flag=value and as BROOD_FLAG."""
import re

from _brood import brood, check, check_refused

COUNTS = ["0", "-1", "+1", "1.5", "x", "", "1 ", "0x10", "99999999999999999999", "1000000000"]
TIMES = ["0s", "9", "9 s", "-1s", "x", "", "1.5s", "2d", "99999999999999999999s"]
SIZES = ["0", "-1", "x", "", "8MB", "1.5M", "2048G", "99999999999999999999"]
WORDS = ["", "x", "AUTO", "auto,epoll", "reuseport "]

WRONG = {
    "config": [""],
    "check": None,
    "root": [""],
    "text": [],     # every string is a text
    "handler": [""],
    "listing": None,
    "cache-size": SIZES,
    "listen": ["", ":", "8080", "localhost:80", ":65536", "127.0.0.1", "::1:80", "[::1]",
               "unix:", "unix:" + "x" * 108, "unix:/tmp/x,mode=9", "unix:/tmp/x,user=no-such-user", "unix:/tmp/x,mode=",
               ":8080,mode=0600", "stream:", "stream:8080"],
    "admin": ["", ":", "9090", "localhost:9090", ":65536", "127.0.0.1", "::1:80", "unix:/tmp/x", "Off", "0"],
    "join": None,
    "backlog": COUNTS,
    "max-connections": COUNTS,
    "workers": COUNTS + ["513", "Auto"],
    "model": WORDS + ["round-robin "],
    "tasks": ["-1", "+1", "1.5", "x", "", "1 ", "65", "auto"],
    "task-queue": COUNTS + ["7", "4097", "off"],
    "rebalance": None,
    "pin": None,
    "engine": WORDS,
    "balance": WORDS,
    "drain-timeout": TIMES,
    "pre-drain": TIMES + ["Off"],
    "start-timeout": TIMES,
    "restart-limit": ["", "5", "5/", "/10s", "0/10s", "5/0s", "5/10", "5:10s", "1001/10s", "5/2d"],
    "backoff": ["", "1s", "1s..", "..1s", "10s..1s", "0ms..1s", "1..10", "1s...2s", "1s..11m"],
    "on-giveup": WORDS,
    "on-fault": WORDS,
    "hang-timeout": TIMES + ["99ms", "Off"],
    "poison-limit": [value for value in COUNTS if value != "0"] + ["1001", "auto"],     # 0 is off
    "surge": COUNTS + ["513"],
    "max-requests": ["-1", "+1", "1.5", "x", "", "1 ", "0x10", "99999999999999999999", "auto"],
    "max-rss": [value for value in SIZES if value != "0"] + ["Off", "Auto", "auto|off"],
    "max-age": ["0s", "9", "9 s", "-1s", "x", "", "1.5s", "367d", "99999999999999999999s"],
    "user": [""],
    "group": [""],
    "pid-file": [""],
    "control": [""],
    "max-head": SIZES + ["255", "2M"],
    "max-target": SIZES + ["2M"],
    "max-fields": COUNTS + ["101"],
    "max-body": SIZES,
    "header-timeout": TIMES,
    "body-timeout": TIMES,
    "idle-timeout": TIMES,
    "write-timeout": TIMES,
    "linger-timeout": TIMES,
    "max-conn-requests": [value for value in COUNTS if value not in ("0", "1000000000")] + ["1000000001", "auto"],
    "max-conn-age": ["0s", "9", "9 s", "-1s", "x", "", "1.5s", "367d", "99999999999999999999s"],
    "log": [""],
    "access-log": [""],
    "access-log-format": WORDS,
    "state": WORDS + ["Memory", "redis", "redis:", "rediss://a"],
    "state-size": SIZES + ["1023K", "257G"],
    "state-full": WORDS,
    "state-prefix": [""],
    "state-timeout": TIMES + ["9ms", "61s"],
    "log-format": WORDS,
    "log-level": WORDS + ["info,debug"],
}

help_text = brood("serve", "--help").stdout
offered = set(re.findall(r"^  --([a-z-]+)", help_text, re.M))
check(offered == set(WRONG), "the help and this table differ in", sorted(offered ^ set(WRONG)))

for flag, values in WRONG.items():
    variable = "BROOD_" + flag.upper().replace("-", "_")
    if values is None:
        check_refused(2, [f"--{flag}", "takes no value"], "serve", f"--{flag}=1")
        check_refused(2, [variable, '"2"', "1 or 0"], "serve", **{variable: "2"})
        continue
    check_refused(2, [f"--{flag}", "needs a value"], "serve", f"--{flag}")
    for value in values:
        check_refused(2, [f"--{flag}", f'"{value}"', "it must be "], "serve", f"--{flag}", value)
        check_refused(2, [f"--{flag}", f'"{value}"', "it must be "], "serve", f"--{flag}={value}")
        check_refused(2, [variable, f'"{value}"', "it must be "], "serve", **{variable: value})

# What is wrong may be anything at all, and is told in one line even so.
check_refused(2, ["--workers", "a\\nb\\x1b[31m"], "serve", "--workers", "a\nb\x1b[31m")
check_refused(2, ["--workers"], "serve", "--workers", "9" * 5000)
