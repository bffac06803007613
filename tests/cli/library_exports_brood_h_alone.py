#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import re
import subprocess

from _brood import BROOD, BUILD, ROOT, check

header = (ROOT / "src/brood.h").read_text()
declared = set(re.findall(r"^(?!typedef)[a-z].*?\b(brood_[a-z_]+)\(", header, re.M))
of_handlers = {"brood_handle", "brood_handle_datagram", "brood_handler_start", "brood_handler_stop", "brood_task_start"}
check(of_handlers < declared, "brood.h has only", declared)


def symbols(*arguments):
    listed = subprocess.run(["nm", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
    return set(re.findall(r"^[0-9a-f]+ [A-Z] (\w+)", listed, re.M))


if BUILD.name != "san":     # a sanitizer adds its own
    check(symbols("-D", "--defined-only", BUILD / "libbrood.so") == declared - of_handlers, "libbrood.so")
    check(symbols("-g", "--defined-only", BUILD / "libbrood.a") == declared - of_handlers, "libbrood.a")
exported = {name for name in symbols("-D", "--defined-only", BROOD) if name.startswith("brood_")}
check(exported == declared - of_handlers, "what handlers find in the program:", exported)

about = subprocess.run(["readelf", "-d", BUILD / "libbrood.so"], stdout=subprocess.PIPE, text=True, check=True)
check("[libbrood.so.0]" in about.stdout, "SONAME:", about.stdout)
