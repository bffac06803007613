/* SPDX-License-Identifier: MIT */
/* output - what the program writes becomes lines of the log; it is always read, so that the program never waits */
#include "guest/room.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READS_A_TURN	16
#define READS_AT_END	2048	/* more than a pipe can hold */

int output_open(struct output *output, const char *name)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);	/* our end alone: the program may not expect it */
	*output = (struct output){ .fd = ends[0], .name = name };
	return ends[1];
}

static void tell(const struct keeper *k, struct output *output, const char *line, size_t len)
{
	if (len > 0)
		log_info("worker %u (program %d) %s: %.*s", k->heritage->slot,
			 (int)(k->pid ? k->pid : k->end.si_pid), output->name, (int)len, line);
}

static void tell_lines(const struct keeper *k, struct output *output)
{
	char *from = output->line, *newline;
	size_t left = output->len;

	while ((newline = memchr(from, '\n', left))) {
		tell(k, output, from, (size_t)(newline - from));
		left -= (size_t)(newline - from) + 1;
		from = newline + 1;
	}
	if (left == sizeof(output->line)) {
		tell(k, output, from, left);
		left = 0;
	}
	memmove(output->line, from, left);
	output->len = left;
}

static void end(const struct keeper *k, struct output *output)
{
	if (output->len > 0)
		tell(k, output, output->line, output->len);
	close(output->fd);
	output->fd = -1;
}

static void read_some(struct keeper *k, struct output *output, int n_reads)
{
	for (int i = 0; i < n_reads && output->fd >= 0; i++) {
		ssize_t n = read(output->fd, output->line + output->len, sizeof(output->line) - output->len);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end(k, output);
			return;
		}
		output->len += (size_t)n;
		tell_lines(k, output);
	}
}

void output_read(struct keeper *k, struct output *output)
{
	read_some(k, output, READS_A_TURN);
}

void output_finish(struct keeper *k, struct output *output)
{
	read_some(k, output, READS_AT_END);
	if (output->fd >= 0)
		end(k, output);
}
