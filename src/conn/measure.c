/* SPDX-License-Identifier: MIT */
/*
 * measure - how long requests take: from a whole head to the last byte the kernel has taken
 *
 * By the clock of the loop's turns, so that a request costs no reading of it. An answer is sent when its connection
 * has nothing left to send; of several that leave together each has taken as long as the first.
 */
#include "conn/conn.h"

#include "base/clock.h"
#include "base/metrics.h"

void measure_begin(const struct conn_table *table, struct conn *c)
{
	if (METRICS && c->n_answered == 0)
		c->begun_us = table->engine->now_us;
}

void measure_answered(struct conn_table *table, struct conn *c)
{
	if (!METRICS)
		return;
	c->n_answered++;
	if (c->output.n_bytes == 0)	/* it was sent before it was said to be whole */
		measure_sent(table, c);
}

void measure_sent(struct conn_table *table, struct conn *c)
{
	uint64_t now_us = table->engine->now_us;

	if (!METRICS)
		return;
	if (table->sent_us > now_us)
		now_us = table->sent_us;
	if (c->n_answered > 0 && !c->admin && table->latency)
		histogram_record(table->latency, now_us - c->begun_us, c->n_answered);
	c->n_answered = 0;
}

void measure_clock(struct conn_table *table)
{
	if (METRICS)
		table->sent_us = clock_us();
}
