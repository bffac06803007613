#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""HEAD is answered with the fields GET would have, and with nothing behind them."""
from _play import Brood, Client, check, engines

TARGETS = ("/", "/whoami", "/big?bytes=1000000", "/nowhere", "/echo")


def fields(response):
    return {name: value for name, value in response.fields.items() if name != "date"}


for engine in engines():
    with Brood(engine=engine, workers=1) as brood:
        with Client(brood.port) as client:
            for target in TARGETS:
                head, full = client.get(target, method="HEAD"), client.get(target)
                check(head.status == full.status and fields(head) == fields(full), f"{head.raw}\n{full.raw[:300]}")
                check(head.body == b"", "no body")
            client.send("".join(f"HEAD {target} HTTP/1.1\r\nHost: play\r\n\r\n" for target in TARGETS))
            for target in TARGETS:
                client.response("HEAD")
            check(client.get("/").status == 200, "and the framing holds")
        brood.stop()
    print(engine, "answers HEAD")
