/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

#include <sys/mman.h>

#define N_BYTES (4 << 20)

static char content[N_BYTES], got[N_BYTES];

static int make_file(void)
{
	int file = memfd_create("file", MFD_CLOEXEC);

	for (size_t i = 0; i < N_BYTES; i++)
		content[i] = (char)(i * 7 + i / 4093);
	assert_int_equal(write(file, content, N_BYTES), N_BYTES);
	return file;
}

/* Return: how often there was no room. */
static int send_file_slowly(struct engine *e, struct ends ends, int file)
{
	uint64_t offset = 0;
	size_t at = 0;
	int n_waits = 0;
	bool waiting = false;

	while (at < N_BYTES) {
		struct completion c;
		ssize_t n;

		while (!waiting && offset < N_BYTES) {
			n = engine_sendfile(e, ends.ours, tag_of(8), file, &offset, N_BYTES - offset,
					    &waiting);
			assert_true(n > 0 || (n == -EAGAIN && waiting));
			n_waits += waiting;
		}
		n = recv(ends.theirs, got + at, 100000, MSG_DONTWAIT);
		if (n > 0)
			at += (size_t)n;
		if (waiting && next_within(e, &c, n > 0 ? 0 : 20)) {
			assert_int_equal(c.op, OP_WRITABLE);
			assert_tag(c.tag, 8);
			assert_false(c.more);
			waiting = false;
		}
	}
	assert_int_equal(engine_sendfile(e, ends.ours, tag_of(8), file, &offset, 10, &waiting), 0);
	assert_false(waiting);
	return n_waits;
}

static void files_wait_for_room(struct engine *e)
{
	struct ends ends = make_ends(16384);
	int file = make_file();
	uint64_t offset = 0;
	bool full;

	assert_true(send_file_slowly(e, ends, file) > 3);
	assert_memory_equal(got, content, N_BYTES);
	expect_nothing(e);
	reset_end(ends.theirs);
	usleep(1000);
	ssize_t n = engine_sendfile(e, ends.ours, tag_of(8), file, &offset, 10, &full);
	assert_true(n == -EPIPE || n == -ECONNRESET);
	assert_false(full);
	engine_close(e, ends.ours);
	close(file);
	expect_nothing(e);
}

TEST_ON_ENGINES(files_wait_for_room)
