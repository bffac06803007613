#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# models: one
# waits: mostly
"""What is asked decides the status and whether the connection stays; after a refusal it ends, orderly."""
from _play import Brood, Client, check, engines

OPTIONS = ("--max-body", "64k", "--header-timeout", "1s", "--body-timeout", "1s")
KEPT, ENDS = True, False
H = b"Host: a\r\n"


def get(fields=b"", target=b"/", version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + H + fields + b"\r\n"


def post(fields, body=b"", target=b"/echo"):
    return b"POST " + target + b" HTTP/1.1\r\n" + H + fields + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"

TABLE = (
    ("plain", get(), 200, KEPT),
    ("asks to close", get(b"Connection: close\r\n"), 200, ENDS),
    ("asks to close among others", get(b"connection: Foo , CLOSE\r\n"), 200, ENDS),
    ("a CRLF before", b"\r\n" + get(), 200, KEPT),
    ("HTTP/1.0 without Host", b"GET / HTTP/1.0\r\n\r\n", 200, ENDS),
    ("HTTP/1.0 keep-alive", b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, KEPT),
    ("absolute form", get(target=b"http://a/whoami"), 200, KEPT),
    ("absolute form of another host", get(target=b"http://b:80/whoami"), 200, KEPT),
    ("GET with a body", b"GET / HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc", 200, KEPT),
    ("POST without a body", post(b""), 200, KEPT),
    ("chunked with extension and trailer", post(CHUNKED, b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"), 200, KEPT),
    ("a body nobody reads", post(b"Content-Length: 3\r\n", b"abc", b"/nowhere"), 404, KEPT),
    ("unknown path", get(target=b"/nowhere"), 404, KEPT),
    ("method of another path", b"DELETE /whoami HTTP/1.1\r\n" + H + b"\r\n", 405, KEPT),
    ("bad number", get(target=b"/big?bytes=1e3"), 400, KEPT),

    ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400, ENDS),
    ("two Hosts", get(H), 400, ENDS),
    ("userinfo in Host", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, ENDS),
    ("two spaces", b"GET  / HTTP/1.1\r\n" + H + b"\r\n", 400, ENDS),
    ("no version", b"GET /\r\n\r\n", 400, ENDS),
    ("version in lower case", get(version=b"http/1.1"), 400, ENDS),
    ("bare LF", b"GET / HTTP/1.1\nHost: a\n\n", 400, ENDS),
    ("bare CR in a value", get(b"A: b\rc\r\n"), 400, ENDS),
    ("NUL in a value", get(b"A: b\0c\r\n"), 400, ENDS),
    ("space before colon", get(b"A : b\r\n"), 400, ENDS),
    ("folded line", get(b"A: b\r\n c\r\n"), 400, ENDS),
    ("empty name", get(b": b\r\n"), 400, ENDS),
    ("no token", get(b"A(b): c\r\n"), 400, ENDS),
    ("no colon", get(b"A\r\n"), 400, ENDS),
    ("relative target", get(target=b"whoami"), 400, ENDS),
    ("fragment", get(target=b"/#a"), 400, ENDS),
    ("control in target", get(target=b"/\x01"), 400, ENDS),
    ("eight bits in target", get(target=b"/\xff"), 400, ENDS),
    ("garbage", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(range(256)), 400, ENDS),
    ("length and chunked", post(CHUNKED + b"Content-Length: 3\r\n", b"3\r\nabc\r\n0\r\n\r\n"), 400, ENDS),
    ("chunked twice", post(b"Transfer-Encoding: chunked, chunked\r\n"), 400, ENDS),
    ("chunked in two fields", post(CHUNKED + CHUNKED), 400, ENDS),
    ("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n"), 400, ENDS),
    ("identity", post(b"Transfer-Encoding: identity\r\n"), 400, ENDS),
    ("chunked in HTTP/1.0", b"POST /echo HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400, ENDS),
    ("two lengths", post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"), 400, ENDS),
    ("the same length twice", post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"), 400, ENDS),
    ("a list of lengths", post(b"Content-Length: 3, 3\r\n", b"abc"), 400, ENDS),
    ("signed length", post(b"Content-Length: +3\r\n", b"abc"), 400, ENDS),
    ("negative length", post(b"Content-Length: -3\r\n", b"abc"), 400, ENDS),
    ("no length", post(b"Content-Length: \r\n"), 400, ENDS),
    ("hexadecimal length", post(b"Content-Length: 0x3\r\n", b"abc"), 400, ENDS),
    ("bad chunk size", post(CHUNKED, b"g\r\n"), 400, ENDS),
    ("negative chunk size", post(CHUNKED, b"-1\r\n"), 400, ENDS),
    ("hexadecimal prefix", post(CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"), 400, ENDS),
    ("chunk size overflows", post(CHUNKED, b"10000000000000003\r\nabc\r\n"), (400, 413), ENDS),
    ("chunk longer than told", post(CHUNKED, b"3\r\nabcd\r\n0\r\n\r\n"), 400, ENDS),
    ("bare LF behind a chunk size", post(CHUNKED, b"3\nabc\n0\n\n"), 400, ENDS),

    ("header never ends", b"GET / HTTP/1.1\r\nHost: a\r\n", 408, ENDS),
    ("body never comes", post(b"Content-Length: 3\r\n"), 408, ENDS),
    ("length over the limit", post(b"Content-Length: 65537\r\n"), 413, ENDS),
    ("length that overflows", post(b"Content-Length: 18446744073709551619\r\n"), (400, 413), ENDS),
    ("chunk over the limit", post(CHUNKED, b"10001\r\n"), 413, ENDS),
    ("long target", get(target=b"/" + b"a" * 9000), 414, ENDS),
    ("unknown expectation", post(b"Expect: the-unexpected\r\nContent-Length: 3\r\n", b"abc"), 417, ENDS),
    ("many fields", get(b"".join(b"A%d: b\r\n" % i for i in range(101))), 431, ENDS),
    ("long field", get(b"A: " + b"b" * 20000 + b"\r\n"), 431, ENDS),
    ("unknown method", b"BREW / HTTP/1.1\r\n" + H + b"\r\n", 501, ENDS),
    ("method in lower case", b"get / HTTP/1.1\r\n" + H + b"\r\n", 501, ENDS),
    ("HTTP/1.0 body without a length", b"POST / HTTP/1.0\r\n\r\n", 411, ENDS),
    ("TRACE", b"TRACE / HTTP/1.1\r\n" + H + b"\r\n", 501, ENDS),
    ("HTTP/2.0", get(version=b"HTTP/2.0"), 505, ENDS),
)


def play(brood, name, request, status, kept):
    with Client(brood.port) as client:
        client.send(request)
        try:
            response = client.response()
        except (OSError, EOFError) as problem:
            check(False, f"{name}: {problem!r}")
        wanted = status if isinstance(status, tuple) else (status,)
        check(response.status in wanted, f"{name}: {response.status} instead of {status}\n{response.raw}")
        check("date" in response.fields, f"{name}: a Date")
        if kept:
            check(client.get("/").status == 200, f"{name}: the connection goes on")
        else:
            check(response["connection"] == "close", f"{name}: Connection: close\n{response.raw}")
            check(client.ended(3), f"{name}: and is closed, orderly")


for engine in engines():
    with Brood(*OPTIONS, engine=engine) as brood:
        workers = brood.workers()
        for row in TABLE:
            play(brood, *row)
        check(brood.workers() == workers, "nobody died of it")
        with Client(brood.port) as client:
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            check(client.response()["connection"] == "keep-alive", "an HTTP/1.0 client is told that it may go on")
        brood.stop()
    print(f"{engine}: {len(TABLE)} requests as they should be")
