#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""/live, /ready, /metrics, /status.json and / of the admin address, under load; whoever answers, it is the whole pool's."""
import json
import os
import re
import signal
import time

from _admin import Admin, admin_option, ask, check_by_promtool, check_grown, metrics_of, need_parser, status_of
from _play import MODEL, Brood, Checker, Client, check, clients_of, engines, stop_process, wait_until

POLICY = "default-src 'none'"


def expect_answers(port):
    with Admin(port) as admin:
        for path, body in (("/live", b"alive\n"), ("/ready", b"ready\n")):
            response = admin.get(path)
            check(response.status == 200 and response.body == body, response.raw)
        for path, kind in (("/", "text/html"), ("/admin.js", "text/javascript"), ("/admin.css", "text/css")):
            response = admin.get(path)
            check(response.status == 200 and response["content-type"].startswith(kind), response.raw[:300])
            check(b"//" not in response.body.replace(b"://", b"//", 1)[:200] and b"http" not in response.body, "nothing external")
            head = admin.get(path, method="HEAD")
            check(head.status == 200 and head["content-length"] == str(len(response.body)), head.raw)
        for path in ("/live", "/metrics", "/status.json", "/", "/nonsense"):
            response = admin.get(path)
            check(POLICY in response["content-security-policy"] and response["x-content-type-options"] == "nosniff",
                  response.raw[:600])
            check(response["cache-control"] == "no-store", response.raw[:600])
        check(admin.get("/nonsense").status == 404 and admin.get("/live/").status == 404, "404")
        check(admin.get("/whoami").status == 404, "what is served is not served here")
        for method in ("POST", "DELETE", "OPTIONS"):
            response = admin.get("/live", method=method)
            check(response.status == 405 and response["allow"] == "GET, HEAD", response.raw)
        for host, status in (("localhost", 200), ("LOCALHOST:1", 200), ("[::1]:2", 200), ("127.0.0.1:3", 200),
                             ("evil.example", 403), ("127.0.0.1.evil.example:80", 403), ("localhost.evil.example", 403)):
            check(admin.get("/live", host=host).status == status, f"Host: {host}")
    check(Client(port).get("/live", "Host: twice\r\n").status == 400, "and the protocol is as strict as elsewhere")


def expect_connections(port, least, most):
    """The clients', and not ours; one that was just closed counts until its worker has seen it."""
    wait_until(lambda: least <= metrics_of(port)["brood_connections"] <= most, 1, f"{least} to {most} connections")


def expect_all_is_counted(brood, port, engine):
    """Several clients that count as well."""
    before = metrics_of(port)
    checkers = [Checker(brood.port, "keepalive", 16, path="/"), Checker(brood.port, "close", 4),
                Checker(brood.port, "pipeline=16", 2), Checker(brood.port, "keepalive", 4, path="/big")]
    for _ in range(20):
        time.sleep(0.05)
        after = metrics_of(port)
        check_grown(before, after)
        expect_connections(port, 0, 26)
        check(after["brood_requests_in_flight"] <= 100, after["brood_requests_in_flight"])
    expect_connections(port, 16, 26)
    for checker in checkers:
        checker.finish().expect_nothing_lost()
    wait_until(lambda: metrics_of(port)["brood_connections"] == 0, 5, "all are closed")
    after = metrics_of(port)
    check_by_promtool(ask(port, "/metrics").body.decode())
    answered = sum(checker["answered"] for checker in checkers)
    opened = sum(checker["connections"] for checker in checkers)
    for name, n in (("brood_requests_total", answered), ("brood_responses_total{class=2xx}", answered),
                    ("brood_connections_accepted_total", opened), ("brood_request_duration_seconds_count", answered)):
        check(after[name] - before.get(name, 0) == n, f"{name}: {after[name]} after {before.get(name)}, not {n} more")
    check(after["brood_request_duration_seconds_sum"] > 0, "they took time")
    check(after["brood_transmit_bytes_total"] > after["brood_receive_bytes_total"] > answered * 30, "bytes")
    check(after["brood_admin_requests_total"] >= 20, "and who asks is counted apart")
    return after


def expect_latencies(brood, port):
    """Those that take 100 ms are where they belong."""
    before = metrics_of(port)
    times = []
    for _ in range(5):
        began = time.monotonic()
        check(brood.get("/sleep?ms=100").status == 200, "it slept")
        times.append(time.monotonic() - began)
    after = wait_until(lambda: (now := metrics_of(port))["brood_request_duration_seconds_count"] ==
                       before["brood_request_duration_seconds_count"] + 5 and now, 5, "they are counted")
    grown = {float(name.split("le=")[1][:-1]): after[name] - before[name] for name in after if "seconds_bucket" in name}
    check(grown[0.065536] == 0 and all(n >= sum(seen + 0.002 <= most for seen in times) for most, n in grown.items()),
          f"{times}: {grown}")
    took = after["brood_request_duration_seconds_sum"] - before["brood_request_duration_seconds_sum"]
    check(0.49 <= took <= sum(times) + 0.01, f"{took} of {times}")      # its clock has milliseconds


def expect_refusals(brood, port):
    before = metrics_of(port)
    with Client(brood.port) as client:
        client.send("GET / HTTP/1.1\r\n\r\n")
        check(client.response().status == 400, "no Host")
    check(brood.get("/status?code=503").status in (404, 503), "an answer")
    after = metrics_of(port)
    check(after["brood_requests_refused_total"] == before["brood_requests_refused_total"] + 1, "refused")
    more = {name: after[name] - before[name] for name in after if name.startswith("brood_responses_total")}
    check(sum(more.values()) == 2 and more["brood_responses_total{class=4xx}"] >= 1, more)


def expect_same_status(brood, port):
    """It is what brood ctl says."""
    def settled(status):
        status = {name: value for name, value in status.items() if not name.startswith("uptime")}
        for slot in status["slots"]:
            for moving in ("uptime_ms", "lag_ms", "silent", "rss_bytes", "cpu_s"):
                slot["worker"].pop(moving)
        return status

    told = status_of(port)
    check(settled(told) == settled(brood.status()), f"{told}\n{brood.status()}")
    check(told["admin"] == f"127.0.0.1:{port}" and told["listen"] == [f"127.0.0.1:{brood.port}"], told)


def expect_deaths(brood, port, before):
    victim = brood.workers()[0]
    os.kill(victim, signal.SIGKILL)
    brood.wait_for_line("ready after")
    after = wait_until(lambda: (now := metrics_of(port))["brood_worker_restarts_total"] == 1 and now, 5, "restarted")
    check(after["brood_worker_deaths_total{cause=signal}"] == 1, after)
    check_grown(before, after)
    check(sum(after[f"brood_slot_restarts_total{{slot={i}}}"] for i in range(3)) == 1, after)
    wait_until(lambda: metrics_of(port)["brood_slots{state=READY}"] == 3, 5, "three serve")
    for name in ("resident_memory_bytes", "start_time_seconds"):
        check(all(metrics_of(port)[f"brood_worker_{name}{{slot={i}}}"] > 100000 for i in range(3)), name)


def expect_no_load(engine):
    """Where new connections go does not depend on who looks: with a look, kept open, before each of them."""
    port, option = admin_option()
    with Brood(*option, engine=engine, workers=2) as brood:
        if MODEL == "reuseport" and "balance: least" not in brood.wait_for_line("balance: "):
            return
        lookers, clients, pids = [], [], []
        for i in range(16):
            for _ in range(i % 3):
                lookers.append(Admin(port))
                check(lookers[-1].get("/live").status == 200, "alive")
            clients.append(Client(brood.port))
            pids.append(json.loads(clients[-1].get("/whoami").body)["pid"])
        if MODEL != "preemptive":
            check(all(pids.count(pid) == 8 for pid in brood.workers()), f"each has as many: {pids}")
        if MODEL == "round-robin":
            check(pids[::2] == 8 * pids[:1] and pids[1::2] == 8 * pids[1:2], f"in turn: {pids}")
        brood.stop()


def expect_queue(engine):
    """What one worker does not accept is told by the other, until that one has it."""
    port, option = admin_option()
    with Brood(*option, "--balance", "hash", engine=engine, workers=2) as brood, Admin(port) as admin:
        asked = json.loads(admin.get("/status.json").body)      # from here on this worker answers
        check(len(asked["slots"]) == 2, asked)
        check(b"\nbrood_connections_queued 0\n" in admin.get("/metrics").body, "nobody waits")
        other = next(pid for pid in brood.workers() if not clients_of(pid, port))
        stop_process(other)
        clients = [Client(brood.port) for _ in range(40)]
        time.sleep(0.1)     # the other half is accepted; what hangs is another's only later
        queued = int(re.search(rb"\nbrood_connections_queued (\d+)\n", admin.get("/metrics").body)[1])
        os.kill(other, signal.SIGCONT)
        check(5 <= queued <= 35, f"of 40, {queued} wait")
        for client in clients:
            check(client.get("/").status == 200, "answered")
        brood.stop()


for engine in engines():
    need_parser()
    if MODEL == "reuseport":
        expect_queue(engine)
    expect_no_load(engine)
    port, option = admin_option()
    with Brood(*option, engine=engine, workers=3, control=True) as brood:
        expect_answers(port)
        after = expect_all_is_counted(brood, port, engine)
        expect_latencies(brood, port)
        expect_refusals(brood, port)
        wait_until(lambda: metrics_of(port)["brood_connections"] == 0, 5, "all are closed")
        expect_same_status(brood, port)
        expect_deaths(brood, port, after)
        check(brood.get("/metrics").body != ask(port, "/metrics").body, "and only there")
        brood.stop()
    print(f"{engine}: {after['brood_requests_total']:.0f} requests, "
          f"{after['brood_request_duration_seconds_sum'] / after['brood_request_duration_seconds_count'] * 1e6:.0f} µs each")
