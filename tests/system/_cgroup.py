# SPDX-License-Identifier: MIT
"""A control group of a play's own, below the one the play is in, so that what limits that limits this too."""
import errno
import os
import pathlib
import time

from _play import need_root, skip


def _find(controller):
    """The directory of our group for this controller, and whether it is of version 2."""
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
    skip(f"no cgroup governs {controller} here")


class Cgroup:
    def __init__(self, controller, memory_bytes=None, cpu_percent=None):
        need_root()
        above, self.is_v2 = _find(controller)
        self.path = above / f"brood-play-{os.getpid()}"
        try:
            self.path.mkdir()
            if self.is_v2 and not (self.path / f"{controller}.max").exists():
                raise OSError(errno.EBUSY, "its controllers are not given to those below")
            if memory_bytes:
                self.limit_memory(memory_bytes)
            if cpu_percent:
                self.limit_cpu(cpu_percent)
        except OSError as error:
            if self.path.is_dir():
                self.path.rmdir()
            skip(f"no cgroup can be made below {above}: {error.strerror}")

    def limit_memory(self, n_bytes):
        (self.path / ("memory.max" if self.is_v2 else "memory.limit_in_bytes")).write_text(str(n_bytes))

    def limit_cpu(self, percent):
        if self.is_v2:
            (self.path / "cpu.max").write_text(f"{percent * 1000} 100000")
        else:
            (self.path / "cpu.cfs_quota_us").write_text(str(percent * 1000))

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
