#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The runner holds that nothing is left running."""
import os
import pathlib
import socket
import tempfile

from _brood import BUILD, check_refused

with tempfile.TemporaryDirectory() as scratch:
    file = pathlib.Path(scratch, "file")
    file.write_text("not a shared object")
    check_refused(1, [f'directory "{scratch}/none"', "No such file or directory"], "serve", f"{scratch}/none")
    check_refused(1, [f'directory "{file}"', "Not a directory"], "serve", str(file))
    check_refused(1, ["handler", "No such file or directory"], "serve", "--handler", f"{scratch}/none.so")
    check_refused(1, ["handler", "Is a directory"], "serve", "--handler", scratch)

    here = ["--listen", "127.0.0.1:0"]
    check_refused(1, ["handler", str(file)], "serve", *here, "--handler", str(file))
    # A library like any other, but no handler: it exports no brood_handle().
    check_refused(1, ["brood_handle"], "serve", *here, "--handler", str(BUILD / "libbrood.so"))
    check_refused(1, ["pid"], "serve", *here, "--text=a", "--pid-file", f"{scratch}/none/pid")
    check_refused(1, ["192.0.2.1:80", "assign"], "serve", "--text=a", "--listen", "192.0.2.1:80")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        holder = f"(pid {os.getpid()})"
        check_refused(1, [address, "already taken", holder], "serve", "--text=a", "--listen", address)
        check_refused(1, [address, "already taken", holder], "serve", "--text=a", *here, "--admin", address)
        port = address.split(":")[1]
        check_refused(1, [address, "already taken", holder], "serve", "--text=a", *here, "--admin", f":{port}")
        # The second address is as good a reason as the first.
        check_refused(1, [address, "already taken"], "serve", "--text=a", *here, "--listen", address)

# The admin address is one of the eight, and must be another than those that are served.
check_refused(1, ["127.0.0.1:0", "8 addresses are the most", "admin"], "serve", "--text=a", *here * 8, "--admin", ":0")
check_refused(1, ["127.0.0.1:24099", "overlaps with", ":24099"], "serve", "--text=a", "--listen", ":24099", "--admin", ":24099")
