#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may speak on the control socket: root and the user of the pool, whatever the mode of the file says."""
# models: one
# waits: mostly
import os
import signal
import stat
import subprocess
import tempfile

from _play import BROOD, NOBODY, Brood, check, drop_to, is_alive, need_root, wait_until

DAEMON = 1
SOMEBODY = 60000 + os.getpid() % 5000      # of whom no other pool is running


def run(*words, uid=None, **env):
    return subprocess.run([BROOD, "ctl", *words], preexec_fn=drop_to(uid) if uid else None, text=True, cwd="/",
                          capture_output=True, check=False, timeout=30, env={"PATH": os.environ["PATH"], **env})


need_root()
with Brood(control=True) as brood:
    check(stat.S_IMODE(os.stat(brood.control).st_mode) == 0o600, "mode 0600")
    result = run("--control", brood.control, "status", uid=NOBODY)
    check(result.returncode == 1 and "permission denied; only root" in result.stderr, result)
    os.chmod(brood.control, 0o666)
    result = run("--control", brood.control, "stop", uid=NOBODY)
    check(result.returncode == 1 and "only root and the pool's user may" in result.stderr, result)
    brood.wait_for_line(rf"control socket: refused pid \d+ of user {NOBODY}")
    for _ in range(20):
        run("--control", brood.control, "stop", uid=NOBODY)
    check(len(brood.lines("refused pid")) == 1, "it is said once")
    check(not brood.status()["stopping"], "and nothing was done")
    brood.stop()


def of_somebody(brood, runtime):
    """In the user's own runtime directory, where ctl finds it without being told."""
    path = f"{runtime}/brood/{brood.port}.sock"
    check(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700, "a directory of its own")
    result = run("status", uid=SOMEBODY, XDG_RUNTIME_DIR=runtime)
    check(result.returncode == 0 and str(brood.port) in result.stdout, result)
    check(run("--control", path, "status").returncode == 0, "root may")
    os.chmod(path, 0o666)
    os.chmod(os.path.dirname(path), 0o755)
    check(run("--control", path, "status", uid=DAEMON).returncode == 1, "another user may not")
    os.chmod(os.path.dirname(path), 0o700)


with tempfile.TemporaryDirectory() as runtime:
    os.chmod(runtime, 0o755)
    os.chown(runtime, SOMEBODY, SOMEBODY)
    env = {**os.environ, "XDG_RUNTIME_DIR": runtime}
    env.pop("BROOD_CONTROL", None)
    with Brood(preexec_fn=drop_to(SOMEBODY), env=env) as brood:
        of_somebody(brood, runtime)
        with Brood(preexec_fn=drop_to(SOMEBODY), env=env) as other:
            result = run("status", uid=SOMEBODY, XDG_RUNTIME_DIR=runtime)
            check(result.returncode == 1 and "2 pools are running" in result.stderr, result)
            check(f"{brood.port}.sock" in result.stderr and f"{other.port}.sock" in result.stderr, result)
            path = f"{runtime}/brood/{other.port}.sock"
            check(f":{other.port}" in run("status", uid=SOMEBODY, BROOD_CONTROL=path).stdout, "which one can be said")
            check(run("stop", "--wait", "--control", path, uid=SOMEBODY).returncode == 0, "and that one stops")
            other.wait_exit(0, 5)
        check(run("status", uid=SOMEBODY, XDG_RUNTIME_DIR=runtime).returncode == 0, "one is left")
        brood.kill(signal.SIGKILL)
        brood.process.wait()
        result = run("status", uid=SOMEBODY, XDG_RUNTIME_DIR=runtime)
        check(result.returncode == 1 and "no pool found in" in result.stderr or "permission" in result.stderr, result)
        check(os.path.exists(f"{runtime}/brood/{brood.port}.sock"), "the dead one's socket is there")
        wait_until(lambda: not any(map(is_alive, brood.seen_workers)), 5, "the workers end")
        with Brood(preexec_fn=drop_to(SOMEBODY), env=env, port=brood.port) as heir:
            of_somebody(heir, runtime)
            heir.stop()
    check(os.listdir(f"{runtime}/brood") == [], "nothing stays")

    # Without a runtime directory /tmp will do; where that cannot be had, the pool goes on without.
    env["XDG_RUNTIME_DIR"] = "/none"
    last_resort = f"/tmp/brood-{SOMEBODY}"
    with Brood(preexec_fn=drop_to(SOMEBODY), env=env) as brood:
        check(os.listdir(last_resort) == [f"{brood.port}.sock"], "in /tmp")
        check(run("stop", "--wait", uid=SOMEBODY).returncode == 0, "it is found")
        brood.wait_exit(0, 5)
    os.rmdir(last_resort)
    os.mkdir(last_resort)
    with Brood(preexec_fn=drop_to(SOMEBODY), env=env) as brood:
        check(brood.lines("warn .*control socket .*: Permission denied; going on without"), "it says so")
        check(brood.get("/").status == 200, "and serves")
        brood.stop()
    os.rmdir(last_resort)

    # A place that was asked for is not gone without.
    with open(f"{runtime}/file", "w", encoding="ascii"):
        pass
    for path, why in ((f"{runtime}/file", "is there, and no socket"), ("/proc/none/x", "No such file"),
                      ("x" * 108, "longer than 107 bytes")):
        with Brood("--control", path, ready=False) as brood:
            brood.wait_exit(1, 5)
            check(len(brood.log().splitlines()) == 1 and why in brood.log(), brood.log())
    with Brood(control=True) as brood, Brood("--control", brood.control, ready=False) as other:
        other.wait_exit(1, 5)
        check(f"in use by pid {brood.pid}" in other.log(), other.log())
        check(brood.status()["pid"] == brood.pid, "the first is not disturbed")
        brood.stop()
