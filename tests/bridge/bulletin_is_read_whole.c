/* SPDX-License-Identifier: MIT */
/* One process moves counts from a living row to the departed, another reads: the sum never changes. */
#include "bridge/bulletin.h"
#include "bridge/wire.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_ROWS 9

static unsigned n_whole;

/* A worker of row @i with 7 requests dies, and another, with none yet, takes its place; then it counts 7 as well. */
static void live(struct board *board, unsigned i)
{
	struct bulletin *b = board_bulletin(board);

	bulletin_begin(&b->version);
	bulletin_add(&b->departed, &board->rows[i]);
	board_set(&b->posts[i].pid, 0);
	bulletin_end(&b->version);
	board_clear(&board->rows[i]);

	bulletin_begin(&b->version);
	board_set(&board->rows[i].requests, 7);
	histogram_record(&board->rows[i].latency, 100, 7);
	board_set(&b->departed.requests, board_get(&b->departed.requests) - 7);
	histogram_add(&b->departed.latency.n[histogram_bucket(100)], (uint64_t)-7);
	histogram_add(&b->departed.latency.sum_us, (uint64_t)-700);
	board_set(&b->posts[i].pid, 100 + i);
	bulletin_end(&b->version);
}

static void expect_whole(struct board *board)
{
	struct bulletin_copy *copy = bulletin_read(board, true);

	if (!copy)	/* its writer does not run */
		return;
	n_whole++;
	assert_int_equal(board_get(&copy->sum.requests), 7 * N_ROWS);
	assert_int_equal(board_get(&copy->sum.latency.n[histogram_bucket(100)]), 7 * N_ROWS);
	assert_int_equal(board_get(&copy->sum.latency.sum_us), 700 * N_ROWS);
	free(copy);
}

static struct board *make_board(void)
{
	struct board *board;

	assert_int_equal(board_create(N_ROWS, &board), 0);
	board_set(&board_bulletin(board)->n_rows, N_ROWS);
	for (unsigned i = 0; i < N_ROWS; i++) {
		board_set(&board->rows[i].requests, 7);
		histogram_record(&board->rows[i].latency, 100, 7);
		board_set(&board_bulletin(board)->posts[i].pid, 100 + i);
	}
	return board;
}

static void sums_are_of_one_moment(void **state)
{
	struct board *board = make_board();
	pid_t pid = fork();

	if (pid == 0)
		for (unsigned i = 0;; i = (i + 1) % N_ROWS) {
			live(board, i);
			usleep(20);
		}
	for (int i = 0; i < 200000; i++)
		expect_whole(board);
	assert_true(n_whole > 1000);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	board_destroy(board);
}

/* Stopped within a change for ever: what is read may be nonsense, but it is read. */
static void dead_writers_hold_nobody_up(void **state)
{
	struct board *board = make_board();
	struct bulletin *b = board_bulletin(board);

	bulletin_begin(&b->version);
	board_set(&b->n_slots, UINT64_MAX);
	board_set(&b->n_rows, UINT64_MAX);
	board_set(&b->posts[3].slot, UINT64_MAX);
	assert_null(bulletin_read(board, true));
	free(bulletin_read(board, false));
	assert_null(bulletin_read_text(board, &(size_t){ 0 }));
	bulletin_write_text(board, "status", 6, 1);
	atomic_store(&b->text_bytes, UINT32_MAX);
	free(bulletin_read_text(board, &(size_t){ 0 }));
	bulletin_begin(&b->text_version);
	assert_null(bulletin_read_text(board, &(size_t){ 0 }));
	board_destroy(board);
}

static void texts_come_whole(void **state)
{
	struct board *board = make_board();
	size_t n = 0;
	char *text;

	assert_int_equal(bulletin_text_ms(board), 0);
	bulletin_write_text(board, "status", 6, 42);
	text = bulletin_read_text(board, &n);
	assert_int_equal(n, 6);
	assert_memory_equal(text, "status", 6);
	assert_int_equal(bulletin_text_ms(board), 42);
	free(text);
	board_destroy(board);
}

static void gauges_do_not_outlive_their_worker(void **state)
{
	struct board *board = make_board();
	struct board_row *departed = &board_bulletin(board)->departed;

	board_set(&board->rows[0].connections, 5);
	board_set(&board->rows[0].accepted, 6);
	bulletin_add(departed, &board->rows[0]);
	bulletin_clear_gauges(departed);
	assert_int_equal(board_get(&departed->connections), 0);
	assert_int_equal(board_get(&departed->accepted), 6);
	board_destroy(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_of_one_moment),
		cmocka_unit_test(dead_writers_hold_nobody_up),
		cmocka_unit_test(texts_come_whole),
		cmocka_unit_test(gauges_do_not_outlive_their_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
