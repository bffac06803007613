/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

static const struct span wires[] = {
	TEXT("\r\n"), TEXT("\n"), TEXT("x\r\n"), TEXT(";a\r\n"), TEXT("g\r\n"),
	TEXT("0x5\r\nhello\r\n0\r\n\r\n"), TEXT("+5\r\nhello\r\n0\r\n\r\n"),
	TEXT("-5\r\nhello\r\n0\r\n\r\n"),
	TEXT(" 5\r\nhello\r\n0\r\n\r\n"), TEXT("\t5\r\nhello\r\n0\r\n\r\n"),
	TEXT("5 \r\nhello\r\n0\r\n\r\n"),
	TEXT("5\t\r\nhello\r\n0\r\n\r\n"), TEXT("1_0\r\n"), TEXT("5.\r\n"), TEXT("5,5\r\n"),
	TEXT("5\0\r\n"),
	TEXT("5\nhello\r\n0\r\n\r\n"), TEXT("5\rhello\r\n0\r\n\r\n"), TEXT("5\r\r\nhello\r\n0\r\n\r\n"),
	TEXT("5\r\nhello\n0\r\n\r\n"), TEXT("5\r\nhello\r0\r\n\r\n"), TEXT("5\r\nhello0\r\n\r\n"),
	TEXT("5\r\nhellooo\r\n0\r\n\r\n"), TEXT("5\r\nhello\r\n\r\n"), TEXT("5\r\nhello\r\n0\n\r\n"),
	TEXT("0\r\n\n"), TEXT("0\r\n\rX"), TEXT("0\n\n"),
	TEXT("5 ;a\r\nhello\r\n0\r\n\r\n"), TEXT("5; a\r\nhello\r\n0\r\n\r\n"),
	TEXT("5;\r\nhello\r\n0\r\n\r\n"),
	TEXT("5;;\r\n"), TEXT("5;a;\r\n"), TEXT("5;=b\r\n"), TEXT("5;a=\r\n"), TEXT("5;a=b=c\r\n"),
	TEXT("5;a =b\r\n"), TEXT("5;a= b\r\n"), TEXT("5;a b\r\n"), TEXT("5;a=\"b\r\n"),
	TEXT("5;a=\"b\"c\r\n"),
	TEXT("5;a=\"b\" \r\n"), TEXT("5;a=b\"c\"\r\n"), TEXT("5;a=\"\\\r\n\"\r\n"), TEXT("5;a=\"\n\"\r\n"),
	TEXT("5;a=\"\0\"\r\n"), TEXT("5;a=\x7f\r\n"), TEXT("5;a\n"), TEXT("5;a\nhello\r\n0\r\n\r\n"),
	TEXT("5;\nhello\r\n0\r\n\r\n"), TEXT("5;a\rb\r\n"), TEXT("5;\x80\r\n"), TEXT("5;\"a\"\r\n"),
};

static void anything_else_is_400(void **state)
{
	static struct decoded d;

	for (unsigned i = 0; i < ARRAY_LEN(wires); i++)
		assert_verdict(wires[i], decode_chunked(wires[i], &d), 400);
}

TEST_MAIN(anything_else_is_400)
