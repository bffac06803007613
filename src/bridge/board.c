/* SPDX-License-Identifier: MIT */
#include "bridge/board.h"

#include "base/must.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The page before the board is private to each process and holds the length of the mapping, because the
 * board itself, n_rows too, can be overwritten by any worker.
 */
struct deed {
	size_t	n_bytes;
};

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int board_create(unsigned n_rows, struct board **ret_board)
{
	size_t page = page_bytes();
	size_t n_shared = sizeof(struct board) + n_rows * sizeof(struct board_row);
	size_t n_bytes = page + (n_shared + page - 1) / page * page;
	struct board *board;
	char *at;

	at = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	board = mmap(at + page, n_bytes - page, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (board == MAP_FAILED) {
		int r = -errno;

		munmap(at, n_bytes);
		return r;
	}
	((struct deed *)at)->n_bytes = n_bytes;
	board->n_rows = n_rows;
	*ret_board = board;
	return 0;
}

void board_destroy(struct board *board)
{
	char *at;

	if (!board)
		return;
	at = (char *)board - page_bytes();
	must(munmap(at, ((struct deed *)at)->n_bytes) == 0);
}

void board_clear(struct board_row *row)
{
#define CLEAR(name, meaning) board_set(&row->name, 0);
	BOARD_FIELDS(CLEAR)
#undef CLEAR
}
