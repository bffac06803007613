/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static const struct {
	const char	*path;
	const char	*query;
	const char	*location;
} rows[] = {
	{ "/sub", "", "/sub/" },
	{ "/sub", "a=1&b=%20/?", "/sub/?a=1&b=%20/?" },
	{ "/a/b", "", "/a/b/" },
	{ "//evil.example", "", "/evil.example/" },
	{ "///evil.example", "x", "/evil.example/?x" },
	{ "/%5Cevil.example", "", "/%5Cevil.example/" },
	{ "/\\evil.example", "", "/%5Cevil.example/" },
	{ "/a%20b%0D%0ASet-Cookie:x", "", "/a%20b%0D%0ASet-Cookie%3Ax/" },
	{ "/%3Cb%3E", "", "/%3Cb%3E/" },
};

static void each_location_begins_with_one_slash(void **state)
{
	char location[256];
	struct name name;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int n;

		assert_int_equal(path_read(span_of(rows[i].path), &name), 0);
		n = path_redirect(&name, span_of(rows[i].query), location, sizeof(location));
		assert_true(n > 0);
		assert_text(((struct span){ location, (size_t)n }), rows[i].location);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	struct name name;
	char location[64];
	int n = 0;

	assert_int_equal(path_read(SPAN("/a%20b"), &name), 0);
	for (size_t size = 0; size < sizeof(location); size++) {
		memset(location, '#', sizeof(location));
		n = path_redirect(&name, SPAN("query"), location, size);
		assert_true(n == -ENOSPC || (size_t)n <= size);
		assert_int_equal(location[size], '#');
	}
	assert_int_equal(n, strlen("/a%20b/?query"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_location_begins_with_one_slash),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
