/* SPDX-License-Identifier: MIT */
/* check.h - what the tests of this room share */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "conn/conn.h"
#include "service/files.h"
#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define assert_text(span, expected) check_text((span), (expected), __FILE__, __LINE__)

static inline void check_text(struct span text, const char *expected, const char *file, int line)
{
	char *have = strndup(text.at ? text.at : "", text.len);

	_assert_string_equal(have, expected, file, line);
	free(have);
}

/* A new directory; *ret_fd is open on it. */
static inline char *make_directory(int *ret_fd)
{
	char *path = strdup("/tmp/brood-test-XXXXXX");

	assert_non_null(mkdtemp(path));
	*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(*ret_fd >= 0);
	return path;
}

static inline void put_file(int dir_fd, const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline int run_one(const struct CMUnitTest *test)
{
	return _cmocka_run_group_tests(test->name, test, 1, NULL, NULL);
}

#define TEST_MAIN(test)								\
	int main(void)								\
	{									\
		static const struct CMUnitTest the_test = cmocka_unit_test(test);	\
		return run_one(&the_test);					\
	}
