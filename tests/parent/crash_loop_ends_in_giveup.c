/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Slot 1 takes longer to start than the shortest wait and crashes as soon as it serves, with a request in hand; slot 0 lives. */
int worker_main(const struct heritage *h)
{
	struct crash_msg crash = { .signal = SIGSEGV, .in_flight = 17, .address = 0x10,
				   .request = "GET /crash\nHTTP/1.1" };

	if (h->slot == 1)
		nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
	part_start(h);
	if (h->slot == 0)
		return part_wait_for_drain(h);
	(void)channel_send(h->channel_fd, CHANNEL_CRASH, &crash, -1);
	raise(SIGSEGV);
	return 0;
}

static struct play play;

static void crash_loop_ends_in_giveup(void **state)
{
	play_prepare(&play, 2);
	play_begin(&play);
	play_end(&play, BROOD_EXIT_GAVE_UP);
	play_expect(&play, "died by SIGSEGV at 0x10 after");
	play_expect(&play, ", 17 requests in flight, serving \"GET /crash\\nHTTP/1.1\"; restarting now");
	play_expect_times(&play, "; restarting in ", 4);
	play_expect(&play, "giveup: slot 1: 6 deaths in");
	play_expect(&play, "the last by SIGSEGV serving \"GET /crash\\nHTTP/1.1\"; draining the others");
	play_expect(&play, "gave up:");
	assert_int_equal(play_count(&play, "died by SIGSEGV"), 6);
}

TEST_MAIN(crash_loop_ends_in_giveup)
