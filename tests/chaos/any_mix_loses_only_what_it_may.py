#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reloads, upgrades, crashes, hangs and all else, mixed under load: planned events lose nothing, unplanned ones only
what their victim had accepted. Which events, in which order and with which parameters, follows from a seed.

  make chaos [SEED=N] [SECONDS=60] [MODEL=...] [ENGINE=...] [USER=nobody|root]

gives each combination of model, engine and user that was not excluded its part of the seconds. The schedule of each
is drawn from the seed and the names of the combination, so that a run of that one alone is the same again, as far as
it gets; how the kernel times it, and so which request meets which event, is not. Without arguments: a short run.
"""
# timeout: 400
import argparse
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import _events
from _ledger import add_up, format_table
from _play import SLOW, engines
from _pool import Pool

MODELS = ("reuseport", "preemptive", "round-robin")
FAULTS_TOLD = 10
LOG_TOLD = 8000


class Failed(Exception):
    pass


def combinations(options):
    users = ("root", "nobody") if os.geteuid() == 0 else ("self",)
    return [(model, engine, user) for model in MODELS for engine in engines() for user in users
            if options.model in (None, model) and options.engine in (None, engine) and options.user in (None, user)]


def draw_options(rng, model):
    """Of a pool: how many workers, and what stays as it is while it runs."""
    workers, on_fault = rng.randint(1, 4), rng.choice(("die", "contain"))
    balance, rebalance = rng.choice(("auto", "hash", "weighted")), rng.random() < 0.3
    options = ["--balance", balance] + ["--rebalance"] * rebalance if model == "reuseport" else []
    return workers, on_fault, options


def play_events(pool, rng, seconds, verbose):
    deadline = time.monotonic() + seconds
    for kind, parameters, settles, pause_s in _events.schedule(rng, _events.kinds_for(pool.contains)):
        pool.follow()
        pool.event = pool.ledger.begin(kind, parameters, pool.load.totals())
        _events.happen(pool, kind, parameters)
        if settles:
            pool.wait_settled()
            pool.ledger.end_all(pool.load.totals())
        if verbose:
            print(f"  {pool.event}{'' if settles else '; the next one does not wait'}", flush=True)
        time.sleep(pause_s)
        if time.monotonic() > deadline:
            break
    pool.wait_settled()
    pool.ledger.end_all(pool.load.totals())


def expect_the_rest(pool):
    """What the clients have seen, what the log says, what the pool has left. Raises Failed."""
    pool.expect_the_beginning()
    complaints = pool.stop()
    beyond = pool.ledger.judge()
    if beyond:
        ports = {f"port {fault['port']}:" for fault in beyond}
        told = [line for line in complaints.splitlines() if any(port in line for port in ports)]
        raise Failed("lost, and may not be:\n" + "\n".join(map(pool.ledger.tell_fault, beyond[:FAULTS_TOLD]))
                     + "\n" + "\n".join(told[:FAULTS_TOLD]))
    if errors := pool.unexplained_errors():
        raise Failed("errors in the log that no event explains:\n" + "\n".join(errors))


def play(seed, combination, seconds, verbose):
    """Returns the table of one pool's run, and whether all was well."""
    model, engine, user = combination
    rng = random.Random(f"{seed} {model} {engine} {user}")
    workers, on_fault, options = draw_options(rng, model)
    began = time.monotonic()
    print(f"{model}, {engine}, {user}: {workers} workers, on fault {on_fault}, {' '.join(options)}", flush=True)
    with Pool(model, engine, user == "nobody", workers, options, on_fault, seed) as pool:
        try:
            play_events(pool, rng, seconds, verbose)
            expect_the_rest(pool)
        except (Failed, SystemExit) as error:
            if isinstance(error, Failed):
                print(f"FAILED: {error}\nthe log:\n{pool.brood.log()[-LOG_TOLD:]}")
            print("the last events:", *pool.ledger.events[-6:], sep="\n  ")
            print(f"again: make chaos SEED={seed} SECONDS={seconds:g} MODEL={model} ENGINE={engine}"
                  + (f" USER={user}" if user != "self" else ""))
            return pool.ledger.rows, False
        n_events = len(pool.ledger.events)
    print(f"  {n_events} events in {time.monotonic() - began:.1f} s", flush=True)
    return pool.ledger.rows, True


def plan(options):
    """Seed, combination and seconds of each pool."""
    every = combinations(options)
    if options.seconds:
        return [(options.seed, combination, options.seconds / len(every)) for combination in every]
    rng = random.Random(options.seed)
    return [(options.seed, rng.choice(every), 8)] + [
        (options.seed, rng.choice([c for c in every if c[0] == model]), 3) for model in MODELS]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--seconds", type=float, help="of events altogether; a short run of each model without")
parser.add_argument("--model", choices=MODELS)
parser.add_argument("--engine", choices=("uring", "epoll"))
parser.add_argument("--user", choices=("root", "nobody"))
parser.add_argument("--verbose", action="store_true", help="tell each event")
options = parser.parse_args()
if not combinations(options):
    parser.error("this machine or this user has no such combination")
print(f"seed {options.seed}")
results = [play(seed, combination, seconds * SLOW, options.verbose) for seed, combination, seconds in plan(options)]
print(f"\nseed {options.seed}\n{format_table(add_up(table for table, _ in results))}")
if not all(well for _, well in results):
    print(f"{sum(not well for _, well in results)} of {len(results)} pools lost what they may not, or ended badly")
    sys.exit(1)
