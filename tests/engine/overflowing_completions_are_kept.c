/* SPDX-License-Identifier: MIT */
/* Completions beyond the queue: none is lost, and what was to go on says that it does not. */
#include "engine/engines.h"

#include <sys/eventfd.h>

#define N_CONNS 1000
#define N_SENDS 8		/* on each in one turn; the completion queue holds 4,096 */
#define N_POLLS 100
#define FIRST_POLL 5000

static struct ends all[N_CONNS];
static int fds[N_POLLS];
static unsigned n_sent[N_CONNS];
static bool heard[N_POLLS];

/* Return: 1 when a poll ended by itself. */
static int hear(struct engine *e, const struct completion *c)
{
	uint32_t i = c->tag.index - FIRST_POLL;
	eventfd_t value;

	assert_int_equal(c->op, OP_POLL);
	assert_in_range(i, 0, N_POLLS - 1);
	heard[i] = true;
	(void)eventfd_read(fds[i], &value);
	if (c->more)
		return 0;
	engine_poll(e, fds[i], c->tag);
	return 1;
}

static void send_too_many(struct engine *e)
{
	static char letter = 'x';
	struct iovec piece = { &letter, 1 };

	for (uint32_t i = 0; i < N_CONNS * N_SENDS; i++)
		engine_send(e, all[i % N_CONNS].ours, tag_of(i % N_CONNS), &piece, 1, SEND_THEN_WAIT);
	for (int i = 0; i < N_POLLS; i++)
		assert_int_equal(eventfd_write(fds[i], 1), 0);
}

static void overflowing_completions_are_kept(struct engine *e)
{
	int n_ended = 0;
	struct completion c;

	need_fds(2 * N_CONNS + N_POLLS + 100);
	memset(n_sent, 0, sizeof(n_sent));
	memset(heard, 0, sizeof(heard));
	for (int i = 0; i < N_CONNS; i++)
		all[i] = make_ends(0);
	for (uint32_t i = 0; i < N_POLLS; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		engine_poll(e, fds[i], tag_of(FIRST_POLL + i));
	}
	expect_nothing(e);
	send_too_many(e);
	assert_int_equal(engine_turn(e, 0), 0);
	while (next_within(e, &c, 100)) {
		if (c.op != OP_SEND) {
			n_ended += hear(e, &c);
			continue;
		}
		assert_int_equal(c.res, 1);
		n_sent[c.tag.index]++;
	}
	printf("%s: %d of %d polls ended by themselves, %llu overflows\n", engine_name(e->kind), n_ended,
	       N_POLLS, (unsigned long long)e->counters.overflows);
	assert_true(e->kind == ENGINE_EPOLL || e->counters.overflows > 0);
	for (uint32_t i = 0; i < N_POLLS; i++) {
		assert_true(heard[i]);
		engine_poll_stop(e, fds[i], tag_of(FIRST_POLL + i));
	}
	for (int n = 0; n < N_POLLS; n += !c.more)
		assert_true(next_within(e, &c, PATIENCE_MS));
	for (int i = 0; i < N_POLLS; i++)
		close(fds[i]);
	for (int i = 0; i < N_CONNS; i++) {
		assert_int_equal(n_sent[i], N_SENDS);
		close_ends(e, all[i]);
	}
}

TEST_ON_ENGINES(overflowing_completions_are_kept)
