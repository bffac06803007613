/* SPDX-License-Identifier: MIT */
#include "bridge/bulletin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 20	/* one takes a few microseconds, as does writing it */

void bulletin_write_text(struct board *board, const char *text, size_t n, uint64_t now_ms)
{
	struct bulletin *b = board_bulletin(board);

	if (n > BULLETIN_TEXT_MOST)
		return;
	bulletin_begin(&b->text_version);
	memcpy(board_text(board), text, n);
	atomic_store_explicit(&b->text_bytes, (uint32_t)n, memory_order_relaxed);
	board_set(&b->text_ms, now_ms);
	bulletin_end(&b->text_version);
}

void bulletin_add(struct board_row *sum, const struct board_row *row)
{
#define ADD(name, meaning) histogram_add(&sum->name, board_get(&row->name));
	BOARD_FIELDS(ADD)
#undef ADD
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram_add(&sum->latency.n[i], board_get(&row->latency.n[i]));
	histogram_add(&sum->latency.sum_us, board_get(&row->latency.sum_us));
}

void bulletin_clear_gauges(struct board_row *row)
{
	_Atomic uint64_t *const gauges[] = {
		&row->connections, &row->in_flight, &row->admin, &row->waiting, &row->heartbeat_ms,
		&row->tasks_waited_for, &row->task_until_ms,
	};

	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		board_set(gauges[i], 0);
}

static uint32_t version_of(const _Atomic uint32_t *version)
{
	return atomic_load_explicit(version, memory_order_acquire);
}

/* Whether nothing was written since @version. */
static bool is_whole(const _Atomic uint32_t *version, uint32_t before)
{
	atomic_thread_fence(memory_order_acquire);
	return before % 2 == 0 && atomic_load_explicit(version, memory_order_relaxed) == before;
}

/* Return: false when there is nobody in that row. */
static bool copy_post(const struct post *from, unsigned row, struct bulletin_post *ret_post)
{
	*ret_post = (struct bulletin_post){
		.row = row, .slot = (unsigned)board_get(&from->slot) % BULLETIN_SLOTS_MOST,
		.pid = (int)board_get(&from->pid), .generation = board_get(&from->generation),
		.born_ms = board_get(&from->born_ms), .incumbent = board_get(&from->incumbent) == 1,
	};
	return ret_post->pid > 0;
}

static void copy_all(const struct board *board, struct bulletin_copy *copy)
{
	const struct bulletin *b = board_bulletin(board);

	memset(&copy->sum, 0, sizeof(copy->sum));
	copy->n_posts = 0;
#define COPY(name, meaning) copy->name = board_get(&b->name);
	BULLETIN_NUMBERS(COPY)
#undef COPY
	for (unsigned i = 0; i < BULLETIN_N_DEATHS; i++)
		copy->deaths[i] = board_get(&b->deaths[i]);
	for (unsigned i = 0; i < copy->n_slots && i < BULLETIN_SLOTS_MOST; i++) {
		uint64_t name = board_get(&b->slot_state[i]);

		memcpy(copy->slot_state[i], &name, sizeof(name));
		copy->slot_state[i][sizeof(name)] = '\0';
		copy->slot_restarts[i] = board_get(&b->slot_restarts[i]);
	}
	bulletin_add(&copy->sum, &b->departed);
	for (unsigned i = 0; i < copy->n_rows && i < board_n_rows(board); i++)
		if (copy_post(&b->posts[i], i, &copy->posts[copy->n_posts])) {
			copy->n_posts++;
			bulletin_add(&copy->sum, &board->rows[i]);
		}
}

struct bulletin_copy *bulletin_read(const struct board *board, bool whole)
{
	const struct bulletin *b = board_bulletin(board);
	size_t n_bytes = sizeof(struct bulletin_copy) + board_n_rows(board) * sizeof(struct bulletin_post);
	struct bulletin_copy *copy = NULL;
	bool done = false;

	if (posix_memalign((void **)&copy, _Alignof(struct bulletin_copy), n_bytes) != 0)
		return NULL;
	for (unsigned i = 0; i < TRIES && !done; i++) {
		uint32_t version = version_of(&b->version);

		copy_all(board, copy);
		done = is_whole(&b->version, version);
	}
	if (!done && whole) {
		free(copy);
		return NULL;
	}
	if (copy->n_slots > BULLETIN_SLOTS_MOST)
		copy->n_slots = BULLETIN_SLOTS_MOST;
	return copy;
}

/* Return: false when it has changed meanwhile. */
static bool copy_text(const struct board *board, char *text, size_t *ret_bytes)
{
	const struct bulletin *b = board_bulletin(board);
	uint32_t version = version_of(&b->text_version);
	size_t n = atomic_load_explicit(&b->text_bytes, memory_order_relaxed);

	*ret_bytes = n < BULLETIN_TEXT_MOST ? n : BULLETIN_TEXT_MOST;
	memcpy(text, board_text(board), *ret_bytes);
	return is_whole(&b->text_version, version);
}

uint64_t bulletin_text_ms(const struct board *board)
{
	return board_get(&board_bulletin(board)->text_ms);
}

char *bulletin_read_text(const struct board *board, size_t *ret_bytes)
{
	char *text = bulletin_text_ms(board) ? malloc(BULLETIN_TEXT_MOST) : NULL;

	if (!text)
		return NULL;
	for (unsigned i = 0; i < TRIES; i++)
		if (copy_text(board, text, ret_bytes))
			return text;
	free(text);
	return NULL;
}

void bulletin_ask(struct board *board, int ask_fd)
{
	static const uint64_t one = 1;

	if (atomic_exchange(&board_bulletin(board)->asked, 1) == 0)
		(void)!write(ask_fd, &one, sizeof(one));	/* fails only if it was told too often */
}
