#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client that is refused while it sends a megabyte reads the whole answer, a hundred of a hundred; then it is gone."""
# waits: mostly
import concurrent.futures
import time

from _play import SLOW, Brood, Client, check, descriptors_of, engines, wait_until

MEGABYTE = bytes(1 << 20)
REFUSED = {
    413: b"POST /echo HTTP/1.1\r\nHost: play\r\nContent-Length: 1073741824\r\n\r\n",
    400: b"POST /echo HTTP/1.1\r\nHost: play\r\nHost: play\r\n\r\n",
    404: b"POST /nowhere HTTP/1.1\r\nHost: play\r\nContent-Length: 1048576\r\n\r\n",
}


def ask(port, status):
    client = Client(port)
    client.send(REFUSED[status] + MEGABYTE)
    response = client.response()
    check(response.status == status and response["connection"] == "close", response.raw)
    check(client.ended(2), "an orderly end behind it")
    return client


def n_sockets(pid):
    return list(descriptors_of(pid).values()).count("socket")


for engine in engines():
    with Brood("--linger-timeout", "500ms", engine=engine, workers=1) as brood:
        worker = brood.workers()[0]
        before = n_sockets(worker)
        for status in REFUSED:
            with concurrent.futures.ThreadPoolExecutor(10) as pool:
                clients = list(pool.map(lambda _, s=status: ask(brood.port, s), range(100)))
            began = time.monotonic()
            wait_until(lambda: n_sockets(worker) == before, 3, "the worker is rid of them, though they never close")
            took = time.monotonic() - began
            print(f"{engine}: {len(clients)} of 100 read their {status}; gone {took:.2f} s later")
            check(took < 1 * SLOW, "within the linger timeout")
            for client in clients:
                client.close()
        brood.stop()
