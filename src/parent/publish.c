/* SPDX-License-Identifier: MIT */
/*
 * publish - what workers need to tell others of the pool, on the bulletin (bridge/bulletin.h)
 *
 * With --admin alone. Numbers are written anew behind each turn of the loop. The status, which is the text that
 * `brood ctl` gets, is composed when a worker asks for it, and not more often than every TEXT_MS, so that no worker
 * can keep us busy; nobody asks, nothing is done, and no timer runs.
 *
 * What a worker has counted is kept when it has died (parent/totals.h), out of reach of the others, before its row is
 * another's.
 */
#include "parent/publish.h"

#include "bridge/bulletin.h"
#include "parent/child.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/loop.h"
#include "parent/post.h"
#include "parent/takeover.h"
#include "parent/tasks.h"
#include "parent/totals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TEXT_MS 100

_Static_assert(WORKERS_MAX <= BULLETIN_SLOTS_MOST, "room for each slot");

static bool is_wanted(const struct crew *crew)
{
	return crew->config->admins != 0;
}

int publish_create(struct crew *crew)
{
	if (!is_wanted(crew))
		return 0;
	crew->ask_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (crew->ask_fd < 0)
		return -errno;
	/* one event at a time, because a worker could say it without end */
	return loop_watch(crew, crew->ask_fd, EPOLLIN | EPOLLONESHOT, tag_make(SOURCE_QUESTION, 0, 0));
}

/* ---- numbers ---- */

static enum bulletin_state state_of(const struct crew *crew)
{
	if (crew->left_to > 0)
		return POOL_READY;	/* the pool that follows is */
	if (crew->stopping)
		return POOL_DRAINING;
	if (crew->stop_at_ms)
		return POOL_PRE_DRAINING;
	return crew->was_ready || takeover_under_way(crew) ? POOL_READY : POOL_STARTING;
}

static void write_slot(struct bulletin *b, const struct slot *slot)
{
	uint64_t name = 0;
	const char *text = slot_state_name(slot->state);

	memcpy(&name, text, strnlen(text, sizeof(name)));
	board_set(&b->slot_state[slot->index], name);
	board_set(&b->slot_restarts[slot->index], slot->n_restarts);
}

static void write_post(const struct crew *crew, struct bulletin *b, const struct child *child)
{
	struct post *post = &b->posts[child - crew->children];
	const struct slot *slot = &crew->slots[child->slot];

	board_set(&post->slot, child->slot);
	board_set(&post->generation, child->generation);
	board_set(&post->born_ms, child->born_ms);
	board_set(&post->incumbent, child->slot < crew->n_slots && slot->incumbent == child);
	board_set(&post->pid, (uint64_t)child->pid);
}

static unsigned n_ready_tasks(const struct crew *crew)
{
	unsigned n = 0;

	task_each(crew, slot)
		n += slot_is_served(slot->state);
	return n;
}

static void write_numbers(struct crew *crew, struct bulletin *b)
{
	board_set(&b->state, state_of(crew));
	board_set(&b->born_ms, crew->born_ms);
	board_set(&b->n_slots, crew->n_slots);
	board_set(&b->n_rows, crew->n_children_max);
	board_set(&b->wanted, crew->n_wanted);
	board_set(&b->engine, crew->engine_settled ? crew->engine : BROOD_ENGINE_AUTO);
	board_set(&b->balance, crew->config->options.model == BROOD_REUSEPORT ? crew->balance : BROOD_BALANCE_AUTO);
	board_set(&b->restarts, crew->n_restarts);
	board_set(&b->giveups, crew->n_giveups);
	board_set(&b->tasks, n_ready_tasks(crew));
	board_set(&b->tasks_queued, tasks_n_queued(crew));
	board_set(&b->task_restarts, crew->n_task_restarts);
	board_set(&b->task_giveups, crew->n_task_giveups);
	board_set(&b->messages_relayed, crew->post->n_letters);
	board_set(&b->messages_refused, crew->post->n_returned + crew->post->n_dropped);
	board_set(&b->message_bytes, crew->post->n_bytes);
	board_set(&b->reloads, crew->n_reloads);
	board_set(&b->reloads_failed, crew->n_reloads_failed);
	for (unsigned i = 0; i < BULLETIN_N_DEATHS; i++)
		board_set(&b->deaths[i], crew->n_deaths[i]);
}

void publish_settle(struct crew *crew)
{
	struct bulletin *b = board_bulletin(crew->board);

	if (!is_wanted(crew))
		return;
	bulletin_begin(&b->version);
	write_numbers(crew, b);
	slot_each(crew, slot)
		write_slot(b, slot);
	child_each(crew, child)
		write_post(crew, b, child);
	bulletin_end(&b->version);
}

void publish_departure(struct crew *crew, const struct child *child)
{
	struct bulletin *b = board_bulletin(crew->board);

	totals_keep(crew, child);
	if (!is_wanted(crew))
		return;
	bulletin_begin(&b->version);
	board_set(&b->posts[child - crew->children].pid, 0);
	board_clear(&b->departed);
	bulletin_add(&b->departed, crew->departed);
	bulletin_end(&b->version);
}

/* ---- the text ---- */

static void write_text(struct crew *crew)
{
	static const char request[] = "{\"command\":\"status\"}";
	bool listens;
	size_t n;
	char *text = command_run(crew, request, sizeof(request) - 1, &n, &listens);

	if (text)
		bulletin_write_text(crew->board, text, n, crew->now_ms);
	free(text);
}

void on_question(struct crew *crew)
{
	uint64_t n;

	(void)!read(crew->ask_fd, &n, sizeof(n));
	atomic_store(&board_bulletin(crew->board)->asked, 0);	/* who asks from now on is heard */
	write_text(crew);
	crew->question_ms = crew->now_ms + TEXT_MS;
}

uint64_t publish_next_ms(const struct crew *crew)
{
	return crew->question_ms;
}

void publish_expire(struct crew *crew)
{
	crew->question_ms = 0;
	(void)loop_rewatch(crew, crew->ask_fd, EPOLLIN | EPOLLONESHOT, tag_make(SOURCE_QUESTION, 0, 0));
}
