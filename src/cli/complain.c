/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

int complain(const char *format, ...)
{
	char message[512];
	char line[2 * sizeof(message)];
	va_list arguments;
	size_t len;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	len = text_escape(message, TEXT_PLAIN, line, sizeof(line));
	fprintf(stderr, "brood: %.*s\n", (int)len, line);
	return BROOD_EXIT_USAGE;
}
