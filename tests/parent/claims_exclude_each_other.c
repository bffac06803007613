/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "base/auto.h"
#include "base/clock.h"
#include "parent/claim.h"
#include "parent/crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Nothing is bound here, so any port will do that no other pool claims. */
#define PORT "27999"

static int claim(const char *text, char holder[HOLDER_TEXT_BYTES])
{
	struct address address;

	holder[0] = '\0';
	assert_int_equal(address_parse(text, &address), 0);
	return claim_create(&address, holder);
}

static void expect_us(const char *holder)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	if (!strstr(holder, pid) || strncmp(holder, "claims_exclude", 14) != 0)
		fail_msg("the holder is said to be \"%s\"", holder);
}

static void expect_conflict(const char *first, const char *second, bool conflict)
{
	char holder[HOLDER_TEXT_BYTES];
	autoclose int fd = claim(first, holder);
	autoclose int other_fd = -1;

	assert_true(fd >= 0);
	other_fd = claim(second, holder);
	if ((other_fd == -EADDRINUSE) != conflict)
		fail_msg("%s and %s: %d", first, second, other_fd);
	if (conflict)
		expect_us(holder);
}

static void expect_both_ways(const char *a, const char *b, bool conflict)
{
	expect_conflict(a, b, conflict);
	expect_conflict(b, a, conflict);
}

static int squat(const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(un.sun_path + 1, name, strlen(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&un, (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name))), 0);
	return fd;
}

static void squatters_are_named(void)
{
	char holder[HOLDER_TEXT_BYTES];
	int fd = squat("brood/tcp/" PORT "/127.0.0.1:" PORT);

	assert_int_equal(claim("127.0.0.1:" PORT, holder), -EADDRINUSE);
	expect_us(holder);
	assert_int_equal(claim("0.0.0.0:" PORT, holder), -EADDRINUSE);
	expect_us(holder);
	close(fd);
	fd = claim("127.0.0.1:" PORT, holder);
	assert_true(fd >= 0);
	close(fd);
}

static void waiting_for_a_turn_ends(void)
{
	char holder[HOLDER_TEXT_BYTES];
	int fd = squat("brood/tcp/" PORT);
	uint64_t began_ms = clock_ms();

	assert_int_equal(claim("127.0.0.1:" PORT, holder), -EADDRINUSE);
	assert_true(holder[0] != '\0');
	assert_in_range(clock_ms() - began_ms, 500, 5000);
	close(fd);
}

/* A file may have any name. It is shown like ours, and means nothing. */
static void files_are_not_claims(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char directory[] = "/tmp/brood-claim-XXXXXX";
	char holder[HOLDER_TEXT_BYTES];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), claim_fd;

	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(system("mkdir -p @brood/tcp/" PORT), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "@brood/tcp/" PORT "/127.0.0.1:" PORT);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	claim_fd = claim("127.0.0.1:" PORT, holder);
	assert_true(claim_fd >= 0);
	close(claim_fd);
	close(fd);
	assert_int_equal(system("rm -r @brood"), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void claims_exclude_each_other(void **state)
{
	expect_both_ways("127.0.0.1:" PORT, "127.0.0.1:" PORT, true);
	expect_both_ways("0.0.0.0:" PORT, "127.0.0.1:" PORT, true);
	expect_both_ways("[::]:" PORT, "127.0.0.1:" PORT, true);
	expect_both_ways("[::]:" PORT, "[::1]:" PORT, true);
	expect_both_ways("[::]:" PORT, "0.0.0.0:" PORT, true);
	expect_both_ways("127.0.0.1:" PORT, "127.0.0.2:" PORT, false);
	expect_both_ways("127.0.0.1:" PORT, "127.0.0.1:27998", false);
	expect_both_ways("127.0.0.1:" PORT, "[::1]:" PORT, false);
	expect_both_ways("0.0.0.0:" PORT, "[::1]:" PORT, false);
	squatters_are_named();
	waiting_for_a_turn_ends();
	files_are_not_claims();
}

TEST_MAIN(claims_exclude_each_other)
