/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "parent/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/endpoint_test.XXXXXX";
static char path[64];

static void mode_is_set_whatever_the_umask(void)
{
	static const mode_t masks[] = { 0, 022, 077 };
	char why[ENDPOINT_WHY_BYTES];
	struct endpoint e;
	struct stat about;

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		umask(masks[i]);
		assert_int_equal(endpoint_open(path, &e, why), 0);
		assert_int_equal(lstat(path, &about), 0);
		assert_true(S_ISSOCK(about.st_mode));
		assert_int_equal(about.st_mode & 07777, 0600);
		endpoint_close(&e);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void the_living_are_left_alone(void)
{
	struct endpoint first, second;
	char why[ENDPOINT_WHY_BYTES], pid[32];

	snprintf(pid, sizeof(pid), "in use by pid %d", (int)getpid());
	assert_int_equal(endpoint_open(path, &first, why), 0);
	assert_int_equal(endpoint_open(path, &second, why), -EADDRINUSE);
	assert_string_equal(why, pid);
	assert_int_equal(second.fd, -1);
	endpoint_close(&second);
	assert_int_equal(access(path, F_OK), 0);
	endpoint_close(&first);
}

static void the_dead_are_replaced(void)
{
	struct endpoint first, second;
	char why[ENDPOINT_WHY_BYTES];

	assert_int_equal(endpoint_open(path, &first, why), 0);
	close(first.fd);	/* as by a kill */
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(endpoint_open(path, &second, why), 0);
	endpoint_close(&second);
	assert_int_equal(access(path, F_OK), -1);
}

#define RIVALS	8
#define ROUNDS	60

/* Waits for all the others, and says with its exit code how it went; who has got it holds it until @over. */
static _Noreturn void rival(int go_fd, int said_fd, int over_fd)
{
	char why[ENDPOINT_WHY_BYTES], byte;
	struct endpoint e;
	int r;

	(void)!read(go_fd, &byte, 1);	/* its end */
	r = endpoint_open(path, &e, why);
	(void)!write(said_fd, r == 0 ? "y" : r == -EADDRINUSE ? "n" : "?", 1);
	(void)!read(over_fd, &byte, 1);
	_exit(0);
}

static bool somebody_listens(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool listens;

	memcpy(address.sun_path, path, sizeof(path));
	listens = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return listens;
}

/* All find what a dead one has left, and one gets it. */
static void one_of_many_replaces_the_dead(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		int go[2], said[2], over[2], n_got = 0;
		char answers[RIVALS], why[ENDPOINT_WHY_BYTES];
		struct endpoint dead;

		assert_int_equal(endpoint_open(path, &dead, why), 0);
		close(dead.fd);
		assert_true(pipe(go) == 0 && pipe(said) == 0 && pipe(over) == 0);
		for (int i = 0; i < RIVALS; i++) {
			if (fork() == 0) {
				close(go[1]);
				close(over[1]);
				rival(go[0], said[1], over[0]);
			}
		}
		close(go[0]);
		close(go[1]);
		for (int i = 0; i < RIVALS; i++) {
			assert_int_equal(read(said[0], &answers[i], 1), 1);
			assert_int_not_equal(answers[i], '?');
			n_got += answers[i] == 'y';
		}
		assert_int_equal(n_got, 1);
		assert_true(somebody_listens());
		close(over[0]);
		close(over[1]);
		while (wait(NULL) > 0)
			;
		close(said[0]);
		close(said[1]);
		unlink(path);
	}
}

static void a_strangers_file_stays(void)
{
	struct endpoint first, second;
	char why[ENDPOINT_WHY_BYTES];

	assert_int_equal(endpoint_open(path, &first, why), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(endpoint_open(path, &second, why), 0);
	endpoint_close(&first);
	assert_int_equal(access(path, F_OK), 0);
	endpoint_close(&second);
}

static void what_is_no_socket_stays(void)
{
	char why[ENDPOINT_WHY_BYTES], long_path[200];
	struct endpoint e;

	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(endpoint_open(path, &e, why), -EEXIST);
	assert_string_equal(why, "is there, and no socket");
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(endpoint_open(path, &e, why), -EEXIST);
	unlink(path);
	memset(long_path, 'x', sizeof(long_path));
	long_path[108] = '\0';
	assert_int_equal(endpoint_open(long_path, &e, why), -ENAMETOOLONG);
	assert_string_equal(why, "longer than 107 bytes");
	assert_int_equal(endpoint_open("/nowhere/at/all", &e, why), -ENOENT);
	assert_string_equal(why, "No such file or directory");
}

static void endpoints_are_replaced_when_nobody_listens(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control", dir);
	mode_is_set_whatever_the_umask();
	the_living_are_left_alone();
	the_dead_are_replaced();
	one_of_many_replaces_the_dead();
	a_strangers_file_stays();
	what_is_no_socket_stays();
	assert_int_equal(rmdir(dir), 0);	/* and so it is empty */
}

TEST_MAIN(endpoints_are_replaced_when_nobody_listens)
