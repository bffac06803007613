#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example of brood_task(3) serves as its page says."""
# models: one
import math
import re
import signal
import subprocess

from _play import BUILD, check, get

server = subprocess.Popen([BUILD / "examples/factor", "127.0.0.1:0"], text=True, stderr=subprocess.PIPE)
line = ""
while "ready:" not in line:
    line = server.stderr.readline()
    check(line, "it gets ready")
port = int(re.search(r":(\d+) ", line.split("http://")[1])[1])
for n in (12, 97, 2**32 - 5, 600851475143, (2**31 - 1) * 2):
    factors = [int(word) for word in get(port, f"/?n={n}").body.split()]
    check(math.prod(factors) == n and factors == sorted(factors), f"{n}: {factors}")
server.send_signal(signal.SIGTERM)
server.stderr.read()
check(server.wait(10) == 0, "drained")
