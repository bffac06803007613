/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	bool		valid;
	struct span	name;
	struct span	value;
} rows[] = {
	{ true, TEXT("X"), TEXT("y") },
	{ true, TEXT("X-Long_Name"), TEXT("a\tb \xc3\xa4") },
	{ true, TEXT("X"), TEXT("") },
	{ false, TEXT(""), TEXT("y") },
	{ false, TEXT("X Y"), TEXT("y") },
	{ false, TEXT("X:"), TEXT("y") },
	{ false, TEXT("X\r\n"), TEXT("y") },
	{ false, TEXT("X\xc3\xa4"), TEXT("y") },
	{ false, TEXT("X"), TEXT("y\r\nZ: injected") },
	{ false, TEXT("X"), TEXT("y\n") },
	{ false, TEXT("X"), TEXT("y\r") },
	{ false, TEXT("X"), TEXT("y\0z") },
	{ false, TEXT("X"), TEXT("y\x7f") },
};

static void nothing_can_be_injected(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(http_field_valid(rows[i].name, rows[i].value), rows[i].valid);
	assert_true(http_field_valid(SPAN("X"), SPAN_NULL));
	assert_false(http_field_valid(SPAN_NULL, SPAN("y")));
}

TEST_MAIN(nothing_can_be_injected)
