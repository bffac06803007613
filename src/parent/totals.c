/* SPDX-License-Identifier: MIT */
#include "parent/totals.h"

#include "bridge/bulletin.h"
#include "parent/child.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/post.h"

#include <errno.h>
#include <stdlib.h>

int totals_create(struct crew *crew)
{
	crew->departed = aligned_alloc(_Alignof(struct board_row), sizeof(*crew->departed));
	if (!crew->departed)
		return -ENOMEM;
	board_clear(crew->departed);
	return 0;
}

void totals_keep(struct crew *crew, const struct child *child)
{
	bulletin_add(crew->departed, child_row(crew, child));
	bulletin_clear_gauges(crew->departed);
}

static const struct board_row *sum(const struct crew *crew)
{
	static struct board_row all;

	board_clear(&all);
	bulletin_add(&all, crew->departed);
	child_each(crew, child)
		bulletin_add(&all, child_row(crew, child));
	return &all;
}

/* Those that could not even be returned as well. */
static uint64_t n_refused(const struct post_office *post)
{
	return post->n_returned + post->n_dropped;
}

static json_int_t count(const _Atomic uint64_t *field)
{
	return status_number(board_get(field));
}

json_t *totals_tell_state(const struct crew *crew)
{
	const struct board_row *all = sum(crew);

	if (board_get(&all->state_reads) == 0 && board_get(&all->state_writes) == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "reads", count(&all->state_reads), "writes", count(&all->state_writes),
			 "evictions", count(&all->state_evictions), "refusals", count(&all->state_refusals),
			 "timeouts", count(&all->state_timeouts), "repairs", count(&all->state_repairs));
}

json_t *totals_tell_messages(const struct crew *crew)
{
	const struct post_office *post = crew->post;
	const struct board_row *all = sum(crew);

	if (board_get(&all->messages_sent) == 0 && post->n_letters == 0 && n_refused(post) == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}",
			 "sent", count(&all->messages_sent), "received", count(&all->messages_received),
			 "relayed", status_number(post->n_letters), "refused", status_number(n_refused(post)),
			 "relayed_bytes", status_number(post->n_bytes));
}

json_t *totals_tell_tasks(const struct crew *crew)
{
	const struct board_row *all = sum(crew);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "asked", count(&all->tasks_asked), "refused", count(&all->tasks_refused),
			 "done", count(&all->tasks_done), "failed", count(&all->tasks_failed),
			 "crashed", count(&all->tasks_crashed), "timed_out", count(&all->tasks_timed_out),
			 "cancelled", count(&all->tasks_cancelled));
}
