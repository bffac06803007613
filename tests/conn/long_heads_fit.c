/* SPDX-License-Identifier: MIT */
/* A head may be as long as it is allowed to be, also when that is more than is usually held. */
#include "conn/loop.h"

#define HEAD_BYTES (1 << 20)

static char text[HEAD_BYTES + 4096];
static struct taken taken;

static void say_head(size_t n_bytes, const char *status)
{
	size_t len = (size_t)snprintf(text, sizeof(text), "GET /a HTTP/1.1\r\nHost: a\r\n");
	int fd = join(0);

	taken_clear(&taken);
	while (len + 200 < n_bytes) {
		size_t left = n_bytes - len - 200, n = left < 20000 ? left : 20000;

		len += (size_t)snprintf(text + len, sizeof(text) - len, "Name: ");
		memset(text + len, 'v', n);
		len += n;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\n");
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\n");
	tell_bytes(fd, text, len);
	take_all(fd, &taken, 100);
	assert_int_equal(strncmp(taken.text, status, strlen(status)), 0);
	reset_end(fd);
}

static void long_heads_fit(struct engine *e)
{
	struct conn_limits limits = loop_limits;

	limits.http.head_bytes = HEAD_BYTES;
	loop_begin(e, &limits);
	say_head(HEAD_BYTES, "HTTP/1.1 200 ");
	say_head(HEAD_BYTES + 2000, "HTTP/1.1 431 ");
	say_head(100000, "HTTP/1.1 200 ");
	loop_end();
}

TEST_ON_ENGINES(long_heads_fit)
