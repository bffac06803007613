/* SPDX-License-Identifier: MIT */
/* timeout: 20 */
#include "logged.h"

#define N_LINES 3000	/* more than any pipe holds */

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

int main(void)
{
	size_t size = N_LINES * 128;
	autofree char *text = malloc(size);
	char told[64];
	unsigned n_written;

	check(text != NULL);
	logged_begin();
	for (int i = 0; i < N_LINES; i++)
		log_info("line %d of many, long enough that they do not fit the pipe", i);
	logged_take(text, size);
	n_written = count_lines(text);
	hold(n_written > 100 && n_written < N_LINES);
	hold(log_n_lost() == N_LINES - n_written);

	log_info("there is room again");
	logged_take(text, size);
	snprintf(told, sizeof(told), "warn  %u log lines were lost\n", N_LINES - n_written);
	hold(strstr(text, told) != NULL);
	hold(strstr(strstr(text, told), "info  there is room again\n") != NULL);
	hold(count_lines(text) == 2);

	log_info("told once");
	logged_take(text, size);
	hold(count_lines(text) == 1);
	return 0;
}
