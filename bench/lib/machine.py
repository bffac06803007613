# SPDX-License-Identifier: MIT
"""The machine under a measurement: which CPUs, what they did, what is installed."""
import functools
import os
import platform
import re
import subprocess

from lib import peers
from lib.server import CannotRun


def choose_cpus():
    """(the server's, the client's)"""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        print("note: one usable CPU, so wrk and the servers share it; the numbers say little")
    return cpus[0], cpus[1 % len(cpus)]


def cpu_ticks(cpu):
    """(busy, stolen) of one CPU, in seconds."""
    with open("/proc/stat") as f:
        line = re.search(rf"^cpu{cpu} (.*)$", f.read(), re.M).group(1)
    field = [int(x) / os.sysconf("SC_CLK_TCK") for x in line.split()]
    return field[0] + field[1] + field[2] + field[5] + field[6], field[7]


def first_line(path, otherwise="unknown"):
    try:
        with open(path) as f:
            return f.readline().strip()
    except OSError:
        return otherwise


def cpu_model():
    with open("/proc/cpuinfo") as f:
        found = re.search(r"model name\s*: (.*)", f.read())
    return found.group(1) if found else platform.machine()


def mitigations():
    """Those in force, in the kernel's words."""
    directory = "/sys/devices/system/cpu/vulnerabilities"
    said = {}
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
        line = first_line(os.path.join(directory, name))
        if line != "Not affected":
            said[name] = line
    return said


@functools.cache
def can_be_urgent():
    """Whether this user may have real-time priority; found out by having it for a moment."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def version_of(program, package, option, pattern):
    try:
        path = peers.find(program, package)
    except CannotRun as e:
        return str(e)
    said = subprocess.run([path, option], capture_output=True, text=True)
    found = re.search(pattern, said.stdout + said.stderr)
    return found.group(1) if found else "unknown"


def versions():
    """Of the client and of the peers that quick and full share."""
    return {
        "wrk": version_of("wrk", "wrk", "-v", r"wrk (\S+)"),
        "nginx": version_of("nginx", "nginx-light", "-v", r"nginx/(\S+)"),
        "node": version_of("node", "nodejs", "--version", r"v(\S+)"),
    }


def settings(cpu):
    """What of the kernel's settings moves the numbers."""
    return {
        "governor": first_line(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", "not readable"),
        "congestion": first_line("/proc/sys/net/ipv4/tcp_congestion_control"),
        "somaxconn": first_line("/proc/sys/net/core/somaxconn"),
    }
