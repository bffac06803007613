/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static void names_and_bodies(void **state)
{
	assert_span(http_reason(200), "OK");
	assert_span(http_reason(404), "Not Found");
	assert_span(http_reason(413), "Content Too Large");
	assert_span(http_reason(505), "HTTP Version Not Supported");
	assert_span(http_reason(299), "Unknown");
	assert_span(http_reason(0), "Unknown");
	assert_span(http_reason(-1), "Unknown");
	assert_span(http_reason(1000), "Unknown");

	assert_true(http_status_has_body(200));
	assert_true(http_status_has_body(416));
	assert_false(http_status_has_body(100));
	assert_false(http_status_has_body(101));
	assert_false(http_status_has_body(204));
	assert_false(http_status_has_body(304));
}

TEST_MAIN(names_and_bodies)
