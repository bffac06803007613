/* SPDX-License-Identifier: MIT */
/*
 * fate - what is done to a pool: started with some options, signalled, its workers stopped and killed, ended
 */
#include "world/cover.h"
#include "world/handler.h"
#include "world/kernel.h"

#include "bridge/board.h"
#include "parent/crew.h"
#include "parent/obituary.h"

#include <signal.h>
#include <string.h>

#define GRACE_MS 600	/* beyond the drain timeout: the parent's own grace, and time for the steps */

static uint64_t next_ms;
static bool hurried;

static uint32_t one_of(const uint32_t *choices, size_t n)
{
	return choices[chance_below(n)];
}
#define ONE_OF(...) one_of((const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void set_timeouts(struct brood_options *o)
{
	world.short_timeouts = chance_one_in(4);
	o->drain_timeout_ms = ONE_OF(200, 1000, 3000);
	o->hang_timeout_ms = ONE_OF(300, 1200, BROOD_OFF);
	o->start_timeout_ms = ONE_OF(200, 3000);
	o->linger_timeout_ms = ONE_OF(100, 2000);
	if (!world.short_timeouts)
		return;
	o->header_timeout_ms = ONE_OF(20, 300);
	o->body_timeout_ms = ONE_OF(20, 300);
	o->idle_timeout_ms = ONE_OF(20, 300);
	o->write_timeout_ms = ONE_OF(40, 300);
}

static struct brood_options some_options(void)
{
	struct brood_options o = BROOD_OPTIONS_INIT;

	o.workers = 1 + (uint32_t)chance_below(4);
	o.model = (uint32_t)chance_below(3);
	o.engine = ONE_OF(BROOD_ENGINE_AUTO, BROOD_ENGINE_URING, BROOD_ENGINE_URING, BROOD_ENGINE_EPOLL);
	o.restart_limit = ONE_OF(1, 2, 5);
	o.restart_window_ms = ONE_OF(200, 5000);
	o.backoff_min_ms = ONE_OF(10, 100);
	o.backoff_max_ms = ONE_OF(100, 500);
	o.on_giveup = ONE_OF(BROOD_GIVEUP_EXIT, BROOD_GIVEUP_DEGRADE);
	o.surge = ONE_OF(1, 2);
	o.poison_limit = ONE_OF(1, 3, BROOD_OFF);
	o.max_connections = ONE_OF(0, 0, 0, 3);
	o.max_requests = ONE_OF(0, 0, 0, 5);
	o.max_age_ms = ONE_OF(0, 0, 0, 300);
	o.max_rss_bytes = ONE_OF(0, 0, 0, 4096000);
	o.state = "off";		/* its memory is the real kernel's; tests/state has its own deaths */
	set_timeouts(&o);
	return o;
}

/* The program of the README. */
static int pool_main(struct process *p)
{
	const struct brood_options *options = p->arg;
	struct brood *brood;
	int code;

	if (brood_create(options, &brood) < 0 || brood_listen(brood, "127.0.0.1:8080") < 0)
		return BROOD_EXIT_NOT_STARTED;
	brood_http(brood, handler, NULL);
	code = brood_run(brood);
	brood_destroy(brood);
	return code;
}

void fate_begin(void)
{
	static struct brood_options options;

	options = some_options();
	world.life_ms = chance_one_in(8) ? chance_below(30) : 200 + chance_below(chance_one_in(4) ? 5000 : 1500);
	world.troubled = options.max_connections != 0;
	world.exit_code = -1;
	world.parent_pid = process_create(pool_main, &options)->pid;
	next_ms = world.now_ms + chance_below(100);
	hurried = false;
}

uint64_t fate_next_ms(void)
{
	return next_ms;
}

bool never(struct process *p)
{
	return false;
}

static struct process *some_worker(void)
{
	struct process *chosen = NULL;
	unsigned n = 0;

	process_each(p)
		if (p->pid != world.parent_pid && !p->dead && chance_one_in(++n))
			chosen = p;
	return chosen;
}

static bool will_wake(const struct process *p)
{
	return !p->dead && p->is_ready == never && p->until_ms == UINT64_MAX;
}

/* Nobody is left to kill what hangs; and what was stopped is let go on. */
static void end_orphans(void)
{
	process_each(p) {
		if (will_wake(p) || p->impostor)
			process_signal(p, SIGKILL);
		else
			process_signal(p, SIGCONT);
	}
}

static void stop_pool(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT };
	struct process *parent = process_find(world.parent_pid);

	if (world.stop_by_ms == 0) {
		process_signal(parent, numbers[chance_below(3)]);
		if (world.crew)
			world.stop_by_ms = world.now_ms + world.crew->config->options.drain_timeout_ms + GRACE_MS;
	} else if (!hurried && chance_one_in(6)) {
		hurried = world.harsh = true;
		process_signal(parent, SIGTERM);
	}
}

static void strike_worker(void)
{
	static const int numbers[] = { SIGKILL, SIGTERM, SIGSTOP, SIGCONT, SIGTERM, SIGABRT, SIGCONT };
	struct process *p = some_worker();
	int number = numbers[chance_below(7)];

	if (!p)
		return;
	world.troubled |= number == SIGSTOP || number == SIGABRT;
	process_signal(p, number);
}

static void kill_parent(void)
{
	world.stop_by_ms = world.now_ms + world.crew->config->options.drain_timeout_ms + GRACE_MS;
	world.troubled = true;
	process_signal(process_find(world.parent_pid), SIGKILL);
}

static void do_something(void)
{
	struct process *parent = process_find(world.parent_pid);

	switch (chance_below(9)) {
	case 0: case 1:
		strike_worker();
		break;
	case 2: case 3:
		process_signal(parent, SIGHUP);
		break;
	case 4:
		process_signal(parent, chance_one_in(4) ? SIGUSR1 : SIGTTIN);
		break;
	case 5:
		process_signal(parent, SIGTTOU);
		break;
	case 6:
		if (world.crew && world.seed % 15 == 1)
			kill_parent();
		break;
	default:
		clients_swizzle();
		break;
	}
}

void fate_step(void)
{
	next_ms = world.now_ms + 1 + chance_below(120);
	if (world.exit_code != -1)
		end_orphans();
	else if (world.now_ms >= WORLD_BEGINS_MS + world.life_ms)
		stop_pool();
	else if (world.seed % 4 != 0)
		do_something();
	else
		clients_swizzle();
}

/* ---- what there is to see of a pool ---- */

int __real_crew_create(const struct config *config, struct crew **ret_crew);
void __real_crew_destroy(struct crew *crew);
int __real_board_create(unsigned n_rows, struct board **ret_board);
void __real_board_destroy(struct board *board);

CALL(int, crew_create, const struct config *config, struct crew **ret_crew)
{
	int r = __real_crew_create(config, ret_crew);

	if (r == 0)
		world.crew = *ret_crew;
	return r;
}

CALL(void, crew_destroy, struct crew *crew)
{
	world.crew = NULL;
	__real_crew_destroy(crew);
}

CALL(int, board_create, unsigned n_rows, struct board **ret_board)
{
	int r = __real_board_create(n_rows, ret_board);

	if (r == 0)
		world.board = *ret_board;
	return r;
}

CALL(void, board_destroy, struct board *board)
{
	world.board = NULL;
	__real_board_destroy(board);
}
