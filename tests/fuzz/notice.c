/* SPDX-License-Identifier: MIT */
/*
 * notice - any bytes as a report of a program
 *
 * Held: it is refused, or what was taken from it is within its bounds, and what it names can be named to others.
 */
#include "base/must.h"
#include "guest/notify.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notice n;

	if (!notify_parse((const char *)data, size, &n))
		return 0;
	must(size <= NOTICE_MOST && !memchr(data, '\0', size));
	must(n.main_pid == 0 || n.main_pid > 1);
	must(strnlen(n.status, sizeof(n.status)) < sizeof(n.status));
	must(strnlen(n.name, sizeof(n.name)) < sizeof(n.name) && stored_is_name(n.name, strlen(n.name)));
	return 0;
}
