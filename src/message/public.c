/* SPDX-License-Identifier: MIT */
#include "message/public.h"

#include <errno.h>

/* Of the process; what was set before a fork is the child's too. */
static struct {
	struct mailbox		*box;
	brood_message_fn	*message;
	void			*message_arg;
	brood_returned_fn	*returned;
	void			*returned_arg;
	brood_self_fn		*room, *suicide, *disconnect;
	void			*room_arg, *suicide_arg, *disconnect_arg;
} self;

void public_set_mailbox(struct mailbox *box)
{
	self.box = box;
}

static void on_message(const struct brood_message *message, void *arg)
{
	self.message(message, self.message_arg);
}

void public_returned(const struct brood_returned *returned, void *arg)
{
	if (self.returned)
		self.returned(returned, self.returned_arg);
}

void public_room(void *arg)
{
	if (self.room)
		self.room(self.room_arg);
}

static bool is_wanted(void *arg)
{
	return self.message != NULL;
}

const struct mailbox_ops public_ops = {
	.message = on_message, .returned = public_returned, .room = public_room, .wanted = is_wanted,
};

void public_tell_suicide(void)
{
	if (self.suicide)
		self.suicide(self.suicide_arg);
}

void public_tell_disconnect(void)
{
	if (self.disconnect)
		self.disconnect(self.disconnect_arg);
}

/* ---- brood.h ---- */

int64_t brood_send(enum brood_to to, uint32_t which, const void *data, size_t len, int fd)
{
	return self.box ? mailbox_send(self.box, to, which, data, len, fd) : -EPIPE;
}

void brood_on_message(brood_message_fn *fn, void *arg)
{
	self.message = fn;
	self.message_arg = arg;
}

void brood_on_returned(brood_returned_fn *fn, void *arg)
{
	self.returned = fn;
	self.returned_arg = arg;
}

void brood_on_room(brood_self_fn *fn, void *arg)
{
	self.room = fn;
	self.room_arg = arg;
}

void brood_on_suicide(brood_self_fn *fn, void *arg)
{
	self.suicide = fn;
	self.suicide_arg = arg;
}

void brood_on_disconnect(brood_self_fn *fn, void *arg)
{
	self.disconnect = fn;
	self.disconnect_arg = arg;
}

int brood_is_connected(void)
{
	return self.box && self.box->fd >= 0;
}
