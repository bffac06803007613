/* SPDX-License-Identifier: MIT */
/* As process 1 and as a subreaper: orphans come in three generations, before their worker ends and after it. */
#include "parent/play.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>

#ifdef __SANITIZE_ADDRESS__
#define N_ORPHANS 100		/* a fork is slow then */
#else
#define N_ORPHANS 1000
#endif
#define N_BRANCHES 10

/* Whoever lets go of a process that lives for another while. */
static void leave_one_behind(unsigned us)
{
	if (fork() == 0) {
		if (fork() == 0)
			usleep(us);
		_exit(0);
	}
}

int worker_main(const struct heritage *h)
{
	part_start(h);
	if (h->generation > 0)
		return part_wait_for_drain(h);
	for (unsigned branch = 0; branch < N_BRANCHES; branch++) {
		if (fork() > 0)
			continue;
		for (unsigned i = branch; i < N_ORPHANS; i += N_BRANCHES)
			leave_one_behind(i * 1000);
		_exit(0);
	}
	usleep(100000);
	_exit(1);
}

static struct play play;

static int run(void)
{
	return parent_run(&play.config, play.reserved_fd, play.claim_fd, NULL, NULL, NULL);
}

/* In a PID namespace of its own, as its first process. */
static void run_as_init(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(77);
	pid = fork();
	if (pid == 0)
		_exit(run());
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static void run_as_subreaper(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		_exit(98);
	_exit(run());
}

static void count_children(pid_t parent, unsigned *ret_n, unsigned *ret_n_zombies)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	*ret_n = *ret_n_zombies = 0;
	while ((entry = readdir(proc))) {
		char path[300], state = 0;
		int ppid = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &ppid) == 2 && ppid == parent) {
			*ret_n += 1;
			*ret_n_zombies += state == 'Z';
		}
		fclose(file);
	}
	closedir(proc);
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%d", &child) != 1)
			child = 0;
		fclose(file);
	}
	return child;
}

/* Return: whether it could start. */
static bool start(void (*part)(void))
{
	int ends[2];

	play_prepare(&play, 1);
	assert_int_equal(pipe(ends), 0);
	play.parent = fork();
	if (play.parent == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		part();
	}
	close(ends[1]);
	play.log_fd = ends[0];
	return play_read(&play, PATIENCE_MS);
}

/* @reaper: the parent of the pool. All have ended when nobody but its one worker is left. */
static void expect_all_reaped(pid_t reaper)
{
	unsigned n = 0, n_zombies = 0, n_most = 0;

	for (unsigned ms = 0; ms < 20000; ms += 20) {
		count_children(reaper, &n, &n_zombies);
		if (n > n_most)
			n_most = n;
		if (n == 1 && ms > 0)
			break;
		usleep(20000);
	}
	assert_int_equal(n, 1);
	assert_int_equal(n_zombies, 0);
	assert_true(n_most > 10);
}

static void see_it_through(pid_t reaper)
{
	play_expect(&play, "exited with code 1 after");
	play_expect(&play, "restarting now");
	expect_all_reaped(reaper);
	assert_int_equal(kill(reaper, SIGTERM), 0);
	play_end(&play, BROOD_EXIT_DRAINED);
}

static void orphans_are_reaped(void **state)
{
	int status;

	assert_true(start(run_as_subreaper));
	see_it_through(play.parent);
	if (!start(run_as_init)) {
		assert_int_equal(waitpid(play.parent, &status, 0), play.parent);
		assert_int_equal(WEXITSTATUS(status), 77);
		puts("as a subreaper they are; making a PID namespace needs CAP_SYS_ADMIN");
		exit(77);
	}
	see_it_through(child_of(play.parent));
}

TEST_MAIN(orphans_are_reaped)
