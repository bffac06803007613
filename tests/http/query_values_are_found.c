/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#include <errno.h>

static const struct {
	const char	*query;
	const char	*key;
	const char	*value;		/* NULL: @error */
	int		error;
} rows[] = {
	{ "a=1", "a", "1", 0 },
	{ "a=1&b=2", "b", "2", 0 },
	{ "a=1&a=2", "a", "1", 0 },
	{ "a", "a", "", 0 },
	{ "a=", "a", "", 0 },
	{ "a&b", "b", "", 0 },
	{ "a=b=c", "a", "b=c", 0 },
	{ "&&a=1&", "a", "1", 0 },
	{ "a=x+y%2Bz%26", "a", "x y+z&", 0 },
	{ "%61+b=1", "a b", "1", 0 },
	{ "%zz=1&a=2", "a", "2", 0 },
	{ "=1", "", "1", 0 },
	{ "", "a", NULL, -ENOENT },
	{ "b=a", "a", NULL, -ENOENT },
	{ "ab=1", "a", NULL, -ENOENT },
	{ "a=1", "ab", NULL, -ENOENT },
	{ "A=1", "a", NULL, -ENOENT },
	{ "a=%", "a", NULL, -EINVAL },
	{ "a=%4", "a", NULL, -EINVAL },
	{ "a=%4x", "a", NULL, -EINVAL },
	{ "a=123456789", "a", NULL, -ENOSPC },
};

static void each_key_has_its_value(void **state)
{
	char out[8];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct span query = guarded(span_of(rows[i].query));
		int n = http_query_get(query, span_of(rows[i].key), out, sizeof(out));
		int want = rows[i].value ? (int)strlen(rows[i].value) : rows[i].error;

		assert_verdict(query, n, want);
		if (rows[i].value)
			assert_span((struct span){ out, (size_t)n }, rows[i].value);
	}
	assert_int_equal(http_query_get(SPAN_NULL, SPAN("a"), out, sizeof(out)), -ENOENT);
}

TEST_MAIN(each_key_has_its_value)
