#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A worker of `brood run` that says by BROOD_CHANNEL_FD what it is told to by HTTP, and prints what it hears."""
import http.server
import json
import os
import signal
import socket
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/clients"))
import brood        # noqa: E402

channel = brood.Channel()


def hear():
    for event in channel:
        text = None
        if event.handle is not None:
            text = os.read(event.handle, 100).decode()
            os.close(event.handle)
        sys.stdout.write(f"slot {channel.slot} hears {json.dumps({**event, 'text': text}, sort_keys=True)}\n")
        sys.stdout.flush()


def send(query):
    handle = None
    if query.get("handle"):
        handle, end = os.pipe()
        os.write(end, b"from a pipe")
        os.close(end)
    for _ in range(int(query.get("n", "1"))):
        message = "x" * int(query["large"]) if "large" in query else json.loads(query["message"])
        channel.send(json.loads(query["to"]), message, handle=handle)
    if handle is not None:
        os.close(handle)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path == "/send":
            send(query)
        if path == "/garbage":
            os.write(channel.fileno(), b"\xff\xff\xff\xff no frame")
        body = json.dumps({"slot": channel.slot, "id": channel.id}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if path == "/retire":
            channel.retire("asked to")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.server_activate()
signal.signal(signal.SIGTERM, lambda *_: threading.Timer(0.3, os._exit, (0,)).start())      # it hears that first
threading.Thread(target=hear, daemon=True).start()
server.serve_forever()
