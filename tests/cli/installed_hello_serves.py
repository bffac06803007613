#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make install, then the program of the manual built against what was installed, both ways of linking."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

from _brood import BUILD, CLEAN, ROOT, check

if BUILD.name == "san":
    print("a library with sanitizers is not for installing")
    sys.exit(77)


def run(*command, **environment):
    result = subprocess.run(command, env={**CLEAN, **environment}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    check(result.returncode == 0, *command, "\n" + result.stdout)
    return result.stdout.split()


def check_serves(program, **environment):
    server = subprocess.Popen([program, "127.0.0.1:0"], env={**CLEAN, **environment}, text=True,
                              stderr=subprocess.PIPE)
    log = ""
    while "http://" not in log and (line := server.stderr.readline()):
        log += line
    url = re.search(r"http://[\d.:]+", log)
    check(url, program, "is not ready:", log)
    check(urllib.request.urlopen(url[0], timeout=10).read() == b"Hello\n", "the answer")
    server.send_signal(signal.SIGTERM)
    log += server.stderr.read()
    check(server.wait(20) == 0, program, server.returncode, log)


with tempfile.TemporaryDirectory() as scratch:
    root = pathlib.Path(scratch, "root")
    run("make", "-C", ROOT, "install", f"BUILD={os.path.relpath(BUILD, ROOT)}", f"DESTDIR={root}", "PREFIX=/usr")
    installed = {str(path.relative_to(root / "usr")) for path in root.rglob("*") if not path.is_dir()}
    check(installed == {"bin/brood", "include/brood.h", "lib/libbrood.a", "lib/libbrood.so", "lib/libbrood.so.0",
                        "lib/libbrood.so.0.1.0", "lib/pkgconfig/brood.pc", "share/bash-completion/completions/brood",
                        "share/doc/brood/brood.ini", "share/doc/brood/brood.service", "share/doc/brood/brood.yaml",
                        "share/doc/brood/compose.yaml", "share/doc/brood/seccomp.json", "share/man/man1/brood.1",
                        *(f"share/man/man3/{page.name}" for page in (ROOT / "tools/man").glob("*.3")),
                        "share/zsh/site-functions/_brood"}, sorted(installed))

    there = {"PKG_CONFIG_SYSROOT_DIR": str(root), "PKG_CONFIG_PATH": str(root / "usr/lib/pkgconfig"),
             "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1", "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1"}
    source, compiler = ROOT / "src/examples/hello.c", shutil.which("cc") or "gcc"
    flags = run("pkg-config", "--cflags", "--libs", "brood", **there)
    run(compiler, "-Wall", "-Werror", source, "-o", f"{scratch}/shared", *flags)
    check_serves(f"{scratch}/shared", LD_LIBRARY_PATH=str(root / "usr/lib"))

    flags = run("pkg-config", "--cflags", "--libs", "--static", "brood", **there)
    flags = ["-l:libbrood.a" if flag == "-lbrood" else flag for flag in flags]
    run(compiler, "-Wall", "-Werror", source, "-o", f"{scratch}/static", *flags)
    check_serves(f"{scratch}/static")
