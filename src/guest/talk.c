/* SPDX-License-Identifier: MIT */
/*
 * talk - messages of a program, over BROOD_CHANNEL_FD
 *
 *	program	{"do": "hello"}					messages are wanted from now on
 *		{"do": "send", "to": TO, "message": ANY [, "handle": true]}
 *		{"do": "retire" [, "reason": TEXT]}
 *	keeper	{"event": "hello", "version": 1, "id": 3, "slot": 0, "generation": 1}	first of all
 *		{"event": "message", "id": 2, "slot": 1, "number": 7, "message": ANY [, "handle": true]}
 *		{"event": "returned", "number": 4, "n": 1, "id": 2, "error": "ESRCH"}
 *		{"event": "suicide"}, {"event": "disconnect"}
 *
 * TO is {"slot": 1}, {"id": 3}, "parent", "all" or "others". What goes to others is the text of ANY, so that it is
 * the same to whoever is written in C. The numbers of what is sent count from 1. Where there is no room we do not
 * read on.
 *
 * Fails by: closing the channel, with a line, on whoever sends what is no frame; the program goes on without.
 */
#include "guest/room.h"

#include "base/log.h"
#include "bridge/board.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MOST 256		/* bytes of what is around a message */

static struct frames *frames_of(struct keeper *k)
{
	return &k->talk.frames;
}

static void hang_up(struct keeper *k, const char *why)
{
	if (why)
		log_warn("worker %u (program %d): %s on BROOD_CHANNEL_FD, which is closed; it serves on",
			 k->heritage->slot, (int)k->pid, why);
	frames_close(frames_of(k));
}

/* ---- to the program ---- */

/* Takes both. @text: NULL = there was no memory for it. */
static void put(struct keeper *k, char *text, int fd)
{
	struct frames *f = frames_of(k);

	if ((!text || f->fd < 0 || frames_put(f, text, strlen(text), fd) < 0) && fd >= 0)
		close(fd);
	free(text);
}

/* Takes both. */
static void tell(struct keeper *k, json_t *event, int fd)
{
	put(k, json_dumps(event, JSON_COMPACT), fd);
	json_decref(event);
}

/* With an integer that is none of 64 bits all are read as JavaScript does, or we would refuse what is JSON. */
static json_t *load(const char *text, size_t len, size_t flags)
{
	json_t *value = json_loadb(text, len, flags, NULL);

	return value ? value : json_loadb(text, len, flags | JSON_DECODE_INT_AS_REAL, NULL);
}

/* The text that is told: its own, if it is JSON. What no program has sent may be any bytes. NULL = no memory. */
static char *value_of(const struct brood_message *m)
{
	json_t *value = NULL;
	char *text;

	if (m->len <= FRAME_MOST - HEAD_MOST)
		value = load(m->data, m->len, JSON_DECODE_ANY | JSON_ALLOW_NUL);
	if (value) {
		json_decref(value);
		return strndup(m->data, m->len);
	}
	if (m->len <= FRAME_MOST / 8)
		value = json_stringn(m->data, m->len);
	text = value ? json_dumps(value, JSON_ENCODE_ANY) : strdup("null");
	json_decref(value);
	return text;
}

static void on_message(const struct brood_message *m, void *arg)
{
	char *value = value_of(m), *text = NULL;

	if (value && asprintf(&text, "{\"event\":\"message\",\"id\":%" PRIu32 ",\"slot\":%" PRIu32
			      ",\"number\":%" PRIu64 "%s,\"message\":%s}", m->from_id, m->from_slot, m->number,
			      m->fd >= 0 ? ",\"handle\":true" : "", value) < 0)
		text = NULL;
	free(value);
	put(arg, text, m->fd);
}

static void on_returned(const struct brood_returned *r, void *arg)
{
	const char *name = strerrorname_np(-r->error);

	tell(arg, json_pack("{s:s, s:I, s:I, s:I, s:s}", "event", "returned", "number", (json_int_t)r->first,
			    "n", (json_int_t)r->n, "id", (json_int_t)r->id, "error", name ? name : "EIO"), -1);
}

static bool is_wanted(void *arg)
{
	const struct keeper *k = arg;

	return k->talk.heard && k->talk.frames.fd >= 0;
}

static const struct mailbox_ops ops = { .message = on_message, .returned = on_returned, .wanted = is_wanted };

static void say_hello(struct keeper *k)
{
	tell(k, json_pack("{s:s, s:i, s:I, s:I, s:I}", "event", "hello", "version", 1,
			  "id", (json_int_t)k->heritage->id, "slot", (json_int_t)k->heritage->slot,
			  "generation", (json_int_t)k->heritage->generation), -1);
}

void talk_tell(struct keeper *k, const char *event)
{
	if (!is_wanted(k))
		return;
	tell(k, json_pack("{s:s}", "event", event), -1);
	if (frames_flush(frames_of(k)) < 0)
		hang_up(k, NULL);
}

/* ---- from the program ---- */

/* Return: whether it names somebody. */
static bool read_to(const json_t *to, enum brood_to *ret_to, uint32_t *ret_which)
{
	static const char *const names[] = {
		[BROOD_TO_PARENT] = "parent", [BROOD_TO_ALL] = "all", [BROOD_TO_OTHERS] = "others",
	};
	const json_t *slot = json_object_get(to, "slot"), *id = json_object_get(to, "id");
	const json_t *which = slot ? slot : id;

	*ret_which = 0;
	for (int i = BROOD_TO_PARENT; json_is_string(to) && i <= BROOD_TO_OTHERS; i++)
		if (strcmp(json_string_value(to), names[i]) == 0) {
			*ret_to = (enum brood_to)i;
			return true;
		}
	if (!json_is_number(which) || !(json_number_value(which) >= 0 && json_number_value(which) <= UINT32_MAX))
		return false;
	*ret_to = slot ? BROOD_TO_SLOT : BROOD_TO_WORKER;
	*ret_which = (uint32_t)json_number_value(which);
	return *ret_which == json_number_value(which);
}

/* What failed for good has its number all the same, or they would not count as the program does. */
static void return_unsent(struct keeper *k, int error)
{
	const struct brood_returned r = { .first = ++k->talk.mail.last, .n = 1, .error = error };

	on_returned(&r, k);
}

/* Return: 0, -EAGAIN, or -EPROTO: it is not to be understood. */
static int do_send(struct keeper *k, const json_t *frame)
{
	json_t *message = json_object_get(frame, "message");
	bool has_handle = json_is_true(json_object_get(frame, "handle"));
	struct frames *f = frames_of(k);
	enum brood_to to;
	uint32_t which;
	char *text;
	int64_t r;

	if (!message || !read_to(json_object_get(frame, "to"), &to, &which) || (has_handle && f->n_fds == 0))
		return -EPROTO;
	text = json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY);
	r = -ENOMEM;
	if (text)
		r = mailbox_send(&k->talk.mail, to, which, text, strlen(text), has_handle ? f->fds[0] : -1);
	free(text);
	if (r == -EAGAIN)
		return -EAGAIN;
	if (has_handle)
		close(frames_take_fd(f));
	if (r < 0)
		return_unsent(k, (int)r);
	return 0;
}

static int do_retire(struct keeper *k, const json_t *frame)
{
	const char *reason = json_string_value(json_object_get(frame, "reason"));

	keeper_retire(k, reason && *reason ? reason : "no reason given");
	return 0;
}

static int act_on(struct keeper *k, const json_t *frame)
{
	const char *what = json_string_value(json_object_get(frame, "do"));

	if (!what)
		return -EPROTO;
	k->talk.heard = true;
	if (strcmp(what, "send") == 0)
		return do_send(k, frame);
	if (strcmp(what, "retire") == 0)
		return do_retire(k, frame);
	return strcmp(what, "hello") == 0 ? 0 : -EPROTO;
}

/* All that are whole. Return: 0, -EAGAIN = there is no room for what they want, -EPROTO. */
static int act_on_frames(struct keeper *k)
{
	struct frames *f = frames_of(k);
	const char *text;
	size_t len;
	int r;

	while ((r = frames_next(f, &text, &len)) > 0) {
		json_t *frame = load(text, len, 0);

		r = act_on(k, frame);
		json_decref(frame);
		if (r < 0)
			break;
		frames_done(f);
	}
	return r;
}

static void hear_program(struct keeper *k)
{
	int r = frames_receive(frames_of(k));
	int acted = r < 0 && r != -EPIPE ? r : act_on_frames(k);

	if (acted == -EPROTO)
		hang_up(k, "sent what is no frame");
	else if (r < 0)
		hang_up(k, NULL);
}

/* ---- the keeper's side ---- */

int talk_open(struct keeper *k)
{
	int ends[2];

	mailbox_init(&k->talk.mail, k->heritage->mail_fd, &ops, k);
	k->talk.mail.progress = &k->row->mail;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	k->talk.frames.fd = ends[0];
	k->talk.program_fd = ends[1];
	say_hello(k);
	return 0;
}

void talk_launched(struct keeper *k)
{
	if (k->talk.program_fd >= 0)
		close(k->talk.program_fd);
	k->talk.program_fd = -1;
}

void talk_wait(const struct keeper *k, struct pollfd *program, struct pollfd *mail)
{
	const struct talk *t = &k->talk;
	bool tells = t->frames.n_out > 0;

	*program = (struct pollfd){ .fd = k->pid ? t->frames.fd : -1 };
	*mail = (struct pollfd){ .fd = t->mail.fd };
	program->events = (short)((t->mail.full ? 0 : POLLIN) | (tells ? POLLOUT : 0));
	mail->events = (short)((tells ? 0 : POLLIN) | (t->mail.full ? POLLOUT : 0));
	if (!program->events)
		program->fd = -1;
	if (!mail->events)
		mail->fd = -1;
}

static void hear_mail(struct keeper *k, short events)
{
	struct talk *t = &k->talk;

	if (events & POLLOUT) {
		mailbox_room(&t->mail);
		if (t->frames.fd >= 0 && act_on_frames(k) == -EPROTO)
			hang_up(k, "sent what is no frame");
	}
	if ((events & (POLLIN | POLLHUP)) && mailbox_receive(&t->mail, 1) < 0)
		t->mail.fd = -1;
}

void talk_step(struct keeper *k, const struct pollfd *program, const struct pollfd *mail)
{
	struct talk *t = &k->talk;

	if (mail->revents)
		hear_mail(k, mail->revents);
	if (program->revents & (POLLIN | POLLHUP) && t->frames.fd >= 0)
		hear_program(k);
	if (t->frames.fd >= 0 && t->frames.n_out > 0 && frames_flush(&t->frames) < 0)
		hang_up(k, NULL);
	(void)mailbox_flush(&t->mail);
	board_set(&k->row->messages_sent, t->mail.n_sent);
	board_set(&k->row->messages_received, t->mail.n_received);
	board_set(&k->row->messages_returned, t->mail.n_returned);
}

void talk_close(struct keeper *k)
{
	if (k->talk.mail.fd >= 0)
		mailbox_flush_last(&k->talk.mail, 100);
	frames_close(frames_of(k));
}
