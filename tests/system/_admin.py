# SPDX-License-Identifier: MIT
"""What the plays of the admin address share: asking it, and what its metrics must be to be metrics."""
import json
import re
import shutil
import subprocess
import sys
import threading
import time

from _play import Client, check, free_port, skip

sys.path.append("/usr/lib/python3/dist-packages")      # Debian's, for a python3 that is not Debian's
try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

UNITS = ("seconds", "bytes", "ratio")


class Admin(Client):
    """One connection to the admin address, by a name that it may be called."""

    def get(self, target, fields="", method="GET", host="127.0.0.1"):
        self.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
        return self.response(method)


def ask(port, target, **how):
    with Admin(port) as admin:
        return admin.get(target, "Connection: close\r\n", **how)


def status_of(port):
    response = ask(port, "/status.json")
    check(response.status == 200 and response["content-type"] == "application/json", response.raw)
    return json.loads(response.body)


def need_parser():
    if not text_string_to_metric_families:
        skip("no parser of Prometheus' text (python3-prometheus-client)")


def check_by_promtool(text):
    """Prometheus' own check and lint, where it is installed; check_family() asks for the same of every scrape."""
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=20)
        check(done.returncode == 0 and not done.stderr, done.stderr or done.stdout)


def check_family(family, helps, types):
    """What promtool's lint asks for, and that nothing is told twice."""
    name = family.name
    full = f"{name}_total" if family.type == "counter" else name
    check(re.fullmatch(r"brood_[a-z][a-z_]*[a-z]", name), f"a name: {name}")
    check(helps.get(full) and helps[full][0].isupper() and helps[full].endswith("."), f"{full} has a help")
    check(types[full] in ("counter", "gauge", "histogram"), f"{full} has a type: {types[full]}")
    check(family.type != "counter" or all(sample.name.endswith("_total") for sample in family.samples), f"{full}: _total")
    check(family.type == "counter" or not name.endswith(("_total", "_count", "_sum", "_bucket")), f"{full}: no _total")
    check(not re.search(r"milliseconds|_ms\b|kilobytes|minutes|_gauge|_counter|_histogram", name), f"{full}: base units")
    check(all(f"_{unit}" not in name or name.endswith(f"_{unit}") for unit in UNITS), f"{full}: the unit last")
    seen = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
    check(len(seen) == len(set(seen)) and seen, f"{full}: each series once")
    if family.type == "histogram":
        bounds = [(float(s.labels["le"]), s.value) for s in family.samples if s.name.endswith("_bucket")]
        check(bounds == sorted(bounds) and bounds[-1][0] == float("inf"), f"{full}: rising to +Inf")
        check([n for _, n in bounds] == sorted(n for _, n in bounds), f"{full}: cumulative")
        check(bounds[-1][1] == next(s.value for s in family.samples if s.name.endswith("_count")), f"{full}: _count")
    elif family.type == "counter":
        check(all(sample.value >= 0 for sample in family.samples), f"{full}: not below 0")


def parse(text):
    """Every sample by its name and labels, as 'name' or 'name{label=value}', after a strict reading."""
    check(text.endswith("\n"), "the last line ends")
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
    types = dict(re.findall(r"^# TYPE (\S+) (.*)$", text, re.M))
    check(len(helps) == len(re.findall("^# HELP ", text, re.M)), "each help once")
    check(len(types) == len(re.findall("^# TYPE ", text, re.M)) and types.keys() == helps.keys(), "each type once")
    form = r'brood_[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? [-+.0-9e]+'
    for line in text.splitlines():
        check(line.startswith("# ") or re.fullmatch(form, line), f"a line: {line}")
    found = {}
    for family in text_string_to_metric_families(text):
        check_family(family, helps, types)
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def metrics_of(port):
    response = ask(port, "/metrics")
    check(response.status == 200 and response["content-type"].startswith("text/plain; version=0.0.4"), response.raw[:300])
    return parse(response.body.decode())


def check_grown(before, after):
    """Of the pool; a worker's own begin anew with the next one, and a slot's go with it."""
    for name, value in before.items():
        if re.search(r"_total\b|_bucket|_count$", name) and not re.match("brood_(worker_(accepted|requests|cpu)|slot)_", name):
            check(after[name] >= value, f"{name} fell from {value} to {after[name]}")


class Scraper(threading.Thread):
    """Asks again and again, on a new connection each time and on one that is kept; all must be answered."""

    def __init__(self, port, paths=("/live", "/ready", "/metrics", "/status.json"), pause=0.01):
        super().__init__(daemon=True)
        self.port, self.paths, self.pause = port, paths, pause
        self.over, self.n, self.fault, self.slowest, self.before = False, 0, None, 0, None
        self.start()

    def look(self, kept, path):
        began = time.monotonic()
        responses = [kept.get(path)] + ([] if self.n % 5 else [ask(self.port, path)])
        self.slowest = max(self.slowest, time.monotonic() - began)
        for response in responses:
            if response.status != 200:
                raise EOFError(f"{path}: {response.raw!r}")
        if path == "/metrics":
            after = parse(responses[0].body.decode())
            if self.before:
                check_grown(self.before, after)
            self.before = after

    def run(self):
        try:
            with Admin(self.port) as kept:
                while not self.over:
                    self.look(kept, self.paths[self.n % len(self.paths)])
                    self.n += 1
                    time.sleep(self.pause)
        except (Exception, SystemExit) as error:    # pylint: disable=broad-except
            self.fault = error

    def finish(self):
        self.over = True
        self.join(30)
        check(self.fault is None, f"after {self.n} answers: {self.fault!r}")
        check(self.n > 0, "it was asked")
        return self


def admin_option():
    port = free_port()
    return port, ("--admin", f"127.0.0.1:{port}")
