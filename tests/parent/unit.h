/* SPDX-License-Identifier: MIT */
/* unit.h - a test of one function of this room */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs one test function as a program. */
#define TEST_MAIN(function)								\
	int main(void)									\
	{										\
		const struct CMUnitTest tests[] = { cmocka_unit_test(function) };	\
											\
		return cmocka_run_group_tests(tests, NULL, NULL);			\
	}
