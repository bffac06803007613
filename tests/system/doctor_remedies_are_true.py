#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# alone: yes
"""`brood doctor`: something is broken, it says so and how to mend it; that is done, word by word, and it says ok."""
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess

from _cgroup import Cgroup, why_not
from _play import BROOD, BUILD, NOBODY, Brood, check, drop_to, fail, free_port, io_uring_works, need_root

CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith("BROOD_") and name not in ("INVOCATION_ID", "KUBERNETES_SERVICE_HOST")}
PORT = str(free_port())


class Finding(dict):
    def remedy(self, where, pattern=""):
        """What is to be written there."""
        for remedy in self["remedies"]:
            if remedy["where"] == where and re.search(pattern, remedy["how"]):
                return remedy["how"]
        fail(f"no remedy for {where}, {pattern} in {self}")


def doctor(name, *options, prefix=(), env=None, **how):
    """The finding of this name, of a doctor of its own."""
    options = options if "--listen" in options else ("--listen", f":{PORT}", *options)
    result = subprocess.run([*prefix, BROOD, "doctor", "--json", *options], env={**CLEAN, **(env or {})}, text=True,
                            capture_output=True, check=False, timeout=60, **how)
    told = f"{prefix} {options}: code {result.returncode}, {result.stdout!r}, {result.stderr!r}"
    check(result.returncode in (0, 1) and result.stderr == "", told)
    report = json.loads(result.stdout)
    check(report["bad"] == sum(c["verdict"] == "bad" for c in report["checks"]), told)
    check((report["bad"] > 0) == (result.returncode == 1), told)
    return Finding(next(c for c in report["checks"] if c["name"] == name))


def expect(finding, verdict, pattern):
    check(finding["verdict"] == verdict and re.search(pattern, finding["what"]), f"{verdict}, {pattern}: {finding}")
    check(verdict == "ok" or (finding["means"] and finding["remedies"]), f"what it means and the remedy: {finding}")
    print(f"{finding['verdict']:5} {finding['name']:18} {finding['what']}")
    return finding


# ---- io_uring

def play_uring():
    for error in ("EPERM", "ENOSYS"):
        deny = (str(BUILD / "tests/tools/deny"), "io_uring", error)
        sick = expect(doctor("io_uring", prefix=deny), "warn", "io_uring refused")
        sick.remedy("docker run", "--security-opt seccomp=")
        sick.remedy("unit", "^SystemCallFilter=@aio$")
        expect(doctor("io_uring", "--engine", "uring", prefix=deny), "bad", "io_uring refused")
        expect(doctor("io_uring", *sick.remedy("brood").split(",")[0].split(), prefix=deny), "ok", "epoll")
        expect(doctor("seccomp", prefix=deny), "ok", "1 filter")
    if io_uring_works():
        expect(doctor("io_uring"), "ok", "works")


def play_uring_disabled():
    sysctl, group = (pathlib.Path(f"/proc/sys/kernel/io_uring_{name}") for name in ("disabled", "group"))
    if not os.access(sysctl, os.W_OK) or sysctl.read_text().strip() != "0":
        return print("kernel.io_uring_disabled is left alone")
    before = group.read_text()
    try:
        sysctl.write_text("2")
        sick = expect(doctor("io_uring_disabled"), "warn", "is 2")
        sysctl.write_text(re.search(r"=(\d)", sick.remedy("sysctl"))[1])
        expect(doctor("io_uring_disabled"), "ok", "is 0")
        sysctl.write_text("1")
        sick = expect(doctor("io_uring_disabled", preexec_fn=drop_to(NOBODY)), "warn", "is 1")
        group.write_text(re.search(r"io_uring_group=(\d+)", sick.remedy("sysctl", "group"))[1])
        expect(doctor("io_uring_disabled", preexec_fn=drop_to(NOBODY)), "ok", "is 1, and this user may")
        expect(doctor("io_uring", preexec_fn=drop_to(NOBODY)), "ok", "works")
    finally:
        sysctl.write_text("0")
        group.write_text(before)


# ---- limits of processes

def limited(which, n):
    def limit():
        resource.setrlimit(which, (n, n))
        drop_to(NOBODY)()
    return limit


def play_rlimits():
    memlock = resource.RLIMIT_MEMLOCK
    sick = doctor("memlock", "--workers", "4", preexec_fn=limited(memlock, 65536))
    if io_uring_works() and "no ring is charged" not in sick["what"]:
        expect(sick, "warn", "RLIMIT_MEMLOCK is 64 KiB")
        enough = int(re.fullmatch(r"--ulimit memlock=(\d+)", sick.remedy("docker run"))[1])
        expect(doctor("memlock", "--workers", "4", preexec_fn=limited(memlock, enough)), "ok", "enough")
    nofile = resource.RLIMIT_NOFILE
    sick = expect(doctor("nofile", preexec_fn=limited(nofile, 500)), "warn", "RLIMIT_NOFILE is 500")
    enough = int(re.fullmatch(r"LimitNOFILE=(\d+)", sick.remedy("unit"))[1])
    expect(doctor("nofile", preexec_fn=limited(nofile, enough)), "ok", str(enough))


# ---- sysctls, in a network namespace

def in_namespace(*lines, user=""):
    """What runs brood where these lines of a shell have run before."""
    return ("unshare", "-n", "sh", "-c", "\n".join(("set -e", *lines, f'exec {user} "$@"')), "sh")


def applied(command):
    """sysctl -w as it is told, or what it does where there is none."""
    name, value = re.fullmatch(r"sysctl -w ([a-z0-9_.]+)=([\d,-]+)", command).groups()
    sysctl = shutil.which("sysctl", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return f"{sysctl} -q -w {name}={value}" if sysctl else f"echo {value} >/proc/sys/{name.replace('.', '/')}"


def play_sysctls():
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        return print("network namespaces are refused here")
    nobody = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
    for name, options, broken, user, verdict in (
            ("somaxconn", (), ["echo 128 >/proc/sys/net/core/somaxconn"], "", "warn"),
            ("syn_backlog", (), ["echo 0 >/proc/sys/net/ipv4/tcp_syncookies"], "", "warn"),
            ("port_range", ("--listen", ":8080"), ["echo 8000 9000 >/proc/sys/net/ipv4/ip_local_port_range"], "", "warn"),
            ("port_range", ("--listen", ":8080"), ["echo 8000 9000 >/proc/sys/net/ipv4/ip_local_port_range",
                                                   "echo 8085,8090-8095 >/proc/sys/net/ipv4/ip_local_reserved_ports"],
             "", "warn"),
            ("port", ("--listen", ":80"), [], nobody, "bad")):
        sick = expect(doctor(name, *options, prefix=in_namespace(*broken, user=user)), verdict, "")
        command = sick.remedy("sysctl")
        check(sick.remedy("docker run") == command.replace("sysctl -w", "--sysctl"), sick)
        expect(doctor(name, *options, prefix=in_namespace(*broken, applied(command), user=user)), "ok", "")


# ---- who is there, who we are

def play_ports():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)     # connections of an earlier test may linger there
        s.bind(("127.0.0.1", int(PORT)))
        s.listen()
        expect(doctor("port"), "bad", rf":{PORT} is taken by python3.* \(pid {os.getpid()}\)")
    expect(doctor("port"), "ok", "free")
    with Brood() as brood:
        expect(doctor("port", "--listen", f":{brood.port}"), "warn", rf"taken by brood \(pid {brood.pid}\)")
        brood.stop()
    expect(doctor("port", "--listen", "192.0.2.1:8080"), "bad", "Cannot assign")


def play_who():
    sick = doctor("ebpf", preexec_fn=drop_to(NOBODY))
    if "not built in" not in sick["what"]:
        expect(sick, "warn", "needs CAP_BPF and CAP_PERFMON")
        expect(doctor("ebpf", "--balance", "least", preexec_fn=drop_to(NOBODY)), "bad", "needs CAP_BPF")
        expect(doctor("ebpf", *sick.remedy("brood").split(",")[0].split(), preexec_fn=drop_to(NOBODY)), "ok", "not used")
        wanted = re.fullmatch("AmbientCapabilities=CAP_([A-Z]+) CAP_([A-Z_]+)", sick.remedy("unit")).groups()
        given = ",".join("+" + name.lower() for name in wanted)
        expect(doctor("ebpf", prefix=("setpriv", "--reuid", str(NOBODY), "--clear-groups", "--inh-caps", given,
                                      "--ambient-caps", given)), "ok", "can be loaded")
    sick = expect(doctor("user"), "warn", "root")
    expect(doctor("user", *sick.remedy("brood").split()), "ok", str(NOBODY))
    expect(doctor("user", preexec_fn=drop_to(NOBODY)), "ok", str(NOBODY))


def play_process_1():
    container = ("unshare", "-f", "-p", "--mount-proc")
    if subprocess.run([*container, "true"], capture_output=True, check=False).returncode:
        return print("PID namespaces are refused here")
    sick = expect(doctor("process_1", prefix=(*container, "sh", "-c", '"$@"; exit $?', "sh")), "warn", "is (sh|dash)")
    check(sick.remedy("shell").startswith("exec "), sick)
    expect(doctor("process_1", prefix=(*container, "sh", "-c", 'exec "$@"', "sh")), "ok", "this is process 1")
    return None


def play_stop():
    sick = expect(doctor("stop_timeout", "--drain-timeout", "20s"), "warn", "20s to drain, and docker stop gives 10 s")
    check(sick.remedy("docker run") == "--stop-timeout 21", sick)
    expect(doctor("stop_timeout"), "ok", "9s")
    expect(doctor("stop_timeout", "--drain-timeout", "20s", env={"INVOCATION_ID": "1"}), "ok", "systemd")
    expect(doctor("stop_timeout", "--drain-timeout", "30s", env={"KUBERNETES_SERVICE_HOST": "x"}), "warn", "30 s")


# ---- cgroups

def play_cgroups():
    for controller, name, options, tight, pattern, mended in (
            ("cpu", "cpu", ("--workers", "2"), 50, r"grants 0\.50", r"CPUQuota=(\d+)%"),
            ("memory", "memory", ("--workers", "2"), 16 << 20, "16M", r"MemoryMax=(\d+)M"),
            ("pids", "pids", ("--workers", "2"), 5, "is 5", r"TasksMax=(\d+)")):
        if reason := why_not(controller):
            print(reason)
            continue
        with Cgroup(controller, tight) as group:
            sick = expect(doctor(name, *options, preexec_fn=group.enter), "warn", pattern)
            n = int(re.fullmatch(mended, sick.remedy("unit"))[1])
            if controller == "cpu":
                expect(doctor(name, "--workers", "auto", preexec_fn=group.enter), "ok", "1 worker,")
                with Brood(workers=None, preexec_fn=group.enter) as brood:
                    check(len(brood.workers()) == 1, "and that is how many a pool has")
                    brood.stop()
            group.limit(n << 20 if controller == "memory" else n)
            well = doctor(name, *options, preexec_fn=group.enter)
            check(well["verdict"] == "ok" or os.cpu_count() < 2, well)


need_root()
for scene in (play_uring, play_uring_disabled, play_rlimits, play_sysctls, play_ports, play_who, play_process_1,
              play_stop, play_cgroups):
    scene()
