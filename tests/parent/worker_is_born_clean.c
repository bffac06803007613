/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include "base/auto.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_expected(const struct heritage *h, int fd, const DIR *dir)
{
	return fd <= STDERR_FILENO || fd == h->channel_fd || fd == h->listen_fd[0] || fd == h->inbox_fd || fd == h->wake_fd || fd == h->mail_fd ||
	       fd == dirfd((DIR *)dir);
}

static void check_fds(const struct heritage *h)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !is_expected(h, atoi(entry->d_name), dir))
			log_info("a stranger: %s", entry->d_name);
	closedir(dir);
}

static bool is_for_parent(int number)
{
	return number == SIGINT || number == SIGQUIT || number == SIGHUP || number == SIGUSR1 ||
	       number == SIGUSR2 || number == SIGTTIN || number == SIGTTOU || number == SIGPIPE;
}

static void check_signals(void)
{
	struct sigaction action;
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int number = 1; number < SIGRTMIN; number++) {
		if (sigismember(&mask, number) != (number == SIGTERM))
			log_info("a wrong mask: %d", number);
		if (sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler != (is_for_parent(number) ? SIG_IGN : SIG_DFL))
			log_info("a wrong handler: %d", number);
	}
}

static void check_place(const struct heritage *h)
{
	struct stat null, in;

	if (getppid() != h->parent_pid || getpgrp() != getpid())
		log_info("a wrong family");
	if (stat("/dev/null", &null) < 0 || fstat(STDIN_FILENO, &in) < 0 || null.st_rdev != in.st_rdev)
		log_info("a wrong input");
}

int worker_main(const struct heritage *h)
{
	check_fds(h);
	check_signals();
	check_place(h);
	log_info("checked generation %u", h->generation);
	part_start(h);
	if (h->generation == 0)
		return 0;
	return part_wait_for_drain(h);
}

static struct play play;

static void worker_is_born_clean(void **state)
{
	int input[2];

	assert_int_equal(pipe(input), 0);
	assert_int_equal(dup2(input[0], STDIN_FILENO), STDIN_FILENO);
	signal(SIGWINCH, SIG_IGN);
	play_prepare(&play, 3);
	play_begin(&play);
	play_expect_times(&play, "checked generation 1", 3);
	play_expect_times(&play, "ready after", 6);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "a stranger");
	play_expect_never(&play, "a wrong");
}

TEST_MAIN(worker_is_born_clean)
