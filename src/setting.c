/* SPDX-License-Identifier: MIT */
#include "setting.h"

#include <string.h>

const struct setting setting_table[] = {
#define SETTING(field, usual, least, most) { #field, offsetof(struct brood_options, field), \
	sizeof(((struct brood_options *)0)->field), usual, least, (most) & ~OR_OFF(0) & ~OR_AUTO(0), \
	(most) & OR_OFF(0), (most) & OR_AUTO(0) },
	SETTINGS(SETTING)
#undef SETTING
	{ .name = NULL }
};

const struct setting *setting_find(size_t offset)
{
	for (const struct setting *s = setting_table; s->name; s++)
		if (s->offset == offset)
			return s;
	return NULL;
}

uint64_t setting_load(const struct setting *setting, const struct brood_options *options)
{
	const char *field = (const char *)options + setting->offset;
	uint32_t narrow;
	uint64_t wide;

	if (setting->bytes == sizeof(wide)) {
		memcpy(&wide, field, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, field, sizeof(narrow));
	return narrow;
}

void setting_store(const struct setting *setting, struct brood_options *options, uint64_t value)
{
	char *field = (char *)options + setting->offset;
	uint32_t narrow = (uint32_t)value;

	if (setting->bytes == sizeof(value))
		memcpy(field, &value, sizeof(value));
	else
		memcpy(field, &narrow, sizeof(narrow));
}
