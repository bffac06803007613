#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# timeout: 300
"""The image, run by podman: as process 1, with the default seccomp profile and with ours, stopped under load, in half
a CPU and 64 MB: nothing is lost, and the exit code is 0. Without podman: tools/deps container."""
import glob
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time

from _play import BROOD, DEMO, IS_SANITIZED, ROOT, Checker, Client, check, fail, free_port, io_uring_works, need_root, skip, \
    wait_until

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
CONTAINER = ROOT / "tools/container"
PROFILE = str(CONTAINER / "seccomp.json")
IMAGE = "brood-play"
GROUP = f"/brood-image-{os.getpid()}"
MIB = 1024 * 1024


class Podman:
    """With a store and a state of its own."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        runtime = next((path for name in ("runc", "crun") if (path := shutil.which(name, path=PATH))), None)
        self.command = ["podman", "--root", directory + "/store", "--runroot", directory + "/run",
                        "--cgroup-manager", "cgroupfs", *(["--runtime", runtime] if runtime else [])]

    def __call__(self, *words, code=0, seconds=60):
        result = subprocess.run([*self.command, *map(str, words)], text=True, capture_output=True, check=False,
                                timeout=seconds, stdin=subprocess.DEVNULL, cwd=self.directory,     # conmon leaves files there
                                env={**os.environ, "PATH": PATH})
        check(code is None or result.returncode == code,
              f"podman {words}: code {result.returncode}, {result.stdout[-2000:]}{result.stderr[-2000:]}")
        return result

    def build(self):
        """The last stage of the Dockerfile, as it is, from what was collected here instead of in the first."""
        subprocess.run([CONTAINER / "collect", BROOD, self.directory / "context/image"], check=True)
        stage = "FROM scratch" + (CONTAINER / "Dockerfile").read_text().partition("FROM scratch")[2]
        (self.directory / "context/Dockerfile").write_text(stage.replace("COPY --from=build /image /", "COPY image /"))
        built = self("build", "--format", "docker", "--isolation", "chroot", "-t", IMAGE, self.directory / "context",
                     code=None)
        if built.returncode:
            skip(f"podman cannot build here: {built.stderr.strip().splitlines()[-1]}")
        size = int(self("image", "inspect", "-f", "{{.Size}}", IMAGE).stdout)
        print(f"image: {size / 1e6:.1f} MB")
        check(size <= 30e6, "at most 30 MB")


    def clean(self):
        """It mounts its store onto itself, and leaves it so."""
        self("rmi", "-f", "-a", code=None)
        subprocess.run(["umount", "-l", self.directory / "store/overlay"], capture_output=True, check=False)
        for group in glob.glob(f"/sys/fs/cgroup{GROUP}") + glob.glob(f"/sys/fs/cgroup/*{GROUP}"):
            for folder, _, _ in os.walk(group, topdown=False):
                os.rmdir(folder)


def limits():
    """Podman wants more than whoever is in a container already may have."""
    found = []
    for name, which in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(which)[1]
        n = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
        found += ["--ulimit", f"{name}={n}:{n}"]
    return found


class Container:
    def __init__(self, podman, *options, serve=()):
        self.podman, self.port = podman, free_port()
        self.id = podman("run", "-d", "--network", "host", "--log-driver", "k8s-file", "--cgroup-parent", GROUP,
                         *limits(),
                         "-v", f"{os.path.dirname(DEMO)}:/handlers:ro", *options, IMAGE, "serve", "--listen",
                         f"127.0.0.1:{self.port}", "--handler", "/handlers/demo.so", *serve).stdout.strip()

    def __enter__(self):
        wait_until(lambda: self.lines("ready: ") or not self.is_running(), 20, "ready")
        check(self.is_running(), f"it runs: {self.log()}")
        return self

    def __exit__(self, *_):
        self.podman("rm", "-f", "-t", "0", self.id, code=None)

    def is_running(self):
        return self.state("Running") == "true"

    def state(self, field):
        return self.podman("inspect", "-f", "{{.State." + field + "}}", self.id).stdout.strip()

    def log(self):
        result = self.podman("logs", self.id)
        return result.stdout + result.stderr

    def lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def run(self, *words, code=0):
        return self.podman("exec", self.id, "/usr/bin/brood", *words, code=code).stdout

    def stop(self):
        """As an operator does; the exit code is that of a drain that lost nothing."""
        began = time.monotonic()
        self.podman("stop", "-t", "10", self.id)
        took = time.monotonic() - began
        check(self.state("ExitCode") == "0", f"code {self.state('ExitCode')}: {self.log()[-3000:]}")
        check(self.lines("drained: all connections finished"), self.log()[-3000:])
        check(took < 10, f"within the grace, not after {took:.1f} s")
        return took


def stop_under_load(container, what, *loads):
    checkers = [Checker(container.port, *load) for load in loads or (("keepalive", 32), ("close", 8), ("pipeline=16", 4))]
    time.sleep(1)
    took = container.stop()
    print(f"{what}: stopped in {took:.1f} s")
    for checker in checkers:
        checker.finish().expect_nothing_lost()


def findings(container, *options):
    report = json.loads(container.run("doctor", "--json", *options, code=None))
    return {c["name"]: c for c in report["checks"]}


def play_default(podman):
    """What a container is without being told anything."""
    with Container(podman, "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges") as c:
        init = pathlib.Path(f"/proc/{c.state('Pid')}/status").read_text()
        check(re.search(r"^NSpid:.*\t1$", init, re.M), "process 1")
        check(re.search(r"^Uid:\t65532", init, re.M), "and nobody's")
        check(json.loads(c.run("ctl", "status", "--json"))["ok"], "ctl finds it")
        c.podman("healthcheck", "run", c.id)
        lines = c.lines("engine: ")
        found = findings(c, "--listen", "127.0.0.1:0")
        if io_uring_works() and found["io_uring"]["verdict"] != "ok":
            check(len(lines) == 1 and re.search(r"warn +engine: epoll \(io_uring refused: .*seccomp", lines[0]), lines)
            remedy = next(r["how"] for r in found["io_uring"]["remedies"] if r["where"] == "docker run")
            check(remedy.startswith("--security-opt seccomp=seccomp.json"), remedy)
        print("default profile:", lines[0].partition("engine: ")[2])
        stop_under_load(c, "default profile")


def play_ours(podman):
    with Container(podman, "--security-opt", f"seccomp={PROFILE}") as c:
        if io_uring_works():
            check(c.lines("engine: io_uring$"), c.lines("engine"))
            check(findings(c)["io_uring"]["verdict"] == "ok", findings(c)["io_uring"])
        stop_under_load(c, "our profile")


def play_privileged(podman):
    """What the doctor says that `least` takes, with our profile."""
    with Container(podman, "--security-opt", f"seccomp={PROFILE}") as c:
        sick = findings(c)["ebpf"]
        if "not built in" in sick["what"]:
            return
        check("CAP_BPF" in sick["what"], sick)
        remedy = next(r["how"] for r in sick["remedies"] if r["where"] == "docker run")
    docker, _, brood = remedy.partition(", and brood ")
    with Container(podman, "--security-opt", f"seccomp={PROFILE}", *docker.split(" (")[0].split(),
                   serve=[*brood.split(" (")[0].split(), "--workers", "2"]) as c:
        wait_until(lambda: c.lines("balance: "), 5, "balance")
        check(c.lines("balance: least$"), c.lines("balance"))
        stop_under_load(c, "least")


def play_small(podman):
    with Container(podman, "--security-opt", f"seccomp={PROFILE}", "--cpus", "0.5", "--memory", "64m",
                   serve=("--restart-limit", "100/10s", "--backoff", "1ms..2ms")) as c:
        check(c.lines("ready: 1 worker "), "one worker for half a CPU")
        found = findings(c)
        check("0.50" in found["cpu"]["what"] and found["cpu"]["verdict"] == "ok", found["cpu"])
        check(re.search("is 64M|64M;", found["memory"]["what"] + ";"), found["memory"])
        with Client(c.port) as client:
            client.send("GET /leak?kb=262144 HTTP/1.1\r\nHost: play\r\n\r\n")
            try:
                client.response()
                fail("the kernel kills who takes too much")
            except (EOFError, OSError):
                pass
        line = wait_until(lambda: c.lines("killed by the kernel: out of memory"), 10, "the log says so")[0]
        check("64M)" in line, line)
        print("64 MB:", line.partition("worker ")[2])
        stop_under_load(c, "half a CPU, 64 MB", ("keepalive", 16), ("close", 4))


need_root()
if IS_SANITIZED:
    skip("an image has no sanitizer's libraries")
if not shutil.which("podman"):
    skip("needs podman: tools/deps container installs it")
with tempfile.TemporaryDirectory(prefix="brood-", dir="/tmp") as directory:      # podman wants a short name
    podman = Podman(directory)
    try:
        podman.build()
        tried = podman("run", "--rm", "--network", "host", "--cgroup-parent", GROUP, *limits(), IMAGE, "version", code=None)
        if tried.returncode:
            skip(f"podman cannot run here: {tried.stderr.strip().splitlines()[-1]}")
        for scene in (play_default, play_ours, play_privileged, play_small):
            scene(podman)
    finally:
        podman.clean()
