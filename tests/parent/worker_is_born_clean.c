/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include "base/auto.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool is_expected(const struct heritage *h, int fd, const DIR *dir)
{
	return fd <= STDERR_FILENO || fd == h->channel_fd || fd == h->listen_fd[0] || fd == dirfd((DIR *)dir);
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

static void check_signals(void)
{
	struct sigaction action;
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int number = 1; number < SIGRTMIN; number++) {
		if (sigismember(&mask, number))
			log_info("a blocked signal: %d", number);
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			log_info("a handled signal: %d", number);
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
	signal(SIGUSR1, SIG_IGN);
	play_prepare(&play, 3);
	play_begin(&play);
	play_expect_times(&play, "checked generation 1", 3);
	play_expect_times(&play, "ready after", 6);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "a stranger");
	play_expect_never(&play, "a blocked signal");
	play_expect_never(&play, "a handled signal");
	play_expect_never(&play, "a wrong");
}

TEST_MAIN(worker_is_born_clean)
