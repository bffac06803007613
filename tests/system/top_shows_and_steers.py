#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""brood top in a real terminal (tmux): what it shows is true, its keys do, any size will do, and it ends well."""
# waits: mostly
# models: one
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from _play import BROOD, SLOW, Brood, Client, check, get, skip, wait_until

if not shutil.which("tmux"):
    skip("no tmux: tools/deps test installs it")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("BROOD_", "TMUX"))}


class Screen:
    """A shell in a tmux of its own."""

    def __init__(self, terminal="screen", locale="C.UTF-8"):
        self.directory = tempfile.TemporaryDirectory(prefix="brood-top-")
        self.socket = os.path.join(self.directory.name, "tmux")
        self.env = {**CLEAN, "LC_ALL": locale, "TERM": "screen"}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "top", "-x", "80", "-y", "24",
                  f"env TERM={terminal} PS1='$ ' ENV= sh")
        wait_until(lambda: "$" in self.text(), 5, "a shell")

    def tmux(self, *words):
        result = subprocess.run(["tmux", "-u", "-S", self.socket, *words], env=self.env, text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(result.returncode == 0, f"tmux {words}: {result.stdout}")
        return result.stdout

    def type(self, *keys):
        self.tmux("send-keys", "-t", "top", *keys)

    def run(self, line):
        self.type("-l", line)
        self.type("Enter")

    def clear(self):
        """And the prompt is there again: what is typed before would be half gone, its output not at a line's begin."""
        self.run("clear")
        self.wait_for(r"\A\S+\s*\Z")

    def text(self):
        return self.tmux("capture-pane", "-p", "-t", "top")

    def wait_for(self, pattern, seconds=6):
        deadline = time.monotonic() + seconds * SLOW
        while not re.search(pattern, text := self.text(), re.M):
            check(time.monotonic() < deadline, f"no {pattern!r} on the screen:\n{text}")
            time.sleep(0.05)
        return text

    def resize(self, columns, lines):
        self.tmux("resize-window", "-t", "top", "-x", str(columns), "-y", str(lines))

    def end(self):
        self.tmux("kill-server")
        self.directory.cleanup()


def start(screen, brood):
    screen.run(f"stty -a >{screen.directory.name}/before; {BROOD} top --control {brood.control}; "
               f"echo co''de $?; stty -a >{screen.directory.name}/after")
    return screen.wait_for(r"^127\.0\.0\.1:\d+ ready: reuseport")


def check_end(screen, code=0):
    """The shell's line is back, and the terminal is as it was."""
    screen.wait_for(rf"^code {code}$")
    after = os.path.join(screen.directory.name, "after")
    wait_until(lambda: os.path.exists(after) and os.path.getsize(after), 5, "stty -a")
    with open(os.path.join(screen.directory.name, "before")) as before, open(after) as now:
        check(before.read() == now.read(), "the terminal's settings are restored")
    modes = screen.tmux("display", "-p", "-t", "top", "#{alternate_on} #{cursor_flag}").split()
    check(modes == ["0", "1"], f"the first screen and the cursor are back: {modes}")
    os.unlink(after)


def check_shown(screen, brood):
    text = screen.wait_for(r"^ *1 READY")
    for slot in brood.status()["slots"]:
        who = f"{slot['slot']} READY +{slot['worker']['pid']} +{slot['worker']['generation']} "
        check(re.search(f"^ *{who}", text, re.M), text)
    check(len(text.splitlines()) == 24 and all(len(line) <= 80 for line in text.splitlines()), text)
    check(f"pid {brood.pid}," in text and "LAG" in text and "giveups 0" in text, text)
    clients = [Client(brood.port) for _ in range(6)]
    for _ in range(30):
        for client in clients:
            check(client.get("/").status == 200, "answered")
        time.sleep(0.02)
    text = screen.wait_for(r"^6 connections, [1-9]\d* requests/s")
    check(re.search(r"^ *[01] READY .* [1-9]\d* #+ ", text, re.M), f"no bar:\n{text}")
    screen.wait_for(r"^REQ/S +[\u2581-\u2588]")
    for client in clients:
        client.close()
    screen.wait_for(r"^0 connections")


def check_keys(screen, brood):
    screen.type("+")
    screen.wait_for(r"^scaling to 3$")
    screen.wait_for(r"^ *2 READY")
    check(len(brood.status()["slots"]) == 3, "one more")
    screen.type("-")
    wait_until(lambda: len(brood.status()["slots"]) == 2, 5, "one less")
    before = [slot["worker"]["pid"] for slot in brood.status()["slots"]]
    screen.type("d", "1")
    screen.wait_for(r"^drain which slot\? 1_")
    screen.type("Enter")
    screen.wait_for(rf"^pid {before[1]} is to be replaced$")
    wait_until(lambda: brood.status()["slots"][1]["worker"]["pid"] != before[1], 5, "replaced")
    screen.type("d", "9", "9", "Enter")
    screen.wait_for(r"^drain: there is no slot 99")
    screen.type("r")
    screen.wait_for(r"^reload 1 begun$")
    wait_until(lambda: not {slot["worker"]["pid"] for slot in brood.status()["slots"]} & set(before), 5, "reloaded")
    screen.type("?")
    screen.wait_for(r"reload: replace every worker")
    screen.type("?")
    screen.wait_for(r"^SLOT STATE")


def check_death(screen, brood):
    pid = brood.status()["slots"][0]["worker"]["pid"]
    screen.wait_for(rf"^ *0 READY +{pid} ")
    os.kill(pid, signal.SIGKILL)
    text = screen.wait_for(r"restarts 1\b")
    new = wait_until(lambda: (worker := brood.status()["slots"][0]["worker"]) and worker["pid"], 5, "another")
    check(new != pid and re.search(r"^ *0 ", text, re.M), text)
    screen.wait_for(rf"^ *0 READY +{new} +\d+ +\S+ +1 ")


def check_sizes(screen, brood):
    for columns, lines in ((40, 10), (20, 5), (3, 2), (1, 1), (200, 50), (40, 10)):
        screen.resize(columns, lines)
        time.sleep(0.1)
        screen.type("Down", "Up", "NPage", "PPage", "?", "?")
    text = screen.wait_for(r"^ *1 READY +\d+")
    check(len(text.splitlines()) <= 10 and all(len(line) <= 40 for line in text.splitlines()), text)
    check("CONNS" in text and "REQ/S" in text and "LAG" not in text and "q quit" in text, text)
    screen.type("+", "+", "+", "+")
    wait_until(lambda: len(brood.status()["slots"]) == 6, 10, "six")
    check(not re.search(r"^ *5 ", screen.wait_for(r"^ *3 "), re.M), "four of six fit")
    screen.type("NPage")
    screen.wait_for(r"^ *5 READY")
    screen.resize(80, 24)
    screen.wait_for(r"^ *0 READY.*\n(.*\n)* *5 READY")


def top_of(screen):
    """The process of top, below the shell."""
    shell = screen.tmux("display", "-p", "-t", "top", "#{pane_pid}").strip()
    with open(f"/proc/{shell}/task/{shell}/children") as children:
        return int(children.read())


with Brood(workers=2, control=True) as brood:
    screen = Screen()
    try:
        start(screen, brood)
        check_shown(screen, brood)
        check_keys(screen, brood)
        check_death(screen, brood)
        check_sizes(screen, brood)
        screen.type("q")
        check_end(screen)
        for name in ("SIGINT", "SIGTERM"):
            screen.clear()
            start(screen, brood)
            os.kill(top_of(screen), getattr(signal, name))
            check_end(screen)

        screen.clear()
        start(screen, brood)
        os.kill(brood.pid, signal.SIGSTOP)
        screen.wait_for(r"NO ANSWER for [3-9]s")
        screen.type("d")
        screen.wait_for(r"^drain which slot")
        screen.type("Escape")
        os.kill(brood.pid, signal.SIGCONT)
        screen.wait_for(r" ready: ")
        brood.ctl("stop", "--wait")
        screen.wait_for(r"^no pool at \S+: .*; trying again$|^no pool at .*$")
        screen.wait_for(r" GONE: ")
        screen.type("q")
        check_end(screen)
    finally:
        screen.end()

for terminal, locale in (("xterm", "C"), ("vt100", "C"), ("linux", "C.UTF-8")):
    with Brood(workers=2, control=True) as brood:
        screen = Screen(terminal, locale)
        try:
            start(screen, brood)
            client = Client(brood.port)
            wait_until(lambda: client.get("/").status == 200 and time.sleep(0.05) is None and
                       re.search(r"^REQ/S +#", screen.text(), re.M), 8, f"a sparkline on {terminal}")
            client.close()
            check("state:" not in screen.text(), f"what nobody uses is not there:\n{screen.text()}")
            get(brood.port, "/count")
            text = screen.wait_for(r"^state: \d reads, 1 writes")
            check(re.search(r"^ *1 READY", text, re.M), f"and the slots are there still:\n{text}")
            screen.type("q")
            check_end(screen)
        finally:
            screen.end()

with Brood(workers=1, control=True) as brood:
    result = subprocess.run([BROOD, "top", "--control", brood.control], env=CLEAN, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    check(result.returncode == 1 and result.stderr.startswith("brood: top needs a terminal"), result)
    screen = Screen()
    try:
        for terminal in ("dumb", "nonsense"):
            screen.run(f"TERM={terminal} {BROOD} top --control {brood.control}; echo co''de $?")
            screen.wait_for(rf"^brood: TERM={terminal}: that terminal")
            screen.wait_for(r"^code 1$")
            screen.clear()
    finally:
        screen.end()
