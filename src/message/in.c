/* SPDX-License-Identifier: MIT */
/* in - packets are looked at, handled, and taken out */
#include "base/must.h"
#include "bridge/rights.h"
#include "bridge/sealed.h"
#include "message/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

struct arrival {
	struct envelope	 envelope;
	size_t		 size;
	unsigned	 n_fds;
	int		 fds[RIGHTS_MOST];
};

static void note_progress(struct mailbox *box, const struct arrival *a, uint32_t n_done)
{
	if (box->progress)
		atomic_store_explicit(box->progress, progress_make(a->envelope.serial, n_done),
				      memory_order_release);
}

/* The copy in @a stays with it. */
static void take_out(struct mailbox *box)
{
	char nothing;

	(void)recv(box->fd, &nothing, sizeof(nothing), MSG_DONTWAIT | MSG_TRUNC);
}

/* ---- letters ---- */

static void deliver(struct mailbox *box, const struct envelope *e, uint32_t i, const void *data, size_t len, int fd)
{
	const struct brood_message message = {
		.from_id = e->from_id,
		.from_slot = e->from_slot,
		.number = e->first + i,
		.data = data,
		.len = len,
		.fd = fd,
	};

	box->n_received++;
	box->ops->message(&message, box->arg);
}

/* Return: whether it could be read. */
static bool deliver_large(struct mailbox *box, struct arrival *a, int fd)
{
	size_t at = sizeof(a->envelope);
	uint64_t size;
	void *text;

	(void)packet_letter(box->in, &at, &size);
	/* of somebody who wrote it without brood_send(), or no memory for it */
	if (sealed_map(a->fds[0], size, &text) < 0)
		return false;
	if (fd >= 0)
		a->fds[1] = -1;		/* the callee's */
	deliver(box, &a->envelope, 0, text, size, fd);
	munmap(text, size);
	note_progress(box, a, 1);
	return true;
}

static void deliver_letters(struct mailbox *box, struct arrival *a)
{
	int fd = a->envelope.flags & ENVELOPE_HANDLE ? a->fds[0] : -1;
	size_t at = sizeof(a->envelope);

	if (fd >= 0)
		a->fds[0] = -1;		/* the callee's */
	for (uint32_t i = 0; i < a->envelope.n; i++) {
		uint64_t size;
		const void *data = packet_letter(box->in, &at, &size);

		deliver(box, &a->envelope, i, data, size, fd);
		note_progress(box, a, i + 1);
	}
}

/* They go back to who sent them. Return: whether that could be said. */
static bool say_refused(struct mailbox *box, const struct envelope *of, int error)
{
	struct envelope e = *of;

	e.kind = PACKET_REFUSED;
	e.flags = 0;
	e.error = error;
	if (mailbox_flush(box))
		return false;
	if (send(box->fd, &e, sizeof(e), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN)
		return true;
	box->full = true;
	return false;
}

static bool handle_letters(struct mailbox *box, struct arrival *a)
{
	int fd = a->envelope.flags & ENVELOPE_HANDLE ? a->fds[a->n_fds - 1] : -1;

	if (box->ops->wanted && !box->ops->wanted(box->arg))
		return say_refused(box, &a->envelope, -ENOTCONN);
	if (a->envelope.flags & ENVELOPE_LARGE)
		return deliver_large(box, a, fd) || say_refused(box, &a->envelope, -ENOMEM);
	deliver_letters(box, a);
	return true;
}

/* ---- the rest ---- */

static void tell_returned(struct mailbox *box, const struct envelope *e)
{
	const struct brood_returned returned = {
		.first = e->first, .n = e->n, .to = (enum brood_to)e->to, .which = e->which, .id = e->id,
		.error = e->error,
	};

	box->n_returned += e->n;
	if (box->ops->returned)
		box->ops->returned(&returned, box->arg);
}

static void tell_event(struct mailbox *box, const struct arrival *a)
{
	struct event_note note;

	memcpy(&note, box->in + sizeof(a->envelope), sizeof(note));
	if (box->ops->event)
		box->ops->event(&note, box->arg);
	note_progress(box, a, 1);
}

/* Return: false = it is to stay where it is. */
static bool handle(struct mailbox *box, struct arrival *a)
{
	switch ((enum packet_kind)a->envelope.kind) {
	case PACKET_LETTERS:
		return handle_letters(box, a);
	case PACKET_RETURNED:
		tell_returned(box, &a->envelope);
		break;
	case PACKET_EVENT:
		tell_event(box, a);
		break;
	case PACKET_REFUSED:
	case PACKET_N_KINDS:
		break;
	}
	return true;
}

/* A parent that left without having read all it was sent shows as an error, once; what it has said comes after. */
static ssize_t peek(struct mailbox *box, struct msghdr *header, union rights_buffer *rights)
{
	ssize_t n;

	rights_expect(header, rights);
	n = recvmsg(box->fd, header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n >= 0 || errno != ECONNRESET)
		return n;
	rights_expect(header, rights);
	return recvmsg(box->fd, header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

/* Return: 1, 0 = none waits, -EPIPE. */
static int look(struct mailbox *box, struct arrival *ret)
{
	union rights_buffer rights;
	struct iovec part = { box->in, PACKET_BYTES_MAX };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n = peek(box, &header, &rights);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	ret->n_fds = rights_take(&header, ret->fds);
	ret->size = (size_t)n;
	ret->envelope = (struct envelope){ .kind = PACKET_N_KINDS };
	if (n == 0 && ret->n_fds == 0)
		return -EPIPE;
	if (ret->size >= sizeof(ret->envelope))
		memcpy(&ret->envelope, box->in, sizeof(ret->envelope));
	return 1;
}

static void drop_fds(const struct arrival *a)
{
	for (unsigned i = 0; i < a->n_fds; i++)
		if (a->fds[i] >= 0)
			rights_discard(a->fds[i]);
}

/* The parent sends nothing wrong: there was no number for a descriptor. Return: false = it is to stay where it is. */
static bool refuse_incomplete(struct mailbox *box, const struct envelope *e)
{
	bool has_letters = e->kind == PACKET_LETTERS && e->n > 0 && e->to <= BROOD_TO_OTHERS;

	return !has_letters || say_refused(box, e, -EMFILE);
}

/* Return: 1 = one was handled, 0 = none waits or it must, -EPIPE. */
static int receive_one(struct mailbox *box)
{
	struct arrival a;
	bool handled;
	int r = look(box, &a);

	if (r <= 0)
		return r;
	handled = packet_check(box->in, a.size, a.n_fds, true) ? handle(box, &a) : refuse_incomplete(box, &a.envelope);
	drop_fds(&a);
	if (box->n_out > 0)
		(void)mailbox_flush(box);	/* an answer goes at once, before we look for more */
	if (handled && box->fd >= 0)
		take_out(box);
	return handled;
}

int mailbox_receive(struct mailbox *box, unsigned most)
{
	int r = 1;

	if (!box->in)
		box->in = malloc(PACKET_BYTES_MAX);
	if (!box->in)
		return 1;
	for (unsigned i = 0; i < most && r > 0 && box->fd >= 0; i++)
		r = receive_one(box);
	return box->fd < 0 ? -EPIPE : r;
}
