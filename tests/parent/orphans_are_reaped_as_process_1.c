/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>

#define N_ORPHANS 100

/* Leaves processes behind that end after it has let go of them, some before and some after it dies itself. */
int worker_main(const struct heritage *h)
{
	part_start(h);
	if (h->generation > 0)
		return part_wait_for_drain(h);
	for (unsigned i = 0; i < N_ORPHANS; i++)
		if (fork() == 0) {
			usleep(i * 5000);
			_exit(0);
		}
	usleep(200000);
	_exit(1);
}

static struct play play;

/* In a PID namespace of its own, as its first process. */
static void *run_as_init(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(77);
	pid = fork();
	if (pid == 0)
		_exit(parent_run(&play.config, play.reserved_fd, play.claim_fd, NULL, NULL, NULL));
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static unsigned n_zombies_of(pid_t parent)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned n = 0;

	while ((entry = readdir(proc))) {
		char path[300], state = 0;
		int ppid = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &ppid) == 2)
			n += state == 'Z' && ppid == parent;
		fclose(file);
	}
	closedir(proc);
	return n;
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

static void orphans_are_reaped_as_process_1(void **state)
{
	int ends[2], status;
	pid_t init;

	play_prepare(&play, 1);
	assert_int_equal(pipe(ends), 0);
	play.parent = fork();
	if (play.parent == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		run_as_init();
	}
	close(ends[1]);
	play.log_fd = ends[0];
	if (!play_read(&play, PATIENCE_MS)) {
		assert_int_equal(waitpid(play.parent, &status, 0), play.parent);
		assert_int_equal(WEXITSTATUS(status), 77);
		puts("making a PID namespace needs CAP_SYS_ADMIN");
		exit(77);
	}
	play_expect(&play, "exited with code 1 after");
	play_expect(&play, "restarting now");
	usleep(800000);
	init = child_of(play.parent);
	assert_true(init > 0);
	assert_int_equal(n_zombies_of(init), 0);
	assert_int_equal(kill(init, SIGTERM), 0);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(orphans_are_reaped_as_process_1)
