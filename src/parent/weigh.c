/* SPDX-License-Identifier: MIT */
/*
 * weigh - when to look at what the workers have to do, and whether to act on it
 *
 * weighted: while connections come, their loads are read from the board every few milliseconds; who has less than
 * the others gets more of the next ones (balance/weights.h), and the groups are changed only when that moved by
 * enough. least: the program in the kernel sees loads itself, and is corrected once a second (tally.c).
 *
 * When nothing has come for a while we look no more: the next arrival wakes us, once.
 */
#include "parent/weigh.h"

#include "balance/weights.h"
#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/loop.h"
#include "parent/tally.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_FIRST_MS	1	/* a burst is over within a few milliseconds... */
#define FIRST_MS	50
#define LOOK_MS		10	/* ...and what goes on needs no such haste */
#define USUAL_SHARE	0.25	/* of each such look in what a slot is taken to have: a few short ones are no reason to act */
#define CALM_MS		100
#define CORRECT_MS	1000	/* a correction takes two looks... */
#define CORRECT_CALM_MS	2500	/* ...after the last arrival */

const char *weigh_name(const struct crew *crew)
{
	static const char *const names[] = {
		[BROOD_BALANCE_HASH] = "hash",
		[BROOD_BALANCE_WEIGHTED] = "weighted",
		[BROOD_BALANCE_LEAST] = "least",
	};

	bool is_blind = crew->steer_blind && crew->balance == BROOD_BALANCE_WEIGHTED;

	if (crew->stranger_told || crew->join_ms || is_blind)
		return names[BROOD_BALANCE_HASH];
	return names[crew->balance];
}

int weigh_create(struct crew *crew)
{
	if (crew->balance == BROOD_BALANCE_HASH)
		return 0;
	crew->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (crew->wake_fd < 0)
		return -errno;
	/* one event at a time, because a worker could say it without end */
	return loop_watch(crew, crew->wake_fd, EPOLLIN | EPOLLONESHOT, tag_make(SOURCE_ARRIVAL, 0, 0));
}

void on_arrival(struct crew *crew)
{
	uint64_t n;

	(void)!read(crew->wake_fd, &n, sizeof(n));
	crew->arrival_ms = crew->moved_ms = crew->now_ms;
	weigh_look(crew);
}

static struct load load_of(const struct crew *crew, const struct slot *slot)
{
	const struct board_row *row;
	uint64_t since_ms;

	if (!slot->incumbent)
		return (struct load){ 0, 0 };
	row = child_row(crew, slot->incumbent);
	since_ms = board_get(&row->heartbeat_ms);
	return (struct load){
		.connections = board_get(&row->connections),
		.lag_ms = board_get(&row->waiting) || since_ms > crew->now_ms ? 0 : crew->now_ms - since_ms,
	};
}

static uint64_t count_accepted(struct crew *crew)
{
	uint64_t n = 0;

	child_each(crew, child)
		n += board_get(&child_row(crew, child)->accepted);
	return n;
}

static bool in_haste(const struct crew *crew)
{
	return crew->now_ms < crew->arrival_ms + FIRST_MS;
}

static void weigh_all(struct crew *crew)
{
	double share = in_haste(crew) ? 1 : USUAL_SHARE;
	uint32_t weights[WORKERS_MAX], in_force[WORKERS_MAX];
	double loads[WORKERS_MAX];

	slot_each(crew, slot) {
		const struct load load = load_of(crew, slot);

		slot->load += (weights_load(&load) - slot->load) * share;
		loads[slot->index] = slot->load;
		in_force[slot->index] = slot->weight;
	}
	weights_of(loads, crew->n_slots, weights);
	if (!weights_moved(weights, in_force, crew->n_slots))
		return;
	slot_each(crew, slot)
		slot->weight = weights[slot->index];
	crew->steer_due = true;
}

static void stop_looking(struct crew *crew)
{
	crew->weigh_ms = 0;
	atomic_store(&crew->board->watched, 0);
	(void)loop_rewatch(crew, crew->wake_fd, EPOLLIN | EPOLLONESHOT, tag_make(SOURCE_ARRIVAL, 0, 0));
}

void weigh_resize(struct crew *crew)
{
	if (crew->wake_fd >= 0 && crew->weigh_ms == 0)
		stop_looking(crew);
}

/* Together with the look for who hangs, because an idle pool is to wake its parent once a second and not twice. */
static uint64_t correct_ms(const struct crew *crew)
{
	uint64_t ms = crew->look_ms > crew->now_ms ? crew->look_ms - crew->now_ms : CORRECT_MS;

	return ms < CORRECT_MS / 2 ? ms + CORRECT_MS : ms;
}

/* Return: in how long to look again. */
static uint64_t look(struct crew *crew)
{
	if (crew->balance == BROOD_BALANCE_LEAST) {
		tally_correct(crew);
		return correct_ms(crew);
	}
	weigh_all(crew);
	return in_haste(crew) ? LOOK_FIRST_MS : LOOK_MS;
}

void weigh_look(struct crew *crew)
{
	uint64_t calm_ms = crew->balance == BROOD_BALANCE_LEAST ? CORRECT_CALM_MS : CALM_MS;
	uint64_t n_accepted = count_accepted(crew);

	if (crew->n_slots == 1)
		return;		/* until there are more nothing wakes us again */
	crew->weigh_ms = crew->now_ms + look(crew);
	if (n_accepted != crew->n_accepted)
		crew->moved_ms = crew->now_ms;
	else if (crew->now_ms >= crew->moved_ms + calm_ms)
		stop_looking(crew);
	crew->n_accepted = n_accepted;
}
