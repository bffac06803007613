/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static void check_inside(struct span span, const char *at, size_t len)
{
	if (span.at)
		assert_true(span.at >= at && span.at + span.len <= at + len);
}

static void spans_follow_the_copy(void **state)
{
	static const char request[] = "GET http://a/?q HTTP/1.1\r\nHost: b\r\nAccept: c\r\n\r\n";
	const size_t len = sizeof(request) - 1;
	static struct http_head head;
	char copy[sizeof(request)];

	assert_int_equal(http_head_parse(SPAN(request), &usual_limits, &head), HTTP_DONE);
	memcpy(copy, request, sizeof(copy));
	http_head_rebase(&head, request, copy);

	check_inside(head.line, copy, len);
	check_inside(head.target, copy, len);
	check_inside(head.path, copy, len);
	check_inside(head.query, copy, len);
	check_inside(head.host, copy, len);
	for (uint32_t i = 0; i < head.n_fields; i++) {
		check_inside(head.fields[i].name, copy, len);
		check_inside(head.fields[i].value, copy, len);
	}
	assert_span(head.line, "GET http://a/?q HTTP/1.1");
	assert_span(head.path, "/");
	assert_span(head.query, "q");
	assert_span(head.host, "a");
	assert_span(http_head_field(&head, SPAN("accept")), "c");
}

static void nothing_stays_nothing(void **state)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	static struct http_head head;
	char copy[sizeof(request)];

	assert_int_equal(http_head_parse(SPAN(request), &usual_limits, &head), HTTP_DONE);
	http_head_rebase(&head, request, copy);
	assert_null(head.host.at);
	assert_null(head.query.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_follow_the_copy),
		cmocka_unit_test(nothing_stays_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
