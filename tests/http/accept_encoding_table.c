/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	const char	*value;
	int		gzip;
	int		br;
	int		identity;
} rows[] = {
	{ "", 0, 0, 1 },
	{ "gzip", 1000, 0, 1 },
	{ "gzip, br", 1000, 1000, 1 },
	{ "GZIP;Q=0.5,BR ; q=0.25", 500, 250, 1 },
	{ "gzip;q=1.0, identity; q=0.5, *;q=0", 1000, 0, 500 },
	{ "gzip;q=0", 0, 0, 1 },
	{ "gzip;q=0.000", 0, 0, 1 },
	{ "gzip;q=0.001", 1, 0, 1 },
	{ "*", 1000, 1000, 1000 },
	{ "*;q=0", 0, 0, 0 },
	{ "*;q=0.1, gzip", 1000, 100, 100 },
	{ "br, *;q=0, identity;q=0.1", 0, 1000, 100 },
	{ "identity;q=0", 0, 0, 0 },
	{ "identity;q=0, br", 0, 1000, 0 },
	{ "x-gzip", 1000, 0, 1 },
	{ ",, gzip ,,", 1000, 0, 1 },
	{ "gzip;q=1.", 1000, 0, 1 },
	{ "gzip;q=1.001", 0, 0, 1 },
	{ "gzip;q=2", 0, 0, 1 },
	{ "gzip;q=-1", 0, 0, 1 },
	{ "gzip;q=0.1234", 0, 0, 1 },
	{ "gzip;q=", 0, 0, 1 },
	{ "gzip;q=a", 0, 0, 1 },
	{ "gzip;q=0.x", 0, 0, 1 },
	{ "gzip;level=9", 0, 0, 1 },
	{ "gzip;", 0, 0, 1 },
	{ "gzipped", 0, 0, 1 },
	{ "gzip br", 0, 0, 1 },
};

static void each_coding_has_its_weight(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct span value = guarded(span_of(rows[i].value));

		assert_verdict(value, http_accept_encoding(value, SPAN("gzip")), rows[i].gzip);
		assert_verdict(value, http_accept_encoding(value, SPAN("br")), rows[i].br);
		assert_verdict(value, http_accept_encoding(value, SPAN("identity")), rows[i].identity);
	}
	assert_int_equal(http_accept_encoding(SPAN_NULL, SPAN("gzip")), 0);
	assert_int_equal(http_accept_encoding(SPAN_NULL, SPAN("identity")), 1);
}

TEST_MAIN(each_coding_has_its_weight)
