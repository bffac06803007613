# SPDX-License-Identifier: MIT
"""The pictures of the report, drawn by gnuplot as SVG; their numbers come from the JSON lines alone."""
import os
import subprocess

from lib import peers
from lib.arms import MODELS
from lib.measured import connection_counts
from lib.server import CannotRun

COLOURS = {"reuseport": "#1b6ca8", "preemptive": "#d1495b", "round-robin": "#2e933c"}
RANKS = ("#0b3c5d", "#328cc1", "#8fc1e3", "#d9e8f5", "#b8b8b8", "#cccccc", "#dddddd", "#eeeeee")
HEAD = """\
set terminal svg size {width},{height} dynamic background "white" font "sans-serif,13"
set output "{path}"
set border 3 linecolor rgb "#444444"
set tics nomirror textcolor rgb "#222222"
set grid linecolor rgb "#dddddd" linetype 1
set title "{title}" noenhanced
"""


class Plots:
    """Draws into a directory. drawn: (file, title) of what is there."""

    def __init__(self, measured, plain, directory):
        self.measured, self.plain, self.directory, self.drawn = measured, plain, directory, []
        self.gnuplot = peers.find("gnuplot", "gnuplot-nox")

    def draw(self, name, title, script, width=860, height=480):
        path = os.path.join(self.directory, name + ".svg")
        head = HEAD.format(path=path, title=title, width=width, height=height)
        done = subprocess.run([self.gnuplot], input=head + script, text=True, capture_output=True)
        if done.returncode or not os.path.exists(path):
            raise CannotRun(f"gnuplot: {done.stderr.strip()}")
        self.drawn.append((name + ".svg", title))

    def all(self):
        os.makedirs(self.directory, exist_ok=True)
        for workload, how in (("spin", "64 kept-alive connections"), ("spin-close", "a connection per request")):
            self.latency(workload, how)
        self.workers()
        self.ratios()

    def tail(self, workload, arm):
        """[(milliseconds, share of the requests that took longer)]"""
        counts = {}
        for s in self.measured.usable(workload, arm)[0].values():
            for upper_us, n in (s.get("openloop") or {}).get("histogram", []):
                counts[upper_us] = counts.get(upper_us, 0) + n
        whole, left, points = sum(counts.values()), sum(counts.values()), []
        for upper_us in sorted(counts):
            points.append((upper_us / 1000, left / whole))
            left -= counts[upper_us]
        return points

    def latency(self, workload, how):
        data, curves = "", []
        for workers, dash in ((2, 1), (8, 3)):
            for model in MODELS:
                points = self.tail(workload, f"brood {model} uring x{workers}")
                if points:
                    name = f"$d{len(curves)}"
                    data += f"{name} << EOD\n" + "".join(f"{x} {y}\n" for x, y in points) + "EOD\n"
                    curves.append(f'{name} using 1:2 with steps linewidth 2 dashtype {dash} linecolor rgb '
                                  f'"{COLOURS[model]}" title "{model}, {workers} workers"')
        if curves:
            self.draw(workload, f"1 % of requests spin 10 ms, {how}: how many requests take longer", data + """
set logscale xy
set xlabel "latency from the intended send, ms"
set ylabel "share of requests that took longer"
set format y "%g"
set yrange [0.0005:1]
set key outside right top
plot """ + ", \\\n".join(curves) + "\n")

    def workers(self, n=4):
        """The busiest to the idlest of n workers, averaged over the slices."""
        rows = []
        for k in (1, 2, 8):
            for model in MODELS:
                slices = self.measured.usable(f"few-{k}n", f"brood {model} uring x{n}")[0].values()
                counts = [c for c in (connection_counts(s, n) for s in slices) if c]
                if counts:
                    means = [sum(c[rank] for c in counts) / len(counts) / k for rank in range(n)]
                    rows.append(f'"{model}\\n{k} per worker" ' + " ".join(f"{m:.4f}" for m in means))
        if rows:
            names = ["the busiest", "second", "third", *[f"{i}th" for i in range(4, n)]][:n - 1] + ["the idlest"]
            bars = [f'$d using {rank + 2}{":xtic(1)" if rank == 0 else ""} title "{names[rank]}" '
                    f'linecolor rgb "{RANKS[rank]}"' for rank in range(n)]
            self.draw("workers", f"few long-lived connections, {n} workers: connections of each worker, mean = 1",
                      "$d << EOD\n" + "\n".join(rows) + "\nEOD\n" + """
set style data histogram
set style histogram clustered gap 1
set style fill solid border linecolor rgb "#666666"
set ylabel "connections, as multiple of the mean"
set yrange [0:*]
set xtics font "sans-serif,11"
set key outside right top
set bmargin 4
plot """ + ", \\\n".join(bars) + "\n", width=1080)

    def ratios(self):
        """reuseport's CPU time over the others', with the interval."""
        rows = []
        for workload in self.plain:
            for other in MODELS[1:]:
                ratio = self.measured.ratio(workload, "brood reuseport uring x1", f"brood {other} uring x1")
                if ratio:
                    rows.append((workload, other, ratio))
        if not rows:
            return
        data, curves = "", []
        places = {w: i for i, w in enumerate(dict.fromkeys(row[0] for row in rows))}
        for i, other in enumerate(MODELS[1:]):
            points = [f"{r.median} {-places[w] + 0.12 - 0.24 * i} {r.low} {r.high}\n" for w, o, r in rows if o == other]
            data += f"$d{i} << EOD\n" + "".join(points) + "EOD\n"
            curves.append(f'$d{i} using 1:2:3:4 with xerrorbars pointtype 7 pointsize 0.7 linewidth 2 '
                          f'linecolor rgb "{COLOURS[other]}" title "of {other}"')
        ticks = ", ".join(f'"{w}" {-i}' for w, i in places.items())
        self.draw("ratios", "CPU time per request of reuseport, as a share of the other models' (io_uring, one worker)",
                  data + f"""
set ytics ({ticks})
set yrange [{-len(places) + 0.5}:0.5]
set xlabel "paired ratio with its 95 % interval; left of 1: reuseport costs less"
set arrow from 1,graph 0 to 1,graph 1 nohead linecolor rgb "#888888" linewidth 1
set offsets graph 0.02, graph 0.02, 0, 0
set key outside right top
plot """ + ", \\\n".join(curves) + "\n", height=120 + 40 * len(places))
