/* SPDX-License-Identifier: MIT */
/* wire.h - packets as no channel_send() would make them, and a count of this process's descriptors */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "bridge/channel.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define WIRE_FDS_MAX 8

static inline unsigned n_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* One packet of any type, size and number of descriptors (all of them @channel_fd). */
static inline void send_raw(int channel_fd, uint32_t type, size_t n_payload, unsigned n_fds)
{
	static char payload[2 * CHANNEL_PAYLOAD_MAX];
	union {
		char		bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
		struct cmsghdr	align;
	} control = { { 0 } };
	struct iovec parts[2] = { { &type, sizeof(type) }, { payload, n_payload } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };

	if (n_fds > 0) {
		struct cmsghdr *c = &control.align;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		for (unsigned i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &channel_fd, sizeof(int));
	}
	assert_true(sendmsg(channel_fd, &header, MSG_NOSIGNAL) >= 0);
}

struct wire_rule {
	const char	*name;
	enum side	 sender;
	size_t		 size;
	unsigned	 n_fds;
};

static const struct wire_rule wire_rules[] = {
#define WIRE_RULE(name, sender, bytes, n_fds, meaning) { #name, sender, bytes, n_fds },
	CHANNEL_MESSAGES(WIRE_RULE)
#undef WIRE_RULE
};

/* Runs one test function as a program. */
#define TEST_MAIN(function)								\
	int main(void)									\
	{										\
		const struct CMUnitTest tests[] = { cmocka_unit_test(function) };	\
											\
		return cmocka_run_group_tests(tests, NULL, NULL);			\
	}
