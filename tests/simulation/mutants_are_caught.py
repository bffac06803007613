#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""timeout: 600

The checks of the simulation can fail: each of these bugs, put into a file of src/ one at a time, is found within
a few thousand seeds. A line of a mutant that is no longer in its file fails as well: write it anew then.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
SIMULATION = BUILD / "tests/simulation"
SEEDS = "4000"

# file, what is there, what is put there, what that is
MUTANTS = (
    ("conn/output.c", "\tpool_give(&table->blocks, piece);\n", "\tpool_give(&table->blocks, piece);\n"
     "\tif (table->draining)\n" "\t\tpool_give(&table->blocks, piece);\n", "a buffer is given back twice"),
    ("conn/receive.c", "\tif (c->hold)\n" "\t\tfree_hold(table, c->hold);\n" "\tc->hold = NULL;", "\tc->hold = NULL;",
     "held input is not given back"),
    ("conn/close.c", "if (c->receiving || c->sending || c->awaits_room || c->dirty)",
     "if (c->receiving || c->awaits_room || c->dirty)", "a descriptor is closed under a send"),
    ("conn/close.c", "\telse if (c->receiving || c->sending || c->awaits_room)\n" "\t\tshutdown(c->fd, SHUT_RDWR);\n",
     "", "a connection is never ended"),
    ("conn/close.c", "if (c->ended || (c->polite && !c->receiving))", "if (true)",
     "a connection is closed over unread input"),
    ("conn/send.c", "\toutput_consume(table, &c->output, n);\n",
     "\toutput_consume(table, &c->output, n - (n > 200));\n", "a byte is sent twice"),
    ("conn/receive.c", "\thold->begin = hold->end - (uint32_t)in.len;\n", "", "input is parsed twice"),
    ("conn/states.c", "\ttable->n_busy += busy ? 1 : -1u;\n", "\ttable->n_busy += busy;\n",
     "requests in flight are miscounted"),
    ("conn/request.c", "\t\twheel_set(&table->timers, &r->timer, WHEEL_NEVER);\n", "\t\t;\n",
     "a timer outlives its request"),
    ("worker/accept.c", "if (fd == -EPIPE || fd == -EINVAL)", "if (fd == -EPIPE)",
     "a socket that never listens is tried for ever"),
    ("worker/drain.c", "return queues_empty(w) ? w->drain.handshakes.look_ms : w->drain.deadline_ms;",
     "return w->drain.handshakes.look_ms;", "a loop that turns without sleep"),
    ("worker/drain.c", "\t\tif (w->listeners[i].fd >= 0 && w->listeners[i].readable)\n" "\t\t\treturn false;\n", "",
     "a queue is closed before it is empty"),
    ("worker/messages.c", " > 0 || r == -EMFILE)", " > 0)",
     "a listener that did not arrive is taken for the parent's death"),
    ("parent/message.c", "\tif (r < 0 && r != -EPIPE) {\t", "\tif (false) {\t", "a worker is never told to accept"),
    ("parent/custody.c", "\t\telse if (orphaned && !slot->borrower)\n" "\t\t\tlend(crew, slot);\n", "",
     "a listener without a reader is lent to nobody"),
    ("parent/custody.c", "\t\tslot->orphaned_ms = crew->now_ms + ORPHAN_AFTER_MS;\n", "\t\tslot->orphaned_ms = 0;\n",
     "a listener without a reader is forgotten"),
    ("parent/slot.c", "\tslot->turn_ms = 0;\n" "\tcustody_close(slot);\n", "\tslot->turn_ms = 0;\n",
     "a stopped pool keeps its listeners"),
    ("parent/slot.c", "\tslot->turn_ms = crew->now_ms + slot->delay_ms;\n", "", "a slot waits for ever"),
    ("parent/slot.c", "child_drain(crew, old, crew->config->options.drain_timeout_ms, false)",
     "child_drain(crew, old, crew->config->options.drain_timeout_ms, true)",
     "who is replaced closes the listener for good"),
    ("parent/child.c", "\tchild_limit(crew, child, timeout_ms + DRAIN_GRACE_MS, \"did not drain in time\");\n", "",
     "a worker that does not drain is waited for"),
    ("parent/reap.c", "\telse\n" "\t\twake_others(crew);\n", "", "whom the dead was woken for waits"),
    ("acceptor/deal.c", "\t\tclose(hand[i]);\n", "", "the parent keeps what it has handed out"),
)


def compiler():
    return [os.environ.get("CC", "gcc"), f"@{SIMULATION / 'how'}", "-w"]


def build(directory, file, text):
    """The simulation with one file of src/ replaced. Return: the program."""
    source, program = pathlib.Path(directory, pathlib.Path(file).name), pathlib.Path(directory, "mutant")
    source.write_text(text)
    objects = [SIMULATION / "seeds_hold_every_invariant.o", *sorted((SIMULATION / "world").glob("*.o"))]
    subprocess.run([*compiler(), "-I", ROOT / "src", "-o", program, source, *objects, BUILD / "libbrood_internal.a",
                    f"@{SIMULATION / 'libraries'}"], check=True, cwd=ROOT)
    return program


def try_mutant(file, old, new, what):
    """Return: whether it was caught."""
    text = (ROOT / "src" / file).read_text()
    if text.count(old) != 1:
        print(f"NOT THERE (once): {file}: {what}")
        return False
    with tempfile.TemporaryDirectory() as directory:
        program = build(directory, file, text.replace(old, new))
        run = subprocess.run([program], env=dict(os.environ, SEEDS=SEEDS, ASAN_OPTIONS="", UBSAN_OPTIONS=""),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200, check=False)
    found = next((line for line in run.stdout.decode(errors="replace").splitlines() if line.startswith("seed ")), "")
    print(f"{'caught' if run.returncode else 'MISSED'}: {file}: {what}: {found}")
    return run.returncode != 0


def main():
    caught = [try_mutant(*mutant) for mutant in MUTANTS]
    return 0 if all(caught) else 1


sys.exit(main())
