/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "parent/claim.h"
#include "parent/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_holder(const struct address *address, pid_t pid)
{
	char holder[HOLDER_TEXT_BYTES], text[32];

	snprintf(text, sizeof(text), "(pid %d)", (int)pid);
	assert_int_equal(claim_create(address, holder), -EADDRINUSE);
	if (!strstr(holder, text))
		fail_msg("the holder of %d is said to be \"%s\"", (int)pid, holder);
}

static pid_t adopt_in_a_child(int fd)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		claim_adopt(fd);
		(void)!write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	return pid;
}

/* The first who made it goes away, and it stays. */
static void claim_is_told_from_whoever_adopts_it(void **state)
{
	char holder[HOLDER_TEXT_BYTES];
	struct address address;
	pid_t pid;
	int fd;

	assert_int_equal(address_parse("127.0.0.1:27997", &address), 0);
	fd = claim_create(&address, holder);
	assert_true(fd >= 0);
	expect_holder(&address, getpid());
	pid = adopt_in_a_child(fd);
	claims_release(&fd, 1);
	assert_int_equal(fd, -1);
	expect_holder(&address, pid);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fd = claim_create(&address, holder);
	assert_true(fd >= 0);
	close(fd);
}

TEST_MAIN(claim_is_told_from_whoever_adopts_it)
