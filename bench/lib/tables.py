# SPDX-License-Identifier: MIT
"""The tables of the report, one kind per kind of workload; a contender that is absent keeps its row."""
from lib.rows import shown
from lib.statistics_of import quartiles

REFERENCE = "brood reuseport uring"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    """Left for the first column, right for the others."""
    return "\n".join([row(head), "|---|" + "--:|" * (len(head) - 1), *map(row, rows)])


def middle(measured, key, arm, measure, form, scale=1.0):
    value = measured.middle(key, arm, measure)
    return "–" if value is None else format(value / scale, form)


def with_quartiles(measured, key, arm, measure, form):
    values = measured.values(key, arm, measure)
    if not values:
        return "–"
    low, high = quartiles(values)
    mark = "*" if measured.usable(key, arm)[1] else ""
    return f"{sum(values) and middle(measured, key, arm, measure, form)} ({low:{form}}–{high:{form}}){mark}"


def beside_reference(measured, key, arm, measure="us"):
    """Paired with reuseport on io_uring with as many workers."""
    reference = f"{REFERENCE} x{arm.workers}"
    ratio = None if arm.name == reference else measured.ratio(key, arm.name, reference, measure)
    return "1" if arm.name == reference else str(ratio) if ratio else "–"


def slices_cell(measured, key, arm):
    used = len(measured.usable(key, arm)[0])
    thrown = sum(measured.discarded(key, arm).values())
    return f"{used}, {thrown} discarded" if thrown else str(used)


def render(measured, workload, head, cells):
    """cells: a function of the arm giving all columns but the first."""
    rows = []
    for arm in workload.arms:
        known = measured.arms.get((workload.key, arm.name))
        if measured.usable(workload.key, arm.name)[0]:
            rows.append([arm.name, *cells(arm)])
        elif known and known["absent"]:
            rows.append([arm.name, "missing: " + known["absent"].removeprefix("missing: ").replace("|", "/")])
        elif known:
            rows.append([arm.name, "no slice counts: " + "; ".join(measured.discarded(workload.key, arm.name))])
    return table(head, [r + [""] * (len(head) - len(r)) for r in rows]) if rows else "not measured"


def plain_table(measured, workload):
    key, paced = workload.key, workload.client != "wrk"
    head = ["contender", "CPU µs per request (quartiles)", "beside brood reuseport uring",
            *(("p50 ms", "p99 ms") if paced else ("requests/s",)), "enters, SQEs, CQEs per request", "memory MiB",
            "failed", "slices"]

    def cells(arm):
        name, counted = arm.name, measured.per_request(key, arm.name)
        speed = [middle(measured, key, name, p, ".2f", 1000) for p in ("p50", "p99")] if paced else \
            [middle(measured, key, name, "rate", ",.0f")]
        return [with_quartiles(measured, key, name, "us", ".2f"), beside_reference(measured, key, arm), *speed,
                ", ".join(f"{n:.2f}" for n in counted) if counted else "–",
                middle(measured, key, name, "pss", ".1f", 1 << 20), f"{measured.failures(key, name):,}",
                slices_cell(measured, key, name)]
    return render(measured, workload, head, cells)


def latency_table(measured, workload):
    key = workload.key
    mixed = bool(workload.mix)
    head = ["contender", "p50 ms", "p90", "p99", "p99.9", "max",
            *(("p99 of the others", "the same beside reuseport") if mixed else ("p99 beside reuseport",)),
            "CPU µs per request", "memory MiB", "failed", "slices"]

    def cells(arm):
        name = arm.name
        measure = "p99_others" if mixed else "p99"
        return [*(middle(measured, key, name, p, ".2f", 1000) for p in ("p50", "p90", "p99", "p999", "max")),
                *([middle(measured, key, name, "p99_others", ".2f", 1000)] if mixed else []),
                beside_reference(measured, key, arm, measure),
                middle(measured, key, name, "us", ".1f"), middle(measured, key, name, "pss", ".1f", 1 << 20),
                f"{measured.failures(key, name):,}", slices_cell(measured, key, name)]
    return render(measured, workload, head, cells)


def spread_table(measured, workload):
    key = workload.key
    head = ["contender", "connections", "connections, max/mean (quartiles)", "variation", "requests, max/mean",
            "p50 ms", "p99 ms", "slices"]

    def cells(arm):
        name = arm.name
        return [str(workload.connections_for(arm)), with_quartiles(measured, key, name, "spread", ".2f"),
                middle(measured, key, name, "spread_cv", ".2f"), middle(measured, key, name, "spread_requests", ".2f"),
                *(middle(measured, key, name, p, ".2f", 1000) for p in ("p50", "p99")),
                slices_cell(measured, key, name)]
    return render(measured, workload, head, cells)


def kill_table(measured, workload):
    key = workload.key
    head = ["contender", "kills", "refused", "reset", "broken", "unanswered", "failed per kill", "p50 ms", "p99 ms",
            "max ms", "CPU µs per request", "slices"]

    def cells(arm):
        tries = measured.tries[(key, arm.name)]
        kills = sum(s.get("kills", 0) for s in tries)
        lost = [sum((s.get("openloop") or {}).get(kind, 0) for s in tries)
                for kind in ("refused", "reset", "broken", "unanswered")]
        return [str(kills), *(f"{n:,}" for n in lost), f"{sum(lost) / kills:.1f}" if kills else "–",
                *(middle(measured, key, arm.name, p, ".2f", 1000) for p in ("p50", "p99", "max")),
                middle(measured, key, arm.name, "us", ".1f"), slices_cell(measured, key, arm.name)]
    return render(measured, workload, head, cells)


def table_of(measured, workload):
    kind = plain_table if workload.plain else kill_table if workload.kill else \
        spread_table if workload.by_worker else latency_table
    return kind(measured, workload)


def bars_table(rows):
    return table(["bar", "measured", "asked", "verdict"], [
        [r.what, r.measured, r.bar, r.verdict if r.verdict == "meets" else f"**{r.verdict}**"] for r in rows])


def singles_table(rows):
    """rows: as lib.rows keeps them."""
    return table(["what", "measured", "its null", "ratio", "asked", "verdict", ""], [
        [r["what"], shown(r["value"], r["unit"]),
         f"{r['null']['name']} {shown(r['null'], r['unit'])}" if r["null"] else "–",
         shown(r["ratio"]) if r["ratio"] else "–", r["asked"] or "–",
         "–" if not r["verdict"] else r["verdict"] if r["verdict"] == "meets" else f"**{r['verdict']}**", r["note"]]
        for r in rows])


def comparisons_table(compared):
    """A row for each pool in each workload; both other models beside each other."""
    rows = {}
    for c in compared:
        cell = f"{c.ratio}{'' if c.verdict == 'even' else ' ' + c.verdict}"
        rows.setdefault((c.workload.key, f"{c.engine} x{c.workers}", c.what), {})[c.other] = cell
    return table(["workload", "brood", "reuseport's", "beside preemptive", "beside round-robin"], [
        [*key, cells.get("preemptive", "–"), cells.get("round-robin", "–")] for key, cells in rows.items()])
