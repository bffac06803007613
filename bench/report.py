#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/RESULTS.md and its plots, made of build/bench/full.jsonl; every number in it is computed from there."""
import argparse
import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from lib import simrows
from lib import words
from lib.measured import Measured
from lib.plots import Plots
from lib.server import CannotRun
from lib.siblings import SIBLINGS
from lib.tables import bars_table, comparisons_table, singles_table, table, table_of
from lib.verdicts import MANY, ROUNDS_MIN, bars, comparisons, kill_sentences, single_rows, summary
from lib.workloads import workloads

HERE = os.path.dirname(os.path.abspath(__file__))


def machine_section(measured):
    """Of the runs whose slices are shown: usually one."""
    lines = []
    for run in dict.fromkeys(measured.newest.values()):
        facts = measured.runs[run]
        keys = [w for w, r in measured.newest.items() if r == run]
        lines += [f"Run `{run}`, {time.strftime('%Y-%m-%d', time.gmtime(facts['at']))}"
                  + ("" if len(set(measured.newest.values())) == 1 else f" (of {', '.join(keys)})") + ":", ""]
        said = {
            "CPU": f"{facts['cpu']}, {facts['cores']} cores; pinned workloads: server on CPU {facts['server_cpu']}, "
                   f"client on CPU {facts['client_cpu']}",
            "kernel": facts["kernel"], "governor": facts["governor"], "congestion control": facts["congestion"],
            "somaxconn": facts["somaxconn"], "openloop's priority": facts["openloop_priority"],
            "mitigations": "; ".join(f"{k}: {v}" for k, v in facts["mitigations"].items()) or "not readable",
            **{name: facts[name] for name in ("brood", "nginx", "haproxy", "h2o", "node", "wrk")},
            "slices": f"{facts['rounds']} rounds, {facts['slice_seconds']} s where the workload's length is 1",
            "load before": facts["load"],
        }
        lines += [table(["", ""], [[k, str(v).replace("|", "/")] for k, v in said.items()]), ""]
    return "\n".join(lines)


def found_section(measured, every):
    compared = comparisons(measured, every)
    lines = ["## Found", ""] + [f"- {s}" for s in summary(measured, every)] + [""]
    for heading, verdict in (("Where reuseport loses", "loses"), ("Where reuseport wins", "wins")):
        sentences = [f"- {c.sentence()}" for c in compared if c.verdict == verdict]
        lines += [f"### {heading}", "", *(sentences or ["- nowhere in what was measured"]), ""]
    even = sum(c.verdict == "even" for c in compared)
    lines += [f"In {even} of {len(compared)} comparisons no difference was shown: the interval holds 1.00, or there "
              f"were fewer than {ROUNDS_MIN} rounds. About {len(compared) / MANY:.0f} of the {len(compared)} intervals "
              "may miss the true ratio by chance alone.", "", "### All comparisons", "", comparisons_table(compared)]
    for workload in every:
        sentences = kill_sentences(measured, workload) if workload.kill else []
        lines += (["", f"When {workload.title}:", ""] + [f"- {s}" for s in sentences]) if sentences else []
    return "\n".join(lines)


def bars_section(measured, every):
    rows = bars(measured, every)
    missed = [r for r in rows if r.verdict == "MISSES"]
    unknown = [r for r in rows if r.verdict == "not decided"]
    return "\n".join(["## Bars", "", f"{len(rows) - len(missed) - len(unknown)} met, {len(missed)} missed, "
                      f"{len(unknown)} not decided (absent, or too few rounds).", "", bars_table(rows)])


def workload_section(measured, workload):
    lines = [f"### {workload.key}: {workload.title}", "", table_of(measured, workload)]
    why = measured.discarded(workload.key)
    if why:
        lines += ["", "Discarded: " + ", ".join(f"{n} × {reason}" for reason, n in sorted(why.items())) + "."]
    return "\n".join(lines)


def singles_section(measured):
    """What each bench of its own found, and why another did not."""
    absent = [f"- {kind}: {measured.single.get(kind, {'absent': 'did not run'})['absent']}" for kind in SIBLINGS
              if measured.single.get(kind, {"absent": True})["absent"]]
    return "\n".join([words.SINGLES, "", singles_table([row for _, row in single_rows(measured)]),
                      *(["", "Not there, or not all of it:", "", *absent] if absent else [])])


def groups(every):
    return {
        words.PLAIN: [w for w in every if w.plain],
        words.LATENCY: [w for w in every if w.mix],
        words.SPREAD: [w for w in every if w.by_worker],
        words.HARD: [w for w in every if w.kill or w.slow],
    }


def masked(command):
    """Without what the contender's name says already."""
    for option, word in (("model", "MODEL"), ("balance", "BALANCE"), ("engine", "ENGINE"), ("workers", "N"),
                         ("backlog", "BACKLOG")):
        command = re.sub(rf"(--{option} )[a-z0-9-]+", rf"\1{word}", command)
    return re.sub(r"(node-PORT.js PORT) \d+ (rr|none)", r"\1 N POLICY", command)


def printed_section(measured, heading, kind):
    """What another program printed in this run."""
    said = (measured.single.get(kind) or {}).get("text")
    return f"{heading}\n\n" + (f"```\n{said}\n```" if said else f"Not there: {kind} did not run.")


def commands_section(measured, every):
    """Each line once, and each workload's client."""
    contenders, clients = {}, []
    for workload in every:
        known = [measured.arms.get((workload.key, arm.name)) for arm in workload.arms]
        known = [k for k in known if k and not k["absent"]]
        for k in known:
            contenders.setdefault(masked(k["command"]), None)
        clients += [f"{workload.key:<16}{known[0]['client']}"] if known else []
    return "\n".join(["## Command lines", "", words.COMMANDS, "", "```", *contenders, "```", "",
                      "The client, as first used in each workload:", "", "```", *clients, "```"])


def simulator_section(args, measured, every):
    binary = os.path.join(args.build, "simulate")
    try:
        import simulated
        if not os.path.exists(binary):
            raise CannotRun(f"missing: {os.path.basename(binary)} (make bench builds it)")
        cores = max((run["cores"] for run in measured.runs.values()), default=2)
        points = simrows.rows(measured, every, cores)
        with open(os.path.join(args.build, "points.jsonl"), "w") as f:
            f.writelines(json.dumps(point) + "\n" for point in points)
        return simulated.tables(binary, points)
    except (ImportError, CannotRun, OSError, RuntimeError) as e:
        return f"Not there: {e}."


def plots_section(args, measured, every):
    """The plots replace those of an earlier report; without gnuplot there are none."""
    directory = os.path.join(args.output, "plots")
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        if name.endswith(".svg"):
            os.remove(os.path.join(directory, name))
    try:
        plots = Plots(measured, [w.key for w in every if w.plain], directory)
        plots.all()
    except CannotRun as e:
        return f"No plots: {e}."
    return "\n\n".join(f"![{title}](plots/{name})" for name, title in plots.drawn) or "Nothing to plot yet."


def text_of(args, measured, every):
    parts = [words.TITLE, found_section(measured, every), bars_section(measured, every),
             "## Plots\n\n" + plots_section(args, measured, every), words.CANNOT, words.METHOD,
             "## Machine\n\n" + machine_section(measured)]
    for heading, group in groups(every).items():
        parts += [heading, *(workload_section(measured, w) for w in group if w.key in measured.newest)]
    parts.append(singles_section(measured))
    parts += [printed_section(measured, words.GUESTS, "guests"),
              printed_section(measured, words.SHARED, "shared_listener"),
              printed_section(measured, words.BELIEF, "openloop_check")]
    parts += ["## Beyond this machine\n\n" + simulator_section(args, measured, every),
              commands_section(measured, every)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/bench", help="where full.jsonl and the simulator are (build/bench)")
    parser.add_argument("--output", default=HERE, metavar="DIR",
                        help="where RESULTS.md and plots/ go (beside this file)")
    args = parser.parse_args()
    path = os.path.join(args.build, "full.jsonl")
    if not os.path.exists(path):
        parser.error(f"{path} is not there; bench/full.py writes it")
    every = workloads(os.path.join(HERE, "pipeline.lua"))
    measured = Measured(path)
    results = os.path.join(args.output, "RESULTS.md")
    with open(results, "w") as f:
        f.write(text_of(args, measured, every))
    rows = bars(measured, every)
    print(f"{os.path.relpath(results)}: {sum(r.verdict == 'meets' for r in rows)} bars met, "
          f"{sum(r.verdict == 'MISSES' for r in rows)} missed, {sum(r.verdict == 'not decided' for r in rows)} "
          "not decided")
    return 0


if __name__ == "__main__":
    sys.exit(main())
