#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seen from outside: what is answered, how many workers there are, how the log is written."""
import json
import re
import signal
import subprocess
import urllib.request

from _brood import BROOD, CLEAN, check


def play(arguments, variables, n_addresses=1):
    """Serves until each address was asked once. Return: their answers, and the lines of the log."""
    server = subprocess.Popen([BROOD, "serve", *arguments], env={**CLEAN, **variables}, text=True,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    log, urls = [], []
    while len(urls) < n_addresses and (line := server.stderr.readline()):
        log.append(line)
        urls += re.findall(r"http://[0-9a-f.:\[\]]+:\d+", line)
    check(len(urls) == n_addresses, "not ready:", log)
    answers = [urllib.request.urlopen(url, timeout=10).read() for url in urls]
    server.send_signal(signal.SIGTERM)
    log += server.stderr.readlines()
    check(server.wait(20) == 0, "exit code", server.returncode, log)
    return answers, log


here = "127.0.0.1:0"

# The environment is enough by itself, and a list of addresses is one.
answers, log = play([], {"BROOD_TEXT": "from outside", "BROOD_WORKERS": "3", "BROOD_LISTEN": f"{here},{here}",
                         "BROOD_LOG_FORMAT": "json"}, 2)
check(answers == [b"from outside"] * 2, answers)
check(any("3 workers" in json.loads(line)["message"] for line in log), log)

# Arguments win, each for itself; what answers and where are taken as a whole.
answers, log = play(["--text", "from inside", "--listen", here, "--workers=1"],
                    {"BROOD_HANDLER": "/none.so", "BROOD_WORKERS": "3", "BROOD_LISTEN": f"{here},{here}"})
check(answers == [b"from inside"], answers)
check(any("1 worker " in line or "1 workers" in line for line in log), log)

# The last one counts.
answers, log = play(["--text", "a", "--text=b", "--listen", here, "--workers=1", "--log-format=json",
                     "--log-format", "text"], {})
check(answers == [b"b"], answers)
check(not log[0].startswith("{"), log)
