/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

#define BODY "3\r\nabc\r\n0\r\n"

static struct decoded d;

static void valid_trailers_change_nothing(void **state)
{
	static const struct span wires[] = {
		TEXT(BODY "X: y\r\n\r\n"), TEXT(BODY "X:\r\nY:  z \t\r\n\r\n"),
		TEXT(BODY "X: \xc3\xa4\ty\r\n\r\n"),
		TEXT(BODY "Host: evil\r\nConnection: close\r\nExpect: x\r\nContent-Type: text/plain\r\n\r\n"),
		TEXT(BODY "Content-Lengt: 1\r\nContent-Lengths: 1\r\nTransfer-Encodin: chunked\r\n\r\n"),
	};

	for (unsigned i = 0; i < ARRAY_LEN(wires); i++) {
		assert_verdict(wires[i], decode_chunked(wires[i], &d), HTTP_DONE);
		assert_span((struct span){ d.content, d.len }, "abc");
		assert_int_equal(d.left, 0);
	}
}

static void malformed_trailers_are_400(void **state)
{
	static const struct span wires[] = {
		TEXT(BODY " X: y\r\n\r\n"), TEXT(BODY "X: y\r\n z\r\n\r\n"), TEXT(BODY "X : y\r\n\r\n"),
		TEXT(BODY ": y\r\n\r\n"), TEXT(BODY "X\r\n\r\n"), TEXT(BODY "X: y\n\r\n"),
		TEXT(BODY "X: y\r\n\n"), TEXT(BODY "X: y\rz\r\n\r\n"), TEXT(BODY "X: \0\r\n\r\n"),
		TEXT(BODY "X: \x7f\r\n\r\n"),
		TEXT(BODY "Content-Length: 3\r\n\r\n"), TEXT(BODY "content-LENGTH:\r\n\r\n"),
		TEXT(BODY "X: y\r\nTransfer-Encoding: chunked\r\n\r\n"), TEXT(BODY "X(: y\r\n\r\n"),
		TEXT(BODY "GET / HTTP/1.1\r\n\r\n"),
	};

	for (unsigned i = 0; i < ARRAY_LEN(wires); i++)
		assert_verdict(wires[i], decode_chunked(wires[i], &d), 400);
}

static void trailers_are_bounded(void **state)
{
	static char wire[10000];

	for (int len = 8000; len < 8400; len += 20) {
		int n = snprintf(wire, sizeof(wire), BODY "X: %0*d\r\n\r\n", len, 0);
		bool fits = (size_t)n - strlen(BODY) <= 8192;

		assert_int_equal(decode_chunked((struct span){ wire, (size_t)n }, &d),
				 fits ? HTTP_DONE : 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_trailers_change_nothing),
		cmocka_unit_test(malformed_trailers_are_400),
		cmocka_unit_test(trailers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
