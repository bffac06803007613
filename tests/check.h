/* SPDX-License-Identifier: MIT */
/*
 * check - what a test in C says
 *
 * A test is a main() that checks and returns 0, or ends with skip(). The first check that does not hold
 * prints itself and ends the process with 1. check_fds_begin() and check_fds_end() around the body hold
 * that no descriptor was left open.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check(holds) \
	((holds) ? (void)0 : check_fail(#holds, __FILE__, __LINE__))

#define check_equal(a, b) check_equal_at((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)
#define check_text(a, b) check_text_at((a), (b), #a " is " #b, __FILE__, __LINE__)

static inline void check_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	exit(1);
}

static inline void check_equal_at(long long a, long long b, const char *what, const char *file, int line)
{
	if (a == b)
		return;
	fprintf(stderr, "%lld and %lld; ", a, b);
	check_fail(what, file, line);
}

static inline void check_text_at(const char *a, const char *b, const char *what, const char *file, int line)
{
	if (strcmp(a, b) == 0)
		return;
	fprintf(stderr, "\"%s\" and \"%s\"; ", a, b);
	check_fail(what, file, line);
}

_Noreturn static inline void skip(const char *why)
{
	printf("%s\n", why);
	exit(77);
}

static inline int check_count_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int n = 0;

	check(fds != NULL);
	while (readdir(fds))
		n++;
	closedir(fds);
	return n;
}

static int check_n_fds;

static inline void check_fds_begin(void)
{
	check_n_fds = check_count_fds();
}

static inline void check_fds_end(void)
{
	check_equal(check_count_fds(), check_n_fds);
}
