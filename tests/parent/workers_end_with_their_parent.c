/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	sigset_t term;
	int number;

	part_start(h);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return sigwait(&term, &number);		/* the parent's death sends it */
}

static struct play play;

static void workers_end_with_their_parent(void **state)
{
	uint64_t began_ms;
	int status;

	play_prepare(&play, 3);
	play_begin(&play);
	play_expect(&play, "ready: 3 workers");
	play_signal(&play, SIGKILL);
	began_ms = clock_ms();
	while (play_read(&play, PATIENCE_MS))
		;
	assert_true(clock_ms() - began_ms < 1000);
	assert_int_equal(waitpid(play.parent, &status, 0), play.parent);
}

TEST_MAIN(workers_end_with_their_parent)
