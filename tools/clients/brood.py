# SPDX-License-Identifier: MIT
"""Messages between the workers of `brood run`, for programs in Python; needs nothing but Python 3.9.

    import brood
    channel = brood.Channel()
    channel.send({"slot": 1}, {"any": "JSON"})          # or {"id": 3}, "parent", "all", "others"
    for event in channel:                               # or channel.receive(timeout=0.5)
        print(event["event"], event.get("message"), event.handle)

fileno() is there for select and asyncio (loop.add_reader); then call receive(timeout=0) until it says None.
Events are dicts: hello, message, returned, suicide, disconnect; what is in them is told in brood_message(3).
"""
import errno
import json
import os
import select
import socket
import struct
import threading

FRAME_MOST = 1 << 20


class Event(dict):
    """What came; .handle is a descriptor that came with it, the caller's to close, or None."""
    handle = None


class Channel:
    """The channel of this program; slot, generation and id are its own."""

    def __init__(self, fd=None):
        if fd is None:
            if "BROOD_CHANNEL_FD" not in os.environ:
                raise RuntimeError("BROOD_CHANNEL_FD is not set: this is no worker of brood run")
            fd = int(os.environ["BROOD_CHANNEL_FD"])
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(True)
        self._lock = threading.Lock()
        self._bytes = bytearray()
        self._handles = []
        self._waiting = []
        self._n_sent = 0
        self._put({"do": "hello"})
        hello = self._next(None)
        self.id, self.slot, self.generation = hello["id"], hello["slot"], hello["generation"]

    def fileno(self):
        return self._socket.fileno()

    def send(self, to, message, handle=None):
        """Sends; waits where there is no room. The number of the message, which "returned" speaks of."""
        frame = {"do": "send", "to": to, "message": message}
        if handle is not None:
            frame["handle"] = True
        with self._lock:
            self._put(frame, handle)
            self._n_sent += 1
            return self._n_sent

    def retire(self, reason="asked to"):
        """This worker is to be replaced."""
        with self._lock:
            self._put({"do": "retire", "reason": reason})

    def receive(self, timeout=None):
        """The next event; None when nothing came in time. EOFError: the channel has ended."""
        return self._next(timeout)

    def __iter__(self):
        while True:
            try:
                yield self.receive()
            except EOFError:
                return

    def close(self):
        for handle in self._handles:
            os.close(handle)
        self._handles = []
        self._socket.close()

    def _put(self, frame, handle=None):
        text = json.dumps(frame, separators=(",", ":")).encode()
        if len(text) > FRAME_MOST:
            raise OSError(errno.EMSGSIZE, "a frame has at most 1 MiB")
        data = struct.pack(">I", len(text)) + text
        if handle is not None:
            handle = handle if isinstance(handle, int) else handle.fileno()
            n = socket.send_fds(self._socket, [data], [handle])
            data = data[n:]
        self._socket.sendall(data)

    def _next(self, timeout):
        while not self._waiting:
            if not select.select([self._socket], [], [], timeout)[0]:
                return None
            self._fill()
        return self._waiting.pop(0)

    def _fill(self):
        data, handles, _, _ = socket.recv_fds(self._socket, 65536, 16)
        for handle in handles:
            os.set_inheritable(handle, False)
        self._handles += handles
        if not data:
            raise EOFError("the channel has ended")
        self._bytes += data
        while len(self._bytes) >= 4:
            length = struct.unpack_from(">I", self._bytes)[0]
            if len(self._bytes) < 4 + length:
                break
            event = Event(json.loads(self._bytes[4:4 + length]))
            del self._bytes[:4 + length]
            if event.get("handle") and self._handles:
                event.handle = self._handles.pop(0)
            self._waiting.append(event)
