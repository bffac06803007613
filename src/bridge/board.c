/* SPDX-License-Identifier: MIT */
#include "bridge/board.h"

#include "base/must.h"
#include "bridge/bulletin.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The page before the board is private to each process and says how long the mapping is and where what
 * in it begins, because the board itself, n_rows too, can be overwritten by any worker.
 */
struct deed {
	size_t	n_bytes;
	unsigned n_rows;
	struct bulletin *bulletin;
	char	*text;
};

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static const struct deed *deed_of(const struct board *board)
{
	return (const struct deed *)((const char *)board - page_bytes());
}

struct bulletin *board_bulletin(const struct board *board)
{
	return deed_of(board)->bulletin;
}

char *board_text(const struct board *board)
{
	return deed_of(board)->text;
}

unsigned board_n_rows(const struct board *board)
{
	return deed_of(board)->n_rows;
}

int board_create(unsigned n_rows, struct board **ret_board)
{
	size_t page = page_bytes();
	size_t n_of_rows = sizeof(struct board) + n_rows * sizeof(struct board_row);
	size_t n_of_bulletin = sizeof(struct bulletin) + n_rows * sizeof(struct post);
	/* what is not touched takes no memory */
	size_t n_shared = n_of_rows + n_of_bulletin + BULLETIN_TEXT_MOST;
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
	*(struct deed *)at = (struct deed){
		.n_bytes = n_bytes, .n_rows = n_rows, .bulletin = (struct bulletin *)((char *)board + n_of_rows),
		.text = (char *)board + n_of_rows + n_of_bulletin,
	};
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
	must(munmap(at, deed_of(board)->n_bytes) == 0);
}

void board_clear(struct board_row *row)
{
#define CLEAR(name, meaning) board_set(&row->name, 0);
	BOARD_FIELDS(CLEAR)
#undef CLEAR
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		board_set(&row->latency.n[i], 0);
	board_set(&row->latency.sum_us, 0);
	board_set(&row->mail, 0);
}
