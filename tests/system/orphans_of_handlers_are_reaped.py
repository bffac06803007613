#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
"""What a handler starts and does not wait for comes to brood, which is not process 1 here, and leaves no zombie."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from _play import ROOT, Brood, check, skip, wait_until

N = 50
HANDLER = r"""
#include <brood.h>
#include <unistd.h>

/* Two generations; the first is not waited for either. */
void brood_handle(struct brood_request *request)
{
	for (int i = 0; i < %d; i++)
		if (fork() == 0) {
			if (fork() == 0)
				usleep(1000000);
			_exit(0);
		}
	brood_respond(request, 200, "text/plain", "started\n", 8);
}
""" % N


def children(pid):
    """State by pid, zombies too."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                state, parent = pathlib.Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == pid:
                found[int(name)] = state
    return found


with tempfile.TemporaryDirectory(prefix="brood-play-") as directory:
    source, handler = os.path.join(directory, "fork.c"), os.path.join(directory, "fork.so")
    pathlib.Path(source).write_text(HANDLER)
    if not shutil.which("cc"):
        skip("needs a compiler")
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{ROOT}/src", "-o", handler, source], check=True)
    with Brood(what=("--handler", handler)) as brood:
        workers = set(brood.workers())
        check(brood.get("/").body == b"started\n", "it starts them")
        wait_until(lambda: len(children(brood.pid)) >= len(workers) + N, 5, "orphans come to brood")
        brood.kill(15)
        brood.process.wait(10)
        check(brood.process.returncode == 0, "and are not waited for")
    with Brood(what=("--handler", handler)) as brood:
        workers = set(brood.workers())
        for _ in range(4):
            brood.get("/")
        wait_until(lambda: set(children(brood.pid)) == workers, 5, "all are reaped")
        for pid in workers:
            os.kill(pid, 9)         # what it has not waited for is a zombie of its own until then
        wait_until(lambda: len(brood.lines("ready after")) >= 2, 5, "replaced")
        time.sleep(0.2)
        check(all(state != "Z" for state in children(brood.pid).values()), children(brood.pid))
        brood.stop()
    print(f"{N} at a time")
