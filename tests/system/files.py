#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# waits: mostly
"""Files are served: what is there, as it is now, and nothing that is not beneath the root."""
import gzip
import hashlib
import os
import random
import socket
import stat
import statistics
import subprocess
import tempfile
import time
import unittest

import _play
from _play import BROOD, IS_SANITIZED, Brood, children_of, engines

SECRET = b"outside of the root"
NOBODY = {"user": _play.NOBODY, "group": _play.NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


class Client(_play.Client):
    def ask(self, method, target, fields=None, body=b""):
        self.begin(method, target, fields, body)
        return self.response(method)

    def begin(self, method, target, fields=None, body=b""):
        lines = [f"{method} {target} HTTP/1.1", "Host: a", *(f"{k}: {v}" for k, v in (fields or {}).items())]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def length(self):
        """Reads the head of a response. Return: the length of what follows."""
        length = None
        while line := self._line():
            if line.lower().startswith(b"content-length: "):
                length = int(line[16:])
        return length


def put(root, name, data, mtime=None):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def build_tree(base):
    old = time.time() - 1000
    root = os.path.join(base, "root")
    os.mkdir(root)
    os.chmod(base, 0o755)
    put(base, "secret.txt", SECRET)
    put(base, "root-secret/secret.txt", SECRET)
    put(root, "index.html", b"<p>home\n", old)
    put(root, "a.txt", b"small\n" * 100, old)
    put(root, "empty.css", b"", old)
    put(root, "mid.bin", random.Random(1).randbytes(50000), old)
    put(root, "edge.bin", random.Random(2).randbytes(65536), old)
    put(root, "big.bin", random.Random(3).randbytes(5_000_001), old)
    put(root, "name with % and ü.txt", b"odd\n", old)
    put(root, ".hidden", SECRET, old)
    put(root, ".git/config", SECRET, old)
    put(root, ".well-known/security.txt", b"well known\n", old)
    put(root, ".well-known/.hidden", SECRET, old)
    put(root, "sub/index.html", b"<p>sub\n", old)
    put(root, "bare/file.txt", b"in bare\n", old)
    put(root, "bare/<b>&\"'.txt", b"angle\n", old)
    put(root, "bare/javascript:alert(1)", b"colon\n", old)
    put(root, "bare/.dot", SECRET, old)
    put(root, "bare/zdir/x", b"x", old)
    put(root, "odd/index.html/x", b"x", old)
    text = b"body { color: red }\n" * 200
    put(root, "site.css", text, old)
    put(root, "site.css.br", b"not really brotli", old + 1)
    put(root, "site.css.gz", gzip.compress(text), old)
    put(root, "stale.js", b"new", old)
    put(root, "stale.js.gz", gzip.compress(b"old"), old - 10)
    put(root, "unreadable.txt", SECRET, old)
    os.chmod(os.path.join(root, "unreadable.txt"), 0)
    put(root, "closed/x.txt", SECRET, old)
    os.chmod(os.path.join(root, "closed"), 0)
    os.symlink("a.txt", os.path.join(root, "link-in.txt"))
    os.symlink("../bare/file.txt", os.path.join(root, "sub", "link-up.txt"))
    os.symlink("../secret.txt", os.path.join(root, "link-out.txt"))
    os.symlink(os.path.join(base, "secret.txt"), os.path.join(root, "link-absolute.txt"))
    os.symlink("..", os.path.join(root, "link-parent"))
    os.symlink("loop", os.path.join(root, "loop"))
    os.symlink("/proc/self/root", os.path.join(root, "link-magic"))
    os.mkfifo(os.path.join(root, "fifo"))
    os.chmod(os.path.join(root, "fifo"), 0o666)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.join(root, "socket"))
    return root


class Plays:
    """What holds on either engine; the classes at the end say which."""
    engine = None

    @classmethod
    def setUpClass(cls):
        if cls.engine not in engines():
            raise unittest.SkipTest(f"{cls.engine} does not work here")
        cls.base = tempfile.TemporaryDirectory(prefix="brood-files-")
        cls.root = build_tree(cls.base.name)
        if NOBODY:
            for path in (cls.root, *(os.path.join(cls.root, d) for d in os.listdir(cls.root))):
                if stat.S_ISDIR(os.lstat(path).st_mode) and not path.endswith("closed"):
                    os.chmod(path, 0o755)
        cls.brood = Brood(engine=cls.engine, workers=1, what=(cls.root,), **NOBODY)

    @classmethod
    def tearDownClass(cls):
        with cls.brood:
            cls.brood.stop()
        os.chmod(os.path.join(cls.root, "closed"), 0o755)
        cls.base.cleanup()

    def setUp(self):
        self.client = Client(self.brood.port)

    def tearDown(self):
        self.client.close()

    def get(self, target, method="GET", **fields):
        return self.client.ask(method, target, {k.replace("_", "-"): v for k, v in fields.items()})

    def worker(self):
        worker = (children_of(self.brood.pid) or [self.brood.pid])[0]
        if not os.access(f"/proc/{worker}/fd", os.R_OK):
            self.skipTest("the worker's descriptors cannot be counted")
        return worker

    def content(self, name):
        with open(os.path.join(self.root, name), "rb") as f:
            return f.read()

    # ---- the whole file ----

    def test_a_file_is_served_whole_from_disk_and_from_the_cache(self):
        for name in ("a.txt", "empty.css", "mid.bin", "edge.bin", "big.bin", "link-in.txt", "sub/link-up.txt"):
            for _ in range(3):
                r = self.get("/" + name)
                self.assertEqual((r.status, r["content-length"]), (200, str(len(r.body))), name)
                self.assertTrue(r.body == self.content(name), name)
                self.assertEqual(r["accept-ranges"], "bytes")

    def test_the_type_comes_from_the_extension(self):
        for target, kind in (("/", "text/html; charset=utf-8"), ("/a.txt", "text/plain; charset=utf-8"),
                             ("/empty.css", "text/css; charset=utf-8"), ("/fifo", "text/plain"),
                             ("/mid.bin", "application/octet-stream")):
            self.assertEqual(self.get(target)["content-type"], kind, target)

    def test_head_has_the_fields_of_get_and_no_body(self):
        for target in ("/", "/a.txt", "/mid.bin", "/big.bin", "/nope", "/sub", "/bare/"):
            get, head = self.get(target), self.get(target, "HEAD")
            get.fields.pop("date"), head.fields.pop("date")
            self.assertEqual((get.status, get.fields), (head.status, head.fields), target)

    def test_other_methods_are_405_and_options_says_which_are_not(self):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            r = self.client.ask(method, "/a.txt", {"Content-Length": "3"}, b"abc")
            self.assertEqual((r.status, r["allow"]), (405, "GET, HEAD, OPTIONS"))
        for target in ("/a.txt", "/nope", "*"):
            r = self.get(target, "OPTIONS")
            self.assertEqual((r.status, r["allow"], r["content-length"]), (204, "GET, HEAD, OPTIONS", None))

    def test_names_are_decoded(self):
        for target in ("/name%20with%20%25%20and%20%C3%BC.txt", "/name%20with%20%25%20and%20%c3%bc.t%78t"):
            for _ in range(2):
                self.assertEqual(self.get(target).body, b"odd\n")
        for target in ("//a.txt", "/./a.txt", "/sub/../a.txt", "/%61.txt", "/a.txt?x=/../y"):
            self.assertEqual(self.get(target).status, 200, target)

    # ---- what is not served ----

    def test_nothing_outside_of_the_root_is_served(self):
        for target in ("/../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt", "/sub/../../secret.txt",
                       "/..%2fsecret.txt", "/..%5csecret.txt", "/sub/%2e%2e/%2e%2e/secret.txt",
                       "/..%2f..%2fetc/passwd", "//etc/passwd", "///etc/passwd", "/%2fetc/passwd",
                       "/link-out.txt", "/link-absolute.txt", "/link-parent/secret.txt",
                       "/link-parent/root/a.txt", "/link-magic/etc/passwd", "/../root-secret/secret.txt",
                       "/loop", "/loop/x", "/a.txt%00.html", "/%00", "/a.txt/", "/a.txt/x", "/a.txt/../x",
                       "/%", "/%4", "/%zz", "/sub%2findex.html", "/nope", "/nope/"):
            client = Client(self.brood.port)
            r = client.ask("GET", target)
            client.close()
            self.assertIn(r.status, (400, 403, 404), target)
            self.assertNotIn(SECRET, r.body, target)
            self.assertNotIn(b"root:", r.body, target)

    def test_dotfiles_are_not_there_but_well_known_is(self):
        for target in ("/.hidden", "/.git/config", "/%2ehidden", "/.git/", "/.git", "/sub/..hidden", "/...",
                       "/.well-known/.hidden", "/.well-knownx/a", "/sub/.well-known/x"):
            self.assertEqual(self.get(target).status, 404, target)
        self.assertEqual(self.get("/.well-known/security.txt").body, b"well known\n")

    def test_what_is_no_file_neither_blocks_nor_is_served(self):
        start = time.monotonic()
        for target in ("/fifo", "/socket", "/odd/"):
            self.assertEqual(self.get(target).status, 403, target)
        self.assertLess(time.monotonic() - start, 1)

    def test_what_may_not_be_read_is_403(self):
        if os.geteuid() == 0 and not NOBODY:
            self.skipTest("root reads everything")
        for target in ("/unreadable.txt", "/closed/x.txt", "/closed/"):
            self.assertEqual(self.get(target).status, 403, target)

    def test_names_too_long_for_the_kernel_are_414(self):
        self.assertEqual(self.get("/" + "x" * 300).status, 414)
        self.assertEqual(self.get("/" + "x/" * 2500).status, 414)

    # ---- directories ----

    def test_a_directory_without_its_slash_is_redirected_within_this_host(self):
        for target, location in (("/sub", "/sub/"), ("/sub?a=b&c", "/sub/?a=b&c"), ("//sub", "/sub/"),
                                 ("///sub?x", "/sub/?x"), ("/%73ub", "/sub/"), ("/./sub", "/sub/"),
                                 ("/bare/zdir", "/bare/zdir/")):
            r = self.get(target)
            self.assertEqual((r.status, r["location"]), (301, location), target)

    def test_a_redirect_cannot_name_another_host(self):
        os.makedirs(os.path.join(self.root, "\\evil.example"), exist_ok=True)
        for target in ("/%5Cevil.example", "/\\evil.example", "//%5cevil.example"):
            r = self.get(target)
            if r.status == 301:
                self.assertEqual(r["location"], "/%5Cevil.example/", target)
            else:
                self.assertEqual(r.status, 400, target)

    def test_a_directory_shows_its_index_or_nothing(self):
        self.assertEqual(self.get("/sub/").body, b"<p>sub\n")
        self.assertEqual(self.get("/").body, b"<p>home\n")
        self.assertEqual(self.get("/bare/").status, 403)

    def test_a_listing_when_asked_for(self):
        brood = self.enterContext(Brood("--listing", engine=self.engine, workers=1, what=(self.root,), **NOBODY))
        client = self.enterContext(Client(brood.port))
        page = client.ask("GET", "/bare/")
        self.assertEqual((page.status, page["content-type"]), (200, "text/html; charset=utf-8"))
        links = [part.split('"')[0] for part in page.body.decode().split('href="')[1:]]
        self.assertEqual(links, ["../", "zdir/", "%3Cb%3E%26%22%27.txt", "file.txt", "javascript%3Aalert%281%29"])
        self.assertIn(b"&lt;b&gt;&amp;&quot;&#39;.txt</a>", page.body)
        self.assertNotIn(b"<b>", page.body)
        self.assertEqual(client.ask("GET", "/bare/" + links[2]).body, b"angle\n")
        self.assertEqual(client.ask("GET", "/sub/").body, b"<p>sub\n")
        self.assertEqual(client.ask("GET", "/nope/").status, 404)
        brood.stop()

    # ---- conditions and ranges ----

    def test_what_the_client_has_is_not_sent_again(self):
        for target in ("/a.txt", "/mid.bin", "/big.bin", "/site.css"):
            full = self.get(target)
            for fields in ({"If-None-Match": full["etag"]}, {"If-None-Match": "W/" + full["etag"]},
                           {"If-None-Match": '"x", ' + full["etag"]}, {"If-None-Match": "*"},
                           {"If-Modified-Since": full["last-modified"]}):
                for method in ("GET", "HEAD"):
                    r = self.client.ask(method, target, fields)
                    self.assertEqual((r.status, r["etag"], r["vary"]), (304, full["etag"], full["vary"]))
                    self.assertIsNotNone(r["date"])
            for fields in ({"If-None-Match": '"x"'}, {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
                           {"If-None-Match": '"x"', "If-Modified-Since": full["last-modified"]}):
                self.assertEqual(self.client.ask("GET", target, fields).body, full.body)

    def test_a_wrong_precondition_is_412(self):
        etag = self.get("/a.txt")["etag"]
        self.assertEqual(self.client.ask("GET", "/a.txt", {"If-Match": '"x"'}).status, 412)
        self.assertEqual(self.client.ask("GET", "/a.txt", {"If-Match": etag}).status, 200)
        early = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}
        self.assertEqual(self.client.ask("GET", "/a.txt", early).status, 412)

    def test_one_range(self):
        for name in ("a.txt", "mid.bin", "big.bin"):
            data = self.content(name)
            n = len(data)
            for spec, first, last in (("0-0", 0, 0), ("5-99", 5, 99), (f"{n - 1}-", n - 1, n - 1),
                                      ("-7", n - 7, n - 1), ("100-99999999999", 100, n - 1), ("0-", 0, n - 1)):
                r = self.get("/" + name, Range="bytes=" + spec)
                self.assertEqual((r.status, r["content-range"]), (206, f"bytes {first}-{last}/{n}"), spec)
                self.assertTrue(r.body == data[first:last + 1], (name, spec))

    def test_a_range_that_cannot_be_is_416_and_a_wrong_one_ignored(self):
        n = len(self.content("a.txt"))
        for spec in (f"bytes={n}-", "bytes=-0", f"bytes={n}-{n + 5},{n * 2}-"):
            r = self.get("/a.txt", Range=spec)
            self.assertEqual((r.status, r["content-range"]), (416, f"bytes */{n}"), spec)
        for spec in ("bytes=5-2", "bytes=x", "lines=0-1", "bytes=", "bytes=0-,0-,0-,0-"):
            self.assertEqual(self.get("/a.txt", Range=spec).status, 200, spec)
        self.assertEqual(self.get("/a.txt", "HEAD", Range="bytes=0-1").status, 200)

    def test_if_range_decides_between_the_part_and_the_whole(self):
        full = self.get("/a.txt")
        for validator, status in ((full["etag"], 206), ('"x"', 200), ("W/" + full["etag"], 200),
                                  (full["last-modified"], 206), ("Thu, 01 Jan 1970 00:00:00 GMT", 200)):
            r = self.client.ask("GET", "/a.txt", {"Range": "bytes=0-1", "If-Range": validator})
            self.assertEqual(r.status, status, validator)

    def test_several_ranges_come_as_parts(self):
        for name in ("a.txt", "mid.bin", "big.bin"):
            data = self.content(name)
            n = len(data)
            ranges = [(0, 99), (200, 299), (n - 50, n - 1)]
            if name == "big.bin":
                ranges = [(0, 999_999), (2_000_000, 3_500_000), (n - 50, n - 1)]
            spec = ",".join(f"{a}-{b}" for a, b in ranges)
            r = self.get("/" + name, Range="bytes=" + spec)
            kind, boundary = r["content-type"].split("; boundary=")
            self.assertEqual((r.status, kind), (206, "multipart/byteranges"))
            parts = (b"\r\n" + r.body).split(b"\r\n--" + boundary.encode())
            self.assertEqual((parts[0], parts[-1], len(parts)), (b"", b"--\r\n", 5))
            for part, (first, last) in zip(parts[1:], ranges):
                head, body = part.split(b"\r\n\r\n", 1)
                self.assertIn(f"\r\nContent-Range: bytes {first}-{last}/{n}".encode(), head)
                self.assertIn(b"\r\nContent-Type: ", head)
                self.assertTrue(body == data[first:last + 1], (name, first))

    # ---- precompressed ----

    def test_the_best_encoding_that_is_there_is_chosen(self):
        for accept, coding in (("br, gzip", "br"), ("gzip", "gzip"), ("gzip;q=1, br;q=0.5", "gzip"), ("*", "br"),
                               ("br;q=0, gzip;q=0", None), ("identity", None), ("identity;q=1, gzip;q=0.5", None),
                               ("zstd", None), ("x-gzip", "gzip"), (None, None), ("", None), ("gzip;q=x", None)):
            for _ in range(2):
                r = self.client.ask("GET", "/site.css", {} if accept is None else {"Accept-Encoding": accept})
                self.assertEqual((r.status, r["content-encoding"]), (200, coding), accept)
                self.assertEqual((r["vary"], r["content-type"]), ("Accept-Encoding", "text/css; charset=utf-8"))
                suffix = {"br": ".br", "gzip": ".gz", None: ""}[coding]
                self.assertEqual(r.body, self.content("site.css" + suffix))

    def test_encodings_have_their_own_tags_and_ranges(self):
        tags = {self.get("/site.css", Accept_Encoding=coding)["etag"] for coding in ("br", "gzip", "identity")}
        self.assertEqual(len(tags), 3)
        r = self.get("/site.css", Accept_Encoding="gzip", Range="bytes=2-9")
        self.assertEqual((r.status, r["content-encoding"]), (206, "gzip"))
        self.assertEqual(r.body, self.content("site.css.gz")[2:10])

    def test_an_encoding_older_than_its_file_is_not_used(self):
        r = self.get("/stale.js", Accept_Encoding="gzip")
        self.assertEqual((r.body, r["content-encoding"], r["vary"]), (b"new", None, None))
        self.assertEqual(self.get("/a.txt", Accept_Encoding="br")["vary"], None)

    # ---- change ----

    def await_body(self, target, body, **fields):
        """Polls all the time, so that the cache has every reason to hold on. Return: seconds it took."""
        start = time.monotonic()
        while self.get(target, **fields).body != body:
            self.assertLess(time.monotonic() - start, 2, "the change is not noticed")
        return time.monotonic() - start

    def test_changes_are_noticed_at_once(self):
        path = put(self.root, "live.txt", b"one")
        took = []
        for step in range(8):
            content = b"%d" % (step % 10) * (3 if step % 2 else 70000)
            self.await_body("/live.txt", self.content("live.txt"))
            if step < 4:
                put(self.root, "live.txt", content)
            else:
                put(self.root, "live.new", content)
                os.rename(path[:-3] + "new", path)
            took.append(self.await_body("/live.txt", content))
        self.assertLess(statistics.median(took), 0.2)       # a busy machine may stop for as long
        os.unlink(path)
        time.sleep(0.2)
        self.assertEqual(self.get("/live.txt").status, 404)

    def test_two_writes_of_one_size_in_one_tick_are_told_apart(self):
        took = []
        for step in range(10):
            put(self.root, "tick.txt", b"a%d" % step)
            self.get("/tick.txt")
            put(self.root, "tick.txt", b"b%d" % step)
            took.append(self.await_body("/tick.txt", b"b%d" % step))
        self.assertLess(statistics.median(took), 0.2)

    def test_an_encoding_that_appears_is_noticed(self):
        text = b"grow " * 1000
        put(self.root, "grow.txt", text, time.time() - 100)
        self.assertEqual(self.get("/grow.txt", Accept_Encoding="gzip").body, text)
        came, went = [], []
        for _ in range(5):
            put(self.root, "grow.txt.gz", gzip.compress(text))
            came.append(self.await_body("/grow.txt", self.content("grow.txt.gz"), Accept_Encoding="gzip"))
            os.unlink(os.path.join(self.root, "grow.txt.gz"))
            went.append(self.await_body("/grow.txt", text, Accept_Encoding="gzip"))
        self.assertLess(statistics.median(came), 0.2)
        self.assertLess(statistics.median(went), 0.2)

    # ---- big ones, many, slow ----

    def test_a_big_file_arrives_whole_at_a_slow_reader(self):
        client = Client(self.brood.port, receive_bytes=32768)
        client.begin("GET", "/big.bin")
        total = client.length()
        digest, have = hashlib.sha256(client.buffer), len(client.buffer)
        while have < total:
            piece = client.s.recv(16384)
            self.assertTrue(piece)
            digest.update(piece)
            have += len(piece)
            if have < 1_000_000:
                time.sleep(0.01)
        self.assertEqual(have, total)
        self.assertEqual(digest.digest(), hashlib.sha256(self.content("big.bin")).digest())
        client.buffer = b""
        self.assertEqual(client.ask("GET", "/").status, 200)
        client.close()

    def test_a_pipeline_of_all_sizes_is_answered_in_order(self):
        names = ["a.txt", "big.bin", "mid.bin", "empty.css", "edge.bin"] * 4
        self.client.s.sendall(b"".join(f"GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for name in names))
        for name in names:
            self.assertTrue(self.client.response().body == self.content(name), name)

    def test_a_file_that_shrinks_while_it_is_sent_cuts_the_connection(self):
        path = put(self.root, "shrink.bin", b"s" * 20_000_000)
        client = Client(self.brood.port, receive_bytes=32768)
        client.begin("GET", "/shrink.bin")
        client.length()
        os.truncate(path, 1000)
        have = len(client.buffer)
        try:
            while True:
                piece = client.s.recv(262144)
                if not piece:
                    break
                have += len(piece)
        except ConnectionResetError:
            pass
        client.close()
        self.assertLess(have, 20_000_000)
        self.assertEqual(self.get("/").status, 200)

    def test_a_file_replaced_while_it_is_sent_goes_on_as_it_was(self):
        path = put(self.root, "swap.bin", b"1" * 10_000_000)
        client = Client(self.brood.port, receive_bytes=32768)
        client.begin("GET", "/swap.bin")
        time.sleep(0.05)
        put(self.root, "swap.new", b"2" * 10_000_000)
        os.rename(path[:-3] + "new", path)
        time.sleep(0.15)
        self.assertTrue(self.get("/swap.bin").body == b"2" * 10_000_000)
        self.assertTrue(client.response().body == b"1" * 10_000_000)
        client.close()

    def test_descriptors_and_memory_stay_bounded(self):
        def gauge():
            with open(f"/proc/{worker}/status") as f:
                rss_kb = [int(line.split()[1]) for line in f if line.startswith("VmRSS")][0]
            return len(os.listdir(f"/proc/{worker}/fd")), rss_kb

        worker = self.worker()
        for i in range(60):
            put(self.root, f"many/large{i}", b"%d" % i * 50000)
        for i in range(400):
            put(self.root, f"many/small{i}", b"%03d" % i * 20000)
        os.chmod(os.path.join(self.root, "many"), 0o755)
        n_fds, rss_kb = gauge()
        for i in range(60):
            self.assertEqual(self.get(f"/many/large{i}").body, b"%d" % i * 50000)
        for i in range(400):
            self.assertEqual(self.get(f"/many/small{i}").body, b"%03d" % i * 20000)
        n_fds_after, rss_kb_after = gauge()
        self.assertLessEqual(n_fds_after - n_fds, 32)
        if not IS_SANITIZED:  # its allocator keeps what was freed
            self.assertLess(rss_kb_after - rss_kb, 16 * 1024)

    def test_clients_that_leave_in_the_middle_leave_nothing_behind(self):
        worker = self.worker()
        self.get("/big.bin"), self.get("/mid.bin")
        before = len(os.listdir(f"/proc/{worker}/fd"))
        for i in range(50):
            client = Client(self.brood.port)
            client.begin("GET", "/big.bin" if i % 2 else "/mid.bin", {"Range": "bytes=0-9999,20000-"} if i % 3 else {})
            client.s.recv(100)
            client.close()
        time.sleep(0.3)
        self.assertTrue(self.get("/big.bin").body == self.content("big.bin"))
        self.assertLessEqual(len(os.listdir(f"/proc/{worker}/fd")), before + 1)


class Uring(Plays, unittest.TestCase):
    engine = "uring"


class Epoll(Plays, unittest.TestCase):
    engine = "epoll"


if __name__ == "__main__":
    if NOBODY:
        try:
            subprocess.run([BROOD, "version"], stdout=subprocess.DEVNULL, timeout=10, **NOBODY)
        except PermissionError:
            NOBODY = {}  # the program is where nobody may not look: then as root
    unittest.main()
