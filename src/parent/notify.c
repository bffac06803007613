/* SPDX-License-Identifier: MIT */
/*
 * notify - tells the service manager that started us how we are: sd_notify(3), without its library
 *
 *   ready          READY=1                           reload       RELOADING=1, then READY=1 however it went
 *   stopping       STOPPING=1, EXTEND_TIMEOUT_USEC   upgrade      MAINPID, by the old parent, whom it believes
 *   once a second  STATUS, when it has changed       watchdog     WATCHDOG=1 at half its time
 *
 * The variables are taken out of the environment: a handler must not speak for the pool. A program that is to take
 * over gets them back. A worker that hangs is our business and not the manager's, but a pool of which every worker
 * has hung for half the watchdog's time says nothing, and is restarted.
 *
 * A message that does not fit into the manager's queue waits here, in its turn; of too many the oldest is lost.
 */
#include "parent/notify.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/hang.h"
#include "parent/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 256
#define MESSAGES_MOST 8
#define STATUS_MS 1000
#define AGAIN_MS 50
#define EXTEND_MS 5000		/* beyond the drain timeout */

struct notify {
	int		fd;
	struct sockaddr_un address;
	socklen_t	address_len;
	char		socket[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];	/* as it was said */
	char		watchdog_usec[24];	/* likewise; empty = none */
	uint64_t	beat_ms;		/* between two of the watchdog's; 0 = it has none */
	uint64_t	next_beat_ms;
	uint64_t	next_status_ms;		/* 0 = not ready yet */
	char		status[MESSAGE_BYTES];
	unsigned	n_waiting;
	char		waiting[MESSAGES_MOST][MESSAGE_BYTES];
};

/* ---- the variables ---- */

/* Return: false if it is none we can send to. */
static bool parse_socket(struct notify *n, const char *text)
{
	size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof(n->address.sun_path))
		return false;
	snprintf(n->socket, sizeof(n->socket), "%s", text);
	n->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(n->address.sun_path, text, len);
	if (text[0] == '@')
		n->address.sun_path[0] = '\0';
	n->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
	return true;
}

static bool is_ours(const char *pid)
{
	return !pid || strtol(pid, NULL, 10) == getpid();
}

static void parse_watchdog(struct notify *n)
{
	const char *text = getenv("WATCHDOG_USEC");
	unsigned long long usec = text ? strtoull(text, NULL, 10) : 0;

	if (usec == 0 || usec == ULLONG_MAX || !is_ours(getenv("WATCHDOG_PID")))
		return;
	snprintf(n->watchdog_usec, sizeof(n->watchdog_usec), "%llu", usec);
	n->beat_ms = usec / 2000 > 0 ? usec / 2000 : 1;
}

static void clear_variables(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int notify_create(struct crew *crew)
{
	const char *text = getenv("NOTIFY_SOCKET");
	struct notify *n = text && *text ? calloc(1, sizeof(*n)) : NULL;

	if (n && parse_socket(n, text)) {
		parse_watchdog(n);
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		crew->notify = n;
	} else if (n) {
		log_warn("NOTIFY_SOCKET is \"%s\", which is no path and no abstract name: nobody is told", text);
		free(n);
	}
	clear_variables();
	return text && *text && !n ? -ENOMEM : crew->notify && crew->notify->fd < 0 ? -errno : 0;
}

void notify_destroy(struct crew *crew)
{
	if (crew->notify && crew->notify->fd >= 0)
		close(crew->notify->fd);
	free(crew->notify);
	crew->notify = NULL;
}

void notify_lend(const struct crew *crew)
{
	if (!crew->notify)
		return;
	setenv("NOTIFY_SOCKET", crew->notify->socket, 1);
	if (crew->notify->watchdog_usec[0])
		setenv("WATCHDOG_USEC", crew->notify->watchdog_usec, 1);
}

void notify_take_back(const struct crew *crew)
{
	if (crew->notify)
		clear_variables();
}

/* ---- messages ---- */

/* Return: whether it is gone, and be it because nobody hears it. */
static bool send_one(const struct notify *n, const char *message)
{
	return sendto(n->fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&n->address, n->address_len) >= 0 ||
	       (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM);
}

static void drop_first(struct notify *n)
{
	n->n_waiting--;
	memmove(n->waiting[0], n->waiting[1], n->n_waiting * sizeof(n->waiting[0]));
}

static void send_waiting(struct notify *n)
{
	while (n->n_waiting > 0 && send_one(n, n->waiting[0]))
		drop_first(n);
}

__attribute__((format(printf, 2, 3)))
static void say(struct notify *n, const char *format, ...)
{
	va_list arguments;

	if (!n)
		return;
	if (n->n_waiting == MESSAGES_MOST)
		drop_first(n);
	va_start(arguments, format);
	vsnprintf(n->waiting[n->n_waiting++], MESSAGE_BYTES, format, arguments);
	va_end(arguments);
	send_waiting(n);
}

/* Return: whether it has changed. */
static bool renew_status(struct crew *crew, struct notify *n)
{
	char status[MESSAGE_BYTES / 2];
	uint64_t n_connections = 0;
	unsigned n_serving = 0;

	child_each(crew, child) {
		uint64_t open = board_get(&child_row(crew, child)->connections);

		n_serving += child_serves(child);
		n_connections += open < UINT32_MAX ? open : 0;		/* the board can say anything */
	}
	if (crew->stopping)
		snprintf(status, sizeof(status), "Draining: %u workers, %" PRIu64 " connections", crew->n_children,
			 n_connections);
	else
		snprintf(status, sizeof(status), "%s%u of %u workers, %" PRIu64 " connections",
			 crew->reloading ? "Reloading: " : "", n_serving, crew->n_wanted, n_connections);
	if (strcmp(status, n->status) == 0)
		return false;
	memcpy(n->status, status, sizeof(status));
	return true;
}

/* The pool, and it alone, is who the manager speaks to. */
static struct notify *notify_of(const struct crew *crew)
{
	return crew->left_to == 0 && !takeover_under_way(crew) ? crew->notify : NULL;
}

void notify_ready(struct crew *crew)
{
	struct notify *n = notify_of(crew);

	if (!n)
		return;
	(void)renew_status(crew, n);
	say(n, "READY=1\nSTATUS=%s", n->status);
	n->next_status_ms = crew->now_ms + STATUS_MS;
	if (n->beat_ms > 0 && n->next_beat_ms == 0)
		n->next_beat_ms = crew->now_ms;
}

void notify_reloading(struct crew *crew)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	say(notify_of(crew), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void notify_stopping(struct crew *crew, uint32_t timeout_ms)
{
	struct notify *n = notify_of(crew);

	if (!n)
		return;
	(void)renew_status(crew, n);
	say(n, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\nSTATUS=%s", ((uint64_t)timeout_ms + EXTEND_MS) * 1000,
	    n->status);
}

void notify_main(struct crew *crew, pid_t pid)
{
	say(notify_of(crew), "MAINPID=%d", (int)pid);
}

/* ---- time ---- */

static bool all_hang(const struct crew *crew, uint64_t ms)
{
	bool all = false;

	child_each(crew, child) {
		if (child->phase != CHILD_SERVING || slot_is_task(child->slot))
			continue;
		if (hang_silent_ms(crew, child) < ms)
			return false;
		all = true;
	}
	return all;
}

static void earlier(uint64_t *next_ms, uint64_t at_ms)
{
	if (at_ms != 0 && (*next_ms == 0 || at_ms < *next_ms))
		*next_ms = at_ms;
}

uint64_t notify_next_ms(const struct crew *crew)
{
	const struct notify *n = notify_of(crew);
	uint64_t next_ms = 0;

	if (!n)
		return 0;
	earlier(&next_ms, n->next_beat_ms);
	earlier(&next_ms, n->next_status_ms);
	if (n->n_waiting > 0)
		earlier(&next_ms, crew->now_ms + AGAIN_MS);
	return next_ms;
}

void notify_expire(struct crew *crew)
{
	struct notify *n = notify_of(crew);

	if (!n)
		return;
	send_waiting(n);
	if (n->next_beat_ms != 0 && n->next_beat_ms <= crew->now_ms) {
		n->next_beat_ms = crew->now_ms + n->beat_ms;
		if (!all_hang(crew, n->beat_ms))
			say(n, "WATCHDOG=1");
	}
	if (n->next_status_ms != 0 && n->next_status_ms <= crew->now_ms) {
		n->next_status_ms = crew->now_ms + STATUS_MS;
		if (renew_status(crew, n))
			say(n, "STATUS=%s", n->status);
	}
}
