/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

static void expect_drain(const struct heritage *h, const char *who)
{
	struct message m;

	do
		m = part_hear(h);
	while (m.type != CHANNEL_DRAIN);
	log_info("%s stops accepting, last %d", who, m.drain.last == (ALL_LISTENERS | DRAIN_QUEUE));
}

/* The first worker of the slot asks to go and tells what it hears. */
int worker_main(const struct heritage *h)
{
	if (h->generation > 0)
		log_info("the successor will be ready");
	part_start(h);
	if (h->generation > 0) {
		expect_drain(h, "the new one");
		return part_leave(h, 0);
	}
	part_retire(h, "max requests");
	while (part_hear(h).type != CHANNEL_ACK)
		;
	log_info("the old one was heard");
	expect_drain(h, "the old one");
	return part_leave(h, 0);
}

static struct play play;

static void retired_worker_is_replaced_first(void **state)
{
	play_prepare(&play, 1);
	play_begin(&play);
	play_expect_order(&play, "the old one was heard", "the old one stops accepting");
	play_expect(&play, "retiring (max requests); replacement pid ");
	play_expect(&play, "left after ");
	play_expect_order(&play, "the successor will be ready", "the old one stops accepting");
	play_expect_never(&play, "restarting");
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect(&play, "the old one stops accepting, last 0");
	play_expect(&play, "the new one stops accepting, last 1");
	play_expect(&play, "SIGTERM: draining 1 worker, at most 2.0 s");
	play_expect(&play, "drained: all connections finished");
}

TEST_MAIN(retired_worker_is_replaced_first)
