/* SPDX-License-Identifier: MIT */
#include "base/logged.h"
#include "bridge/board.h"
#include "bridge/config.h"
#include "bridge/heritage.h"
#include "bridge/pin.h"

#include <errno.h>
#include <sched.h>

static bool refuses;
static int n_bound;

/* In the place of libc's: a cpuset may have got narrower since it was asked. */
int sched_setaffinity(pid_t pid, size_t bytes, const cpu_set_t *set)
{
	n_bound += CPU_COUNT_S(bytes, set);
	errno = EINVAL;
	return refuses ? -1 : 0;
}

int main(void)
{
	static struct config config;
	struct heritage heritage = { .slot = 5, .config = &config };
	char log[1000];

	logged_begin();
	hold(board_create(2, &heritage.board) == 0);
	pin_to_cpu(&heritage);
	hold(n_bound == 0 && board_get(&heritage.board->rows[0].cpu) == 0);
	config.options.pin = 1;
	pin_to_cpu(&heritage);
	hold(n_bound == 1 && board_get(&heritage.board->rows[0].cpu) > 0);
	logged_take(log, sizeof(log));
	hold(log[0] == '\0');
	refuses = true;
	heritage.row = 1;
	pin_to_cpu(&heritage);
	hold(n_bound == 2 && board_get(&heritage.board->rows[1].cpu) == 0);
	logged_take(log, sizeof(log));
	hold(strstr(log, "pin: worker 5 "));
	hold(strstr(log, "cannot be bound to a CPU: Invalid argument; it serves on any"));
	pin_to_cpu(&heritage);
	logged_take(log, sizeof(log));
	hold(log[0] == '\0');
	board_destroy(heritage.board);
	return 0;
}
