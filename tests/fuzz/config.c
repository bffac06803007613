/* SPDX-License-Identifier: MIT */
/*
 * config - any bytes as a configuration file
 *
 * Held: it is refused with a line that begins with the file's name, or every value it set can be written, and reads
 * back as the same.
 */
#include "base/auto.h"
#include "base/must.h"
#include "cli/cli.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reads_back(const struct option *option, const struct serve_options *options)
{
	struct serve_options again = { .pool = BROOD_OPTIONS_INIT };
	char text[VALUE_TEXT_BYTES], same[VALUE_TEXT_BYTES];

	value_format(option, options, text);
	if (!text[0])
		return;
	must(option->parse(option, text, &again) == NULL);
	value_format(option, &again, same);
	must(strcmp(text, same) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct serve_options options = { .pool = BROOD_OPTIONS_INIT };
	autoclose int fd = memfd_create("config", MFD_CLOEXEC);
	char path[64];
	int code;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.config = path;
	code = file_read(&options);
	must(code == 0 || (code == BROOD_EXIT_USAGE && strstr(options.error, path)));
	must(options.n_listen <= CLI_LISTEN_MAX && options.config == path);
	for (size_t i = 0; code == 0 && i < option_table_len; i++)
		if (option_table[i].parse)
			check_reads_back(&option_table[i], &options);
	options_free(&options);
	return 0;
}
