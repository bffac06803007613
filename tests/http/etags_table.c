/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	const char	*list;
	const char	*etag;
	bool		weak;		/* matches by the weak comparison */
	bool		strong;
} rows[] = {
	/* RFC 9110 8.8.3.2 */
	{ "W/\"1\"", "W/\"1\"", true, false },
	{ "W/\"1\"", "W/\"2\"", false, false },
	{ "W/\"1\"", "\"1\"", true, false },
	{ "\"1\"", "W/\"1\"", true, false },
	{ "\"1\"", "\"1\"", true, true },
	{ "*", "\"1\"", true, true },
	{ " * ", "\"1\"", true, true },
	{ "*", "", true, true },
	{ "\"a\", \"b\",\t\"c\"", "\"c\"", true, true },
	{ "\"a\",\"b\"", "\"b\"", true, true },
	{ ", ,\"a\",, \"b\" ,", "\"b\"", true, true },
	{ "\"a,b\"", "\"a,b\"", true, true },
	{ "\"a,\"b\"", "\"b\"", false, false },
	{ "W/\"a\", \"a\"", "\"a\"", true, true },
	{ "\"\"", "\"\"", true, true },
	{ "\"\xc3\xa4\"", "\"\xc3\xa4\"", true, true },
	{ "\"A\"", "\"a\"", false, false },
	{ "", "\"a\"", false, false },
	{ "a", "a", false, false },
	{ "a", "\"a\"", false, false },
	{ "w/\"a\"", "\"a\"", false, false },
	{ "W/a", "\"a\"", false, false },
	{ "\"a", "\"a\"", false, false },
	{ "\"a b\"", "\"a b\"", false, false },
	{ "x, \"a\"", "\"a\"", false, false },
	{ "\"x\" \"a\"", "\"a\"", false, false },
	{ "\"*\"", "\"a\"", false, false },
	{ "*, \"a\"", "\"a\"", false, false },
	{ "\"a\"", "", false, false },
};

static void each_list_matches_or_not(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct span list = guarded(span_of(rows[i].list));
		struct span etag = span_of(rows[i].etag);

		assert_verdict(list, http_etag_match(list, etag, false), rows[i].weak);
		assert_verdict(list, http_etag_match(list, etag, true), rows[i].strong);
	}
	assert_false(http_etag_match(SPAN_NULL, SPAN("\"a\""), false));
	assert_false(http_etag_match(SPAN("\"a\""), SPAN_NULL, false));
}

TEST_MAIN(each_list_matches_or_not)
