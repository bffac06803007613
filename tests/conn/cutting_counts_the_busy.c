/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

static void cutting_counts_the_busy(struct engine *e)
{
	static const char *const texts[] = {	/* the first four are cut in the middle of something */
		"GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /stream?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
		"GET / HTTP/1.1\r\nHo",
		"GET /done HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /done HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"refused\r\n\r\n",
		"",
	};
	int fds[sizeof(texts) / sizeof(texts[0])];
	unsigned n_cut;

	loop_begin(e, &loop_limits);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fds[i] = join(16384);
		tell(fds[i], texts[i]);
	}
	turn_for(30);
	conn_table_drain(&table);
	turn(0);
	n_cut = conn_table_cut(&table);
	assert_int_equal(n_cut, 4);
	assert_int_equal(conn_table_cut(&table), 0);
	assert_int_equal(table.counters.cut, 4);
	assert_int_equal(counts.n_closed, 3);
	turn_until_empty();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		reset_end(fds[i]);
	loop_end();
}

TEST_ON_ENGINES(cutting_counts_the_busy)
