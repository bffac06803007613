# SPDX-License-Identifier: MIT
"""The benches that give rows, in the order they are run: each is a script that can be run by itself."""

SIBLINGS = {			# kind -> script and what it is told
    "footprint": ("footprint.py",),
    "respawn": ("respawn.py",),
    "echo": ("echo.py",),
    "datagrams": ("echo.py", "--udp"),
    "bursts": ("echo.py", "--udp", "--connections", "4", "--burst", "16"),
    "messages": ("programs.py", "--of", "messages"),
    "state": ("programs.py", "--of", "state"),
    "redis": ("redis.py",),
    "tasks": ("tasks.py",),
    "balance": ("balance.py",),
    "metrics": ("metrics.py",),
    "planned": ("planned.py", "--part", "0.1", "--engines", "uring", "--users", "self"),
}
