/* SPDX-License-Identifier: MIT */
#include "bridge/board.h"
#include "bridge/wire.h"

#include <sys/wait.h>

static void fill(struct board_row *row)
{
#define FILL(name, meaning) board_set(&row->name, 7);
	BOARD_FIELDS(FILL)
#undef FILL
}

static void expect_row(const struct board_row *row, uint64_t value)
{
#define EXPECT(name, meaning) assert_int_equal(board_get(&row->name), value);
	BOARD_FIELDS(EXPECT)
#undef EXPECT
}

/* What any worker could do to the head of the board must not reach the parent's munmap(). */
static void board_rows_are_shared_and_cleared(void **state)
{
	struct board *board;
	int status;
	pid_t pid;

	assert_int_equal(board_create(41, &board), 0);
	assert_int_equal(board->n_rows, 41);
	assert_int_equal((uintptr_t)board->rows % 256, 0);
	pid = fork();
	if (pid == 0) {
		for (unsigned i = 0; i < 41; i++)
			fill(&board->rows[i]);
		board->n_rows = UINT32_MAX;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	board_clear(&board->rows[1]);
	expect_row(&board->rows[0], 7);
	expect_row(&board->rows[1], 0);
	expect_row(&board->rows[40], 7);
	board_destroy(board);
	board_destroy(NULL);
}

TEST_MAIN(board_rows_are_shared_and_cleared)
