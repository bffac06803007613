/* SPDX-License-Identifier: MIT */
/*
 * post - messages from worker to worker, and to and from the helper, are passed on
 *
 * A packet is read, its sender's name is put on it, and it is put into its recipient's box. Where there is no room
 * the packet waits, and nothing more is read of its sender, whose own queue is full then: so a flood is held up
 * where it comes from. What waits for too long is returned. A turn passes on a bounded number of bytes of each
 * sender, so that control is never behind.
 *
 * Both ends of each box are here, so what a worker had not handled when it died is still in its box, and is
 * returned; how far it had come it has written down (message/mailbox.h).
 *
 * Fails by: cutting off who sends what is no packet; the worker goes on without messages.
 */
#include "parent/post.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BYTES_A_TURN	(128 << 10)	/* of one box */
#define LOOK_MS		1000

/* ---- what a box's owner has sent ---- */

/* Names the sender, as we know it. */
static void stamp(struct crew *crew, const struct box *from, struct relayed *p)
{
	struct envelope *e = relayed_envelope(p);

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

/*
 * Return: bytes, 0 = nothing is there or it has to wait, -EPROTO = that was no packet, -EPIPE = nor was that, or it has
 * shut its end: by itself that does not end while we have a duplicate of it.
 */
static int relay_one(struct crew *crew, struct box *box)
{
	struct relayed p;
	int r = relayed_receive(crew, box->fd, false, &p);

	if (r <= 0 && (r != -EMFILE || p.size < sizeof(struct envelope)))
		return r == -EMFILE ? -EPROTO : r;
	stamp(crew, box, &p);
	if (r == -EMFILE)
		return_whole(&p, r);
	if (relayed_carry(crew, &p)) {
		relayed_close(&p);
		return (int)p.size;
	}
	box->sent = relayed_keep(crew, &p);
	if (!box->sent)
		crew->post->n_dropped += relayed_envelope(&p)->n;
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

		if (r < 0 && box->open)
			cut_off(crew, box);
		if (r <= 0)
			return false;
		most_bytes -= r;
	}
	return !box->sent && box->fd >= 0;
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
		if (p.size < sizeof(struct envelope) || relayed_envelope(&p)->kind == PACKET_RETURNED)
			continue;
		if (relayed_envelope(&p)->kind == PACKET_EVENT) {
			notes_missed(crew);
			continue;
		}
		forget_handled(box, relayed_envelope(&p));
		p.size = sizeof(struct envelope);	/* the rest is of no use to anybody */
		p.sender_id = relayed_envelope(&p)->from_id;
		p.error = -EPIPE;
		p.error_id = box->id;
		if (relayed_envelope(&p)->n > 0 && !relayed_return(crew, &p))
			box->unread = relayed_keep(crew, &p);
	}
	if (box->unread)
		look_later(crew);
	return !box->unread;
}

/* ---- what waits ---- */

static void go_on(struct crew *crew, struct box *box)
{
	if (box->sent && relayed_carry(crew, box->sent))
		relayed_free(crew, &box->sent);
	if (box->unread && relayed_return(crew, box->unread))
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
	if (box_put(helper, &packet, sizeof(packet), NULL, 0) < 0) {
		box_await_room(crew, helper);
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
