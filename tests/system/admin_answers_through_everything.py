#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The admin address answers each question, on one connection and on new ones, whatever happens to the pool meanwhile."""
# timeout: 300
# models: one
# waits: mostly
import os
import signal
import time

from _admin import Admin, Scraper, admin_option, ask, metrics_of, need_parser, status_of
from _play import MODEL, Brood, Checker, Client, check, engines, is_alive, stop_process, wait_until


def settle(brood, n):
    """Those that were replaced have left."""
    wait_until(lambda: len(brood.workers()) == n, 10, f"{n} workers")


def scale(brood, n):
    brood.ctl("scale", n, "--wait")
    settle(brood, n)


def reload(brood):
    brood.ctl("reload", "--wait")
    settle(brood, 3)


def planned(engine):
    """Reloads and scaling, under load: nobody notices, /ready stays true, and no counter falls."""
    port, option = admin_option()
    with Brood(*option, engine=engine, workers=3, control=True) as brood:
        checkers = [Checker(brood.port, "keepalive", 8, path="/"), Checker(brood.port, "close", 2)]
        scraper = Scraper(port)
        time.sleep(0.2)
        for _ in range(3):
            reload(brood)
            scale(brood, 1)
            scale(brood, 3)
        scraper.finish()
        for checker in checkers:
            checker.finish().expect_nothing_noticed()
        wait_until(lambda: metrics_of(port)["brood_connections"] == 0, 5, "all are closed")
        after = metrics_of(port)
        check(after["brood_requests_total"] == sum(checker["answered"] for checker in checkers),
              f"{after['brood_requests_total']}: those that have left are counted")
        check(after["brood_reloads_total"] == 3 and after["brood_worker_restarts_total"] == 0, after)
        check(sum(value for name, value in after.items() if "deaths" in name) == 0, "no death")
        brood.stop()
    print(f"{engine}: {scraper.n} answers, the slowest after {scraper.slowest * 1000:.0f} ms")


def upgrades(engine):
    port, option = admin_option()
    with Brood(*option, engine=engine, workers=2) as brood:
        checker = Checker(brood.port, "keepalive", 8, path="/")
        scraper = Scraper(port, ("/live", "/ready", "/status.json"))
        time.sleep(0.2)
        for _ in range(3):
            brood.upgrade()
        scraper.finish()
        checker.finish().expect_nothing_noticed()
        check(status_of(port)["pid"] == brood.pid, "the new parent is told of")
        check(metrics_of(port)["brood_ready"] == 1, "and its pool is ready")
        brood.stop()


def losses(engine):
    """A worker that is killed, or stands still: the others answer. So does a pool that has no room for anybody."""
    port, option = admin_option()
    with Brood(*option, "--max-connections", 4, engine=engine, workers=2) as brood:
        os.kill(brood.workers()[0], signal.SIGKILL)
        check(ask(port, "/live").status == 200, "alive")
        brood.wait_for_line("ready after")
        clients = [Client(brood.port) for _ in range(8)]
        for client in clients:
            client.send("GET /sleep?ms=300 HTTP/1.1\r\nHost: play\r\n\r\n")
        time.sleep(0.1)
        for _ in range(8 if MODEL != "round-robin" else 0):     # there the parent has nowhere to put anybody
            check(ask(port, "/ready").status == 200, "full is not unhealthy")
        for client in clients:
            client.close()
        stop_process(brood.workers()[0])
        for _ in range(8):
            check(ask(port, "/live").status == 200, "alive")
        os.kill(brood.workers()[0], signal.SIGCONT)
        many = [Admin(port) for _ in range(200)]
        time.sleep(0.2)
        check(brood.get("/").status == 200, "who keeps many open there keeps nobody out here")
        for admin in many:
            admin.close()
        wait_until(lambda: ask_or_not(port), 5, "and when they are gone it answers again")
        brood.stop()


def ask_or_not(port):
    try:
        return ask(port, "/live").status == 200
    except (EOFError, OSError):
        return False


def parent_stands_still(engine):
    """What needs it says so in time, the rest is answered."""
    port, option = admin_option()
    with Brood(*option, engine=engine, workers=2) as brood:
        check(status_of(port)["ready"], "first it answers")
        time.sleep(0.6)
        admin = Admin(port)
        check(admin.get("/live").status == 200, "alive")
        stop_process(brood.pid)
        for path in ("/live", "/ready", "/metrics"):
            check(admin.get(path).status == 200, path)
            check(MODEL == "round-robin" or ask(port, path).status == 200, path)    # there it is the parent that accepts
        began = time.monotonic()
        check(admin.get("/status.json").status == 503 and time.monotonic() - began < 4, "it does not wait for ever")
        brood.kill(signal.SIGCONT)
        check(status_of(port)["ready"], "again it answers")
        brood.stop()


def parent_dies(engine):
    """Its workers drain, and say so to who is still there."""
    port, option = admin_option()
    with Brood(*option, engine=engine, workers=1) as brood:
        slow, admin = Client(brood.port), Admin(port)
        slow.send("GET /sleep?ms=800 HTTP/1.1\r\nHost: play\r\n\r\n")
        check(admin.get("/ready").status == 200, "ready")
        brood.kill(signal.SIGKILL)
        brood.process.wait()
        response = wait_until(lambda: (r := admin.get("/ready")).status == 503 and r, 2, "not ready")
        check(b"parent is gone" in response.body and response["connection"] == "close", response.raw)
        check(slow.response().status == 200, "what was begun is finished")
        wait_until(lambda: not any(is_alive(pid) for pid in brood.seen_workers), 12, "they leave")


need_parser()
for engine in engines():
    planned(engine)
    upgrades(engine)
    losses(engine)
    parent_stands_still(engine)
    parent_dies(engine)
