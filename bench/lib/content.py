# SPDX-License-Identifier: MIT
"""What every contender serves: a text, files, and answers of the same length."""
import os

from lib import peers
from lib.server import CannotRun, brood

TEXT = "Hello, world!\n"
FILES = {"/index.html": 100, "/1k.txt": 1024, "/100k.bin": 100 * 1000, "/1m.bin": 1 << 20}


def write_files(directory):
    os.makedirs(directory, exist_ok=True)
    for path, size in FILES.items():
        with open(directory + path, "wb") as f:
            f.write(b"x" * size)


def expected(path):
    """The body of path; None where only the server knows."""
    if path in FILES:
        return b"x" * FILES[path]
    return TEXT.encode() if path == "/" else None


def fill_bytes(args, cpu):
    """How much longer brood's answer is than a null server's, so that both send the same."""
    try:
        with brood(args.brood, args.ports, cpu=cpu) as own:
            mine = len(b"".join(own.ask("/")))
        with peers.null_server(args.build, "epoll", args.ports + 1, cpu) as null:
            least = len(b"".join(null.ask("/")))
    except CannotRun:
        return 0
    if mine - least in range(1, 6):
        print(f"note: brood's answer is {mine - least} bytes longer than the null servers'")
        return 0
    return max(0, mine - least)
