#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a file says is in force, or is refused in one line that names the file, the line, and what would be right."""
import os
import pathlib
import tempfile

from _brood import brood, check, check_refused

scratch = tempfile.TemporaryDirectory()
PATH = f"{scratch.name}/brood.ini"


def write(content):
    pathlib.Path(PATH).write_bytes(content if isinstance(content, bytes) else content.encode())


def effective(*arguments, **variables):
    """What --check prints: {name: [(value, where from), ...]}."""
    result = brood("serve", "--check", *arguments, **variables)
    check(result.returncode == 0 and not result.stderr, result.returncode, result.stderr)
    found = {}
    for line in result.stdout.splitlines():
        if not line.startswith(";"):
            assigned, _, origin = line.rpartition(" ; ")
            name, _, value = assigned.partition(" = ")
            found.setdefault(name, []).append((value.strip(), origin))
    return found


def in_force(content, name, *values):
    write(content)
    found = effective("--config", PATH)
    check(found.get(name) == [(value, f"{PATH}:{line}") for value, line in values], repr(content), found.get(name))


def refused(content, line, *parts):
    write(content)
    check_refused(2, [f"{PATH}:{line}: " if line else PATH, *parts], "serve", "--check", "--config", PATH)
    check_refused(2, [f"{PATH}:{line}: " if line else PATH, *parts], "serve", BROOD_CONFIG=PATH)


# ---- what is understood

in_force("workers = 3", "workers", ("3", 1))
in_force("workers=3\n", "workers", ("3", 1))
in_force("workers: 3\n", "workers", ("3", 1))
in_force("\n# one\n; two\n[brood]\n\n\tworkers = 3   ; three\r\n", "workers", ("3", 6))
in_force("\ufeffworkers = 3\n", "workers", ("3", 1))
in_force("text = first\n  workers = 3\n", "workers", ("3", 2))      # indented, and yet a line of its own
in_force("text = first\n  workers = 3\n", "text", ("first", 1))
in_force("text = a;b = c # d\n", "text", ("a;b = c # d", 1))
in_force("text =\n", "text", ("", 1))
in_force("text = " + "x" * 4000 + "\n", "text", ("x" * 4000, 1))
in_force("listen = [::1]:2, :3,127.0.0.1:1\n", "listen", ("[::1]:2", 1), (":3", 1), ("127.0.0.1:1", 1))
in_force("hang-timeout = off\n", "hang-timeout", ("off", 1))
in_force("workers = auto\n", "workers", ("auto", 1))
in_force("restart-limit = 7/1m\nbackoff = 1s..1m\n", "restart-limit", ("7/1m", 1))
in_force("restart-limit = 7/1m\nbackoff = 1s..1m\n", "backoff", ("1s..1m", 2))
in_force("log-level = debug\nlisting = 1\nmax-body = 1048576\n", "max-body", ("1M", 3))
write("")
check(effective("--config", PATH)["drain-timeout"] == [("9s", "default")], "an empty file says nothing")

# ---- what is not

refused("wrokers = 3\n", 1, "unknown option wrokers; did you mean workers?")
refused("\n\nxyzzy = 3\n", 3, "unknown option xyzzy; `brood serve --help`")
refused("workers = lots\n", 1, 'workers is "lots": it must be a number from 1 to 512, or auto')
refused("text = x\ndrain-timeout = 9\n", 2, 'drain-timeout is "9": it must be a time with its unit')
refused("model = fastest\n", 1, 'model is "fastest": it must be reuseport, preemptive or round-robin')
refused("listing = yes\n", 1, "1 or 0")
refused("listen = :1,localhost:2\n", 1, 'an address such as')
refused("listen = " + ",".join([":0"] * 9) + "\n", 1, "at most 8")
refused("workers = 2\n\nworkers = 3\n", 3, "workers is said in line 1 already")
refused("workers\n", 1, "not a line such as")
refused("[brood\nworkers = 2\n", 1, "not a line such as")
refused("[serve]\nworkers = 2\n", 2, "before any section, or in [brood]")
refused("config = other.ini\n", 1, "config cannot be said in a file")
refused("check = 1\n", 1, "check cannot be said in a file")
refused("balance-of-power = 1\n", 1, "unknown option")
refused("pin = x\n", 1, "1 or 0")
refused("workers = 2\ntext = " + "x" * 5000, 2, "too long")
refused(b"workers = 2\ntext = a\0b\n", 2, "NUL")
refused("user =\n", 1, "something that is not empty")
write("text = a\nhandler = /x.so\n")
check_refused(2, ["only one of DIR, --text and --handler"], "serve", "--config", PATH)
refused("# " + "x" * 70 + "\n" + "#\n" * 40000, None, "over 64 KiB")
refused("workers = \x1b[31m\n", 1, "\\x1b[31m")

check_refused(2, ['config file "/nowhere/x"', "No such file"], "serve", "--config", "/nowhere/x")
check_refused(2, ["config file", "Is a directory"], "serve", "--config", scratch.name)
os.mkfifo(f"{scratch.name}/fifo")
check_refused(2, ["config file", "not a regular file"], "serve", "--config", f"{scratch.name}/fifo")
check_refused(2, ["config file", "not a regular file"], "serve", "--config", "/dev/null")

# ---- who is stronger

write("workers = 1\nsurge = 1\nbacklog = 1\nlisten = :1\nlisten = :2\nroot = /usr\n")
found = effective("--config", PATH, "--workers", "3", "--surge=3", BROOD_WORKERS="2", BROOD_BACKLOG="2")
check(found["workers"] == [("3", "--workers")] and found["surge"] == [("3", "--surge")], found)
check(found["backlog"] == [("2", "BROOD_BACKLOG")], found)
check([value for value, _ in found["listen"]] == [":1", ":2"], found)
check(found["root"] == [("/usr", f"{PATH}:6")], found)
check(found["start-timeout"] == [("30s", "default")], found)

# Addresses, and what answers, are each taken as a whole.
found = effective("--config", PATH, "--listen", ":9", "--text=x")
check(found["listen"] == [(":9", "--listen")] and found["text"] == [("x", "--text")] and "root" not in found, found)
found = effective(BROOD_CONFIG=PATH, BROOD_LISTEN=":7,:8", BROOD_TEXT="x")
check(found["listen"] == [(":7", "BROOD_LISTEN"), (":8", "BROOD_LISTEN")] and "root" not in found, found)
found = effective("/tmp", BROOD_CONFIG=PATH)
check(found["root"] == [("/tmp", "--root")], found)

# What is not used is checked even so.
write("workers = lots\n")
check_refused(2, [f"{PATH}:1", "lots"], "serve", "--workers", "1", "--config", PATH)

# ---- what --check prints is a file that says the same

first = effective("/usr", "--workers=2", "--max-rss=64M", "--hang-timeout=off", "--listen=127.0.0.1:1", "--listen=:2",
                  "--backoff=1s..2s", "--log-format=json", "--user=0")
write(brood("serve", "--check", "/usr", "--workers=2", "--max-rss=64M", "--hang-timeout=off", "--listen=127.0.0.1:1",
            "--listen=:2", "--backoff=1s..2s", "--log-format=json", "--user=0").stdout)
again = effective("--config", PATH)
check({name: [value for value, _ in values] for name, values in first.items()} ==
      {name: [value for value, _ in values] for name, values in again.items()}, first, again)

# --check finds all that a start would, but for what is taken.
check_refused(2, ["directory", "/nowhere"], "serve", "--check", "/nowhere")
check_refused(2, ['no user "no-such-user"'], "serve", "--check", "--text=a", "--user=no-such-user")
