#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the shells complete is what the help lists: commands, options, their words, and what ctl takes."""
# waits: mostly
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time

from _brood import CLEAN, ROOT, brood, check

FOLDER = ROOT / "tools/completion"


def bash(*words):
    """What is offered for the last of words, behind brood."""
    script = 'source "$1"; shift; COMP_WORDS=(brood "$@"); COMP_CWORD=$#; _brood; printf "%s\\n" "${COMPREPLY[@]}"'
    result = subprocess.run(["bash", "-c", script, "bash", FOLDER / "brood.bash", *words], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    check(result.stderr == "", words, result.stderr)
    return set(result.stdout.split("\n")) - {""}


def options_of(command):
    return set(re.findall(r"^  (--[a-z-]+)", brood(command, "--help").stdout, re.M))


commands = set(re.findall(r"^(?:usage:)? +brood ([a-z]+)", brood("help").stdout, re.M))
ctl_commands = set(re.findall(r"^  ([a-z]+)", brood("ctl", "--help").stdout, re.M))
subjects = set(re.findall(r"[a-z]+", brood("help", "xyzzy").stderr.split("or about")[1])) - {"or"}
check({"serve", "run", "ctl"} <= commands and len(ctl_commands) >= 10, commands, ctl_commands)

# ---- bash

check(bash("") == commands, "commands:", bash("") ^ commands)
check(bash("help", "") == subjects, "subjects of help:", bash("help", "") ^ subjects)
for command in ("serve", "run"):
    wanted = options_of(command) | {"--help"}
    check(len(wanted) > 20, command, wanted)
    check(bash(command, "--") - {"--"} == wanted, command, bash(command, "--") ^ wanted)
check(bash("doctor", "--") == options_of("serve") | {"--json", "--help"}, "doctor", bash("doctor", "--"))
check({word for word in bash("ctl", "") if word[0] != "-"} == ctl_commands, "ctl", bash("ctl", ""))
check({"--control", "--json"} <= bash("ctl", "--"), bash("ctl", "--"))
check(bash("ctl", "--control", "/x", "stop", "--") == {"--now", "--wait", "--json"}, "stop")
check(bash("ctl", "poison", "c") == {"clear"}, "poison clear")

for command in ("serve", "run"):
    for flag, form, told in re.findall(r"^  (--[a-z-]+)(?: (\S+))? +(.*)$", brood(command, "--help").stdout, re.M):
        if form.isupper() or "|" in form or form == "F.so":
            check(bash(command, flag, "--") != options_of(command), flag, "has a value, and options are offered")
        words = re.match(r".*?((?:[a-z-]+, )*[a-z-]+ or [a-z-]+) \(", told)
        if words and form in ("MODEL", "BALANCE", "ENGINE", "WHERE", "FORMAT"):
            words = set(re.split(", | or ", words[1]))
            check(bash(command, flag, "") == words, flag, bash(command, flag, ""), words)
            check(bash(command, flag, "=") == words == bash(command, flag, "=", ""), flag, "=")
        for word in re.findall(r"\|([a-z]+)", form):
            check(word in bash(command, flag, "") or flag in ("--control",), flag, word)
check(bash("serve", "--model", "pre") == {"preemptive"}, "part of a word")
check(bash("serve", "--model", "=", "pre") == {"preemptive"}, "part of a word behind =")
check(bash("serve", "s") == {"src"} and bash("serve", "--root", "sr") == {"src"}, "directories")
check("README.md" in bash("serve", "--config", "READ") and "README.md" in bash("run", "--", "cat", "READ"), "files")
check("bash" in bash("run", "--shell", "--", "bas"), "programs")

# ---- zsh

if not shutil.which("zsh"):
    print("bash alone: zsh is not installed")
    raise SystemExit


def press_tab(line):
    """What a zsh of its own shows when TAB is pressed behind line; twice, so that it lists all."""
    with tempfile.TemporaryDirectory() as home:
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.clear()
            os.environ.update(CLEAN, TERM="dumb", HOME=home, ZDOTDIR=home, LINES="500", COLUMNS="100")
            os.execvp("zsh", ["zsh", "-f", "-i"])
        setup = (f"stty rows 500 cols 100; PS1='%%>' LISTMAX=10000; fpath=({FOLDER} $fpath); autoload -U compinit; "
                 "compinit -u -D; setopt no_auto_menu no_always_last_prompt no_beep; echo re''ady\n")
        os.write(terminal, setup.encode())
        read_until(terminal, "ready\r\n", 20)
        os.write(terminal, f"{line}\t\t".encode())
        shown = read_until(terminal, None, 1.5)
        os.write(terminal, b"\x03exit\n")
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)
    return shown


def read_until(terminal, text, seconds):
    shown, deadline = "", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and not (text and text in shown):
        if not select.select([terminal], [], [], left)[0]:
            break
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


def check_zsh(line, wanted):
    shown = press_tab(line)
    found = set(re.findall(r"(?:^|\s)(-{0,2}[a-z][a-z-]*)(?==|\s|$)", shown))
    check(wanted <= found, line, "lacks", wanted - found, "in\n" + shown)


check_zsh("brood ", commands)
check_zsh("brood ctl ", ctl_commands)
check_zsh("brood help ", subjects)
for command in ("serve", "run", "doctor"):
    check_zsh(f"brood {command} --", options_of("serve" if command == "doctor" else command))
check_zsh("brood serve --model=", {"reuseport", "preemptive", "round-robin"})
