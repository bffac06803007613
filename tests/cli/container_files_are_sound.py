#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The seccomp profile is the default and what brood adds; manifests are YAML and what they say goes together."""
import importlib.machinery
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from _brood import BROOD, ROOT, check

sys.dont_write_bytecode = True
CONTAINER = ROOT / "tools/container"
DEFAULT = pathlib.Path("/usr/share/containers/seccomp.json")
seccomp = importlib.machinery.SourceFileLoader("seccomp", str(CONTAINER / "seccomp")).load_module()

ours = json.loads((CONTAINER / "seccomp.json").read_text())
added = [entry for entry in ours["syscalls"] if entry["comment"] == "brood"]
check([entry["names"] for entry in added] == [seccomp.URING, ["bpf"], ["bpf"], ["bpf"]], added)
others = [name for entry in ours["syscalls"] if entry not in added for name in entry["names"]]
check(len(others) > 300 and "bpf" not in others and not any("io_uring" in name for name in others), "and nothing else")
check(seccomp.extend({**ours, "syscalls": [e for e in ours["syscalls"] if e not in added]}) == ours, "as it is made")
if DEFAULT.exists():
    check(seccomp.extend(json.loads(DEFAULT.read_text())) == ours or "SCMP_ACT" not in DEFAULT.read_text(),
          "another default than that of Debian 12: tools/container/seccomp >tools/container/seccomp.json")

try:
    import yaml
except ImportError:
    print("no python3-yaml: the manifests were not parsed")
else:
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text())["services"]["web"]
    check((CONTAINER / compose["build"]["context"] / compose["build"]["dockerfile"]).resolve().exists(), compose["build"])
    objects = {o["kind"]: o for o in yaml.safe_load_all((CONTAINER / "kubernetes/brood.yaml").read_text())}
    check(set(objects) == {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"}, set(objects))
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    seconds = sum(int(arguments[arguments.index(flag) + 1].rstrip("s")) for flag in ("--pre-drain", "--drain-timeout"))
    check(pod["terminationGracePeriodSeconds"] > seconds, "longer than what it takes to leave")

if shutil.which("systemd-analyze"):
    with tempfile.TemporaryDirectory() as directory:
        unit = os.path.join(directory, "brood.service")
        text = (ROOT / "tools/systemd/brood.service").read_text()
        pathlib.Path(unit).write_text(re.sub(r"/usr/local/bin/brood|^Documentation.*$", lambda m: "" if "Doc" in m[0] else
                                             os.path.abspath(BROOD), text, flags=re.M))
        result = subprocess.run(["systemd-analyze", "verify", unit], text=True, capture_output=True, check=False)
        told = [line for line in (result.stdout + result.stderr).splitlines() if "brood.service" in line]
        check(not told, "systemd-analyze verify:", told)
