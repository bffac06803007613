/* SPDX-License-Identifier: MIT */
/*
 * child - one worker process as the parent holds it: pid, pidfd, channel, row of the board
 *
 * Its pidfd is opened before anybody can have reaped the process, so no signal ever meets a stranger.
 */
#include "parent/child.h"

#include "base/auto.h"
#include "base/log.h"
#include "base/must.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "message/mailbox.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/intake.h"
#include "parent/loop.h"
#include "parent/pidfd.h"
#include "parent/post.h"
#include "parent/publish.h"
#include "parent/spawn.h"
#include "parent/tally.h"
#include "parent/tasks.h"
#include "parent/transfer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

/* What a drain may take beyond its timeout, to count what is cut and to say so; at once is a timeout of 0. */
#define DRAIN_GRACE_MS 400
/* From a SIGABRT to the report that must follow it. */
#define ABORT_MS 500

static struct child *find_free(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_children_max; i++)
		if (crew->children[i].serial == 0)
			return &crew->children[i];
	return NULL;
}

static unsigned row_of(const struct crew *crew, const struct child *child)
{
	return (unsigned)(child - crew->children);
}

static uint32_t next_serial(struct crew *crew)
{
	if (++crew->last_serial == 0)
		crew->last_serial = 1;
	return crew->last_serial;
}

/* Memory for rings may run out: a pool that chose io_uring itself would rather have a worker on epoll. */
static uint32_t engine_for_next(const struct crew *crew)
{
	return crew->engine == BROOD_ENGINE_EPOLL ? BROOD_ENGINE_EPOLL : crew->config->options.engine;
}

/* Return: 0 or -errno. */
static int compose_heritage(struct crew *crew, struct slot *slot, unsigned row, int channel_fd, int mail_fd,
			    struct heritage *ret_heritage)
{
	int r;

	*ret_heritage = (struct heritage){
		.slot = slot->index,
		.generation = slot->n_born,
		.parent_pid = crew->pid,
		.channel_fd = channel_fd,
		.mail_fd = mail_fd,
		.id = crew->last_serial,
		.engine = engine_for_next(crew),
		.board = crew->board,
		.row = row,
		.config = crew->config,
		.access_fd = crew->access_fd,
		.queue_fd = -1,
		.inbox_fd = -1,
		.wake_fd = crew->wake_fd,
		.ask_fd = crew->ask_fd,
		.state_fd = crew->config->guest ? 0 : crew->config->state_fd,
		.is_task = slot_is_task(slot->index),
		.ticket_fd = -1,
		.settled = tally_settled(crew, row),
		.n_stored = slot->n_stored,
		.stored = slot->stored,
	};
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		ret_heritage->listen_fd[i] = -1;
	tasks_bequeath(crew, slot, ret_heritage);
	if (ret_heritage->is_task)
		return 0;
	r = crew->config->guest ? 0 : transfer_open(slot);	/* a program takes no connections from others */
	ret_heritage->inbox_fd = slot->take_fd;
	return r < 0 ? r : intake_bequeath(crew, slot, ret_heritage);
}

static int watch_child(struct crew *crew, struct child *child)
{
	unsigned row = row_of(crew, child);
	int r = pidfd_watch(crew, child->pid, tag_make(SOURCE_PID, child->serial, row), &child->pid_fd);

	if (r == 0)
		r = loop_watch(crew, child->channel_fd, EPOLLIN, tag_make(SOURCE_CHANNEL, child->serial, row));
	return r;
}

/* Of a process born a moment ago that we cannot watch; SIGKILL makes the wait a short one. */
static void undo_birth(struct crew *crew, struct child *child)
{
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	child_destroy(crew, child);
}

static void close_both(const int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

/* A task process sends no messages. Return: 0 or -errno. */
static int make_pairs(const struct slot *slot, int ret_channel[2], int ret_mail[2])
{
	int r = channel_pair(ret_channel);

	ret_mail[0] = ret_mail[1] = -1;
	if (r < 0 || slot_is_task(slot->index))
		return r;
	r = mailbox_pair(ret_mail);
	if (r < 0)
		close_both(ret_channel);
	return r;
}

/* Both ends of the mail socket stay with us: what is in it outlives its reader (post.c). */
static pid_t give_birth(struct crew *crew, struct slot *slot, unsigned row, int *ret_channel_fd, int ret_mail[2])
{
	struct heritage heritage;
	int ends[2];
	pid_t pid;
	int r;

	r = make_pairs(slot, ends, ret_mail);
	if (r < 0)
		return r;
	board_clear(&crew->board->rows[row]);
	if (tally_settled(crew, row))
		board_set(tally_settled(crew, row), 0);
	r = compose_heritage(crew, slot, row, ends[1], ret_mail[1], &heritage);
	pid = r < 0 ? r : spawn_worker(&heritage);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		close_both(ret_mail);
	} else {
		*ret_channel_fd = ends[0];
	}
	return pid;
}

static int open_box(struct crew *crew, struct child *child, const int mail[2])
{
	if (mail[0] < 0)
		return 0;
	child->box = box_open(crew, mail, child->serial, child->slot, &crew->board->rows[row_of(crew, child)].mail);
	if (child->box)
		return 0;
	close_both(mail);
	return -ENOMEM;
}

int child_create(struct crew *crew, struct slot *slot, struct child **ret_child)
{
	struct child *child = find_free(crew);
	int channel_fd, mail[2];
	uint32_t serial;
	pid_t pid;
	int r;

	if (!child)
		return -EAGAIN;
	serial = next_serial(crew);
	pid = give_birth(crew, slot, row_of(crew, child), &channel_fd, mail);
	if (pid < 0)
		return pid;
	*child = (struct child){
		.serial = serial, .pid = pid, .pid_fd = -1, .channel_fd = channel_fd,
		.slot = slot->index, .phase = CHILD_STARTING, .born_ms = crew->now_ms,
		.generation = slot->n_born, .reload = crew->n_reloads,
		.reopened = crew->n_reopens, .reopening = crew->n_reopens,
		.shared = ALL_LISTENERS & ~intake_alone(crew, slot),
	};
	crew->n_children++;
	r = open_box(crew, child, mail);
	if (r == 0)
		r = watch_child(crew, child);
	if (r < 0) {
		undo_birth(crew, child);
		return r;
	}
	child_limit(crew, child, crew->config->options.start_timeout_ms,
		    "not ready within the start timeout");
	slot->n_born++;
	*ret_child = child;
	return 0;
}

void child_destroy(struct crew *crew, struct child *child)
{
	publish_departure(crew, child);
	any_slot_each(crew, slot) {
		must(slot->incumbent != child && slot->successor != child);
		if (slot->borrower == child)
			slot->borrower = NULL;
	}
	post_close(crew, child->box);
	child_hang_up(crew, child);
	if (child->pid_fd >= 0)
		close(child->pid_fd);
	child->serial = 0;
	crew->n_children--;
}

struct child *child_find(const struct crew *crew, unsigned row, uint32_t serial)
{
	struct child *child;

	must(row < crew->n_children_max);
	child = &crew->children[row];
	return serial != 0 && child->serial == serial ? child : NULL;
}

const struct board_row *child_row(const struct crew *crew, const struct child *child)
{
	return &crew->board->rows[row_of(crew, child)];
}

uint64_t child_n_cut(const struct crew *crew, const struct child *child)
{
	const struct board_row *row = child_row(crew, child);
	uint64_t n = board_get(&row->connections), n_cut = board_get(&row->cut);

	if (n < n_cut)
		n = n_cut;	/* its last word may have found no room in the channel */
	if (child->drained)
		n = child->n_cut;
	return n < UINT32_MAX ? n : UINT32_MAX;		/* the board can say anything */
}

bool child_serves(const struct child *child)
{
	return child && !slot_is_task(child->slot) && child->phase == CHILD_SERVING && !child->drained &&
	       !child->silent;
}

unsigned child_n_free(const struct crew *crew)
{
	return crew->n_children_max - crew->n_children;
}

void child_hang_up(struct crew *crew, struct child *child)
{
	if (child->channel_fd < 0)
		return;
	close(child->channel_fd);
	child->channel_fd = -1;
	event_disconnect(crew, child);
}

enum role child_detach(struct crew *crew, struct child *child)
{
	struct slot *slot = &crew->slots[child->slot];

	if (slot->incumbent == child) {
		slot->incumbent = NULL;
		return ROLE_INCUMBENT;
	}
	if (slot->successor == child) {
		slot->successor = NULL;
		return ROLE_SUCCESSOR;
	}
	return ROLE_LEAVING;
}

struct log_subject child_subject(const struct child *child, const char *cause)
{
	return (struct log_subject){
		.slot = slot_number(child->slot), .is_task = slot_is_task(child->slot), .pid = child->pid,
		.generation = child->generation, .cause = cause,
	};
}

void child_limit(struct crew *crew, struct child *child, uint64_t ms, const char *why)
{
	uint64_t at_ms = crew->now_ms + ms;

	if (child->killed_for || (child->deadline_ms && child->deadline_ms <= at_ms))
		return;
	child->deadline_ms = at_ms;
	child->deadline_why = why;
}

void child_expect_death(struct crew *crew, struct child *child, uint64_t ms, const char *why)
{
	child->phase = CHILD_DYING;
	child_limit(crew, child, ms, why);
}

void child_kill(struct crew *crew, struct child *child, const char *why)
{
	struct slot *slot = &crew->slots[child->slot];

	if (child->killed_for)
		return;
	pidfd_kill(child->pid_fd, child->pid, SIGKILL);
	child->phase = CHILD_DYING;
	child->killed_for = why;
	child->deadline_ms = 0;
	child_hang_up(crew, child);
	if (slot->incumbent == child)
		slot_on(crew, slot, ON_KILL);
}

void child_abort(struct crew *crew, struct child *child, const char *why)
{
	pidfd_kill(child->pid_fd, child->pid, SIGABRT);
	child->hung = true;
	child_limit(crew, child, ABORT_MS, why);
}

/* A worker whose channel is full or gone hears nothing; its deadline then ends it. */
void child_drain(struct crew *crew, struct child *child, uint32_t timeout_ms, bool last)
{
	const struct drain_msg drain = {
		.timeout_ms = timeout_ms,
		.last = last ? intake_alone(crew, &crew->slots[child->slot]) | DRAIN_QUEUE : 0,
	};

	if (child->phase == CHILD_STARTING || child->phase == CHILD_SERVING) {
		child->phase = CHILD_LEAVING;
		child->deadline_ms = 0;
	}
	child_limit(crew, child, timeout_ms + DRAIN_GRACE_MS, "did not drain in time");
	if (child->phase != CHILD_LEAVING || child->channel_fd < 0)
		return;
	if (!slot_is_task(child->slot))
		transfer_name_heir(crew, child);
	(void)channel_send(child->channel_fd, CHANNEL_DRAIN, &drain, -1);
}

void child_wish(struct crew *crew, struct child *child, const char *reason)
{
	if (child->wish_ms != 0)
		return;
	child->wish_ms = crew->now_ms;
	snprintf(child->wish, sizeof(child->wish), "%s", reason[0] ? reason : "no reason given");
}
