#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every field of struct brood_options is in setting.h: a number has a range there, a string somebody to copy it."""
import re

from _brood import ROOT, check

header = (ROOT / "src/brood.h").read_text()
settings = (ROOT / "src/setting.h").read_text()
fields = re.search(r"^struct brood_options \{(.*?)^\};", header, re.M | re.S)[1]
strings = set(re.findall(r"^\tconst char\s+\*(\w+);", fields, re.M))
numbers = set(re.findall(r"^\tu?int\d+_t\s+(\w+);", fields, re.M)) - {"size"}
check(len(strings) >= 6 and len(numbers) >= 30, strings, numbers)


def rows(table):
    return set(re.findall(r"\bX\((\w+)", re.search(rf"#define {table}\(X\)(.*?)\n\n", settings, re.S)[1]))


check(rows("SETTINGS") == numbers, "numbers:", rows("SETTINGS") ^ numbers)
check(rows("STRINGS") == strings, "strings:", rows("STRINGS") ^ strings)
check(rows("FIXED_NUMBERS") < numbers, "fixed:", rows("FIXED_NUMBERS") - numbers)
