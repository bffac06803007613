/* SPDX-License-Identifier: MIT */
#include "parent/crew.h"

#include "balance/weights.h"
#include "base/clock.h"
#include "base/must.h"
#include "parent/child.h"
#include "parent/custody.h"
#include "parent/obituary.h"
#include "parent/store.h"
#include "parent/tasks.h"
#include "parent/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Beyond one incumbent a slot: successors, and old workers that still drain. */
#define ROWS_FOR(n_slots, n_tasks) (4 * ((n_slots) + (n_tasks)) + 4)
#define FDS_OF_OUR_OWN 64

_Static_assert(ROWS_FOR(WORKERS_MAX, TASKS_MAX) <= LEAST_ROWS, "a row for each process");

static struct restart_policy policy_of(const struct config *config)
{
	const struct brood_options *o = &config->options;

	return (struct restart_policy){		/* but for the number of workers */
		.limit = o->restart_limit, .window_ms = o->restart_window_ms,
		.backoff_min_ms = o->backoff_min_ms, .backoff_max_ms = o->backoff_max_ms,
		.slots_only = o->on_giveup == BROOD_GIVEUP_DEGRADE,
	};
}

static void init_slot(struct crew *crew, unsigned index)
{
	struct slot *slot = &crew->slots[index];

	*slot = (struct slot){
		.index = index, .weight = WEIGHT_USUAL, .give_fd = -1, .take_fd = -1, .heir_fd = -1,
		.history.deaths = {
			.at_ms = crew->death_times + (size_t)index * crew->n_slot_deaths,
		.size = crew->n_slot_deaths,
		},
	};
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		slot->listen_fd[i] = -1;
}

static void move_deaths(struct deaths *deaths, uint64_t *at_ms, uint32_t size)
{
	for (uint32_t i = 0; i < deaths->n; i++)
		at_ms[i] = deaths->at_ms[(deaths->first + i) % deaths->size];
	*deaths = (struct deaths){ .at_ms = at_ms, .size = size, .n = deaths->n };
}

/* For as many workers as there may ever be, because it is pointed into; what is not used takes no memory. */
static int reserve_histories(struct crew *crew, const struct restart_policy *policy)
{
	struct restart_policy most = *policy;
	uint32_t n_slot_deaths = restart_slot_deaths(policy), n_pool_deaths;
	size_t n_deaths = (size_t)SLOTS_MAX * n_slot_deaths;
	uint64_t *death_times;

	if (n_slot_deaths <= crew->n_slot_deaths)
		return 0;
	most.n_workers = WORKERS_MAX;
	n_pool_deaths = restart_pool_deaths(&most);
	death_times = calloc(n_deaths + 2 * n_pool_deaths, sizeof(*death_times));
	if (!death_times)
		return -ENOMEM;
	any_slot_each(crew, slot)
		move_deaths(&slot->history.deaths, death_times + (size_t)slot->index * n_slot_deaths,
			    n_slot_deaths);
	move_deaths(&crew->deaths, death_times + n_deaths, n_pool_deaths);
	move_deaths(&crew->task_deaths, death_times + n_deaths + n_pool_deaths, n_pool_deaths);
	free(crew->death_times);
	crew->death_times = death_times;
	crew->n_slot_deaths = n_slot_deaths;
	return 0;
}

int crew_set_policy(struct crew *crew, const struct config *config)
{
	struct restart_policy policy = policy_of(config);
	int r = reserve_histories(crew, &policy);

	if (r < 0)
		return r;
	policy.n_workers = crew->n_slots;
	crew->policy = policy;
	return 0;
}

static int reserve_memory(struct crew *crew)
{
	crew->slots = calloc(SLOTS_MAX, sizeof(*crew->slots));
	crew->children = calloc(ROWS_FOR(WORKERS_MAX, TASKS_MAX), sizeof(*crew->children));
	if (!crew->slots || !crew->children)
		return -ENOMEM;
	return board_create(ROWS_FOR(WORKERS_MAX, TASKS_MAX), &crew->board);
}

/* A pidfd and a channel per child, custody or a queue per slot. With a lower hard limit forks fail and say so. */
static void allow_fds(const struct crew *crew)
{
	rlim_t need = FDS_OF_OUR_OWN + 2 * crew->n_children_max + crew->n_slots * (crew->config->n_listeners + 2);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void crew_resize(struct crew *crew, unsigned n_slots)
{
	must(n_slots > 0 && n_slots <= WORKERS_MAX);
	for (unsigned i = crew->n_slots; i < n_slots; i++)
		init_slot(crew, i);
	crew->n_slots = n_slots;
	crew->policy.n_workers = n_slots;
	if (crew->n_children_max < ROWS_FOR(n_slots, crew->n_tasks))
		crew->n_children_max = ROWS_FOR(n_slots, crew->n_tasks);
	allow_fds(crew);
}

int crew_create(const struct config *config, struct crew **ret_crew)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int r;

	if (!crew)
		return -ENOMEM;
	crew->config = crew->proven = crew->first = config;
	crew->now_ms = clock_ms();
	crew->born_ms = crew->now_ms;
	crew->pid = getpid();
	crew->n_wanted = config->options.workers;
	crew->n_tasks = config->options.tasks;
	crew->ticket_fd[0] = crew->ticket_fd[1] = -1;
	crew->engine = config->options.engine;
	crew->upgrade.fd = crew->upgrade.pid_fd = crew->inplace.fd = -1;
	crew->epoll_fd = crew->signal_fd = crew->timer_fd = crew->wake_fd = crew->ask_fd = crew->access_fd = -1;

	r = reserve_memory(crew);
	if (r == 0)
		r = crew_set_policy(crew, config);
	if (r == 0)
		r = totals_create(crew);
	if (r < 0) {
		crew_destroy(crew);
		return r;
	}
	for (unsigned i = 0; i < crew->n_tasks; i++)
		init_slot(crew, WORKERS_MAX + i);
	crew_resize(crew, crew->n_wanted);
	*ret_crew = crew;
	return 0;
}

void crew_destroy(struct crew *crew)
{
	must(crew->n_children == 0);

	if (crew->slots) {
		slot_each(crew, slot) {
			custody_close(slot);
			store_clear(slot);
		}
	}
	tasks_destroy(crew);
	least_destroy(crew->least);
	board_destroy(crew->board);
	free(crew->children);
	free(crew->departed);
	free(crew->death_times);
	free(crew->slots);
	free(crew);
}

const char *crew_engine_name(const struct crew *crew)
{
	const char *guest = crew->config->guest ? crew->config->guest[0] : NULL;

	if (guest)
		return strrchr(guest, '/') ? strrchr(guest, '/') + 1 : guest;
	return crew->engine == BROOD_ENGINE_URING ? "io_uring" : "epoll";
}
