#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs in Python and JavaScript send messages to each other over BROOD_CHANNEL_FD; one that sends garbage serves on."""
# models: one
import json
import os
import shutil
import urllib.parse
import urllib.request

from _guest import HERE, PYTHON, Guest
from _play import MODEL, check, wait_until

if MODEL != "reuseport":
    print("messages know nothing of the model")
    raise SystemExit(77)


def get(pool, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{pool.port}{path}", timeout=10) as answer:
        return json.loads(answer.read())


def send(pool, to, message, **more):
    return get(pool, "/send?" + urllib.parse.urlencode({"to": json.dumps(to), "message": json.dumps(message), **more}))


def heard(pool, slot=None, event="message"):
    found = []
    for line in pool.lines(r"^slot \d hears .*}$"):     # a large one may be half there
        what = json.loads(line.split(" hears ", 1)[1])
        if what["event"] == event and (slot is None or line.startswith(f"slot {slot} ")):
            found.append(what)
    return found


def story(pool, handles):
    whole = {"text": "ä € 𝄞", "n": [1, 2.5, None, True]}
    sender = send(pool, "others", whole)["slot"]
    wait_until(lambda: len(heard(pool)) == 1, 5, "the other hears")
    check(heard(pool, 1 - sender)[0]["message"] == whole and heard(pool)[0]["slot"] == sender, "whole, and of whom")
    send(pool, "all", "to all")
    wait_until(lambda: len(heard(pool)) == 3, 5, "both hear")
    send(pool, {"slot": 1}, "x", large=300000)
    wait_until(lambda: [event for event in heard(pool, 1) if event["message"] == "x" * 300000], 5, "a large one")
    send(pool, {"slot": 0}, "one of many", n=2000)
    wait_until(lambda: len(heard(pool)) == 2004, 10, "2000")
    numbers = [event["number"] for event in heard(pool, 0) if event["message"] == "one of many"]
    check(numbers == sorted(numbers) and len(set(numbers)) == 2000, "in order")
    send(pool, {"slot": 7}, "for nobody")
    send(pool, {"id": 4711}, "for nobody")
    send(pool, "parent", "for nobody")
    wait_until(lambda: len(heard(pool, event="returned")) == 3, 5, "three come back")
    check({event["error"] for event in heard(pool, event="returned")} == {"ESRCH"}, "nobody was there")
    of = pool.status()["messages"]
    check(of["relayed"] == 2004 and of["refused"] == 3, f"each to each, and what came back: {of}")
    check(of["sent"] == 2006 and of["received"] == 2004, f"one was sent to two: {of}")
    check(100000 > of["relayed_bytes"] > 2000 * len('"one of many"'), f"without the large one: {of}")
    check("2004 relayed, 3 refused" in pool.ctl("status"), pool.ctl("status"))
    if handles:
        send(pool, {"slot": 1}, "with a pipe", handle=1)
        wait_until(lambda: [event for event in heard(pool, 1) if event["text"] == "from a pipe"], 5, "a descriptor")
    get(pool, "/retire")
    pool.wait_for_line(r"retiring \(asked to\)")
    wait_until(lambda: heard(pool, event="suicide") and heard(pool, event="disconnect"), 10, "suicide, disconnect")
    pool.wait_for_line(r"left after")
    get(pool, "/garbage")
    pool.wait_for_line("sent what is no frame on BROOD_CHANNEL_FD, which is closed; it serves on")
    get(pool, "/who")


for program, handles in (((PYTHON, os.path.join(HERE, "_talker.py")), True), (("node", os.path.join(HERE, "_talker.js")), False)):
    if not shutil.which(program[0]):
        print(f"there is no {program[0]} here")
        continue
    with Guest(program=program, control=True) as brood:
        story(brood, handles)
        brood.stop(within=10)
