/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static struct http_head head;

static void a_long_head_is_431(void **state)
{
	const struct span request = SPAN("GET / HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyy\r\n\r\n");

	for (uint32_t most = 16; most <= request.len; most++) {
		struct http_limits limits = { most, 8192, 100, 0 };

		assert_int_equal(parse_bytewise(request, &limits, &head),
				 most < request.len ? 431 : HTTP_DONE);
		/* said when the last byte allowed is there: a buffer of that size will never see more */
		assert_int_equal(http_head_parse(prefix(request, most - 1), &limits, &head), HTTP_MORE);
		if (most < request.len)
			assert_int_equal(http_head_parse(prefix(request, most), &limits, &head), 431);
	}
}

static void a_long_target_is_414(void **state)
{
	const struct span request = SPAN("GET /2345678 HTTP/1.1\r\nHost: a\r\n\r\n");

	for (uint32_t most = 0; most < 12; most++) {
		struct http_limits limits = { 8192, most, 100, 0 };

		assert_int_equal(parse_bytewise(request, &limits, &head), most < 8 ? 414 : HTTP_DONE);
	}
	/* the head ends inside the target: the target was what was too long */
	assert_int_equal(parse_bytewise(request, &(struct http_limits){ 8, 100, 100, 0 }, &head), 414);
	assert_int_equal(parse_bytewise(request, &(struct http_limits){ 2, 100, 100, 0 }, &head), 431);
}

static void many_fields_are_431(void **state)
{
	static char request[8192];
	size_t n = (size_t)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\n");

	for (unsigned n_fields = 1; n_fields <= HTTP_FIELDS_MAX; n_fields++) {
		struct http_limits limits = { 8192, 8192, n_fields, 0 };

		memcpy(request + n, "\r\n", 2);
		assert_int_equal(http_head_parse((struct span){ request, n + 2 }, &limits, &head), HTTP_DONE);
		assert_int_equal(head.n_fields, n_fields);
		n += (size_t)snprintf(request + n, sizeof(request) - n, "X-%u: y\r\n", n_fields);
		memcpy(request + n, "\r\n", 2);
		assert_int_equal(parse_bytewise((struct span){ request, n + 2 }, &limits, &head), 431);
	}
	assert_int_equal(http_head_parse((struct span){ request, n + 2 },
					 &(struct http_limits){ 8192, 8192, 1000, 0 }, &head), 431);
}

static void a_long_body_is_413(void **state)
{
	const struct span some = SPAN("POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\n");
	const struct span huge = SPAN("POST / HTTP/1.0\r\nContent-Length: 18446744073709551615\r\n\r\n");
	struct http_limits all = { 99, 9, 9, UINT64_MAX }, almost = { 99, 9, 9, UINT64_MAX - 1 };

	assert_int_equal(parse_bytewise(some, &(struct http_limits){ 99, 9, 9, 100 }, &head), HTTP_DONE);
	assert_int_equal(parse_bytewise(some, &(struct http_limits){ 99, 9, 9, 99 }, &head), 413);
	assert_int_equal(parse_bytewise(huge, &all, &head), HTTP_DONE);
	assert_int_equal(parse_bytewise(huge, &almost, &head), 413);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_head_is_431),
		cmocka_unit_test(a_long_target_is_414),
		cmocka_unit_test(many_fields_are_431),
		cmocka_unit_test(a_long_body_is_413),
	};

	http_scan_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
