/* SPDX-License-Identifier: MIT */
/*
 * tasks - the processes that run what workers ask for, and the queue they take it from
 *
 * Each has a slot as a worker has, and whatever holds for a worker's process holds for it, but that it takes no
 * connections. They are numbered by themselves; a scaling leaves them alone; when they die too often theirs is
 * given up and the pool goes on. They stay until the last worker has gone, because what it answers may need them.
 *
 * The parent holds both ends of the queue and looks into it only when nobody else ever will.
 */
#include "parent/tasks.h"

#include "base/log.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "bridge/ticket.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/obituary.h"

#include <unistd.h>

/* Beyond its time it may take so long to see that it is over, and to end. */
#define OVERTIME_MS 3000

int tasks_create(struct crew *crew)
{
	int r;

	if (crew->n_tasks == 0)
		return 0;
	r = ticket_queue(crew->config->options.task_queue, crew->ticket_fd);
	if (r < 0)
		return r;
	crew->n_tickets_max = (unsigned)r;
	if (crew->n_tickets_max < crew->config->options.task_queue)
		log_warn("tasks: the queue holds %u and not %u: net.core.wmem_max does not allow more",
			 crew->n_tickets_max, crew->config->options.task_queue);
	return 0;
}

void tasks_destroy(struct crew *crew)
{
	for (unsigned i = 0; i < 2; i++)
		if (crew->ticket_fd[i] >= 0)
			close(crew->ticket_fd[i]);
	crew->ticket_fd[0] = crew->ticket_fd[1] = -1;
}

void tasks_bequeath(const struct crew *crew, const struct slot *slot, struct heritage *heritage)
{
	heritage->ticket_fd = crew->ticket_fd[heritage->is_task ? 1 : 0];
}

unsigned tasks_n_queued(const struct crew *crew)
{
	return crew->ticket_fd[0] >= 0 ? ticket_n_queued(crew->ticket_fd[0]) : 0;
}

static unsigned n_kept(struct crew *crew)
{
	unsigned n = 0;

	task_each(crew, slot)
		n += slot->state != SLOT_GIVEN_UP && slot->state != SLOT_EMPTY;
	return n;
}

/* Nobody will take them: who asked is told, by its end of the pair. */
static void discard_tickets(struct crew *crew)
{
	struct ticket ticket;
	int fd;

	for (unsigned i = 0; i < crew->n_tickets_max && ticket_take(crew->ticket_fd[1], &ticket, &fd) == 0; i++)
		close(fd);
}

static bool is_any_worker_left(const struct crew *crew)
{
	child_each(crew, child)
		if (!slot_is_task(child->slot))
			return true;
	return false;
}

void tasks_hurry(struct crew *crew)
{
	if (crew->tasks_leave)
		return;
	crew->tasks_leave = true;
	task_each(crew, slot)
		slot_on(crew, slot, ON_STOP);
}

void tasks_settle(struct crew *crew)
{
	unsigned n;

	if (crew->n_tasks == 0)
		return;
	if (crew->stopping && !is_any_worker_left(crew))
		tasks_hurry(crew);
	task_each(crew, slot)
		if (slot->state == SLOT_EMPTY && !crew->stopping)
			slot_on(crew, slot, ON_TURN);
	n = n_kept(crew);
	atomic_store_explicit(&crew->board->task_slots, n, memory_order_relaxed);
	if (n == 0)
		discard_tickets(crew);
}

void tasks_look(struct crew *crew)
{
	child_each(crew, child)
		if (slot_is_task(child->slot) && child->phase == CHILD_SERVING && child->channel_fd >= 0)
			(void)channel_send(child->channel_fd, CHANNEL_LOOK, NULL, -1);
}

static void abort_late(struct crew *crew, struct child *child, uint64_t ms)
{
	struct log_subject subject = child_subject(child, "hung");
	char time[DURATION_TEXT_BYTES];

	duration_format(ms, time);
	log_about(LOG_ERROR, &subject, "task %u (pid %d): runs %s beyond its time; aborting it",
		  slot_number(child->slot), (int)child->pid, time);
	event_hung(crew, child, ms, true);
	child_abort(crew, child, "hung");
}

/* It has been told by then, and would have gone if it could; unless it stood still with us (hang.c). */
void tasks_watch(struct crew *crew)
{
	child_each(crew, child) {
		uint64_t until_ms = board_get(&child_row(crew, child)->task_until_ms);

		if (slot_is_task(child->slot) && !child->hung && child->phase != CHILD_DYING && until_ms != 0 &&
		    crew->look_ms > until_ms && crew->look_ms - until_ms > OVERTIME_MS)
			abort_late(crew, child, crew->look_ms - until_ms);
	}
}
