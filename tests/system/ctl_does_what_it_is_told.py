#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each command of brood ctl, as root and as nobody; what it tells is true, and fits 80 columns."""
# waits: mostly
# models: one
import os
import signal
import time

from _play import MODEL, NOBODY, Brood, Checker, Client, check, drop_to, engines, is_alive, wait_until


def pids(status):
    return [slot["worker"]["pid"] for slot in status["slots"]]


def check_status(brood, engine):
    status = brood.status()
    check(status["pid"] == brood.pid and status["model"] == MODEL and status["version"] == 1, status)
    check(status["engine"] == {"uring": "io_uring"}.get(engine, engine), status)
    check(status["listen"] == [f"127.0.0.1:{brood.port}"] and status["ready"] and not status["stopping"], status)
    check(sorted(pids(status)) == sorted(brood.workers()), "it knows the workers")
    text = brood.ctl("status")
    check(all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines()), text)
    check(all(str(pid) in text for pid in pids(status)), text)
    check_rates(brood)


def n_requests(brood):
    return sum(slot["worker"]["requests"] for slot in brood.status()["slots"])


def check_rates(brood):
    """Under load: what the table says happens in a moment, is what happened around it."""
    began, before = time.monotonic(), n_requests(brood)
    told = sum(int(line.split()[8]) for line in brood.ctl("status").splitlines() if " READY " in line)
    found = (n_requests(brood) - before) / (time.monotonic() - began)
    check(found > 100 and 0.5 < told / found < 2, f"told {told} requests a second, found {found:.0f}")


def check_counts(brood):
    before = sum(slot["worker"]["requests"] for slot in brood.status()["slots"])
    clients = [Client(brood.port) for _ in range(12)]
    for client in clients:
        check(client.get("/").status == 200, "answered")
    slots = wait_until(lambda: brood.status()["slots"] if sum(
        slot["worker"]["connections"] for slot in brood.status()["slots"]) == 12 else None, 5, "12 connections")
    check(sum(slot["worker"]["requests"] for slot in slots) == before + 12, slots)
    most = max(slot["worker"]["connections"] for slot in slots)
    check(abs(brood.status()["imbalance"] - most * len(slots) / 12) < 0.01, "the busiest, and its share")
    for client in clients:
        client.close()


def check_changes(brood):
    check(brood.ctl("scale", 4, "--wait") == "scaling to 4\n" and len(brood.status()["slots"]) == 4, "scaled up")
    check(brood.ctl("scale", 2, "--wait") and len(brood.status()["slots"]) == 2, "scaled down")
    before = pids(brood.status())
    check(brood.ctl("reload", "--wait") == "reload 1 begun\n", "reloaded")
    after = pids(brood.status())
    check(not set(before) & set(after), "each was replaced")
    check(brood.ctl("drain", 1) == f"pid {after[1]} is to be replaced\n", "drained")
    wait_until(lambda: brood.status()["slots"][1]["worker"]["pid"] != after[1], 5, "replaced")
    check(pids(brood.status())[0] == after[0], "and nobody else")
    check(brood.status()["restarts"] == 0, "without a penalty")


def check_kill(brood):
    pid = pids(brood.status())[0]
    check(brood.ctl("kill", 0) == f"pid {pid} killed\n", "killed")
    wait_until(lambda: not is_alive(pid), 5, "it ends")
    slot = wait_until(lambda: (s := brood.status()["slots"][0])["state"] == "READY" and s, 5, "restarted")
    check(slot["restarts"] == 1 and slot["worker"]["pid"] != pid, slot)
    check(slot["last_death"]["how"].startswith("killed by SIGKILL (control)"), slot)
    check("killed by SIGKILL (control)" in brood.ctl("status"), "and it is told")


def check_refusals(brood):
    for words, said in ((("scale", 0), "one worker is the least"), (("scale", 513), "512 workers are the most"),
                        (("drain", 2), "there is no slot 2; they are 0 to 1"),
                        (("kill", 7), "there is no slot 7"), (("poison", "clear", 3), "there is no quarantine 3")):
        check(said in brood.ctl(*words, code=1), f"{words}: {said}")


def check_hung(brood):
    os.kill(pids(brood.status())[1], signal.SIGSTOP)
    slot = wait_until(lambda: (s := brood.status()["slots"][1])["worker"]["silent"] and s, 5, "silent")
    check(slot["worker"]["lag_ms"] >= 500, slot)
    text = brood.ctl("status")
    check("its loop does not turn" in text and all(len(line) <= 80 for line in text.splitlines()), text)
    os.kill(pids(brood.status())[1], signal.SIGCONT)


def play(engine, **user):
    with Brood(engine=engine, workers=2, control=True, **user) as brood:
        checker = Checker(brood.port, "close", 4)
        check_status(brood, engine)
        check_changes(brood)
        checker.finish()
        checker.expect_nothing_lost()
        check_counts(brood)
        check_kill(brood)
        check_refusals(brood)
        check_hung(brood)
        with Client(brood.port) as client:
            client.send("GET /sleep?ms=2000 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            check(brood.ctl("stop") == "stopping\n" and brood.status()["stopping"], "it drains")
            for words in (("scale", 3), ("reload",), ("drain", 0)):
                check("the pool is stopping" in brood.ctl(*words, code=1), words)
            check(brood.ctl("stop", "--wait") == "stopping\n", "asked again it is the same")
            check(client.response().status == 200, "what was in flight is answered")
        brood.wait_exit(0, 1)
        check(not os.path.exists(brood.control), "the socket is removed")
        check("no pool at" in brood.ctl("status", code=1), "nobody is there")
    print(f"{engine}: {brood.name}")


for engine in engines():
    play(engine)
    if os.geteuid() == 0:
        play(engine, preexec_fn=drop_to(NOBODY))
    with Brood(engine=engine, control=True) as brood, Client(brood.port) as client:
        client.send("GET /sleep?ms=9000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        check(brood.ctl("stop", "--now", "--wait") == "stopping\n", "at once")
        brood.wait_exit(3, 2)
