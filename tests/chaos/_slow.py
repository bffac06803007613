#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""slow - clients that read or write slowly, send garbage, or leave at once: _slow.py PORT SEED

Says what it sees as tests/tools/checker does with --tell.
"""
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
from _ledger import now_ms
from _play import SLOW, Client

STALL_S = 5
TOKEN = b"token "       # of every body of the checker's: nobody else may ever see it


def say(what):
    """A line in one piece, whichever thread it is of."""
    os.write(1, json.dumps(what).encode() + b"\n")


class Patient(Client):
    """Takes its time between two reads."""

    pause_s = 0.0

    def _more(self):
        time.sleep(self.pause_s)
        super()._more()


class Slow:
    """A thread of connections one after another, each for one exchange."""

    def __init__(self, port, exchange, seed):
        self.port, self.exchange = port, exchange
        self.rng = random.Random(seed)
        self.who, self.stopping = exchange.__name__, False
        self.n_connections = self.n_requests = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping:
            fault = self.play()
            if fault:
                time.sleep(0.01)

    def play(self):
        opened_ms, own_port, sent_ms = now_ms(), 0, 0

        def tell(name):
            say({"fault": name, "n": 1, "port": own_port, "at_ms": now_ms(), "opened_ms": opened_ms,
                 "sent_ms": sent_ms, "who": self.who})
            return True

        try:
            client = Patient(self.port, timeout=STALL_S * SLOW, receive_bytes=16384)
        except (ConnectionError, TimeoutError):
            return tell("refused")
        self.n_connections += 1
        with client:
            own_port, sent_ms = client.s.getsockname()[1], now_ms()
            self.n_requests += 1
            try:
                if not self.exchange(client, self.rng):
                    return tell("wrong")
            except EOFError:
                return tell("cut_short")
            except ConnectionError:
                return tell("lost_reset")
            except TimeoutError:
                return tell("stalled")
            except SystemExit:      # what the client makes of an answer that is none
                return tell("wrong")
        return False


def slow_reader(client, rng):
    n = rng.randrange(200_000, 1_000_000)
    client.pause_s = rng.uniform(0.005, 0.03)
    response = client.get(f"/big?bytes={n}")
    letters = b"abcdefghijklmnopqrstuvwxyz"
    return response.status == 200 and response.body == (letters * (n // 26 + 1))[:n]


def slow_body(client, rng):
    body = rng.randbytes(rng.randrange(1000, 50_000))
    pieces = rng.randrange(3, 12)
    size = len(body) // pieces + 1
    client.send(f"POST /echo HTTP/1.1\r\nHost: slow\r\nContent-Length: {len(body)}\r\n\r\n")
    for i in range(0, len(body), size):
        client.send(body[i:i + size])
        time.sleep(rng.uniform(0.01, 0.1))
    response = client.response()
    return response.status == 200 and response.body == body


GARBAGE = (b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
           b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfish\r\n", b"\x16\x03\x01\x02\x00\x01",
           b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
           b"GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
           b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200)


def garbage_sender(client, rng):
    """Refused with the right kind of status, or, where no answer is due, just ended."""
    time.sleep(rng.uniform(0, 0.05))
    data = rng.choice((*GARBAGE, rng.randbytes(rng.randrange(1, 2000)) + b"\r\n\r\n"))
    try:
        client.send(data)
        client.s.shutdown(1)
        answer = client.rest()
    except BrokenPipeError:     # it was refused before all of it was sent
        answer = client.rest()
    except OSError as error:
        if error.errno == 107:  # the same, and the end has arrived
            answer = client.rest()
        else:
            raise
    return answer == b"" or (answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) and TOKEN not in answer
                             and answer.count(b"HTTP/1.1") == 1)


def hasty_leaver(client, rng):
    """Asks, and is gone before the answer: what is left of it must reach nobody else."""
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n" + TOKEN * rng.randrange(1, 600))
    time.sleep(rng.uniform(0, 0.02))
    return True


def tell_totals(clients):
    say({"connections": sum(client.n_connections for client in clients),
         "requests": sum(client.n_requests for client in clients)})


def main(port, seed):
    signals = {signal.SIGUSR1, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    clients = [Slow(port, exchange, f"{seed} {exchange.__name__} {i}")
               for exchange, n in ((slow_reader, 2), (slow_body, 2), (garbage_sender, 2), (hasty_leaver, 1))
               for i in range(n)]
    tell_totals(clients)
    while signal.sigwait(signals) == signal.SIGUSR1:
        tell_totals(clients)
    for client in clients:
        client.stopping = True
    for client in clients:
        client.thread.join(30)
    tell_totals(clients)
    return 1 if any(client.thread.is_alive() for client in clients) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
