#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Messages reach a slot, an id, all, others and the callbacks, whole and in order, small, large and with descriptors."""
# waits: mostly
from _mailer import Mailer
from _play import check, descriptors_of, engines, wait_until


def check_sender(got, sender, n, size=None, fds=0):
    found = got["from"].get(str(sender), {"n": 0})
    check(found["n"] == n, f"{n} were to come from {sender}, {got}")
    check(not n or not found["disordered"] and not found["spoiled"], f"in order and whole: {got}")
    check(size is None or found["bytes"] == n * size, f"{n} of {size} bytes: {got}")
    check(not n or found["fds"] == fds, f"{fds} descriptors that can be read: {got}")


def all_recipients(pool):
    ids = [pool.ask(slot, "/who")["id"] for slot in range(3)]
    check(sorted(ids) == [1, 2, 3], f"ids are in the order of birth: {ids}")
    check(pool.ask(0, "/send?to=slot&which=1&n=5000&size=100")["taken"] > 0, "a slot")
    sent = pool.ask(0, "/got")["sent"]
    pool.await_got(1, lambda got: got["from"].get(str(ids[0]), {}).get("n") == sent, f"{sent} of slot 0")
    pool.ask(0, f"/send?to=worker&which={ids[2]}&n=3&size=8")
    pool.ask(0, "/send?to=all&n=2")
    pool.ask(0, "/send?to=others&n=4")
    got = pool.await_got(2, lambda got: got["from"].get(str(ids[0]), {}).get("n", 0) >= 9, "9 of slot 0")
    check_sender(got, ids[0], 9)
    check_sender(pool.got(0), ids[0], 2)
    check_sender(pool.got(1), ids[0], sent + 6)
    pool.ask(1, "/send?to=parent&n=1000&size=64")
    wait_until(lambda: pool.told()["from"].get(str(ids[1]), {}).get("n") == 1000, 10, "1000 for the callbacks")
    check_sender(pool.told(), ids[1], 1000, 64)
    return ids


def sizes(pool, ids):
    """One more than fits into a packet, the largest the mailer makes, nothing at all."""
    before = pool.got(2)["from"][str(ids[0])]
    for size in (65535, 65536, 65537, 1 << 20, 8 << 20, 8):
        pool.ask(0, f"/send?to=slot&which=2&n=2&size={size}")
    got = pool.await_got(2, lambda got: got["from"][str(ids[0])]["n"] == before["n"] + 12, "12 of all sizes")
    found = got["from"][str(ids[0])]
    check(not found["disordered"] and not found["spoiled"], f"whole: {got}")
    check(found["bytes"] - before["bytes"] == 2 * (65535 + 65536 + 65537 + (1 << 20) + (8 << 20) + 8), f"all: {got}")


def count_descriptors(pool):
    return {pid: len(descriptors_of(pid)) for pid in (pool.pid, *pool.workers())}


def handles(pool, ids):
    """Each kind, to one, to many, to the callbacks and back, to nobody; then all is as it was in every process."""
    before = count_descriptors(pool)
    fds = pool.got(1)["from"][str(ids[2])]["fds"] if str(ids[2]) in pool.got(1)["from"] else 0
    for kind in ("pipe", "file", "socket"):
        pool.ask(2, f"/send?to=slot&which=1&n=20&size=8&fd={kind}")
        pool.ask(2, f"/send?to=others&n=20&size=100000&fd={kind}" if kind == "pipe" else f"/send?to=parent&n=20&fd={kind}")
        pool.ask(2, f"/send?to=slot&which=17&n=20&fd={kind}")
        pool.ask(2, f"/send?to=worker&which=1234&n=20&size=70000&fd={kind}")
        pool.ask(2, f"/text?to=parent&text=echo&fd={kind}")
    # A pipe that several have is read by the first of them.
    pool.await_got(1, lambda got: got["from"][str(ids[2])]["n"] >= 80, "80 with descriptors")
    pool.await_got(2, lambda got: got["from"].get("0", {}).get("n") == 3, "echoes of the callbacks")
    got = pool.await_got(2, lambda got: got["returned"] == 120, "120 were for nobody")
    check(got["errors"] == {"3": 120} and got["from"]["0"]["fds"] == 3, f"for nobody, echoes: {got}")
    check(pool.got(1)["from"][str(ids[2])]["fds"] - fds >= 60, f"descriptors of slot 2: {pool.got(1)}")
    wait_until(lambda: pool.told()["from"][str(ids[2])]["fds"] == 40, 5, "40 descriptors for the callbacks")
    wait_until(lambda: count_descriptors(pool) == before, 5, f"no descriptor is left over: {before}")


def refused(pool):
    """Who wants no messages gets none; their sender is told."""
    pool.ask(1, "/deaf")
    before = pool.got(0)["returned"]
    pool.ask(0, "/send?to=slot&which=1&n=100")
    got = pool.await_got(0, lambda got: got["returned"] == before + 100, "100 come back")
    check(got["errors"].get("107") == 100, f"ENOTCONN: {got}")


for engine in engines():
    for callbacks in ("process", "inside"):
        with Mailer(engine, callbacks=callbacks) as brood:
            ids = all_recipients(brood)
            sizes(brood, ids)
            handles(brood, ids)
            refused(brood)
            check(not brood.lines(" error "), "no errors")
            brood.stop()
