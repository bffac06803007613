/* SPDX-License-Identifier: MIT */
/*
 * relayed - a packet on its way: taken out of a box, put into others, or returned to its sender
 *
 * Where there is no room it waits. A recipient that takes nothing for too long does not get it.
 */
#include "parent/post.h"

#include "bridge/rights.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/herald.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WAIT_MS 10000		/* then a recipient is one that takes nothing */

void relayed_close(struct relayed *relayed)
{
	rights_discard_all(relayed->fds, relayed->n_fds);
	relayed->n_fds = 0;
}

struct relayed *relayed_keep(struct crew *crew, const struct relayed *relayed)
{
	struct relayed *kept = malloc(sizeof(*kept) + relayed->size);

	if (!kept) {
		struct relayed lost = *relayed;

		relayed_close(&lost);
		return NULL;
	}
	*kept = *relayed;
	kept->bytes = (char *)(kept + 1);
	memcpy(kept->bytes, relayed->bytes, relayed->size);
	kept->since_ms = crew->now_ms;
	crew->post->n_waiting++;
	return kept;
}

void relayed_free(struct crew *crew, struct relayed **relayed)
{
	if (!*relayed)
		return;
	crew->post->n_waiting--;
	relayed_close(*relayed);
	free(*relayed);
	*relayed = NULL;
}

/* A descriptor for which we had no number is for its recipient to miss: the packet says that there is one. */
static int judge(const struct msghdr *header, const struct relayed *p, unsigned n_fds, bool from_parent)
{
	if (p->size == 0 && n_fds == 0)
		return -EPIPE;
	if (header->msg_flags & MSG_CTRUNC)
		return -EMFILE;
	if (header->msg_flags & MSG_TRUNC || n_fds > PACKET_FDS_MOST)
		return -EPROTO;
	return packet_check(p->bytes, p->size, n_fds, from_parent) ? 1 : -EPROTO;
}

int relayed_receive(struct crew *crew, int fd, bool from_parent, struct relayed *ret_relayed)
{
	union rights_buffer rights;
	struct iovec part = { crew->post->buffer, PACKET_BYTES_MAX };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[RIGHTS_MOST], r;
	unsigned n_fds;
	ssize_t n;

	rights_expect(&header, &rights);
	n = rights_receive(fd, &header);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	n_fds = rights_take(&header, fds);
	*ret_relayed = (struct relayed){ .bytes = crew->post->buffer, .size = (size_t)n };
	r = judge(&header, ret_relayed, n_fds, from_parent);
	if (r == 1)
		memcpy(ret_relayed->fds, fds, n_fds * sizeof(int));
	else
		rights_discard_all(fds, n_fds);
	if (r == 1)
		ret_relayed->n_fds = n_fds;
	return r;
}

/* ---- where there is room ---- */

static bool has_waited(const struct crew *crew, const struct relayed *p, uint64_t ms)
{
	return p->since_ms != 0 && crew->now_ms >= p->since_ms + ms;
}

bool relayed_return(struct crew *crew, struct relayed *p)
{
	struct box *sender = box_find(crew, p->sender_id);
	struct envelope e = *relayed_envelope(p);
	int r;

	e.kind = PACKET_RETURNED;
	e.flags = 0;
	e.error = p->error;
	e.id = p->error_id;
	r = sender && sender->open ? box_put(sender, &e, sizeof(e), NULL, 0) : -ESRCH;
	if (r == -EAGAIN && !has_waited(crew, p, 2 * WAIT_MS)) {
		box_await_room(crew, sender);
		return false;
	}
	if (r == 0)
		crew->post->n_returned += e.n;
	else
		crew->post->n_dropped += e.n;
	p->error = 0;
	return true;
}

/* ---- to whom ---- */

static struct box *box_of(const struct crew *crew, const struct child *child)
{
	return child ? child->box : NULL;
}

static struct box *box_of_slot(const struct crew *crew, uint32_t index)
{
	const struct slot *slot = index < crew->n_slots ? &crew->slots[index] : NULL;
	struct box *box = slot ? box_of(crew, slot->incumbent) : NULL;

	return box || !slot ? box : box_of(crew, slot->successor);
}

static struct box *find_only(const struct crew *crew, const struct envelope *e)
{
	switch ((enum brood_to)e->to) {
	case BROOD_TO_SLOT:
		return box_of_slot(crew, e->which);
	case BROOD_TO_WORKER:
		return e->which ? box_find(crew, e->which) : NULL;
	default:
		return crew->post->helper;
	}
}

static bool is_for_many(const struct envelope *e)
{
	return e->kind == PACKET_LETTERS && (e->to == BROOD_TO_ALL || e->to == BROOD_TO_OTHERS);
}

static struct box *next_of_many(const struct crew *crew, const struct envelope *e, struct relayed *p)
{
	const struct post_office *post = crew->post;

	for (; p->at < post->n_boxes; p->at++) {
		struct box *box = &post->boxes[p->at];

		if (!box->open || box->id == 0 || box->id > p->last_id)
			continue;
		if (e->to != BROOD_TO_OTHERS || box->id != p->sender_id)
			return box;
	}
	return NULL;
}

/* Who is to get it next; NULL = nobody more, or p->error says why nobody. */
static struct box *next_recipient(const struct crew *crew, struct relayed *p)
{
	const struct envelope *e = relayed_envelope(p);
	struct box *box;

	if (is_for_many(e))
		return next_of_many(crew, e, p);
	if (p->at > 0)
		return NULL;
	box = find_only(crew, e);
	if (box && box->open)
		return box;
	p->at = 1;
	p->error = -ESRCH;
	p->error_id = e->to == BROOD_TO_WORKER ? e->which : 0;
	return NULL;
}

static int pass_on(struct crew *crew, struct box *to, struct relayed *p)
{
	struct envelope *e = relayed_envelope(p);
	int r;

	e->serial = to->serial + 1;
	r = box_put(to, p->bytes, p->size, p->fds, p->n_fds);
	if (r < 0)
		return r;
	to->serial++;
	crew->post->n_letters += e->n;
	crew->post->n_bytes += p->size;
	if (to->id == 0)
		herald_expect(crew);
	return 0;
}

/* Return: false = it has to wait. */
static bool carry_letters(struct crew *crew, struct relayed *p)
{
	for (;;) {
		struct box *to;
		int r;

		if (p->error && !relayed_return(crew, p))
			return false;
		to = next_recipient(crew, p);
		if (!to && !p->error)
			return true;
		if (!to)
			continue;
		r = pass_on(crew, to, p);
		if (r == -EAGAIN && !has_waited(crew, p, WAIT_MS)) {
			box_await_room(crew, to);
			return false;
		}
		if (r < 0) {
			p->error = r == -EAGAIN ? -ETIMEDOUT : r;
			p->error_id = to->id;
		}
		p->at = is_for_many(relayed_envelope(p)) ? p->at + 1 : 1;
	}
}

bool relayed_carry(struct crew *crew, struct relayed *p)
{
	return relayed_envelope(p)->kind == PACKET_LETTERS ? carry_letters(crew, p) : relayed_return(crew, p);
}
