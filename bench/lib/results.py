# SPDX-License-Identifier: MIT
"""The results on disk: JSON lines, only ever appended, so that an interrupted run goes on where it was.

kinds: "run" (machine, versions, options), "arm" (a contender: command line, or why it is absent), "slice",
"counters" (brood's own, of one life of a pool), and those of bench/full.py's siblings and texts. A slice belongs to the
fingerprint of its run: the binaries, versions and the length of slices. Those of other fingerprints stay in
the file and are not mixed in.
"""
import hashlib
import json
import os


def fingerprint(files, facts):
    """Changes with the bytes of any file and with any fact."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path in files:
        digest.update(path.encode() + b"\0")
        if os.path.exists(path):
            with open(path, "rb") as f:
                digest.update(hashlib.sha256(f.read()).digest())
    return digest.hexdigest()[:12]


def read_lines(path):
    """Every whole line; the last one of a run that was killed may be half, and is passed over."""
    rows = []
    if not os.path.exists(path):
        return rows
    with open(path) as f:
        lines = f.read().split("\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise ValueError(f"{path}:{number}: not JSON") from None
    return rows


def cut_half_line(path):
    """Removes what follows the last newline."""
    with open(path, "rb+") as f:
        data = f.read()
        f.truncate(data.rfind(b"\n") + 1)


class Results:
    """The file of one run, opened for appending."""

    def __init__(self, path, run, fresh=False):
        self.run = run
        self.taken = set()
        self.known = set()		# kinds of which one line is enough
        if os.path.exists(path) and fresh:
            os.remove(path)
        if os.path.exists(path):
            cut_half_line(path)
        for row in read_lines(path):
            if row["kind"] == "slice" and row["run"] == run and row["final"]:
                self.taken.add((row["workload"], row["arm"], row["how"], row["round"]))
            elif row["run"] == run and not row.get("absent") and (row.get("measured") or row.get("text")):
                self.known.add(row["kind"])
        self.file = open(path, "a")

    def has(self, workload, arm, how, turn):
        """Whether this slice needs no taking again."""
        return (workload, arm, how, turn) in self.taken

    def knows(self, kind):
        """Whether there is a line of that kind that says something."""
        return kind in self.known

    def add(self, kind, **fields):
        print(json.dumps({"kind": kind, "run": self.run, **fields}), file=self.file, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
