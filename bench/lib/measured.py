# SPDX-License-Identifier: MIT
"""What the JSON lines say: the slices of each contender, their numbers, and paired ratios.

Of each workload only the newest run's slices count. A pair is two contenders' slices of the same round;
slices that were disturbed are used only where too few others are there, and then it is said.
"""
from dataclasses import dataclass

from lib.results import read_lines
from lib.statistics_of import confidence, max_over_mean, median, variation

CLEAN_MIN = 5			# slices or rounds; with fewer, disturbed ones have to do
KINDS = ("run", "arm", "slice", "counters")	# all others are of one line
UNDISTURBED = ("pss",)		# measures that other load does not change


@dataclass
class Ratio:
    median: float
    low: float
    high: float
    rounds: int
    disturbed: bool

    def __str__(self):
        mark = "*" if self.disturbed else ""
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f}){mark}"


def says(row):
    """Whether a line of its own kind has anything but the reason why there is nothing."""
    return row.get("measured") or row.get("text")


def latency(name):
    return lambda s: s["openloop"]["latency_us"][name] if s.get("openloop") else None


def others_latency(name):
    """Of the requests that neither spin nor sleep."""
    def of(s):
        paths = s["openloop"]["paths"] if s.get("openloop") else {}
        plain = [path for path in paths if "?ms=" not in path]
        return paths[plain[0]]["latency_us"][name] if plain else None
    return of


def connection_counts(s, workers):
    """Of every worker, those without any included; None where it was not seen."""
    named = (s.get("openloop") or {}).get("workers")
    counts = [w["connections"] for w in named.values()] if named else s.get("worker_connections")
    return padded(counts, workers)


def request_counts(s, workers):
    named = (s.get("openloop") or {}).get("workers")
    return padded([w["requests"] for w in named.values()] if named else None, workers)


def padded(counts, workers):
    if not counts or not sum(counts) or len(counts) > workers:
        return None
    return sorted(counts + [0] * (workers - len(counts)), reverse=True)


MEASURES = {
    "us": lambda s: s.get("us_per_request"),
    "rate": lambda s: s.get("rate"),
    "pss": lambda s: s.get("pss_bytes"),
    "client_busy": lambda s: s["openloop"]["client"]["busy"] if s.get("openloop") else None,
    **{name: latency(name) for name in ("p50", "p90", "p99", "p999", "max")},
    "p99_others": others_latency("p99"),
    "spread": lambda s: spread_of(s, connection_counts, max_over_mean),
    "spread_cv": lambda s: spread_of(s, connection_counts, variation),
    "spread_requests": lambda s: spread_of(s, request_counts, max_over_mean),
}


def spread_of(s, counts_of, number):
    counts = counts_of(s, s["n_workers"])
    return number(counts) if counts else None


class Measured:
    def __init__(self, path):
        rows = read_lines(path)
        self.runs = {r["run"]: r for r in rows if r["kind"] == "run"}
        newest = {r["workload"]: r["run"] for r in rows if r["kind"] == "slice"}
        self.newest = newest
        self.arms, self.slices, self.counters, self.tries = {}, {}, {}, {}
        alone = [r for r in rows if r["kind"] not in KINDS]
        self.single = {r["kind"]: r for r in [r for r in alone if not says(r)] + [r for r in alone if says(r)]}
        for row in rows:
            if row["kind"] in ("arm", "slice", "counters") and row["run"] == newest.get(row["workload"]):
                self.take(row)

    def take(self, row):
        key = row["workload"], row["arm"]
        if row["kind"] == "arm":
            self.arms[key] = row
        elif row["kind"] == "counters":
            self.counters.setdefault(key, []).extend(row["workers"])
        else:
            row["n_workers"] = self.arms[key]["workers"] if key in self.arms else 1
            self.tries.setdefault(key, []).append(row)
            if row["final"]:
                self.slices.setdefault(key, {})[row["round"]] = row

    def workload_arms(self, workload):
        return [arm for key, arm in self.arms if key == workload]

    def without_errors(self, workload, arm, clean):
        return {t: s for t, s in self.slices.get((workload, arm), {}).items()
                if not s["errors"] and not (clean and s["discarded"])}

    def usable(self, workload, arm):
        """({round: slice}, whether disturbed ones are among them); slices with errors never are."""
        every, clean = (self.without_errors(workload, arm, c) for c in (False, True))
        return (clean, False) if len(clean) >= min(CLEAN_MIN, len(every)) else (every, True)

    def values(self, workload, arm, measure):
        slices = self.without_errors(workload, arm, False) if measure in UNDISTURBED else self.usable(workload, arm)[0]
        found = (MEASURES[measure](s) for s in slices.values())
        return [value for value in found if value is not None]

    def middle(self, workload, arm, measure):
        values = self.values(workload, arm, measure)
        return median(values) if values else None

    def ratio(self, workload, a, b, measure="us"):
        """a / b of the rounds that both have; None when there is none."""
        one, other = (self.without_errors(workload, x, True) for x in (a, b))
        whole = [self.without_errors(workload, x, False) for x in (a, b)]
        disturbed = len(one.keys() & other.keys()) < min(CLEAN_MIN, len(whole[0].keys() & whole[1].keys()))
        if disturbed:
            one, other = whole
        ratios = []
        for turn in sorted(one.keys() & other.keys()):
            x, y = MEASURES[measure](one[turn]), MEASURES[measure](other[turn])
            if x is not None and y:
                ratios.append(x / y)
        if not ratios:
            return None
        low, high = confidence(ratios)
        return Ratio(median(ratios), low, high, len(ratios), disturbed)

    def per_request(self, workload, arm):
        """(enters, submitted, completed) for each request, by brood's own counters."""
        workers = self.counters.get((workload, arm), [])
        requests = sum(w["requests"] for w in workers)
        if not requests:
            return None
        return tuple(sum(w[name] for w in workers) / requests for name in ("enters", "submitted", "completed"))

    def failures(self, workload, arm):
        """Connections or requests that failed, in every slice, those thrown away included."""
        return sum(s.get("failed") or 0 for s in self.tries.get((workload, arm), []))

    def discarded(self, workload, arm=None):
        """{why: how many}"""
        why = {}
        for (key, name), tries in self.tries.items():
            for s in tries if key == workload and arm in (None, name) else []:
                if s["discarded"]:
                    why[s["discarded"]] = why.get(s["discarded"], 0) + 1
        return why
