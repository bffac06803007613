/* SPDX-License-Identifier: MIT */
/*
 * world - step by step: one of those who could go on does, and when nobody could, time goes on
 */
#include "world/cover.h"
#include "world/kernel.h"

#include "bridge/board.h"

#include <string.h>
#include <sys/time.h>

#define STEPS_MOST 200000
#define PATIENCE_S 10

static void begin(uint64_t seed, bool printed)
{
	memset(&world, 0, sizeof(world));
	world.seed = seed;
	world.now_ms = WORLD_BEGINS_MS;
	world.last_pid = 100;
	list_init(&world.files);
	trace_begin(printed);
	chance_begin(seed);
	fate_begin();
	clients_begin();
}

static bool is_over(void)
{
	process_each(p)
		return false;
	return clients_gone();
}

static void earlier(uint64_t *next_ms, uint64_t at_ms)
{
	if (at_ms < *next_ms)
		*next_ms = at_ms;
}

static void let_time_pass(void)
{
	uint64_t next_ms = UINT64_MAX;

	process_each(p) {
		if (p->doomed)
			earlier(&next_ms, p->ends_ms);
		else if (!p->dead && !p->stopped)
			earlier(&next_ms, p->until_ms);
	}
	earlier(&next_ms, clients_next_ms());
	earlier(&next_ms, fate_next_ms());
	earlier(&next_ms, timers_next_ms());
	if (next_ms > world.now_ms)
		world.now_ms = next_ms;
}

/* Return: NULL = none could go on. */
static struct process *choose_process(unsigned *ret_n)
{
	struct process *chosen = NULL;

	*ret_n = 0;
	process_each(p)
		if (process_is_ready(p) && chance_one_in(++*ret_n))
			chosen = p;
	return chosen;
}

static void step(void)
{
	unsigned n;
	struct process *p = choose_process(&n);

	world.n_steps++;
	holds(world.n_steps < STEPS_MOST, "no end within %d steps", STEPS_MOST);
	if (fate_next_ms() <= world.now_ms && chance_one_in(4))
		fate_step();
	else if ((!p || chance_one_in(n + 1)) && clients_step())
		;
	else if (p)
		process_run(p);
	else
		let_time_pass();
	world.now_ms += chance_one_in(16);
	check_time();
}

/* ---- the watch: a process that never waits again would keep the world for ever ---- */

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);

static void give_up(int number)
{
	broken("%s has not come back for %d s", process_name(world.current), PATIENCE_S);
}

static void set_watch(void)
{
	const struct sigaction action = { .sa_handler = give_up };
	const struct itimerval patience = { .it_value = { .tv_sec = PATIENCE_S } };

	__real_sigaction(SIGVTALRM, &action, NULL);
	setitimer(ITIMER_VIRTUAL, &patience, NULL);
}

uint64_t world_live(uint64_t seed, bool printed)
{
	set_watch();
	begin(seed, printed);
	while (!is_over())
		step();
	if (world.board)	/* of a parent that was killed */
		board_destroy(world.board);
	check_end();
	cover_count(&cover->worlds);
	__atomic_fetch_add(&cover->steps, world.n_steps, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cover->simulated_ms, world.now_ms - WORLD_BEGINS_MS, __ATOMIC_RELAXED);
	cover_count(&cover->exit_codes[world.exit_code < 0 ? 7 : world.exit_code]);
	return trace_hash();
}
