#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program gets its sockets, its environment and nothing else; dies and is replaced; goes when the pool goes."""
# models: one
import json
import os
import signal
import time

from _guest import MODELS, PROGRAM, Guest
from _play import Client, check, is_alive, wait_until


def who_are_there(brood, n):
    found = {}

    def all_answer():
        about = json.loads(brood.get("/whoami").body)
        found[about["slot"]] = about
        return len(found) == n
    wait_until(all_answer, 5, f"{n} programs answer")
    return found


def check_birth(brood, about):
    env = about["environment"]
    check(about["argv"] == [f"slot-{about['slot']}", "{}"], f"its arguments: {about['argv']}")
    check(env["LISTEN_PID"] == str(about["pid"]) and env["LISTEN_FDS"] == "1" and
          env["LISTEN_FDNAMES"] == str(brood.port), f"as sd_listen_fds(3) has it: {env}")
    check(env["NOTIFY_SOCKET"][0] == "@" and env["WATCHDOG_USEC"] == "10000000" and
          env["WATCHDOG_PID"] == str(about["pid"]), f"as sd_notify(3) has it: {env}")
    check(env["COLOUR"] == f"green {about['slot']}" and env["EQUATION"] == "a=b,c" and "FOREIGN" in env, env)
    check(env["BROOD_CHANNEL_FD"] == "4" and int(env["BROOD_ID"]) > 0, f"for messages: {env}")
    check("BROOD_UPGRADE_FD" not in env, "and nothing that is not for it")
    check(about["cwd"] == "/usr", about["cwd"])
    check(set(about["descriptors"]) - set(range(16)) == set() and 3 in about["descriptors"], about["descriptors"])
    check(all(int(line.split()[1], 16) & ~0x1001000 == 0 for line in about["blocked"]),     # python ignores two
          f"no signal is blocked or ignored: {about['blocked']}")


def die_and_come_back(brood, how, said):
    """Kills the program, or its keeper; the other goes with it, and both are replaced."""
    about = json.loads(brood.get("/whoami").body)
    keeper = int(open(f"/proc/{about['pid']}/stat").read().rpartition(")")[2].split()[1])
    n_before = len(brood.lines(said))
    os.kill(about["pid"] if how == "program" else keeper, signal.SIGKILL)
    brood.wait_for_line(said, 5, n_before + 1)
    wait_until(lambda: not is_alive(about["pid"]) and not is_alive(keeper), 2, "both are gone")
    wait_until(lambda: who_are_there(brood, 2)[about["slot"]]["pid"] != about["pid"], 5, "it is replaced")


for model in MODELS:
    with Guest("--env", "COLOUR=green {slot}", "--env", "EQUATION=a=b,c", "--cwd", "/usr", "--backoff", "50ms..1s",
               "--restart-limit", "20/10s", model=model, program=(*PROGRAM, "slot-{slot}", "{}"),
               env={**os.environ, "BROOD_CONTROL": "off", "FOREIGN": "1", "LISTEN_FDS": "7"}) as brood:
        for about in who_are_there(brood, 2).values():
            check_birth(brood, about)
        for _ in range(3):
            die_and_come_back(brood, "program", r"worker \d \(pid \d+\): killed by SIGKILL after .*; restarting")
            die_and_come_back(brood, "keeper", r"worker \d \(pid \d+\): killed by SIGKILL after .*; restarting")
        brood.get("/exit?3")
        brood.wait_for_line(r"exited with code 3 after .*; restarting", 5)
        brood.get(f"/kill?{int(signal.SIGABRT)}")
        brood.wait_for_line(r"died by SIGABRT after .*; restarting", 5)
        who_are_there(brood, 2)
        brood.programs()
        took = brood.stop()
        print(f"{model}: stopped after {took * 1000:.0f} ms")
    # What answers is answered to its end when the pool goes, and when its parent is killed.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with Guest(model=model) as brood:
            programs = brood.programs()
            late = Client(brood.port)
            late.send("GET /sleep?0.5 HTTP/1.1\r\nHost: play\r\nConnection: close\r\n\r\n")
            time.sleep(0.1)
            brood.kill(number)
            check(late.response().body == b"done\n", "it is answered")
            wait_until(lambda: not any(map(is_alive, programs)), 3, "the programs are gone")
            wait_until(lambda: not any(map(is_alive, brood.seen_workers)), 1, "so are their keepers")
