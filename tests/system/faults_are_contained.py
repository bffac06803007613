#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With --on-fault contain a handler that faults costs its request alone: 500, and nobody else loses anything.

--times N faults of each kind on each engine (100).
"""
# timeout: 900
import argparse
import os
import signal
import socket
import struct
import time

from _play import IS_SANITIZED, NOBODY, Brood, Checker, Client, check, drop_to, engines, is_alive, wait_until

CONTAIN = ("--on-fault", "contain", "--poison-limit", "off")


def statuses_of(brood, query, n):
    """Of n requests at once that fault; 0 = the connection ended without an answer."""
    clients, found = [Client(brood.port) for _ in range(n)], []
    for client in clients:
        client.send(f"GET /crash?{query} HTTP/1.1\r\nHost: play\r\n\r\n")
    for client in clients:
        try:
            response = client.response()
            found.append(response.status)
            check(response.status != 500 or (response["connection"] == "close" and client.ended(2)), "500 closes")
        except (EOFError, ConnectionResetError):
            found.append(0)
        client.close()
    return found


def status_of(brood, query):
    return statuses_of(brood, query, 1)[0]


def crash_in_turn(brood, query, times):
    return [status_of(brood, query) for _ in range(times)]


def under_load(engine, times, **popen):
    with Brood(*CONTAIN, engine=engine, workers=3, **popen) as brood:
        checkers = [Checker(brood.port, "close", 8), Checker(brood.port, "keepalive", 32, rate=2000),
                    Checker(brood.port, "keepalive", 4, path="/big", rate=400),
                    Checker(brood.port, "keepalive", 4, path="/sleep?ms=300")]
        time.sleep(0.3)
        for crash in (crash_in_turn, statuses_of):
            for how in ("segv", "abort"):
                found = crash(brood, f"how={how}", times)
                check(found == [500] * times, f"{how}: {found}")
        check(not brood.lines("killed|died|restarting|cut"), "no death, no penalty")
        for checker in checkers:
            checker.finish()
        for checker in checkers:
            checker.expect_nothing_noticed()
        n = len(brood.lines("contained SIG(SEGV at 0x4|ABRT) serving .*(retiring|leaving already)$"))
        check(n == 4 * times, f"each of {4 * times} faults is told, not {n}")
        n_replaced = len(brood.lines(r"retiring \(fault\)"))
        check(0 < n_replaced < 4 * times, f"they are replaced, {n_replaced} times")
        brood.stop(within=12)
    print(f"{engine}{' as nobody' if popen else ''}: {4 * times} faults, {n_replaced} workers replaced")


def reset(client):
    client.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def ask(client, query, body=b""):
    client.send(f"POST /crash?{query} HTTP/1.1\r\nHost: play\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def wherever_it_faults(engine):
    """In callbacks, in the middle of a response, out of stack: another connection of the same worker goes on."""
    with Brood(*CONTAIN, "--backoff", "30s..30s", engine=engine, workers=1) as brood:   # so nobody is replaced meanwhile
        pid = brood.whoami()["pid"]
        other = brood.connect_to(pid)
        for query in ("how=fpe", "how=stack", "how=stack&when=timer", "how=segv&when=timer", "how=abort&when=body"):
            check(status_of(brood, query) == 500, query)
        with Client(brood.port) as client:
            ask(client, "how=segv&when=body", b"a" * 100000)
            check(client.response().status == 500 and client.ended(2), "with half of the body unread")
        with Client(brood.port) as client:
            ask(client, "how=segv&when=writable")
            check(b"\r\n\r\n6\r\nbegun\n\r\n" in (rest := client.rest()) and b"\r\n0\r\n" not in rest,
                  f"a response that had begun is cut: {rest}")
        with Client(brood.port) as client:
            client.send("POST /crash?how=segv&when=writable HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
            try:
                check(False, f"one whose end would be the close is reset: {client.rest()}")
            except ConnectionResetError:
                pass
        with Client(brood.port) as client:
            client.send("GET / HTTP/1.1\r\nHost: play\r\n\r\n")
            ask(client, "how=segv&when=answered")
            check([client.response().status for _ in range(2)] == [200, 200], "complete answers go out")
            check(client.ended(2), "and then the end")
        client = Client(brood.port)
        ask(client, "how=segv&when=close")
        time.sleep(0.1)
        reset(client)
        brood.wait_for_line("contained SIG.*when=close")
        check(other.get("/whoami").status == 200 and brood.whoami()["pid"] == pid, "others are served on")
        check(len(brood.lines("contained")) == 10, "each is told")
        other.close()
        brood.stop()


def dies(brood, pid, pattern):
    line = brood.wait_for_line(rf"pid {pid}\): {pattern}")
    wait_until(lambda: not is_alive(pid), 5, "it is dead")
    brood.wait_for_line("ready after", 5)
    return line


def the_rest_dies(engine):
    """Faults that are not the handler's, and one more than a worker can contain."""
    deaths = {"how=scribble": r"died by SIGSEGV at 0x\w+ after", "how=exit": "exited with code 7"}
    if IS_SANITIZED:
        del deaths["how=scribble"]      # it would be seen, and reported
    for query, pattern in deaths.items():
        with Brood(*CONTAIN, engine=engine, workers=1) as brood:
            pid = brood.whoami()["pid"]
            check(status_of(brood, query) == 0, "cut")
            dies(brood, pid, pattern)
            check(not brood.lines("contained") and brood.get("/").status == 200, "not contained, and replaced")
            brood.stop()
    for number in (signal.SIGSEGV, signal.SIGABRT):
        with Brood(*CONTAIN, engine=engine, workers=1) as brood:
            pid = brood.whoami()["pid"]
            with Client(brood.port) as client:
                client.send("GET /spin?ms=1000 HTTP/1.1\r\nHost: play\r\n\r\n")
                time.sleep(0.2)
                os.kill(pid, number)
                dies(brood, pid, f"died by {number.name} .*/spin")
            brood.stop()
    with Brood(*CONTAIN, "--backoff", "30s..30s", engine=engine, workers=1) as brood:
        pid = brood.whoami()["pid"]
        for how in ("segv", "abort") * 2:
            check(statuses_of(brood, f"how={how}", 128) == [500] * 128, "those before the bound")
        check(status_of(brood, "how=segv") == 0, "there is a bound")
        dies(brood, pid, "died by SIGSEGV at 0x4 .*how=segv")
        brood.stop()


def like_requests_are_quarantined(engine):
    with Brood("--on-fault", "contain", engine=engine) as brood:
        check(crash_in_turn(brood, "how=segv", 3) == [500] * 3, "three are contained")
        brood.wait_for_line('poison: requests like "GET /crash.*" have made workers fault 3 times')
        check(status_of(brood, "how=segv") == 503, "then none is handled")
        brood.stop()


parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int, default=100)
times = parser.parse_args().times
for name in engines():
    under_load(name, times)
    if os.geteuid() == 0:
        under_load(name, times, preexec_fn=drop_to(NOBODY))
    wherever_it_faults(name)
    the_rest_dies(name)
    like_requests_are_quarantined(name)
