/* SPDX-License-Identifier: MIT */
/* The kernel may take none of what is submitted for want of memory; it takes the same later. */
#include "engine/engines.h"

#include <dlfcn.h>
#include <liburing.h>

#define N_CONNS 300

static unsigned n_enters, n_refused;

/* Instead of the library's: two of three are refused while there is something to submit. */
int io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete, unsigned int flags,
		    sigset_t *sig, size_t sz)
{
	static int (*real)(unsigned int, unsigned int, unsigned int, unsigned int, sigset_t *, size_t);

	if (!real)
		real = (int (*)(unsigned int, unsigned int, unsigned int, unsigned int, sigset_t *,
				size_t))dlsym(RTLD_NEXT, "io_uring_enter2");
	if (to_submit > 0 && n_enters++ % 3 != 2) {
		n_refused++;
		return -EAGAIN;
	}
	return real(fd, to_submit, min_complete, flags, sig, sz);
}

static void refused_submissions_keep_their_bytes(struct engine *e)
{
	static struct ends all[N_CONNS];
	static char texts[N_CONNS][16];
	char text[16];

	need_fds(2 * N_CONNS + 100);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		struct iovec pieces[2] = { { texts[i], 5 }, { texts[i] + 5, 5 } };

		all[i] = make_ends(0);
		snprintf(texts[i], sizeof(texts[i]), "token%05u", i);
		if (i % 50 == 49)
			assert_int_equal(engine_turn(e, 0), 0);
		engine_send(e, all[i].ours, tag_of(1), pieces, 2, SEND_THEN_WAIT);
	}
	for (uint32_t i = 0; i < N_CONNS; i++)
		expect(e, OP_SEND, 1, 10);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		assert_int_equal(recv(all[i].theirs, text, sizeof(text), MSG_DONTWAIT), 10);
		assert_memory_equal(text, texts[i], 10);
		close_ends(e, all[i]);
	}
	assert_true(e->kind == ENGINE_EPOLL || n_refused > 0);
	expect_nothing(e);
}

TEST_ON_ENGINES(refused_submissions_keep_their_bytes)
