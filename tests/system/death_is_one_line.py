#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One line for a death: which worker, of what, after how long, with how much in flight, serving what, and then."""
# waits: mostly
import os
import signal
import time

from _play import Brood, check, engines

CRASHES = (("segv", r"died by SIGSEGV at 0x[0-9a-f]+ after [\d.]+ m?s, 4 requests in flight, "
                    r'serving "GET /crash\?how=segv&x=%22a%22 HTTP/1\.1"; restarting'),
           ("abort", r"died by SIGABRT after [\d.]+ m?s, 4 requests in flight, "
                     r'serving "GET /crash\?how=abort&x=%22a%22 HTTP/1\.1"; restarting'),
           ("exit", r"exited with code 7 after [\d.]+ m?s, \d requests? in flight; restarting"))


def die(brood, how, pattern):
    who = brood.whoami()
    clients = [brood.connect_to(who["pid"]) for _ in range(4)]
    for client in clients[1:]:
        client.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: play\r\n\r\n")
    time.sleep(0.1)
    if how == "kill":
        os.kill(who["pid"], signal.SIGKILL)
    else:
        clients[0].send(f"GET /crash?how={how}&x=%22a%22 HTTP/1.1\r\nHost: play\r\n\r\n")
    brood.wait_for_line(rf"pid {who['pid']}\): ")
    time.sleep(0.1)
    lines = brood.lines(rf"pid {who['pid']}\): (?!ready)")
    check(len(lines) == 1, f"one line, not {lines}")
    print(f"{brood.name}:", lines[0])
    check(brood.lines(rf"worker {who['slot']} \(pid {who['pid']}\): {pattern}"), pattern)
    for client in clients:
        client.close()


for engine in engines():
    with Brood("--restart-limit", "100/10s", "--backoff", "1ms..2ms", engine=engine) as brood:
        for how, pattern in CRASHES:
            die(brood, how, pattern)
        die(brood, "kill", r"killed by SIGKILL after [\d.]+ m?s, 3 requests in flight; restarting")
        brood.stop()
