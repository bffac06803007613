#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of the admin address in headless Chromium: live, within its policy, by keyboard, light and dark."""
# models: one
# waits: mostly
import base64
import itertools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from _admin import admin_option
from _play import BUILD, Brood, Checker, check, get, skip

BROWSERS = ("chromium-headless-shell", "chromium")


class Browser:
    """Chromium at the other end of a pipe: a question and its answer are JSON, ended by a zero byte."""

    def __init__(self, directory):
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if not program:
            skip("no Chromium: tools/deps page installs it")
        to_it, self.write_fd = os.pipe()
        self.read_fd, from_it = os.pipe()

        def plumb():
            inputs = os.dup(to_it), os.dup(from_it)
            os.dup2(inputs[0], 3)
            os.dup2(inputs[1], 4)

        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={directory}"]
        self.process = subprocess.Popen([program, *options], preexec_fn=plumb, close_fds=False, start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_it)
        os.close(from_it)
        self.numbers, self.rest, self.events, self.session = itertools.count(1), b"", [], None

    def receive(self, seconds):
        while b"\0" not in self.rest:
            if not select.select([self.read_fd], [], [], seconds)[0]:
                return None
            data = os.read(self.read_fd, 1 << 20)
            if not data:
                skip("Chromium does not run here")
            self.rest += data
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def ask(self, method, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        while (answer := self.receive(30)) and answer.get("id") != number:
            self.events.append(answer)
        check(answer and "error" not in answer, f"{method}: {answer}")
        return answer["result"]

    def open(self, url):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=url)

    def value(self, script):
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        check("exceptionDetails" not in answer, f"{script}: {answer}")
        return answer["result"].get("value")

    def wait_for(self, script, what, seconds=15):
        deadline = time.monotonic() + seconds
        while not (value := self.value(script)):
            check(time.monotonic() < deadline, f"{what}: {self.value('document.body.innerText')}")
            time.sleep(0.1)
        return value

    def press(self, key, code=0, text=""):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                     **({"text": text} if text and kind == "keyDown" else {}))

    def screenshot(self, path):
        png = base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])
        path.write_bytes(png)
        check(png.startswith(b"\x89PNG") and len(png) > 10000, f"{path} shows something: {len(png)} bytes")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def check_contrast(browser):
    """WCAG 2, level AA: 4.5 to 1 for text."""
    page = luminance(browser.value("getComputedStyle(document.body).backgroundColor"))
    for selector in ("body", "dt", "#state", "th", "a", "button"):
        text = luminance(browser.value(f"getComputedStyle(document.querySelector('{selector}')).color"))
        ratio = (max(page, text) + 0.05) / (min(page, text) + 0.05)
        check(ratio >= 4.5, f"{selector}: {ratio:.1f} to 1")


def number_of(browser, term):
    """What the list of the pool says to that."""
    script = f"[...document.querySelectorAll('#pool div')].find(d => d.children[0].textContent == '{term}')?.children[1].textContent"
    return int((browser.value(script) or "0").replace(",", ""))


def play(browser, brood, port):
    browser.open(f"http://127.0.0.1:{port}/")
    browser.wait_for("document.getElementById('state')?.textContent == 'ready'", "ready")
    checker = Checker(brood.port, "keepalive", 8, path="/", rate=50)
    rows = browser.wait_for("document.querySelectorAll('#workers tr').length == 3 && "
                            "[...document.querySelectorAll('#workers tr')].map(r => r.innerText)", "a row a worker")
    check(all("ready" in row for row in rows), rows)
    browser.wait_for("Number(document.getElementById('latency').children[0].textContent.replace(',', '')) > 20", "a rate")
    check(re.search(r"[µm]s", browser.value("document.getElementById('latency').innerText")), "and times")
    before = number_of(browser, "requests")
    time.sleep(2.5)
    check(number_of(browser, "requests") > before > 0, "it goes on by itself")
    check(number_of(browser, "connections") == 8, "connections")
    check("tasks done" in browser.value("document.getElementById('pool').innerText"), "there are task processes")
    check("state read" not in browser.value("document.getElementById('pool').innerText"), "what nobody uses is not there")
    for target in ("/task?ms=1", "/count"):
        get(brood.port, target)
    browser.wait_for("/state read, written\\s+\\d, 1\\b/.test(document.getElementById('pool').innerText)", "the state is used")
    check(number_of(browser, "tasks done") == 1, "a task was run")
    checker.finish().expect_nothing_lost()


def use_keyboard(browser):
    order = []
    for _ in range(6):
        browser.press("Tab", 9)
        order.append(browser.value("(e => e.id || e.getAttribute('href') || e.className)(document.activeElement)"))
        outline = browser.value("getComputedStyle(document.activeElement).outlineStyle")
        check(outline == "solid", f"{order[-1]}: the focus is seen: {outline}")
    check(order == ["pause", "wide", "/metrics", "/status.json", "/ready", "/live"], order)
    browser.value("document.getElementById('pause').focus()")
    browser.press("Enter", 13, "\r")
    check(browser.value("document.getElementById('pause').getAttribute('aria-pressed')") == "true", "paused by key")
    time.sleep(1)
    before = browser.value("document.getElementById('pool').innerText")
    time.sleep(2)
    check(browser.value("document.getElementById('pool').innerText") == before, "it stands still")
    browser.press("Enter", 13, "\r")


def expect_marks(browser):
    """What a reader of the screen is told."""
    check(browser.value("document.documentElement.lang") == "en" and browser.value("document.title"), "language, title")
    check(browser.value("document.getElementById('state').getAttribute('aria-live')") == "polite", "changes are told")
    check(browser.value("[...document.querySelectorAll('thead th')].every(h => h.scope == 'col')"), "columns have heads")
    check(browser.value("[...document.querySelectorAll('#workers th')].every(h => h.scope == 'row')"), "rows have heads")


def expect_policy_kept(browser, port):
    browser.ask("Page.getLayoutMetrics")
    events = browser.events
    told = [event["params"]["entry"]["text"] for event in events if event["method"] == "Log.entryAdded"]
    check(not [text for text in told if "favicon" not in text and "404" not in text], told)
    check(not [event for event in events if event["method"] == "Runtime.exceptionThrown"], "no error of a script")
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    check(all(url.startswith(f"http://127.0.0.1:{port}/") for url in asked) and len(asked) >= 5, asked)


def look(browser, scheme):
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    time.sleep(0.5)
    check((luminance(browser.value("getComputedStyle(document.body).backgroundColor")) < 0.1) == (scheme == "dark"), scheme)
    check_contrast(browser)
    browser.screenshot(BUILD / f"page-{scheme}.png")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
    browser = Browser(scratch)
    try:
        admin_port, option = admin_option()
        with Brood(*option, "--tasks", 2, workers=3) as brood:
            play(browser, brood, admin_port)
            use_keyboard(browser)
            expect_marks(browser)
            for scheme in ("light", "dark"):
                look(browser, scheme)
            expect_policy_kept(browser, admin_port)
            brood.stop()
            browser.wait_for("document.getElementById('state').textContent.startsWith('no answer')", "it says that nobody answers")
    finally:
        browser.stop()
