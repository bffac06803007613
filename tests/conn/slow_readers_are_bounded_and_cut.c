/* SPDX-License-Identifier: MIT */
/* A client that asks and never reads costs no more than the caps say, and is cut when its time is over. */
#include "conn/loop.h"

#define WRITE_TIMEOUT_MS 300
#define MOST_BYTES (OUTPUT_HIGH + HOLD_MOST + 256 * 1024)	/* and what one completion may bring */

static size_t most_bytes;

static void watch_memory(void)
{
	size_t n = (size_t)table.blocks.n_used * BLOCK_BYTES;

	most_bytes = n > most_bytes ? n : most_bytes;
}

/* Says @text over and over while it is taken, a little every @every_ms. Return: ms until it was cut. */
static uint64_t never_read(const char *text, uint64_t every_ms)
{
	uint64_t start = clock_ms(), next = start;
	int fd = join(16384);
	struct linger hard = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	most_bytes = 0;
	while (table.n_open > 0 && clock_ms() < start + 3000) {
		if (clock_ms() >= next) {
			(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
			next += every_ms;
		}
		turn(1);
		watch_memory();
	}
	close(fd);
	return clock_ms() - start;
}

static void hold_bounds(const char *name, const char *text, uint64_t every_ms)
{
	uint64_t ms = never_read(text, every_ms);

	printf("%s on %s: at most %zu KiB, cut after %llu ms\n", name, engine_name(table.engine->kind),
	       most_bytes / 1024, (unsigned long long)ms);
	assert_true(most_bytes <= MOST_BYTES);
	/* At the first look the client's kernel may have acknowledged some since; then it takes two, and what a turn takes. */
	assert_in_range(ms, WRITE_TIMEOUT_MS, 2 * WRITE_TIMEOUT_MS + 100);
	turn_until_empty();
}

static void slow_readers_are_bounded_and_cut(struct engine *e)
{
	static const char echo[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n";
	static char pipelined[64 * 1024];
	struct conn_limits limits = loop_limits;
	size_t len = 0;

	limits.write_timeout_ms = WRITE_TIMEOUT_MS;
	loop_begin(e, &limits);
	while (len + 100 < sizeof(pipelined))
		len += (size_t)snprintf(pipelined + len, sizeof(pipelined) - len,
					"GET /sized?bytes=20000 HTTP/1.1\r\nHost: a\r\n\r\n");
	hold_bounds("one long response", "GET /stream?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n", 10000);
	hold_bounds("a pipeline", pipelined, 1);
	hold_bounds("the same, drop by drop", "GET /sized?bytes=4000000 HTTP/1.1\r\nHost: a\r\n\r\n", 50);
	memset(pipelined, 'x', sizeof(pipelined) - 1);
	memcpy(pipelined, echo, sizeof(echo) - 1);
	hold_bounds("an echo", pipelined, 1);
	assert_true(table.counters.timeouts >= 3);
	loop_end();
}

TEST_ON_ENGINES(slow_readers_are_bounded_and_cut)
