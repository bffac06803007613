#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# timeout: 300
"""An upgrade goes with all else a pool may be at: a shared port, a claim, moves of connections, a reload, a scaling,
another configuration file, `brood ctl` at every moment. What is refused says so, and nothing is lost."""
import json
import os
import socket
import tempfile
import threading
import time

from _play import DEMO, Brood, Checker, Client, adopt_orphans, check, engines, wait_until


def finish(*checkers):
    for checker in checkers:
        checker.finish()
    for checker in checkers:
        checker.expect_nothing_lost()
        check(checker["refused"] == 0, "and nobody was refused")


def load(brood):
    checkers = Checker(brood.port, "keepalive", 8, rate=10, path="/"), Checker(brood.port, "close", 4)
    time.sleep(0.1)
    return checkers


def say(brood, *commands):
    """All at once, so that the parent hears each before the one before is over. The replies."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(brood.control)
        s.sendall("".join(json.dumps(command) + "\n" for command in commands).encode())
        with s.makefile() as replies:
            return [json.loads(replies.readline()) for _ in commands]


def upgrade(brood):
    brood.ctl("upgrade", "--wait")
    old = brood.follow()
    check(old is not None and brood.status()["pid"] == brood.pid, "the new one answers")
    check(old.wait(15) == 0, f"the old one ended with {old.returncode}")
    brood.workers()


def wait_until_all_serve(*pools):
    seen, wanted = set(), {pid for pool in pools for pid in pool.workers()}
    wait_until(lambda: seen.add(pools[0].whoami()["pid"]) or seen >= wanted, 20, "all serve")


def expect_refused(port, *pools):
    pids = "|".join(str(pool.pid) for pool in pools)
    with Brood(port=port, ready=False) as brood:
        brood.wait_exit(1, 5)
        check(brood.lines(rf"already taken by brood \(pid ({pids})\)"), f"{pids}: {brood.log()}")


def joined_pools(engine, directory):
    """Two share a port, and the first one is upgraded, and then the other."""
    with Brood("--join", engine=engine, control=True) as first, \
         Brood("--join", port=first.port, engine=engine, control=True) as second:
        checkers = load(first)
        for brood in (first, first, second):
            upgrade(brood)
            check(brood.status()["balance"] == "hash", "the members of its group are not its alone")
        wait_until_all_serve(first, second)
        finish(*checkers)
        expect_refused(first.port, first, second)
        first.stop()
        expect_refused(second.port, second)
        check(second.get("/").status == 200, "the other one goes on")
        second.stop()


def joined_by_a_stranger(engine, directory):
    """One that expects nobody finds out anew, and leaves the balance to the kernel."""
    with Brood(engine=engine, control=True) as first, \
         Brood("--join", port=first.port, engine=engine, control=True) as second:
        checkers = load(first)
        upgrade(first)
        first.wait_for_line(rf"brood \(pid {second.pid}\) listens on 127\.0\.0\.1:{first.port} as well")
        check(first.status()["balance"] == "hash", first.status()["balance"])
        wait_until_all_serve(first, second)
        finish(*checkers)
        first.stop()
        second.stop()


def claim(engine, directory):
    """It is held all the time, by whoever serves, and is free with the last."""
    with Brood(engine=engine, control=True) as brood:
        over, refused = threading.Event(), []

        def try_to_get_in():
            while not over.is_set():
                with socket.socket(socket.AF_UNIX) as s:
                    try:
                        s.bind(f"\0brood/tcp/{brood.port}/127.0.0.1:{brood.port}")
                        refused.append("NO")
                        return
                    except OSError:
                        refused.append("yes")
        thread = threading.Thread(target=try_to_get_in)
        thread.start()
        for _ in range(3):
            upgrade(brood)
        over.set()
        thread.join()
        check("NO" not in refused and len(refused) > 100, f"the claim was free after {len(refused)} tries")
        expect_refused(brood.port, brood)
        brood.stop()
    with Brood(port=brood.port, engine=engine) as next_one:
        next_one.stop()


def rebalance(engine, directory):
    """The new pool moves connections as the old one did."""
    with Brood("--rebalance", "--balance", "hash", engine=engine, control=True) as brood:
        for _ in range(2):
            upgrade(brood)
            heavy = brood.workers()[0]
            clients = [brood.connect_to(heavy) for _ in range(16)]
            wait_until(lambda: (i := brood.status()["imbalance"]) and i <= 1.1, 10, "they are spread")
            check(all(client.get("/").status == 200 for client in clients), "and every one is answered")
            for client in clients:
                client.close()
        brood.stop()


def balances(engine, directory):
    for balance in ("hash", "weighted"):
        with Brood("--balance", balance, engine=engine, control=True, workers=4) as brood:
            checkers = load(brood)
            for _ in range(2):
                upgrade(brood)
                check(brood.status()["balance"] == balance, "as it was told")
            wait_until_all_serve(brood)
            finish(*checkers)
            brood.stop()


def write(path, text):
    with open(path + ".draft", "w") as f:
        f.write(text)
    os.replace(path + ".draft", path)


def configuration(engine, directory):
    """What the file says by then is in force; one that is wrong changes nothing."""
    path = os.path.join(directory, "brood.ini")
    write(path, f"engine = {engine}\nworkers = 2\nhandler = {DEMO}\n")
    with Brood("--config", path, workers=None, what=(), control=True) as brood:
        checkers = load(brood)
        write(path, f"engine = {engine}\nworkers = 3\nhandler = {DEMO}\nmax-body = 4k\n")
        upgrade(brood)
        wait_until(lambda: not brood.status()["scaling"] and len(brood.status()["slots"]) == 3, 5, "three workers")
        with Client(brood.port) as client:
            client.send("POST /echo HTTP/1.1\r\nHost: play\r\nContent-Length: 4097\r\n\r\n")
            check(client.response("POST").status == 413, "a body has 4 KiB at most")
        for wrong in ("workers = none\n", "worker = 2\n"):
            write(path, wrong)
            said = brood.ctl("upgrade", "--wait", code=1)
            check("before it was ready" in said or "failed" in said, said)
            check(brood.status()["pid"] == brood.pid and len(brood.status()["slots"]) == 3, "nothing has changed")
        write(path, f"engine = {engine}\nworkers = 2\nhandler = {DEMO}\n")
        upgrade(brood)
        wait_until(lambda: len(brood.status()["slots"]) == 2, 10, "two workers")
        finish(*checkers)
        brood.stop()


def one_after_another(engine, directory):
    """As soon as one is over the next; asked for twice at once the second is refused."""
    with Brood(engine=engine, control=True) as brood:
        checkers = load(brood)
        for _ in range(5):
            brood.ctl("upgrade", "--wait")
        first, second = say(brood, {"command": "upgrade"}, {"command": "upgrade"})
        check(first["ok"] and not second["ok"] and second["error"] == "one is under way", second)
        wait_until(lambda: brood.status()["pid"] == first["pid"], 10, "the last one serves")
        wait_until(lambda: len(brood.lines("drained: ")) == 6, 15, "the old ones have left")
        brood.follow()
        brood.workers()
        finish(*checkers)
        brood.stop()


def meanwhile(engine, directory):
    """A scaling is finished first, a reload goes on until the new parent has the pool; neither begins meanwhile."""
    with Brood(engine=engine, control=True, workers=6) as brood:
        checkers = load(brood)
        replies = say(brood, {"command": "scale", "n": 4}, {"command": "upgrade"})
        check(replies[0]["ok"] and replies[1]["error"] == "the pool is being scaled", replies)
        wait_until(lambda: not brood.status()["scaling"] and len(brood.status()["slots"]) == 4, 10, "scaled")
        n_overlapped = 0
        for _ in range(6):
            replies = say(brood, {"command": "reload"}, {"command": "drain", "slot": 1}, {"command": "upgrade"},
                          {"command": "reload"}, {"command": "scale", "n": 3}, {"command": "status"})
            check([reply["ok"] for reply in replies] == [True, True, True, False, False, True], replies)
            check(replies[3]["error"] == "an upgrade is under way, which replaces the workers too", replies[3])
            check(replies[4]["error"] == "an upgrade is under way", replies[4])
            check(replies[5]["upgrade"]["running"], "it is under way")
            n_overlapped += replies[5]["reload"]["running"]
            wait_until(lambda: brood.status()["pid"] == replies[2]["pid"], 10, "upgraded")
            check(brood.follow().wait(15) == 0, "the old one has left")
            check(len(brood.workers()) == 4 and not brood.status()["reload"]["running"], "as many as before")
        check(n_overlapped > 0, "a reload was under way when it began")
        brood.ctl("scale", 2, "--wait")
        upgrade(brood)
        check(len(brood.workers()) == 2, "as it was scaled")
        finish(*checkers)
        brood.stop()


def killed_meanwhile(engine, directory):
    """Workers that die just then are replaced by whoever has the pool."""
    with Brood("--restart-limit", "100/10s", engine=engine, control=True, workers=4) as brood:
        checkers = [Checker(brood.port, "keepalive", 8, rate=10, path="/")]
        for slot in range(4):
            replies = say(brood, {"command": "kill", "slot": slot}, {"command": "upgrade"})
            check(all(reply["ok"] for reply in replies), replies)
            wait_until(lambda: brood.status()["pid"] == replies[1]["pid"], 10, "upgraded")
            check(brood.follow().wait(15) == 0, "the old one has left")
            wait_until(lambda: len(brood.workers()) == 4, 5, "four workers")
        checkers[0].finish()        # while it holds connections, `least` gives none to who has most of them
        wait_until_all_serve(brood)
        brood.stop()


adopt_orphans()
for engine in engines():
    with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
        for scene in (joined_pools, joined_by_a_stranger, claim, rebalance, balances, configuration, one_after_another,
                      meanwhile, killed_meanwhile):
            scene(engine, directory)
            print(f"{engine}: {scene.__name__}")
