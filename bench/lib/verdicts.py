# SPDX-License-Identifier: MIT
"""What was found, in sentences made of the numbers: the bars, and where reuseport wins and loses."""
from lib.arms import BALANCES, MODELS
from lib.measured import CLEAN_MIN
from lib.rows import shown
from lib.siblings import SIBLINGS
from lib.statistics_of import median

OTHERS = MODELS[1:]
MANY = 20			# one interval of so many misses the true ratio by chance
ROUNDS_MIN = CLEAN_MIN		# with fewer an interval says nothing


class Comparison:
    """One number of reuseport beside the same of another model; lower is better for all of them."""

    def __init__(self, workload, what, engine, workers, other, ratio):
        self.workload, self.what, self.other, self.ratio = workload, what, other, ratio
        self.engine, self.workers = engine, workers

    @property
    def verdict(self):
        if self.ratio.rounds < ROUNDS_MIN:
            return "even"
        if self.ratio.low > 1:
            return "loses"
        return "wins" if self.ratio.high < 1 else "even"

    def sentence(self):
        pool = f"{self.engine}, {self.workers} worker{'s' if self.workers > 1 else ''}"
        return f"{self.workload.key} ({pool}): {self.what} is {self.ratio} times that of {self.other}"


def pools(workload):
    """(engine, workers) of every pool of brood that reuseport and another model play in."""
    arms = [arm for arm in workload.arms if arm.server == "brood"]
    own = [(arm.engine, arm.workers) for arm in arms if arm.model == "reuseport"]
    return [p for p in own if any((a.engine, a.workers) == p and a.model != "reuseport" for a in arms)]


def compare(measured, workload, measure, what):
    found = []
    for engine, workers in pools(workload):
        for other in OTHERS:
            names = (f"brood {model} {engine} x{workers}" for model in ("reuseport", other))
            ratio = measured.ratio(workload.key, *names, measure)
            if ratio:
                found.append(Comparison(workload, what, engine, workers, other, ratio))
    return found


def comparisons(measured, workloads):
    found = []
    for workload in workloads:
        if workload.plain:
            found += compare(measured, workload, "us", "CPU time per request")
        elif workload.mix:
            found += compare(measured, workload, "p99_others", "p99 of the requests that do neither spin nor sleep")
        elif workload.by_worker:
            found += compare(measured, workload, "spread", "the busiest worker's share of the connections")
        elif workload.slow:
            found += compare(measured, workload, "p99", "p99")
    return found


class Bar:
    """One row: what was asked, what was measured, and whether that meets it."""

    def __init__(self, what, measured, bar, meets):
        self.what, self.measured, self.bar = what, measured, bar
        self.verdict = "not decided" if meets is None else "meets" if meets else "MISSES"


def bars(measured, workloads):
    rows = [Bar(f"CPU time per request, {c.workload.key}, {c.engine}, {c.workers} worker{'s' * (c.workers > 1)}: "
                f"reuseport / {c.other}", str(c.ratio), "interval not above 1.00",
                None if c.ratio.rounds < ROUNDS_MIN else c.ratio.low <= 1)
            for w in workloads if w.plain for c in compare(measured, w, "us", "")]
    for workload in workloads:
        for (a, b), bar in workload.bars.items():
            ratio = measured.ratio(workload.key, a, b)
            rows.append(Bar(f"CPU time per request, {workload.key}: {short(a)} / {short(b)}",
                            str(ratio) if ratio else "–", f"≤ {bar:.2f}", ratio.median <= bar if ratio else None))
    return rows + [failure_bar(measured, workloads, model) for model in MODELS] + single_bars(measured)


def short(name):
    return name.replace(" reuseport uring x1", "").replace(" reuseport x1", "")


def failure_bar(measured, workloads, model):
    """Every slice counts here, those that were discarded too."""
    failed = slices = 0
    for workload in workloads:
        for arm in workload.arms if not workload.kill else []:
            if arm.server == "brood" and arm.model == model:
                tries = measured.tries.get((workload.key, arm.name), [])
                slices += len(tries)
                failed += measured.failures(workload.key, arm.name)
    return Bar(f"failed connections of brood {model}, all workloads without kills",
               f"{failed:,} in {slices:,} slices", "0", failed == 0 if slices else None)


def single_rows(measured):
    """(kind, row) of every bench that gives rows."""
    return [(kind, row) for kind in SIBLINGS for row in (measured.single.get(kind) or {}).get("measured") or []]


def single_bars(measured):
    return [Bar(row["what"] + (f", beside {row['null']['name']}" if row["of"] == "ratio" else ""),
                shown(row["ratio"]) if row["of"] == "ratio" else shown(row["value"], row["unit"]),
                row["asked"], row["verdict"] == "meets")
            for _, row in single_rows(measured) if row["asked"]]


def kill_sentences(measured, workload):
    """What one kill cost, of each contender."""
    found = []
    for arm in workload.arms:
        tries = measured.tries.get((workload.key, arm.name), [])
        kills = sum(s.get("kills", 0) for s in tries)
        if kills:
            failed = measured.failures(workload.key, arm.name)
            asked = sum(s["openloop"]["scheduled"] for s in tries if s.get("openloop"))
            found.append(f"{arm.name}: {failed:,} of {asked:,} requests failed in {kills} kills "
                         f"({failed / kills:.1f} per kill)")
    return found


def summary(measured, workloads):
    """A few sentences for a reader who reads no tables."""
    said = []
    for other in OTHERS:
        ratios = [c.ratio.median for w in workloads if w.plain
                  for c in compare(measured, w, "us", "") if c.other == other]
        if ratios:
            said.append(f"In plain workloads reuseport costs {min(ratios):.2f} to {max(ratios):.2f} times the CPU time "
                        f"per request of {other}, {median(ratios):.2f} in the middle of {len(ratios)} comparisons.")
    for workload in workloads:
        if workload.mix and workload.key != "async":
            said += tail_sentences(measured, workload)
    for workload in workloads:
        if workload.by_worker:
            said += spread_sentences(measured, workload)
    return said


def tail_sentences(measured, workload):
    said = []
    for engine, workers in pools(workload):
        p99 = {m: measured.middle(workload.key, f"brood {m} {engine} x{workers}", "p99_others")
               for m in MODELS + BALANCES}
        if engine == "uring" and all(p99[m] for m in MODELS):
            numbers = ", ".join(f"{m} {n / 1000:.2f} ms" for m, n in p99.items() if n)
            said.append(f"{workload.title}, {workers} workers: p99 of the requests that do not spin: {numbers}.")
    return said


def spread_sentences(measured, workload):
    said = []
    for engine, workers in pools(workload):
        got = {m: measured.middle(workload.key, f"brood {m} {engine} x{workers}", "spread")
               for m in MODELS + BALANCES}
        if all(got[m] for m in MODELS):
            numbers = ", ".join(f"{m} {n:.2f}" for m, n in got.items() if n)
            said.append(f"{workload.per_worker * workers} long-lived connections on {workers} workers: the busiest "
                        f"has so many times its share: {numbers}.")
    return said
