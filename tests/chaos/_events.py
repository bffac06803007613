# SPDX-License-Identifier: MIT
"""What can happen to a pool: each kind draws its parameters from the seed and does it.

A kind does not wait until it is over, unless it has to put something back; whether the next one waits is drawn too.
"""
import contextlib
import os
import random
import signal
import socket
import time

from _play import Client, check, wait_until

KINDS = {}


def kind(name, **parameters):
    """Declares one; each parameter is a function of the random number generator."""
    def declare(function):
        KINDS[name] = (function, parameters)
        return function
    return declare


def one_of(*choices):
    return lambda rng: rng.choice(choices)


def from_to(low, high):
    return lambda rng: rng.randint(low, high)


def anywhere(rng):
    return round(rng.random(), 3)


def schedule(rng, kinds):
    """Kind, parameters, whether the pool settles before the next, the pause then; without end, all kinds in turn."""
    while True:
        for name in rng.sample(kinds, len(kinds)):
            parameters = {key: draw(rng) for key, draw in KINDS[name][1].items()}
            yield name, parameters, rng.random() < 0.6, rng.choice((0, 0, 0.01, 0.05, 0.2))


def happen(pool, name, parameters):
    KINDS[name][0](pool, **parameters)


def kinds_for(contains):
    return sorted(name for name in KINDS if contains or name != "fault, contained")


# ---- planned: nothing is lost

@kind("reload", how=one_of("HUP", "ctl"), times=from_to(1, 3))
def reload(pool, how, times):
    for _ in range(times):
        if how == "HUP":
            pool.brood.kill(signal.SIGHUP)
        else:
            pool.try_ctl("reload")


BAD_CONFIGS = {"no option": "wrokers = 3\n", "no handler": "handler = /nonexistent.so\n", "two": "text = a\nroot = /\n",
               "broken handler": None}


@kind("reload, fails", why=one_of(*BAD_CONFIGS), how=one_of("HUP", "ctl"))
def reload_fails(pool, why, how):
    pool.wait_upgraded()
    text = BAD_CONFIGS[why]
    if text:
        with open(pool.config, "w", encoding="ascii") as f:
            f.write(text)
    else:
        broken = os.path.join(pool.directory.name, "broken.so")
        with open(broken, "w", encoding="ascii") as f:
            f.write("no shared object")
        pool.write_config(handler=broken)
    over = r"reload: .*(nothing is changed|stays?$)"
    before = pool.n_lines(over)
    refused = False
    if how == "HUP":
        pool.brood.kill(signal.SIGHUP)
    else:
        refused = pool.try_ctl("reload").returncode != 0
    if not refused:
        pool.wait_for_more(over, before)
    pool.write_config()


@kind("scale", how=one_of("TTIN", "TTOU", "ctl"), n=from_to(1, 5))
def scale(pool, how, n):
    wanted = (pool.status() or {"wanted": n})["wanted"]
    if how == "ctl":
        pool.try_ctl("scale", n)
    elif how == "TTIN" and wanted < 6 or wanted == 1:
        pool.brood.kill(signal.SIGTTIN)
    else:
        pool.brood.kill(signal.SIGTTOU)


def begin_upgrade(pool, how):
    pool.wait_upgraded()
    begun = r"upgrade: started|no upgrade:|upgrade: the new parent"
    before = pool.n_lines(begun)
    if how == "USR2":
        pool.brood.kill(signal.SIGUSR2)
    elif pool.try_ctl("upgrade").returncode != 0:       # the pool is being scaled
        return
    pool.wait_for_more(begun, before)


@kind("upgrade", how=one_of("USR2", "ctl"))
def upgrade(pool, how):
    begin_upgrade(pool, how)


BAD_PROGRAMS = {"exit 1": ("#!/bin/sh\nexit 1\n", 0o755), "exit 0": ("#!/bin/sh\nexit 0\n", 0o755),
                "segv": ("#!/bin/sh\nkill -SEGV $$\n", 0o755), "no program": ("no program\n", 0o755),
                "not executable": ("#!/bin/sh\nexit 0\n", 0o644)}


@kind("upgrade, fails", why=one_of(*BAD_PROGRAMS), how=one_of("USR2", "ctl"))
def upgrade_fails(pool, why, how):
    pool.wait_upgraded()
    pid = pool.brood.pid
    pool.spoil_program(*BAD_PROGRAMS[why])
    begin_upgrade(pool, how)
    pool.wait_upgraded()
    pool.mend_program()
    check(pool.brood.pid == pid, "the old parent stays")


@kind("retire", how=one_of("handler", "TERM"), place=anywhere)
def retire(pool, how, place):
    if how == "handler":
        try:
            with Client(pool.brood.port) as client:
                check(client.get("/retire?reason=chaos").status == 200, "/retire is answered")
        except (OSError, EOFError):
            check(False, "/retire is answered")
        return
    pid = pool.pick(place)[1]
    if pid and pool.brood.owns(pid):
        os.kill(pid, signal.SIGTERM)


@kind("recycle", after=from_to(200, 2000), times=from_to(1, 5))
def recycle(pool, after, times):
    before = pool.n_lines(r"retiring \(max-requests\)")
    pool.write_config(max_requests=after)
    pool.try_ctl("reload")
    deadline = time.monotonic() + 3
    while pool.n_lines(r"retiring \(max-requests\)") < before + times and time.monotonic() < deadline:
        time.sleep(0.02)
    pool.write_config()
    pool.try_ctl("reload")


@kind("drain", place=anywhere)
def drain(pool, place):
    slot = pool.pick(place)[0]
    if slot is not None:
        pool.try_ctl("drain", slot)


@kind("other options", max_fields=from_to(50, 100), surge=from_to(1, 3), workers=from_to(1, 5),
      max_conn_requests=one_of("off", 1, 3, 100), idle_timeout=one_of("75s", "20s"), how=one_of("HUP", "ctl"))
def other_options(pool, how, **options):
    pool.write_config(**options)
    if how == "HUP":
        pool.brood.kill(signal.SIGHUP)
    else:
        pool.try_ctl("reload")


@kind("control abuse", clients=from_to(1, 60), seed=from_to(1, 1 << 30))
def control_abuse(pool, clients, seed):
    rng = random.Random(seed)
    crowd = []
    for _ in range(clients):
        try:
            crowd.append(s := pool.brood.connect_control())
            s.sendall(bytes(rng.choice(b'{}[]":,\n\\u0command status1\xff') for _ in range(rng.randrange(1, 3000))))
            if rng.random() < 0.5:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    check(wait_until(pool.status, 5, "others are heard on the control socket"), "a status")
    for s in crowd:
        s.close()


@kind("poison clear")
def poison_clear(pool):
    pool.try_ctl("poison")
    pool.try_ctl("poison", "clear")


@kind("pause", place=anywhere, ms=one_of(20, 100, 400, 800, 1200))
def pause(pool, place, ms):
    """A worker stands still for a while and goes on: it is late, and nothing more."""
    pid = pool.pick(place)[1]
    if pid and pool.halt(pid):
        pool.release_after(pid, ms / 1000)


# ---- with --on-fault contain: the request alone

def ask_cornered(pool, target):
    """Of a worker that stands still when it is asked, and then goes on. Returns connection and pid."""
    client, pid = pool.corner()
    if client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: chaos\r\n\r\n")
    return client, pid


@kind("fault, contained", how=one_of("segv", "abort", "fpe", "stack"), when=one_of("", "timer", "body"))
def fault_contained(pool, how, when):
    with Client(pool.brood.port) as client:
        status = client.get(f"/crash?how={how}{when and '&when=' + when}").status
    pool.event.note = str(status)
    check(status in (500, 503), f"a contained fault is answered with {status}")


# ---- unplanned: what the victim had accepted

@kind("kill -9", place=anywhere, how=one_of("signal", "signal", "ctl"))
def kill(pool, place, how):
    slot, pid = pool.pick(place)
    if not pid or not pool.halt(pid):
        return
    victim = pool.doom(pid)
    if how == "ctl":
        said = pool.try_ctl("kill", slot).stdout.split()
        if said and said[1] != str(pid):        # it has just been replaced, and its replacement is hit
            pool.doom_running(int(said[1]))
    pool.kill(pid)
    pool.wait_dead(victim)


@kind("crash", how=one_of("segv", "abort", "exit", "fpe", "stack"))
def crash(pool, how):
    how = "exit" if pool.contains else how
    client, pid = ask_cornered(pool, f"/crash?how={how}")
    if not client:
        return
    victim = pool.doom_running(pid)
    pool.release(pid)
    with client:
        try:
            status = client.response().status
            pool.event.note = str(status)
            check(status == 503, f"a request that kills is answered with {status}")
        except (EOFError, ConnectionError):
            pool.find_dead(victim)
        else:
            pool.ledger.spare(victim)


@kind("hang", how=one_of("/hang", "SIGSTOP"), place=anywhere)
def hang(pool, how, place):
    if how == "SIGSTOP":
        pid = pool.pick(place)[1]
        if pid and pool.halt(pid):
            pool.doom(pid)
            pool.release_after(pid, 4.0)    # aborted by then, and killed soon after
        return
    client, pid = ask_cornered(pool, "/hang")
    if not client:
        return
    pool.release(pid)
    with client:
        client.s.settimeout(0.1)
        try:
            while not pool.is_silent(pid := pool.holder_of(client, pid)):      # one that leaves hands it on
                with contextlib.suppress(TimeoutError):
                    pool.event.note = str(status := client.response().status)
                    check(status == 503, f"a request that hangs is answered with {status}")
                    return
        except (EOFError, ConnectionError):
            check(False, "it hangs, and does not end at once")
        pool.doom(pid)
