/* SPDX-License-Identifier: MIT */
#include "parent/crew.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Beyond one incumbent a slot: successors, and old workers that still drain. */
#define ROWS_FOR(n_slots) (4 * (n_slots) + 4)

static struct restart_policy policy_of(const struct config *config)
{
	const struct brood_options *o = &config->options;

	return (struct restart_policy){
		.limit = o->restart_limit, .window_ms = o->restart_window_ms,
		.backoff_min_ms = o->backoff_min_ms, .backoff_max_ms = o->backoff_max_ms,
		.n_workers = o->workers, .slots_only = o->on_giveup == BROOD_GIVEUP_DEGRADE,
	};
}

static void init_slot(struct crew *crew, unsigned index, uint64_t *death_times, uint32_t n_deaths)
{
	struct slot *slot = &crew->slots[index];

	slot->index = index;
	slot->history.deaths = (struct deaths){ .at_ms = death_times, .size = n_deaths };
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		slot->listen_fd[i] = -1;
}

static int create_slots(struct crew *crew)
{
	size_t per_slot = restart_slot_deaths(&crew->policy);
	size_t for_all = restart_pool_deaths(&crew->policy);

	crew->slots = calloc(crew->n_slots, sizeof(*crew->slots));
	crew->death_times = calloc(crew->n_slots * per_slot + for_all, sizeof(*crew->death_times));
	if (!crew->slots || !crew->death_times)
		return -ENOMEM;
	for (unsigned i = 0; i < crew->n_slots; i++)
		init_slot(crew, i, crew->death_times + i * per_slot, (uint32_t)per_slot);
	crew->deaths = (struct deaths){
		.at_ms = crew->death_times + crew->n_slots * per_slot, .size = (uint32_t)for_all,
	};
	return 0;
}

static int create_children(struct crew *crew)
{
	crew->n_children_max = ROWS_FOR(crew->n_slots);
	crew->children = calloc(crew->n_children_max, sizeof(*crew->children));
	if (!crew->children)
		return -ENOMEM;
	return board_create(crew->n_children_max, &crew->board);
}

int crew_create(const struct config *config, struct crew **ret_crew)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int r;

	if (!crew)
		return -ENOMEM;
	crew->config = config;
	crew->policy = policy_of(config);
	crew->now_ms = clock_ms();
	crew->pid = getpid();
	crew->n_slots = config->options.workers;
	crew->engine = config->options.engine;
	crew->epoll_fd = crew->signal_fd = crew->timer_fd = -1;

	r = create_slots(crew);
	if (r == 0)
		r = create_children(crew);
	if (r < 0) {
		crew_destroy(crew);
		return r;
	}
	*ret_crew = crew;
	return 0;
}

void crew_destroy(struct crew *crew)
{
	must(crew->n_children == 0);

	if (crew->slots)
		slot_each(crew, slot)
			custody_close(slot);
	board_destroy(crew->board);
	free(crew->children);
	free(crew->death_times);
	free(crew->slots);
	free(crew);
}

const char *crew_engine_name(const struct crew *crew)
{
	return crew->engine == BROOD_ENGINE_URING ? "io_uring" : "epoll";
}
