/* SPDX-License-Identifier: MIT */
/* logged - a pipe in the place of stderr, and what was logged into it; failures are printed to stdout */
#pragma once

#include "base/auto.h"
#include "base/log.h"
#include "check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int logged_read_fd = -1;

static inline void logged_begin(void)
{
	int ends[2];

	check_equal(pipe2(ends, O_CLOEXEC), 0);
	check_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	check_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	logged_read_fd = ends[0];
}

/* All that was logged since the last call; terminated. */
static inline void logged_take(char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(logged_read_fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
}

/* What a test checks with while its stderr is the log. */
#define hold(holds) \
	((holds) ? (void)0 : (printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds), exit(1)))
