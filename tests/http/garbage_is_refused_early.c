/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	struct span	bytes;
	size_t		refused_after;
	int		verdict;
} rows[] = {
	{ TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 1, 400 },	/* a TLS ClientHello */
	{ TEXT("\x80\x2e\x01\x00\x02"), 1, 400 },				/* SSL 2 */
	{ TEXT("\0\0\0\0"), 1, 400 },
	{ TEXT("\nGET / HTTP/1.1"), 1, 400 },
	{ TEXT("\rGET"), 2, 400 },
	{ TEXT("\r\n\r\nGET"), 3, 400 },
	{ TEXT(" GET"), 1, 400 },
	{ TEXT("SSH-2.0-OpenSSH_9.2\r\n"), 20, 400 },
	{ TEXT("EHLO mail.example.com\r\n"), 5, 501 },
	{ TEXT("GET garbage"), 5, 400 },
	{ TEXT("GET \r\n"), 5, 400 },
	{ TEXT("GET / GARBAGE"), 7, 400 },
	{ TEXT("GET / HTTP/1.1\r\n X"), 17, 400 },
	{ TEXT("GET / HTTP/1.1\r\nX Y"), 18, 400 },
	{ TEXT("GET / HTTP/1.1\r\nX: \x01"), 20, 400 },
	{ TEXT("GET / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\nX"), 54, 400 },
	{ TEXT("GET / HTTP/1.1\r\nHost: a b\r\nX"), 27, 400 },
};

static void wrong_is_said_when_it_is_seen(void **state)
{
	static struct http_head head;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct span bytes = rows[i].bytes;

		for (size_t n = 0; n <= bytes.len; n++) {
			struct span sight = guarded(prefix(bytes, n));
			int want = n < rows[i].refused_after ? HTTP_MORE : rows[i].verdict;

			assert_verdict(bytes, http_head_parse(sight, &usual_limits, &head), want);
		}
	}
}

TEST_MAIN(wrong_is_said_when_it_is_seen)
