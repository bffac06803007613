/* SPDX-License-Identifier: MIT */
/*
 * redis_write - what goes to the server: commands put one behind the other, sent at the end of a turn
 *
 * Nothing is given up here, because whoever writes is in the middle of something: a connection that takes nothing any
 * more is found broken by its own alarm.
 */
#include "state/redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define OUT_LEAST (64 * 1024)
#define OUT_KEPT (256 * 1024)		/* memory of what was written is not given back below it */

char *redis_link_extend(struct redis_link *l, size_t len)
{
	size_t size = l->size_out ? l->size_out : OUT_LEAST;
	char *more;

	if (l->sent > 0 && l->n_out + len > l->size_out) {
		memmove(l->out, l->out + l->sent, l->n_out - l->sent);
		l->n_out -= l->sent;
		l->n_greeting = l->n_greeting > l->sent ? l->n_greeting - l->sent : 0;
		l->sent = 0;
	}
	while (size < l->n_out + len)
		size *= 2;
	if (size > l->size_out) {
		more = realloc(l->out, size);
		if (!more)
			return NULL;
		l->out = more;
		l->size_out = size;
	}
	l->n_out += len;
	return l->out + l->n_out - len;
}

int redis_link_write(struct redis_link *l, const struct link_word words[], unsigned n)
{
	char head[32];
	size_t len = (size_t)snprintf(head, sizeof(head), "*%u\r\n", n), n_head = len;
	char *at;

	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(NULL, 0, "$%zu\r\n", words[i].len) + words[i].len + 2;
	at = redis_link_extend(l, len);
	if (!at)
		return -ENOMEM;
	memcpy(at, head, n_head);
	at += n_head;
	for (unsigned i = 0; i < n; i++) {
		n_head = (size_t)snprintf(head, sizeof(head), "$%zu\r\n", words[i].len);
		memcpy(at, head, n_head);
		at += n_head;
		if (words[i].len > 0)
			memcpy(at, words[i].bytes, words[i].len);
		at += words[i].len;
		memcpy(at, "\r\n", 2);
		at += 2;
	}
	return 0;
}

static void on_room(void *arg)
{
	struct redis_link *l = arg;

	l->awaits_room = false;
	redis_link_flush(l);
}

static void forget_sent(struct redis_link *l)
{
	l->sent = l->n_out = l->n_greeting = 0;
	if (l->size_out > OUT_KEPT) {
		free(l->out);
		l->out = NULL;
		l->size_out = 0;
	}
}

/* Until we are greeted no command may go: it could be for another database. */
static size_t sendable(const struct redis_link *l)
{
	if (l->broken != 0)
		return 0;
	if (l->state == LINK_READY)
		return l->n_out - l->sent;
	return l->state == LINK_GREETING && l->n_greeting > l->sent ? l->n_greeting - l->sent : 0;
}

/* At the end of a turn nobody can be told any more that it is broken: what they answered would lie until the next one. */
void redis_link_flush(struct redis_link *l)
{
	while (sendable(l) > 0 && !l->awaits_room) {
		ssize_t n = send(watch_fd(l->watch), l->out + l->sent, sendable(l), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			l->awaits_room = true;
			reactor_await_room(l->reactor, l->watch, on_room);
			return;
		}
		if (n < 0) {
			l->broken = -errno;
			reactor_alarm(l->reactor, &l->again, l->reactor->engine->now_ms + 1);
			return;
		}
		l->sent += (size_t)n;
	}
	if (l->sent > 0 && l->sent == l->n_out)
		forget_sent(l);
}
