/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Slot 1 never lives; slot 0 lives until it is killed, and then never again. */
int worker_main(const struct heritage *h)
{
	if (h->slot == 1 || h->generation > 0)
		return 5;
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void degraded_pool_goes_on(void **state)
{
	play_prepare(&play, 2);
	play.config.options.on_giveup = BROOD_GIVEUP_DEGRADE;
	play.config.options.restart_limit = 2;
	play_begin(&play);
	play_expect(&play, "giveup: slot 1: 3 deaths in a row before it was ready, "
		    "the last with exit code 5; the others go on");
	play_expect(&play, "worker 0 (pid ");
	assert_int_equal(kill(play_pid(&play, 0), SIGKILL), 0);
	play_expect(&play, "killed by SIGKILL after");
	play_expect(&play, "giveup: slot 0:");
	play_end(&play, BROOD_EXIT_GAVE_UP);
	assert_int_equal(play_count(&play, "giveup: slot 1"), 1);
}

TEST_MAIN(degraded_pool_goes_on)
