/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#include <errno.h>

static const struct {
	const char	*path;
	const char	*decoded;	/* NULL: -EINVAL */
} rows[] = {
	{ "/", "/" }, { "/a", "/a" }, { "/a/", "/a/" }, { "/a/b.c", "/a/b.c" }, { "//", "//" },
	{ "/a//b", "/a//b" },
	{ "/%61%2Db", "/a-b" }, { "/%c3%A4", "/\xc3\xa4" }, { "/a%20b+c", "/a b+c" },
	{ "/%25%32%66", "/%2f" },
	{ "/.", "/" }, { "/./", "/" }, { "/a/.", "/a/" }, { "/a/./b", "/a/b" },
	{ "/a/..", "/" }, { "/a/../", "/" },
	{ "/a/../b", "/b" }, { "/a/b/../c", "/a/c" }, { "/a/b/../../c", "/c" }, { "/a//../b", "/a/b" },
	{ "/a/%2e%2E/b", "/b" }, { "/a/%2e/b", "/a/b" }, { "/a/.%2e", "/" }, { "/...", "/..." },
	{ "/..a", "/..a" }, { "/.a", "/.a" }, { "/a../b", "/a../b" }, { "/a%5cb", "/a\\b" },
	{ "/%0a", "/\n" },
	{ "//..", "/" },
	{ "", NULL }, { "a", NULL }, { "*", NULL }, { "/..", NULL }, { "/../a", NULL },
	{ "/a/../../b", NULL }, { "/%2e%2e/", NULL }, { "/./..", NULL }, { "/%", NULL }, { "/%1", NULL },
	{ "/%zz", NULL },
	{ "/%1g", NULL }, { "/%g1", NULL }, { "/a%00b", NULL }, { "/a%2fb", NULL }, { "/a%2Fb", NULL },
	{ "/%2f..%2f", NULL },
	{ "/%u0041", NULL },
};

static void each_path_is_decoded_or_refused(void **state)
{
	char out[64];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int n = http_path_decode(guarded(span_of(rows[i].path)), out, sizeof(out));
		int want = rows[i].decoded ? (int)strlen(rows[i].decoded) : -EINVAL;

		assert_verdict(span_of(rows[i].path), n, want);
		if (rows[i].decoded)
			assert_span((struct span){ out, (size_t)n }, rows[i].decoded);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	char out[64];

	assert_int_equal(http_path_decode(SPAN("/a\0b"), out, sizeof(out)), -EINVAL);
}

static void no_more_is_written_than_fits(void **state)
{
	const struct span path = SPAN("/a%20c/./e/../fg");	/* nine bytes before the last ".." is seen */
	static const char blank[16];

	for (size_t size = 0; size < 16; size++) {
		struct span room = guarded((struct span){ blank, size });
		int n = http_path_decode(path, (char *)room.at, size);

		assert_int_equal(n, size < 9 ? -ENAMETOOLONG : 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_is_decoded_or_refused),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(no_more_is_written_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
