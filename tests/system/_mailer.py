# SPDX-License-Identifier: MIT
"""What the plays of messages share: a pool of tests/tools/mailer, each of whose workers can be asked by its slot."""
import http.client
import json
import re

from _play import BUILD, Brood, check, children_of, wait_until

MAILER = str(BUILD / "tests/tools/mailer")


class Mailer(Brood):
    """workers() are the workers alone; with callbacks ("process", "inside") there are functions of brood_on()."""

    def __init__(self, engine, *options, callbacks=None, workers=3, **how):
        options = (*options, *(("--callbacks", callbacks) if callbacks else ()))
        self.connections = {}
        super().__init__(*options, engine=engine, workers=workers, what=(), program=MAILER, **how)

    def helper(self):
        """The process of the callbacks; None when there is none."""
        return next((pid for pid in children_of(self.pid) if self.comm(pid) == "brood:callbacks"), None)

    @staticmethod
    def comm(pid):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return None

    def pid_of(self, slot):
        return next((pid for pid in children_of(self.pid) if self.comm(pid) == f"brood:{slot}"), None)

    def ask(self, slot, path, timeout=20):
        """What the worker of that slot answers; asks until it is the one, by connections of its own."""
        kept = self.connections.pop(slot, None)
        if kept:
            try:
                return self.get(kept, path, slot)
            except (OSError, http.client.HTTPException):    # it has gone, and closed it
                kept.close()
        for _ in range(200):
            self.meet(timeout)
            if slot in self.connections:
                return self.get(self.connections.pop(slot), path, slot)
        check(False, f"slot {slot} never answers")
        return None

    def meet(self, timeout):
        """Several connections at once, so that more than one worker takes them; one of each slot is kept."""
        opened = [http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout) for _ in range(12)]
        try:
            for connection in opened:
                connection.request("GET", "/who")
            for connection in opened:
                slot = json.loads(connection.getresponse().read())["slot"]
                if slot not in self.connections:
                    self.connections[slot] = connection
        except (OSError, http.client.HTTPException):
            pass
        for connection in opened:
            if connection not in self.connections.values():
                connection.close()

    def get(self, connection, path, keep_as=None):
        connection.request("GET", path)
        body = json.loads(connection.getresponse().read())
        if keep_as is not None:
            self.connections[keep_as] = connection
        return body

    def meet_end(self, slot):
        """Has the worker of that slot crash, once; it answers no more."""
        while slot not in self.connections:
            self.meet(20)
        try:
            self.get(self.connections.pop(slot), "/crash")
            check(False, f"slot {slot} answers")
        except (OSError, http.client.HTTPException):
            pass

    def got(self, slot):
        return self.ask(slot, "/got")

    def await_got(self, slot, holds, what, seconds=10):
        return wait_until(lambda: (got := self.got(slot)) and holds(got) and got, seconds, f"slot {slot}: {what}")

    def events(self, *without):
        """(name, slot, fields) of each that was told."""
        found = []
        for line in self.lines(r"^event "):
            fields = dict(re.findall(r"(\w+)=(\S*)", line))
            if (name := line.split()[1]) not in without:
                found.append((name, int(fields["slot"]), fields))
        return found

    def told(self, slot=0):
        """What the callbacks have got, as they tell when they are asked by a worker."""
        n = len(self.lines(r"^got .*\}$"))
        self.ask(slot, "/text?to=parent&text=tell")
        return json.loads(self.wait_for_line(r"^got .*\}$", n=n + 1)[4:])
