# SPDX-License-Identifier: MIT
"""A control group of a play's own, below the one the play is in, so that what limits that limits this too."""
import os
import pathlib
import time

from _play import need_root, skip

# What a limit is called in version 1 and in version 2.
FILES = {
    "memory": ("memory.limit_in_bytes", "memory.max", "{}", "{}"),
    "cpu": ("cpu.cfs_quota_us", "cpu.max", "{}000", "{}000 100000"),        # per cent
    "pids": ("pids.max", "pids.max", "{}", "{}"),
}


def _find(controller):
    """The directory of our group for this controller, and whether it is of version 2; None = there is none."""
    mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        for mount in mounts:
            if controller in controllers.split(",") and mount[2] == "cgroup" and controller in mount[3].split(","):
                return pathlib.Path(mount[1] + path), False
            if number == "0" and mount[2] == "cgroup2":
                group = pathlib.Path(mount[1] + path)
                try:
                    if controller in (group / "cgroup.controllers").read_text().split():
                        return group, True
                except OSError:
                    pass
    return None


def why_not(controller):
    """Why no group can be made for this controller; None = it can."""
    found = _find(controller)
    if not found:
        return f"no cgroup governs {controller} here"
    path = found[0] / f"brood-try-{os.getpid()}"
    try:
        path.mkdir()
    except OSError as error:
        return f"no cgroup can be made below {found[0]}: {error.strerror}"
    given = (path / FILES[controller][found[1]]).exists()
    path.rmdir()
    return None if given else f"{found[0]} gives {controller} to nobody below"


class Cgroup:
    def __init__(self, controller, limit=None):
        need_root()
        if reason := why_not(controller):
            skip(reason)
        above, self.is_v2 = _find(controller)
        self.controller, self.path = controller, above / f"brood-play-{os.getpid()}"
        self.path.mkdir()
        if limit is not None:
            self.limit(limit)

    def limit(self, value):
        v1, v2, form1, form2 = FILES[self.controller]
        (self.path / (v2 if self.is_v2 else v1)).write_text((form2 if self.is_v2 else form1).format(value))

    def enter(self):
        """As the preexec_fn of what is to run in it."""
        (self.path / "cgroup.procs").write_text("0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _ in range(100):
            try:
                return self.path.rmdir()
            except OSError:         # the last process is still on its way out
                time.sleep(0.02)
        print(f"{self.path} could not be removed")
