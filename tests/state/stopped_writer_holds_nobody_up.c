/* SPDX-License-Identifier: MIT */
/* A process that is stopped with a lock costs another one wait, readers nothing, and no one anything once it is killed. */
#include "state/store.h"

#include "base/clock.h"
#include "state/room.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct state *st = store_make(MIB, true);
	char value[8];
	uint64_t began;
	int status, ready[2];
	pid_t pid;

	check_equal(brood_state_set("key", "value", 5, 0), 0);
	check_equal(brood_state_add("count", 1, 0, NULL), 0);
	check_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		check_equal(lock(st, shard_at(st, 0)), 0);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	check_equal(read(ready[0], value, 1), 1);
	kill(pid, SIGSTOP);
	check_equal(waitpid(pid, &status, WUNTRACED), pid);

	began = clock_ms();
	check_equal(brood_state_set("key", "other", 5, 0), -EAGAIN);
	check(clock_ms() - began >= LOCK_MS - 1);
	began = clock_ms();
	for (unsigned i = 0; i < 1000; i++)
		check_equal(brood_state_set("key", "other", 5, 0), -EAGAIN);
	check(clock_ms() - began < LOCK_MS);		/* nobody waits a second time */
	check_equal(brood_state_delete("key"), -EAGAIN);
	check_equal(brood_state_get("key", value, sizeof(value), NULL), 5);
	check_equal(brood_state_add("count", 1, 0, NULL), 0);	/* needs no lock */

	kill(pid, SIGKILL);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(brood_state_set("key", "other", 5, 0), 0);
	check_equal(state_counters()->repairs, 1);
	delete_all();
	check_whole(st);
	state_destroy(st);
	return 0;
}
