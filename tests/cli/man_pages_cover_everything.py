#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every option with its default in brood(1), every function and option field in a page of section 3, hello as it is."""
import re

from _brood import ROOT, brood, check

page1 = (ROOT / "tools/man/brood.1").read_text()
page3 = "\n".join(page.read_text() for page in sorted((ROOT / "tools/man").glob("*.3")))
header = (ROOT / "src/brood.h").read_text()

entries = dict(re.findall(r"^\.It Fl -([a-z-]+)(.*?)(?=^\.It|^\.El)", page1, re.M | re.S))
offered = sorted({option for command in ("serve", "run") for option in re.findall(
    r"^  --([a-z-]+) .*?(?:\(([^ ()]+)\))?$", brood(command, "--help").stdout, re.M)})
check(len(offered) > 20, "the help has only", offered)
check(set(entries) == {flag for flag, _ in offered}, "options of help and page differ:",
      set(entries) ^ {flag for flag, _ in offered})
for flag, default in offered:
    if default:
        told = re.search(r"^Default:\n\.(?:Li|Cm) (\S+)", entries[flag], re.M)
        check(told and told[1] == default, f"--{flag} is {default} by default, and the page says", told and told[1])

functions = set(re.findall(r"^(?!typedef)[a-z].*?\b(brood_[a-z_]+)\(", header, re.M))
check(len(functions) > 20, "brood.h has only", functions)
for function in functions:
    check(re.search(rf"^\.F[no] {function}\b", page3, re.M), function, "has no synopsis")
    check(re.search(rf"^\.Nm {function}\b", page3, re.M), function, "is not among the names")

fields = re.search(r"^struct brood_options \{(.*?)^\};", header, re.M | re.S)[1]
for field in re.findall(r"^\t[a-z].*?\*?(\w+);", fields, re.M):
    check(field == "size" or re.search(rf"^\.It Va {field} ", page3, re.M), "option", field, "is not told")

for name in ("hello", "hits", "factor"):
    example = (ROOT / f"src/examples/{name}.c").read_text()
    check(example[example.index("#include"):].replace("\\", "\\e") in page3, f"the example is not src/examples/{name}.c")

checks = re.findall(r'^\t\{ "(\w+)",', (ROOT / "src/doctor/table.c").read_text(), re.M)
told = set(re.findall(r"\w+", " ".join(re.findall(r"^\.It Sy (.*)$", page1, re.M))))
check(len(checks) > 15 and set(checks) <= told, "checks of the doctor:", set(checks) - told)
