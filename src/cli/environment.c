/* SPDX-License-Identifier: MIT */
/* environment - each option as a variable: --drain-timeout is BROOD_DRAIN_TIMEOUT */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

void variable_name(const struct option *option, char out[VARIABLE_BYTES])
{
	size_t len = (size_t)snprintf(out, VARIABLE_BYTES, "BROOD_%s", option->flag);

	for (size_t i = 0; i < len; i++)
		out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

static int read_variable(struct reading *reading, const struct option *option)
{
	char name[VARIABLE_BYTES];
	const char *value, *allowed, *refusal;

	variable_name(option, name);
	value = getenv(name);
	if (!value)
		return 0;
	refusal = option_refusal(option, reading->out->command);
	if (refusal)
		return refuse(reading->out, "%s is set: %s", name, refusal);
	allowed = assign_copy(reading, option, value);
	return allowed ? refuse(reading->out, "%s is \"%s\": it must be %s", name, value, allowed) : 0;
}

int environment_read(struct serve_options *out)
{
	struct reading reading = { .out = out, .origin = { .source = FROM_ENVIRONMENT } };
	int code = 0;

	for (size_t i = 0; code == 0 && i < option_table_len; i++)
		if (option_table[i].flag)
			code = read_variable(&reading, &option_table[i]);
	return code;
}
