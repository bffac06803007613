/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

static struct decoded d;

static void the_rest_is_left_alone(void **state)
{
	struct http_head head = { .content_length = 5 };

	for (size_t piece = 1; piece < 20; piece++) {
		decode(SPAN("helloGET / HTTP/1.1"), &head, 5, piece, &d);
		assert_int_equal(d.verdict, HTTP_DONE);
		assert_span((struct span){ d.content, d.len }, "hello");
		assert_int_equal(d.left, strlen("GET / HTTP/1.1"));
		decode(SPAN("hell"), &head, 5, piece, &d);
		assert_int_equal(d.verdict, HTTP_MORE);
	}
}

static void no_body_is_done_at_once(void **state)
{
	struct http_head head = { .content_length = 0 };

	decode(SPAN(""), &head, 0, 1, &d);
	assert_int_equal(d.verdict, HTTP_DONE);
	decode(SPAN("GET"), &head, 0, 3, &d);
	assert_int_equal(d.verdict, HTTP_DONE);
	assert_int_equal(d.left, 3);
}

static void done_stays_done(void **state)
{
	struct http_head head = { .content_length = 1 };
	struct span in = SPAN("ab"), data;
	struct http_body body;

	http_body_init(&body, &head, 1);
	assert_int_equal(http_body_take(&body, &in, &data), HTTP_DONE);
	assert_span(data, "a");
	assert_int_equal(http_body_take(&body, &in, &data), HTTP_DONE);
	assert_span(data, "");
	assert_span(in, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rest_is_left_alone),
		cmocka_unit_test(no_body_is_done_at_once),
		cmocka_unit_test(done_stays_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
