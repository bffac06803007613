/* SPDX-License-Identifier: MIT */
#include "service/check.h"

enum { PLAIN = 1 << CODING_NONE, BROTLI = 1 << CODING_BROTLI, GZIP = 1 << CODING_GZIP };

static const struct {
	const char	*accept;	/* NULL = no such field */
	int		 there;
	enum coding	 chosen;
} rows[] = {
	{ NULL, PLAIN | BROTLI | GZIP, CODING_NONE },
	{ "", PLAIN | BROTLI | GZIP, CODING_NONE },
	{ "gzip, br", PLAIN | BROTLI | GZIP, CODING_BROTLI },
	{ "gzip, br", PLAIN | GZIP, CODING_GZIP },
	{ "gzip, br", PLAIN, CODING_NONE },
	{ "gzip;q=0.9, br;q=0.8", PLAIN | BROTLI | GZIP, CODING_GZIP },
	{ "gzip;q=0.9, br;q=0.8", PLAIN | BROTLI, CODING_BROTLI },
	{ "*;q=0.1", PLAIN | BROTLI | GZIP, CODING_BROTLI },
	{ "br;q=0, *", PLAIN | BROTLI | GZIP, CODING_GZIP },
	{ "identity, gzip;q=0.5", PLAIN | GZIP, CODING_NONE },
	{ "identity;q=0", PLAIN | GZIP, CODING_NONE },
	{ "identity;q=0, gzip;q=0.001", PLAIN | GZIP, CODING_GZIP },
	{ "deflate", PLAIN | BROTLI | GZIP, CODING_NONE },
};

static void each_wish_has_its_variant(void **state)
{
	struct variant variants[N_CODINGS];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct resource resource = { .varied = true };
		struct variant *chosen;

		for (int c = 0; c < N_CODINGS; c++)
			resource.variant[c] = rows[i].there & 1 << c ? &variants[c] : NULL;
		chosen = resource_choose(&resource, rows[i].accept ? span_of(rows[i].accept) : SPAN_NULL);
		if (chosen != &variants[rows[i].chosen])
			fail_msg("%s: %d", rows[i].accept, (int)(chosen - variants));
	}
}

TEST_MAIN(each_wish_has_its_variant)
