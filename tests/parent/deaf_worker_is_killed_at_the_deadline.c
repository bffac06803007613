/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* One drains with 2 cut, one never listens and has 3 open. */
int worker_main(const struct heritage *h)
{
	part_start(h);
	board_set(&part_row(h)->connections, 3);
	if (h->slot == 1)
		part_stay_for_ever(h);
	while (part_hear(h).type != CHANNEL_DRAIN)
		;
	return part_leave(h, 2);
}

static struct play play;

static void deaf_worker_is_killed_at_the_deadline(void **state)
{
	uint64_t took_ms;

	play_prepare(&play, 2);
	play.config.options.drain_timeout_ms = 300;
	play_begin(&play);
	play_expect(&play, "ready: 2 workers on http://127.0.0.1:");
	play_signal(&play, SIGTERM);
	took_ms = play_end(&play, BROOD_EXIT_CUT);
	assert_true(took_ms >= 300 && took_ms < 1500);
	play_expect(&play, "killed by SIGKILL (did not drain in time) after");
	play_expect(&play, "drain timed out after");
	play_expect(&play, " ms: 5 connections cut");
}

TEST_MAIN(deaf_worker_is_killed_at_the_deadline)
