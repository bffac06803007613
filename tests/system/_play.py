# SPDX-License-Identifier: MIT
"""What the plays share: a brood on a free port, its log, its processes; clients; what a play says.

$BROOD is the program, $BUILD the folder it was built in, $ENGINES the engines to play on ("uring epoll"),
$MODEL the accept model ("reuseport").
"""
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).resolve()
BROOD = os.path.abspath(os.environ.get("BROOD", BUILD / "brood"))
NOBODY = 65534
MODEL = os.environ.get("MODEL", "reuseport")
IS_SANITIZED = BUILD.name == "san"

# Plays of root become nobody, who cannot reach what was built in root's own home: then from a copy.
if os.geteuid() == 0 and not all(folder.stat().st_mode & 1 for folder in (BUILD, *BUILD.parents)):
    _copy = tempfile.TemporaryDirectory(prefix="brood-build-")
    os.chmod(_copy.name, 0o755)
    for folder in ("examples", "tests/tools"):
        shutil.copytree(BUILD / folder, pathlib.Path(_copy.name, folder))
    BROOD = shutil.copy2(BROOD, _copy.name)
    BUILD = pathlib.Path(_copy.name)
DEMO = str(BUILD / "examples/demo.so")
SLOW = 4 if IS_SANITIZED else 1     # for bounds on time that are not the point of a play
PATIENCE = 3 * SLOW                 # with what has to come: others may have the machine; nothing waits longer where it comes

_running = []


# ---- what a play says

def skip(reason):
    print(reason)
    sys.exit(77)


def fail(text):
    print("FAILED:", text)
    for brood in _running:
        print(f"--- log of {brood.name}\n{brood.log()[-6000:]}")
    sys.exit(1)


def check(holds, text):
    if not holds:
        fail(text)


def wait_until(holds, seconds, what):
    """The first true value of holds(), which has to come within seconds."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := holds()):
        if time.monotonic() > deadline:
            fail(f"not within {seconds * PATIENCE} s: {what}")
        time.sleep(0.005)
    return value


def need_root():
    if os.geteuid() != 0:
        skip("needs root")


def io_uring_works():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(425, 0, None)      # io_uring_setup
    return ctypes.get_errno() not in (1, 38)


def engines():
    wanted = os.environ.get("ENGINES", "uring epoll").split()
    return [engine for engine in wanted if engine != "uring" or io_uring_works()]


# ---- processes

def children_of(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [child for child in map(int, text.split()) if is_alive(child)]


def is_alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def descriptors_of(pid):
    """What each descriptor of a process is, the numbers of sockets and pipes left out."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = re.sub(r":\[\d+\]", "", os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            pass
    return found


def descriptors_at_rest(pid, looks=10):
    """The same once it stays so: some are open for a moment when a pool has just become ready."""
    found, same = descriptors_of(pid), 0

    def stays():
        nonlocal found, same
        time.sleep(0.02)
        now = descriptors_of(pid)
        found, same = now, same + 1 if now == found else 0
        return same == looks

    wait_until(stays, 10, "no descriptor comes or goes")
    return found


def replace_file(path, text, mode=0o644):
    """A new file under the old name: what runs, or is mapped, stays as it is."""
    draft = pathlib.Path(f"{path}.draft")
    draft.write_text(text)
    draft.chmod(mode)
    draft.rename(path)


def stop_process(pid):
    """SIGSTOP, and it stands still."""
    os.kill(pid, signal.SIGSTOP)
    state = pathlib.Path(f"/proc/{pid}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", 5, f"{pid} stopped")


def connections_on(port):
    """The client's port of each open connection, by the inode of the server's end, 0 while it is queued.

    By inet_diag, because /proc/net/tcp lists every TIME_WAIT.
    """
    established, close_wait = 1 << 1, 1 << 8
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diag:
        request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, established | close_wait)
        request += struct.pack("!H", port) + bytes(46)
        diag.send(struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) + request)     # a dump
        while True:
            part = diag.recv(65536)
            while part:
                length, kind = struct.unpack_from("=IH", part)
                if kind == 3:       # done
                    return found
                check(kind == 20, f"inet_diag answers with {kind}")
                found.append((struct.unpack_from("=I", part, 16 + 68)[0], struct.unpack_from("!H", part, 16 + 6)[0]))
                part = part[(length + 3) & ~3:]


def clients_of(pid, port):
    """The clients' ports of the connections on this port that a process has open."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{name}")):
                inodes.add(int(found[1]))
        except OSError:         # closed meanwhile
            pass
    return {client for inode, client in connections_on(port) if inode in inodes}


def memory_of(pid, key):
    """A field of smaps_rollup, in KiB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{key}: *(\d+) kB", text, re.M)[1])


def drop_to(uid):
    def drop():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    return drop


class Orphan:
    """A process whose parent, not we, has started it and has left it to us; as much of a Popen as a Brood needs."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
            except ChildProcessError:       # its parent is still there, or has reaped it before it left itself
                if not os.path.exists(f"/proc/{self.pid}"):
                    self.returncode = 0
        return self.returncode

    def wait(self, seconds=10):
        deadline = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"pid {self.pid}", seconds)
            time.sleep(0.002)
        return self.returncode

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


def adopt_orphans():
    check(ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0) == 0, "prctl(PR_SET_CHILD_SUBREAPER)")


# ---- the pool

_given_ports = set()    # nobody listens on them yet, perhaps


def free_port():
    low, high = map(int, os.environ.get("PORTS", "27000-27099").split("-"))
    for port in sorted(random.sample(range(low, high + 1), high - low + 1), key=_given_ports.__contains__):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                _given_ports.add(port)
                return port
            except OSError:
                continue
    fail("no free port")


class Brood:
    """`brood serve` of the demo handler; with ready=False it is only started, with control it has a control socket."""

    def __init__(self, *options, engine=None, workers=2, what=("--handler", DEMO), ready=True, port=None,
                 prefix=(), control=False, program=BROOD, verb="serve", model=MODEL, addresses=True, **popen):
        self.port = port or free_port()
        self.directory = tempfile.TemporaryDirectory(prefix="brood-play-")
        os.chmod(self.directory.name, 0o755)
        command = [*prefix, program, verb]
        command += ["--listen", f"127.0.0.1:{self.port}"] if addresses else []
        command += ["--workers", str(workers)] if workers else []
        command += ["--model", model]
        command += ["--engine", engine] if engine else []
        run = os.path.join(self.directory.name, "run")
        os.mkdir(run)
        os.chmod(run, 0o1777)       # a pool of nobody's makes its socket there, too
        self.control = os.path.join(run, "control")
        command += ["--control", self.control] if control else []
        self.name = " ".join(map(str, [model, engine or "auto", *options]))
        self.log_path = os.path.join(self.directory.name, "log")
        with open(self.log_path, "wb") as log:
            popen.setdefault("stderr", log)
            popen.setdefault("stdin", subprocess.DEVNULL)
            popen.setdefault("stdout", log)
            popen.setdefault("cwd", self.directory.name)
            popen.setdefault("env", {**os.environ, "BROOD_CONTROL": "off"})
            self.process = subprocess.Popen([*command, *map(str, options), *what], **popen)
        self.pid = self.process.pid
        self.seen_workers = set()
        _running.append(self)
        if ready:
            self.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for pid in {*self.seen_workers, *children_of(self.pid)}:
            if is_alive(pid) and self.owns(pid):
                os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        _running.remove(self)
        self.directory.cleanup()

    def owns(self, pid):
        try:
            return str(self.port).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_for_line(self, pattern, seconds=10, n=1):
        return wait_until(lambda: len(found := self.lines(pattern)) >= n and found[n - 1], seconds, f"log: {pattern}")

    def wait_ready(self):
        wait_until(lambda: self.lines(r"\bready: \d+ worker") or self.process.poll() is not None, 15, "ready")
        check(self.process.poll() is None, f"{self.name}: ended with {self.process.poll()} instead of getting ready")
        self.workers()

    def workers(self):
        found = children_of(self.pid)
        self.seen_workers.update(found)
        return found

    def kill(self, number):
        os.kill(self.pid, number)

    def wait_exit(self, code, seconds):
        """Ends with this code within seconds, and leaves no process behind. Returns how long it took."""
        began = time.monotonic()
        self.workers()
        try:
            found = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            fail(f"{self.name}: still there after {seconds * PATIENCE} s")
        took = time.monotonic() - began
        check(found == code, f"{self.name}: ended with {found}, not with {code}")
        left = [pid for pid in self.seen_workers if is_alive(pid) and self.owns(pid)]
        check(not left, f"{self.name}: left behind: {left}")
        return took

    def stop(self, number=signal.SIGTERM, code=0, within=5):
        self.kill(number)
        return self.wait_exit(code, within)

    def ctl(self, *words, code=0, **run):
        """`brood ctl` of these words; what it says, on stdout or, when it has failed, on stderr."""
        result = subprocess.run([BROOD, "ctl", "--control", self.control, *map(str, words)], text=True, timeout=60,
                                capture_output=True, check=False, **run)
        check(result.returncode == code, f"ctl {words}: {result.returncode}, {result.stdout}{result.stderr}")
        check(not (result.stdout if code else result.stderr) or "--wait" in words, f"ctl {words}: {result}")
        return result.stderr if code else result.stdout

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def task_pids(self):
        """Of those that are there just now; by the control socket."""
        return [slot["process"]["pid"] for slot in self.status()["tasks"]["slots"] if slot["process"]]

    def connect_control(self, timeout=5):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.control)     # waits while the queue is full
        s.settimeout(timeout)
        return s

    def follow(self):
        """To the parent that has taken over, if one has: of that one we speak from here on. Returns the old one."""
        lines = self.lines("upgraded: pid")
        pid = int(re.search(r"pid (\d+)", lines[-1])[1]) if lines else self.pid
        if pid == self.pid:
            return None
        old, self.process, self.pid = self.process, Orphan(pid), pid
        return old

    def upgrade(self, within=15):
        """USR2, and follow; the old parent ends with code 0."""
        adopt_orphans()
        n_ready = len(self.lines(r"\bready: \d+ worker"))
        self.kill(signal.SIGUSR2)
        old = wait_until(self.follow, within, "log: upgraded")
        self.wait_for_line(r"\bready: \d+ worker", within, n_ready + 1)
        try:
            check(old.wait(within * PATIENCE) == 0, f"{self.name}: the old parent ended with {old.returncode}")
        except subprocess.TimeoutExpired:
            fail(f"{self.name}: the old parent is still there after {within * PATIENCE} s")
        self.workers()

    def get(self, target, **options):
        return get(self.port, target, **options)

    def whoami(self):
        return json.loads(self.get("/whoami").body)

    def connect_to(self, pid):
        """A connection that this worker has accepted: try, and keep the others, so that it has the fewest."""
        others = []
        try:
            for _ in range(400):
                client = Client(self.port)
                if json.loads(client.get("/whoami").body)["pid"] == pid:
                    return client
                others.append(client)
        finally:
            for other in others:
                other.close()
        fail(f"no connection to worker {pid} in 400")


# ---- clients

class Response:
    def __init__(self, status, fields, body, raw):
        self.status, self.fields, self.body, self.raw = status, fields, body, raw

    def __getitem__(self, name):
        return self.fields.get(name.lower())


class Client:
    """One connection; reads what the framing says and keeps what follows it."""

    def __init__(self, port, timeout=10, receive_bytes=None):
        self.s = socket.socket()
        if receive_bytes:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.s.settimeout(timeout)
        self.s.connect(("127.0.0.1", port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.s.close()

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def _more(self):
        data = self.s.recv(65536)
        if not data:
            raise EOFError(f"ended after {self.buffer[:200]!r}")
        self.buffer += data

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _exactly(self, n):
        while len(self.buffer) < n:
            self._more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def _chunks(self):
        body = b""
        while n := int(self._line().split(b";")[0], 16):
            body += self._exactly(n)
            check(self._exactly(2) == b"\r\n", "a chunk ends with CRLF")
        while self._line():
            pass
        return body

    def response(self, method="GET"):
        line = self._line()
        check(re.fullmatch(rb"HTTP/1\.1 \d{3} [ -~]+", line), f"a status line: {line!r}")
        status, fields, raw = int(line[9:12]), {}, [line]
        while field := self._line():
            raw.append(field)
            name, _, value = field.decode().partition(": ")
            fields[name.lower()] = value
        body = b""
        if method != "HEAD" and status >= 200 and status not in (204, 304):
            if fields.get("transfer-encoding") == "chunked":
                body = self._chunks()
            elif "content-length" in fields:
                body = self._exactly(int(fields["content-length"]))
            else:
                body = self.rest()
        return Response(status, fields, body, b"\r\n".join(raw) + b"\r\n\r\n" + body)

    def rest(self):
        """Everything until the end of the connection; a reset is an exception."""
        try:
            while True:
                self._more()
        except EOFError:
            data, self.buffer = self.buffer, b""
            return data

    def get(self, target, fields="", method="GET"):
        self.send(f"{method} {target} HTTP/1.1\r\nHost: play\r\n{fields}\r\n")
        return self.response(method)

    def ended(self, seconds):
        """Does the server end this connection, orderly and without a further byte, within seconds?"""
        self.s.settimeout(seconds)
        try:
            return self.s.recv(1) == b""
        except TimeoutError:
            return False


def get(port, target, fields="", timeout=10, method="GET"):
    with Client(port, timeout) as client:
        return client.get(target, fields + "Connection: close\r\n", method)


class Checker:
    """tests/tools/checker.c at work; lost() is what it sent and nobody answered."""

    def __init__(self, port, mode="keepalive", connections=16, seconds=60, path="/echo", rate=0,
                 foreign=False):
        command = [BUILD / "tests/tools/checker", "--port", port, "--mode", mode, "--connections", connections,
                   "--seconds", seconds, "--path", path] + (["--rate", rate] if rate else [])
        command += ["--foreign"] if foreign else []
        self.mode, self.counts = f"{mode} {path}", None
        self.n_kept = 0 if mode == "close" else connections
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __getitem__(self, name):
        return self.counts[name]

    def finish(self, told=True):
        if told:
            self.process.terminate()
        output, complaints = self.process.communicate(timeout=90)
        check(self.process.returncode == 0, f"the checker ended with {self.process.returncode}: {complaints.decode()}")
        self.counts = json.loads(output)
        self.complaints = complaints.decode()
        print(f"  {self.mode}:", ", ".join(f"{name} {n}" for name, n in self.counts.items() if n))
        return self

    def lost(self):
        return sum(self[name] for name in ("lost_reset", "lost_eof", "cut_short", "stalled"))

    def expect_nothing_lost(self):
        faults = {name: self[name] for name in ("lost_reset", "lost_eof", "cut_short", "stalled", "wrong", "raced",
                                                "reset_idle") if self[name]}
        check(not faults, f"{self.mode}: {faults}\n{self.complaints}")
        check(self["answered"] > 0, f"{self.mode}: nothing was answered")

    def expect_nothing_noticed(self):
        """What is kept alive was closed by nobody but its client."""
        self.expect_nothing_lost()
        check(self["refused"] == 0, "and nobody was refused")
        check(self.n_kept in (0, self["connections"]), f"{self.mode}: {self['connections']} connections of {self.n_kept}")
