#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The simulator gives what balls in bins, M/D/1, M/M/n and processor sharing are known to give."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIMULATE = pathlib.Path(os.environ.get("BUILD", ROOT / "build")) / "bench/simulate"

sys.exit(subprocess.run([sys.executable, ROOT / "bench/simulate_check.py", "--simulate", SIMULATE]).returncode)
