/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

/* Sends up to @times chunks. Return: the last verdict; *ret_sent is how many were taken. */
static int send_chunks(const char *chunk, unsigned times, unsigned *ret_sent)
{
	static const struct http_head head = { .chunked = true };
	static struct decoded d;
	struct http_body body;

	http_body_init(&body, &head, 1 << 30);
	d.verdict = HTTP_MORE;
	for (*ret_sent = 0; *ret_sent < times && d.verdict == HTTP_MORE; ++*ret_sent) {
		d.len = 0;
		feed(&body, span_of(chunk), 1 << 16, &d);
	}
	return d.verdict;
}

static void one_byte_chunks_end_soon(void **state)
{
	unsigned sent;

	assert_int_equal(send_chunks("1\r\na\r\n", 1000000, &sent), 400);
	assert_in_range(sent, 10000, 50000);
	assert_int_equal(send_chunks("0000000000000001\r\na\r\n", 1000000, &sent), 400);
	assert_in_range(sent, 1000, 10000);
}

static void honest_small_chunks_pass(void **state)
{
	unsigned sent;

	assert_int_equal(send_chunks("1\r\na\r\n", 10000, &sent), HTTP_MORE);
	assert_int_equal(send_chunks("4\r\nabcd\r\n", 1000000, &sent), HTTP_MORE);
	assert_int_equal(send_chunks("10;sig=12345678\r\n0123456789abcdef\r\n", 200000, &sent), HTTP_MORE);
}

static void extensions_are_bounded(void **state)
{
	static struct decoded d;
	static char wire[65536 + 16];
	unsigned sent;
	int n;

	for (unsigned len = 250; len <= 65536; len += len < 260 ? 1 : 16319) {
		n = snprintf(wire, sizeof(wire), "1;%0*d\r\na", (int)len - 4, 0);
		assert_int_equal(n, len + 1);
		assert_int_equal(decode_chunked((struct span){ wire, (size_t)n }, &d),
				 len <= 256 ? HTTP_MORE : 400);
	}
	snprintf(wire, sizeof(wire), "1;%0200d\r\na\r\n", 0);
	assert_int_equal(send_chunks(wire, 1000000, &sent), 400);
	assert_in_range(sent, 200, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_byte_chunks_end_soon),
		cmocka_unit_test(honest_small_chunks_pass),
		cmocka_unit_test(extensions_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
