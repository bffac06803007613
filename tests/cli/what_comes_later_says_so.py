#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole contract of the command line is known; what is not there yet is told apart from a typing error."""
from _brood import check_refused

for flag in ("pin",):
    check_refused(2, [f"--{flag}", "not in this version"], "serve", f"--{flag}", "1")
    check_refused(2, [f"--{flag}", "not in this version"], "serve", f"--{flag}=1")
    variable = "BROOD_" + flag.upper().replace("-", "_")
    check_refused(2, [variable, "not in this version"], "serve", **{variable: "1"})
