/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

/* The room ends at a page that cannot be touched. */
static void the_longest_fits(void **state)
{
	static const struct span type = TEXT("application/octet-stream"), fields = TEXT("X-Some: thing\r\n");
	static char blank[HTTP_RESPONSE_BYTES + 64];
	size_t room = HTTP_RESPONSE_BYTES + type.len + fields.len;

	for (int status = 100; status <= 999; status++) {
		struct span out = guarded((struct span){ blank, room });
		struct http_response response = {
			.status = status, .keep_alive = true, .content_length = UINT64_MAX, .type = type,
			.fields = fields, .date = "Sun, 06 Nov 1994 08:49:37 GMT",
		};

		assert_true(http_response_render((char *)out.at, &response) <= room);
		assert_true(http_reason(status).len > 0);
	}
}

TEST_MAIN(the_longest_fits)
