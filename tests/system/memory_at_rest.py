#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""At rest the parent has at most 2 MiB, a worker 6 MiB (PSS), and an idle connection 400 bytes of its worker's."""
# waits: mostly
import resource
import time

from _play import IS_SANITIZED, Brood, Client, check, engines, memory_of, skip

if IS_SANITIZED:
    skip("a sanitizer has its own memory")

N = 4000
files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if files < N + 500:
    N = files - 500
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def own_bytes(pid):
    """What is this process's alone, the heap and what it mapped."""
    return 1024 * (memory_of(pid, "Private_Dirty") + memory_of(pid, "Private_Clean"))


for engine in engines():
    with Brood(engine=engine, control=True) as brood:
        for _ in range(20):
            brood.get("/")
        time.sleep(0.2)
        parent, workers = memory_of(brood.pid, "Pss"), [memory_of(pid, "Pss") for pid in brood.workers()]
        print(f"{engine}: parent {parent} KiB, workers {workers} KiB")
        check(parent <= 2048, "the parent")
        check(max(workers) <= 6144, "a worker")
        brood.stop()
    with Brood(engine=engine, workers=1) as brood:
        worker = brood.workers()[0]
        clients = []

        def connect(n):
            for _ in range(n):
                clients.append(Client(brood.port))
                clients[-1].get("/")
            time.sleep(0.2)
            return own_bytes(worker)

        with Client(brood.port) as client:      # what is taken once: receive buffers, first blocks
            for _ in range(1500):
                client.get("/")
        before = connect(100)
        each = (connect(N) - before) / N
        print(f"{engine}: an idle connection has {each:.0f} bytes of its worker")
        check(each <= 400, "an idle connection")
        for client in clients:
            client.close()
        brood.stop()
