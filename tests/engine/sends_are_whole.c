/* SPDX-License-Identifier: MIT */
/* One completion for all of it, however slowly it is read and however small the socket's buffer is. */
#include "engine/engines.h"

#define N_BYTES (1 << 20)
#define N_TINY 200

static char sent[N_BYTES], got[N_BYTES];

/* Turns the engine and reads @piece bytes at a time. Return: what the send completed with. */
static int read_slowly(struct engine *e, struct ends ends, size_t piece)
{
	struct completion c = { .op = OP_IGNORE };
	size_t at = 0;

	while (at < N_BYTES) {
		ssize_t n = recv(ends.theirs, got + at, piece, MSG_DONTWAIT);

		assert_true(n > 0 || errno == EAGAIN);
		if (n > 0)
			at += (size_t)n;
		if (c.op == OP_IGNORE)
			(void)next_within(e, &c, n > 0 ? 0 : 1);
	}
	if (c.op == OP_IGNORE)
		assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_SEND);
	assert_tag(c.tag, 5);
	return c.res;
}

static void send_in_pieces(struct engine *e, int buffer_bytes, int n_pieces)
{
	struct ends ends = make_ends(buffer_bytes);
	struct iovec pieces[ENGINE_IOV_MAX];
	size_t at = 0;

	for (int i = 0; i < n_pieces; i++) {
		size_t n = i == n_pieces - 1 ? N_BYTES - at : (size_t)lrand48() % (N_BYTES / 8) + 1;

		pieces[i] = (struct iovec){ sent + at, n };
		at += n;
	}
	memset(got, 0, sizeof(got));
	engine_send(e, ends.ours, tag_of(5), pieces, n_pieces, SEND_THEN_WAIT);
	memset(pieces, 0, sizeof(pieces));	/* they were copied */
	assert_int_equal(read_slowly(e, ends, 30000), N_BYTES);
	assert_memory_equal(got, sent, N_BYTES);
	expect_nothing(e);
	close_ends(e, ends);
}

/* More vectored sends in one turn than the engine has places for. */
static void send_many_in_a_turn(struct engine *e)
{
	static struct ends all[N_TINY];
	static char text[N_TINY][16];
	char received[16] = "";

	for (uint32_t i = 0; i < N_TINY; i++) {
		struct iovec pieces[2] = { { text[i], 4 }, { text[i] + 4, 6 } };

		all[i] = make_ends(0);
		snprintf(text[i], sizeof(text[i]), "number%04u", i);
		engine_send(e, all[i].ours, tag_of(5), pieces, 2, SEND_THEN_WAIT);
	}
	for (uint32_t i = 0; i < N_TINY; i++)
		expect(e, OP_SEND, 5, 10);
	for (uint32_t i = 0; i < N_TINY; i++) {
		shutdown(all[i].ours, SHUT_WR);
		assert_int_equal(recv(all[i].theirs, received, 16, MSG_WAITALL), 10);
		assert_memory_equal(received, text[i], 10);
		close_ends(e, all[i]);
	}
}

static void sends_are_whole(struct engine *e)
{
	srand48(1);
	for (size_t i = 0; i < N_BYTES; i++)
		sent[i] = (char)lrand48();
	need_fds(1000);
	send_in_pieces(e, 0, 1);
	send_in_pieces(e, 65536, 1);
	send_in_pieces(e, 65536, 2);
	send_in_pieces(e, 32768, ENGINE_IOV_MAX);
	send_in_pieces(e, 0, ENGINE_IOV_MAX);
	send_many_in_a_turn(e);
}

TEST_ON_ENGINES(sends_are_whole)
