#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example of brood_async(3), taken from its page, compiles and serves."""
# models: one
import re
import shutil
import subprocess
import tempfile

from _play import IS_SANITIZED, ROOT, Brood, check, skip

if IS_SANITIZED:
    skip("what is compiled here has no sanitizer")
page = (ROOT / "tools/man/brood_async.3").read_text()
code = re.search(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)[1].replace("\\e", "\\")
with tempfile.TemporaryDirectory() as scratch:
    with open(f"{scratch}/date.c", "w", encoding="utf-8") as source:
        source.write(code)
    subprocess.run([shutil.which("cc") or "gcc", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{ROOT}/src",
                    "-o", f"{scratch}/date.so", source.name], check=True)
    with Brood("--tasks", 0, what=("--handler", f"{scratch}/date.so")) as brood:
        answer = brood.get("/")
        check(answer.status == 200 and b"UTC" in answer.body, answer.body)
        brood.stop()
