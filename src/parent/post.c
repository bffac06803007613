/* SPDX-License-Identifier: MIT */
/*
 * post - messages from worker to worker, and to and from the helper, are passed on
 *
 * A packet is read, its sender's name is put on it, and it is put into its recipient's box. Where there is no room
 * the packet waits, and nothing more is read of its sender, whose own queue is full then: so a flood is held up where
 * it comes from. What waits for too long is returned. A turn passes on a bounded number of bytes of each sender, so
 * that control is never behind.
 *
 * Both ends of each box are here, so what a worker had not handled when it died is still in its box, and is returned;
 * how far it had come it has written down (message/mailbox.h).
 *
 * Fails by: cutting off who sends what is no packet; the worker goes on without messages.
 */
#include "parent/post.h"

#include "base/log.h"
#include "bridge/rights.h"
#include "message/mailbox.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/herald.h"
#include "parent/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BYTES_A_TURN	(128 << 10)	/* of one box */
#define WAIT_MS		10000		/* then a recipient is one that takes nothing */
#define LOOK_MS		1000

/* ---- one packet into one box ---- */

/* Return: 0, -EAGAIN = no room, or another -errno. */
static int put(struct box *to, const void *bytes, size_t size, const int fds[], unsigned n_fds)
{
	struct iovec part = { (void *)bytes, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;

	if (n_fds > 0)
		rights_attach(&header, &rights, fds, n_fds);
	if (sendmsg(to->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == ENOBUFS || errno == ENOMEM)
		return -EAGAIN;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

static struct envelope *envelope_of(const struct relayed *p)
{
	return (struct envelope *)p->bytes;
}

static void await_room(struct crew *crew, struct box *box)
{
	box->wanted = true;
	box_watch(crew, box);
}

static bool has_waited(const struct crew *crew, const struct relayed *p, uint64_t ms)
{
	return p->since_ms != 0 && crew->now_ms >= p->since_ms + ms;
}

/* Its sender is told that it has not reached somebody. Return: false = there is no room for that yet. */
static bool give_back(struct crew *crew, struct relayed *p)
{
	struct box *sender = box_find(crew, p->sender_id);
	struct envelope e = *envelope_of(p);
	int r;

	e.kind = PACKET_RETURNED;
	e.flags = 0;
	e.error = p->error;
	e.id = p->error_id;
	r = sender && sender->open ? put(sender, &e, sizeof(e), NULL, 0) : -ESRCH;
	if (r == -EAGAIN && !has_waited(crew, p, 2 * WAIT_MS)) {
		await_room(crew, sender);
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
	const struct envelope *e = envelope_of(p);
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
	struct envelope *e = envelope_of(p);
	int r;

	e->serial = to->serial + 1;
	r = put(to, p->bytes, p->size, p->fds, p->n_fds);
	if (r < 0)
		return r;
	to->serial++;
	crew->post->n_letters += e->n;
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

		if (p->error && !give_back(crew, p))
			return false;
		to = next_recipient(crew, p);
		if (!to && !p->error)
			return true;
		if (!to)
			continue;
		r = pass_on(crew, to, p);
		if (r == -EAGAIN && !has_waited(crew, p, WAIT_MS)) {
			await_room(crew, to);
			return false;
		}
		if (r < 0) {
			p->error = r == -EAGAIN ? -ETIMEDOUT : r;
			p->error_id = to->id;
		}
		p->at = is_for_many(envelope_of(p)) ? p->at + 1 : 1;
	}
}

static bool carry(struct crew *crew, struct relayed *p)
{
	return envelope_of(p)->kind == PACKET_LETTERS ? carry_letters(crew, p) : give_back(crew, p);
}

/* ---- what a box's owner has sent ---- */

/* Names the sender, as we know it. */
static void stamp(struct crew *crew, const struct box *from, struct relayed *p)
{
	struct envelope *e = envelope_of(p);

	p->last_id = crew->last_serial;
	if (e->kind == PACKET_REFUSED) {	/* who sent it is what the refuser has been told */
		p->sender_id = e->from_id;
		p->error = e->error == -EMFILE || e->error == -ENOMEM ? e->error : -ENOTCONN;
		p->error_id = from->id;
		return;
	}
	p->sender_id = e->from_id = from->id;
	e->from_slot = from->slot;
}

static void shut(struct crew *crew, struct box *box);

static void look_later(struct crew *crew)
{
	if (crew->post->look_ms == 0)
		crew->post->look_ms = crew->now_ms + LOOK_MS;
}

/* To nobody, but back. */
static void return_whole(struct relayed *p, int error)
{
	p->size = sizeof(struct envelope);
	p->at = UINT32_MAX;
	p->error = error;
}

/* Return: bytes, 0 = nothing is there or it has to wait, -EPIPE, -EPROTO. */
static int relay_one(struct crew *crew, struct box *box)
{
	struct relayed p;
	int r = relayed_receive(crew, box->fd, false, &p);

	if (r <= 0 && (r != -EMFILE || p.size < sizeof(struct envelope)))
		return r == -EMFILE ? -EPROTO : r;
	stamp(crew, box, &p);
	if (r == -EMFILE)
		return_whole(&p, r);
	if (carry(crew, &p)) {
		relayed_close(&p);
		return (int)p.size;
	}
	box->sent = relayed_keep(crew, &p);
	if (!box->sent)
		crew->post->n_dropped += envelope_of(&p)->n;
	look_later(crew);
	box_watch(crew, box);
	return box->sent ? 0 : (int)p.size;
}

static void cut_off(struct crew *crew, struct box *box)
{
	crew->post->n_cut++;
	if (box->id)
		log_warn("worker %u: sent what is no message; its messages are cut off, it serves on", box->slot);
	else
		log_warn("the process of the callbacks sent what is no message; its messages are cut off");
	box->open = false;
	box_watch(crew, box);
	close(box->fd);
	box->fd = -1;
	shut(crew, box);
}

/* Return: whether there may be more. */
static bool relay(struct crew *crew, struct box *box, int most_bytes)
{
	while (most_bytes > 0 && !box->sent && box->fd >= 0) {
		int r = relay_one(crew, box);

		if (r == -EPROTO && box->open)
			cut_off(crew, box);
		if (r <= 0)
			return false;
		most_bytes -= r;
	}
	return !box->sent;
}

/* ---- what a late owner has not read ---- */

/* Letters that were handled are not returned. */
static void forget_handled(const struct box *box, struct envelope *e)
{
	uint32_t n = (uint32_t)box->came_to;

	if ((uint32_t)(box->came_to >> 32) != e->serial)
		return;
	n = n < e->n ? n : e->n;
	e->first += n;
	e->n -= n;
}

/* Return: whether all of it is returned. */
static bool return_unread(struct crew *crew, struct box *box)
{
	struct relayed p;
	int r;

	while (box->far_fd >= 0 && !box->unread) {
		r = relayed_receive(crew, box->far_fd, true, &p);
		if (r <= 0 && r != -EMFILE)
			break;
		relayed_close(&p);
		if (p.size < sizeof(struct envelope) || envelope_of(&p)->kind == PACKET_RETURNED)
			continue;
		if (envelope_of(&p)->kind == PACKET_EVENT) {
			notes_missed(crew);
			continue;
		}
		forget_handled(box, envelope_of(&p));
		p.size = sizeof(struct envelope);	/* the rest is of no use to anybody */
		p.sender_id = envelope_of(&p)->from_id;
		p.error = -EPIPE;
		p.error_id = box->id;
		if (envelope_of(&p)->n > 0 && !give_back(crew, &p))
			box->unread = relayed_keep(crew, &p);
	}
	if (box->unread)
		look_later(crew);
	return !box->unread;
}

/* ---- what waits ---- */

static void go_on(struct crew *crew, struct box *box)
{
	if (box->sent && carry(crew, box->sent))
		relayed_free(crew, &box->sent);
	if (box->unread && give_back(crew, box->unread))
		relayed_free(crew, &box->unread);
	if (box->open) {
		box_watch(crew, box);
		return;
	}
	if (return_unread(crew, box) && !relay(crew, box, INT32_MAX) && !box->sent)
		box_free(crew, box);
}

static void go_on_all(struct crew *crew)
{
	struct post_office *post = crew->post;

	for (unsigned i = 0; i < post->n_boxes && post->n_waiting > 0; i++)
		if (post->boxes[i].used && (post->boxes[i].sent || post->boxes[i].unread))
			go_on(crew, &post->boxes[i]);
}

/* ---- the crew's side ---- */

int post_create(struct crew *crew)
{
	crew->post = calloc(1, sizeof(*crew->post));
	if (!crew->post)
		return -ENOMEM;
	crew->post->boxes = calloc(BOXES_MOST, sizeof(*crew->post->boxes));
	return crew->post->boxes ? 0 : -ENOMEM;
}

void post_destroy(struct crew *crew)
{
	struct post_office *post = crew->post;

	for (unsigned i = 0; post && i < post->n_boxes; i++)
		if (post->boxes[i].used)
			box_free(crew, &post->boxes[i]);
	if (post)
		free(post->boxes);
	free(post);
	crew->post = NULL;
}

/* Nobody hears there any more. */
static void shut(struct crew *crew, struct box *box)
{
	child_each(crew, child)
		if (child->box == box)
			child->box = NULL;
	if (crew->post->helper == box)
		crew->post->helper = NULL;
	box->open = box->wanted = false;
	box->came_to = box->progress ? atomic_load_explicit(box->progress, memory_order_acquire) : 0;
	box_watch(crew, box);
	go_on(crew, box);
	go_on_all(crew);	/* those that have waited for it, mostly */
}

void post_close(struct crew *crew, struct box *box)
{
	if (!box || !box->open)
		return;
	(void)relay(crew, box, INT32_MAX);
	if (box->open)
		shut(crew, box);
}

void post_hear(struct crew *crew, struct box *box)
{
	if (box && box->open)
		(void)relay(crew, box, INT32_MAX);
}

bool post_tell_helper(struct crew *crew, const struct event_note *note)
{
	struct box *helper = crew->post->helper;
	struct { struct envelope envelope; struct event_note note; } packet = {
		.envelope = { .kind = PACKET_EVENT, .n = 1 }, .note = *note,
	};

	packet.envelope.serial = helper->serial + 1;
	if (put(helper, &packet, sizeof(packet), NULL, 0) < 0) {
		await_room(crew, helper);
		return false;
	}
	helper->serial++;
	return true;
}

void on_post(struct crew *crew, unsigned row, uint32_t id, uint32_t events)
{
	struct box *box = row < crew->post->n_boxes ? &crew->post->boxes[row] : NULL;

	if (!box || !box->open || box->id != id)
		return;
	if (events & EPOLLOUT) {
		box->wanted = false;
		box_watch(crew, box);
		if (box->id == 0)
			notes_send(crew);
		go_on_all(crew);
	}
	if (box->open && (events & ~(uint32_t)EPOLLOUT))
		(void)relay(crew, box, BYTES_A_TURN);
}

uint64_t post_next_ms(const struct crew *crew)
{
	return crew->post->look_ms;
}

void post_expire(struct crew *crew)
{
	go_on_all(crew);
	crew->post->look_ms = crew->post->n_waiting > 0 ? crew->now_ms + LOOK_MS : 0;
}
