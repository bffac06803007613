/* SPDX-License-Identifier: MIT */
/*
 * engines.h - a test of this room runs once on each engine
 *
 * TEST_ON_ENGINES(body) makes a program of a function that is given a fresh engine. Where io_uring is
 * refused the other half still runs, and the program ends as skipped with the reason. Descriptors are
 * counted around each run.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/engine.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000	/* what has not happened by then does not happen */

/* ---- descriptors ---- */

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline void need_fds(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < n) {
		printf("needs %llu descriptors\n", (unsigned long long)n);
		exit(77);
	}
	if (limit.rlim_cur < n)
		limit.rlim_cur = n;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Two ends of one TCP connection over loopback; ours does not block. */
struct ends {
	int ours;
	int theirs;
};

static int ends_listener = -1;
static struct sockaddr_in ends_address;

static inline void listen_for_ends(void)
{
	socklen_t len = sizeof(ends_address);

	ends_address = (struct sockaddr_in){ .sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	ends_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(ends_listener, (struct sockaddr *)&ends_address, len) < 0 ||
	    listen(ends_listener, 128) < 0 ||
	    getsockname(ends_listener, (struct sockaddr *)&ends_address, &len) < 0) {
		printf("cannot listen on loopback: %s\n", strerror(errno));
		exit(1);
	}
}

static inline int connect_end(int buffer_bytes)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (buffer_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
	assert_int_equal(connect(fd, (struct sockaddr *)&ends_address, sizeof(ends_address)), 0);
	return fd;
}

/* @buffer_bytes: of our sending and their receiving socket buffer; 0 = as the kernel likes. */
static inline struct ends make_ends(int buffer_bytes)
{
	struct ends ends = { .theirs = connect_end(buffer_bytes) };

	ends.ours = accept4(ends_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(ends.ours >= 0);
	if (buffer_bytes)
		setsockopt(ends.ours, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
	return ends;
}

/* Closes with a reset, so that no TIME_WAIT is left either. */
static inline void reset_end(int fd)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static inline void close_ends(struct engine *e, struct ends ends)
{
	reset_end(ends.theirs);
	engine_close(e, ends.ours);
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* ---- completions ---- */

static inline struct tag tag_of(uint32_t index)
{
	return (struct tag){ 7, (uint16_t)(index * 31 + 5), index };
}

static inline void assert_tag(struct tag tag, uint32_t index)
{
	assert_int_equal(tag.owner, tag_of(index).owner);
	assert_int_equal(tag.generation, tag_of(index).generation);
	assert_int_equal(tag.index, index);
}

/* The next completion; turns as often as it takes. Return: false when none came within @ms. */
static inline bool next_within(struct engine *e, struct completion *ret_completion, uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	for (;;) {
		while (engine_next(e, ret_completion))
			if (ret_completion->op != OP_IGNORE)
				return true;
		if (clock_ms() >= until)
			return false;
		assert_int_equal(engine_turn(e, until), 0);
	}
}

/* The next completion, which has to be this one; more is given back. */
static inline bool expect(struct engine *e, enum op op, uint32_t index, int res)
{
	struct completion c;

	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, op);
	assert_tag(c.tag, index);
	assert_int_equal(c.res, res);
	return c.more;
}

static inline void expect_nothing(struct engine *e)
{
	struct completion c;

	assert_false(next_within(e, &c, 30));
}

/* ---- a program ---- */

static char engines_refusal[256];
static int engines_n_fds;
static void (*engines_body)(struct engine *e);

static inline void run_on(enum engine_kind kind)
{
	struct engine *e = NULL;
	char why[sizeof(engines_refusal)];

	engines_n_fds = count_fds();
	if (engine_create(kind, &e, why, sizeof(why)) < 0) {
		assert_int_equal(kind, ENGINE_URING);
		memcpy(engines_refusal, why, sizeof(why));
		skip();
	}
	assert_int_equal(e->kind, kind);
	engines_body(e);
	assert_int_equal(engine_turn(e, 0), 0);		/* what was closed last is closed now */
	engine_destroy(e);
	assert_int_equal(count_fds(), engines_n_fds);
}

static inline void on_uring(void **state)
{
	run_on(ENGINE_URING);
}

static inline void on_epoll(void **state)
{
	run_on(ENGINE_EPOLL);
}

static inline int run_on_engines(void (*body)(struct engine *e))
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(on_uring), cmocka_unit_test(on_epoll) };
	int n_failed;

	engines_body = body;
	signal(SIGPIPE, SIG_IGN);
	listen_for_ends();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	close(ends_listener);
	if (n_failed > 0 || !engines_refusal[0])
		return n_failed;
	printf("%s\n", engines_refusal);
	return 77;
}

#define TEST_ON_ENGINES(body)			\
	int main(void)				\
	{					\
		return run_on_engines(body);	\
	}
