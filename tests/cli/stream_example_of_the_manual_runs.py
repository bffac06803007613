#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of brood_stream(3) compiles without a warning, echoes on one address and tells the time on the other."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

from _brood import BUILD, CLEAN, ROOT, check

if BUILD.name == "san":
    print("what it is linked with has sanitizers")
    sys.exit(77)
page = (ROOT / "tools/man/brood_stream.3").read_text()
example = re.search(r"^\.Bd -literal -offset indent\n(#include.*?int main.*?)^\.Ed", page, re.M | re.S)[1]
with tempfile.TemporaryDirectory() as scratch:
    source, program = pathlib.Path(scratch, "clock.c"), os.path.join(scratch, "clock")
    source.write_text(example.replace("\\e", "\\"))
    built = subprocess.run(["cc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", f"-I{ROOT / 'src'}", "-o", program,
                            source, BUILD / "libbrood.so", f"-Wl,-rpath,{BUILD}"],
                           capture_output=True, text=True, check=False)
    check(built.returncode == 0, built.stderr)
    server = subprocess.Popen([program, "127.0.0.1:0", "127.0.0.1:0"], env=CLEAN, text=True, stderr=subprocess.PIPE)
    log, ports = "", []
    while len(ports) < 2 and (line := server.stderr.readline()):
        log += line
        ports = [int(port) for port in re.findall(r"on stream:127\.0\.0\.1:(\d+)", log)]
    check(len(ports) == 2, "it is not ready:", log)
    with socket.create_connection(("127.0.0.1", ports[0]), 10) as echo, \
            socket.create_connection(("127.0.0.1", ports[1]), 10) as clock:
        echo.sendall(b"there and back")
        echo.shutdown(socket.SHUT_WR)
        check(echo.makefile("rb").read() == b"there and back", "the echo")
        lines = clock.makefile()
        first = int(lines.readline())
        check(first + 1 <= int(lines.readline()) <= first + 3, "the clock")
        lines.close()
    server.send_signal(signal.SIGTERM)
    check(server.wait(20) == 0, server.returncode, server.stderr.read())
