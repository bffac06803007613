/* SPDX-License-Identifier: MIT */
/* Megabytes through a client that reads late: it is held back, and what comes back is what was sent. */
#include "conn/loop.h"

#define N_BYTES (3 << 20)

static char body[N_BYTES];
static struct taken taken;

/* Takes chunk framing out of @taken's body, in place. Return: its length. */
static size_t join_chunks(void)
{
	char *at = strstr(taken.text, "\r\n\r\n") + 4, *to = taken.text;
	size_t n;

	while ((n = strtoul(at, &at, 16)) > 0) {
		memmove(to, at + 2, n);
		to += n;
		at += 2 + n + 2;
		assert_true(at < taken.text + taken.len);
	}
	return (size_t)(to - taken.text);
}

static bool is_whole(void)
{
	static const char end[] = "\r\n0\r\n\r\n";

	return taken.len >= sizeof(end) && strcmp(taken.text + taken.len - sizeof(end) + 1, end) == 0;
}

/* Reads only each @nth turn; @held_ms: and nothing at all before that. */
static void echo(int nth, uint64_t held_ms, bool half_close)
{
	int fd = join(65536);
	size_t sent = 0;
	uint64_t start = clock_ms();

	taken_clear(&taken);
	tell(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n");
	for (int i = 0; !taken.ended && !is_whole(); i++) {
		ssize_t n = sent < N_BYTES ? send(fd, body + sent, N_BYTES - sent, MSG_NOSIGNAL) : 0;

		sent += n > 0 ? (size_t)n : 0;
		if (n > 0 && sent == N_BYTES && half_close)
			shutdown(fd, SHUT_WR);
		turn(1);
		if (i % nth == 0 && clock_ms() >= start + held_ms)
			(void)take(fd, &taken);
		assert_int_equal(taken.error, 0);
		assert_true(clock_ms() < start + 2 * PATIENCE_MS);
	}
	assert_int_equal(sent, N_BYTES);
	assert_int_equal(join_chunks(), N_BYTES);
	assert_memory_equal(taken.text, body, N_BYTES);
	reset_end(fd);
}

static void echoes_come_back_whole(struct engine *e)
{
	struct conn_limits limits = loop_limits;

	limits.body_timeout_ms = 50;
	loop_begin(e, &limits);
	for (size_t i = 0; i < N_BYTES; i++)
		body[i] = (char)('A' + (i ^ i >> 8) % 57);
	echo(1, 0, false);
	echo(1, 0, true);
	echo(3, 100, false);	/* longer than a body may pause: but it is not the client that pauses */
	echo(3, 100, true);
	loop_end();
}

TEST_ON_ENGINES(echoes_come_back_whole)
