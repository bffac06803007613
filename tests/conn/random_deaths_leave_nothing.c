/* SPDX-License-Identifier: MIT */
/*
 * Connections end in every state by a reset, a close, a half-close, a timeout or a cut; nothing is left of
 * them, and no byte of one reaches another.
 */
#include "conn/crowd.h"

static void cut_now_and_then(void)
{
	if (lrand48() % 2000 == 0 || table.n_open > 2000)	/* of those whose handler never answers */
		conn_table_cut(&table);
}

static void random_deaths_leave_nothing(struct engine *e)
{
	struct conn_limits limits = loop_limits;
	const struct conn_counters *n_of = &table.counters;
	unsigned n = crowd_size(4000);

	limits.header_timeout_ms = limits.body_timeout_ms = limits.idle_timeout_ms = 60;
	limits.write_timeout_ms = limits.linger_timeout_ms = 60;
	srand48(3);
	crowd_n_seen = 0;
	loop_begin(e, &limits);
	crowd_pass(n, cut_now_and_then);
	turn_for(100);
	conn_table_cut(&table);
	printf("%s: %ju connections, %ju requests, %ju refused, %ju timeouts, %ju cut; %u tokens seen\n",
	       engine_name(e->kind), (uintmax_t)n_of->accepted, (uintmax_t)n_of->requests,
	       (uintmax_t)n_of->refused, (uintmax_t)n_of->timeouts, (uintmax_t)n_of->cut, crowd_n_seen);
	assert_int_equal(n_of->accepted, n);
	assert_true(n_of->timeouts > 0 && n_of->refused > 0 && n_of->cut > 0);
	assert_true(crowd_n_seen > n);
	loop_end();
}

TEST_ON_ENGINES(random_deaths_leave_nothing)
