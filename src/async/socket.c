/* SPDX-License-Identifier: MIT */
/*
 * socket - a connection to somebody else, TCP or UNIX, on the loop
 *
 * What is written is sent at once as far as it goes; the rest is kept, up to WRITE_HIGH, and sent when there is
 * room. What arrives is handed on as it comes, unless reading is paused. Addresses are numbers or paths: a name
 * would have to be looked up, which blocks.
 */
#include "async/async.h"
#include "async/bytes.h"

#include "base/address.h"
#include "base/auto.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define WRITE_HIGH	(256 * 1024)
#define PIECE_BYTES	(64 * 1024)
#define PIECES_A_TURN	16
#define CONNECT_MS	10000

struct brood_socket {
	struct affair	 affair;
	struct watch	*watch;
	struct alarm	 late;		/* to be connected */
	struct alarm	 again;		/* there was more than a turn's share, or reading goes on */
	bool		 connected;
	bool		 paused;
	bool		 wants_room;	/* its owner was refused a write */
	bool		 half_closed;	/* by us, once all is sent */
	bool		 ended;		/* by the other side */
	bool		 awaits_room;
	struct bytes	 unsent;
	bool		 ending;	/* on_close is being told */
	int		 error;
	struct brood_socket_events events;
	void		*arg;
};

struct piece_told {
	struct brood_socket *socket;
	const char	*data;
	size_t		 len;
};

static struct brood_socket *being_told;		/* NULL when it has been closed meanwhile */

static void release(struct brood_socket *s)
{
	if (being_told == s)
		being_told = NULL;
	reactor_alarm(async_reactor(), &s->late, ENGINE_NEVER);
	reactor_alarm(async_reactor(), &s->again, ENGINE_NEVER);
	reactor_unwatch(async_reactor(), s->watch);
	free(s->unsent.at);
	free(s);
}

/* ---- what its owner hears ---- */

static void tell_connected(struct brood_request *request, void *arg)
{
	struct brood_socket *s = arg;

	s->events.on_connected(s, s->arg);
}

static void tell_data(struct brood_request *request, void *arg)
{
	const struct piece_told *piece = arg;

	piece->socket->events.on_data(piece->socket, piece->data, piece->len, piece->socket->arg);
}

static void tell_writable(struct brood_request *request, void *arg)
{
	struct brood_socket *s = arg;

	s->events.on_writable(s, s->arg);
}

static void tell_end(struct brood_request *request, void *arg)
{
	struct brood_socket *s = arg;

	s->events.on_end(s, s->arg);
}

static void tell_close(struct brood_request *request, void *arg)
{
	struct brood_socket *s = arg;

	s->events.on_close(s, s->error, s->arg);
}

/* Return: whether the socket is still there. */
static bool tell(struct brood_socket *s, brood_event_fn *fn, void *arg)
{
	struct brood_socket *before = being_told;
	bool lives;

	being_told = s;
	affair_call(s->affair.request, fn, arg);
	lives = being_told == s;
	being_told = before;
	return lives;
}

/* @error: 0 = the other side has ended. */
static void end(struct brood_socket *s, int error)
{
	s->error = error;
	s->ending = true;
	affair_end(&s->affair);
	if (s->events.on_close)
		affair_call(s->affair.request, tell_close, s);
	release(s);
}

static void cancel(struct affair *affair, bool is_told)
{
	struct brood_socket *s = (struct brood_socket *)affair;

	s->error = -ECANCELED;
	s->ending = true;
	if (is_told && s->events.on_close)
		(void)call_outside(affair->request, tell_close, s);
	release(s);
}

/* ---- sending ---- */

static void on_room(void *arg);

static void await_room(struct brood_socket *s)
{
	if (s->awaits_room)
		return;
	s->awaits_room = true;
	reactor_await_room(async_reactor(), s->watch, on_room);
}

/* Return: bytes taken, or -errno. */
static ssize_t send_now(struct brood_socket *s, const char *data, size_t len)
{
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = send(watch_fd(s->watch), data + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? (ssize_t)sent : -errno;
		sent += (size_t)n;
	}
	return (ssize_t)sent;
}

static void half_close_when_sent(struct brood_socket *s)
{
	if (!s->half_closed || s->unsent.len > 0)
		return;
	(void)shutdown(watch_fd(s->watch), SHUT_WR);
	if (s->ended)	/* told when nobody is being called */
		reactor_alarm(async_reactor(), &s->again, async_reactor()->engine->now_ms + 1);
}

static int flush(struct brood_socket *s)
{
	ssize_t n = s->unsent.len > 0 ? send_now(s, s->unsent.at, s->unsent.len) : 0;

	if (n < 0)
		return (int)n;
	s->unsent.len -= (size_t)n;
	if (n > 0)
		memmove(s->unsent.at, s->unsent.at + n, s->unsent.len);
	if (s->unsent.len > 0)
		await_room(s);
	half_close_when_sent(s);
	return 0;
}

static int connection_error(const struct brood_socket *s)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(watch_fd(s->watch), SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

/* Return: whether the socket is still there. */
static bool greet(struct brood_socket *s)
{
	int r = connection_error(s);

	if (r < 0) {
		end(s, r);
		return false;
	}
	s->connected = true;
	reactor_alarm(async_reactor(), &s->late, ENGINE_NEVER);
	/* what came with it was not heard */
	reactor_alarm(async_reactor(), &s->again, async_reactor()->engine->now_ms + 1);
	return !s->events.on_connected || tell(s, tell_connected, s);
}

static void on_room(void *arg)
{
	struct brood_socket *s = arg;
	int r;

	s->awaits_room = false;
	if (!s->connected && !greet(s))
		return;
	r = flush(s);
	if (r < 0) {
		end(s, r);
		return;
	}
	if (s->unsent.len > 0 || !s->wants_room)
		return;
	s->wants_room = false;
	if (s->events.on_writable)
		(void)tell(s, tell_writable, s);
}

int brood_socket_write(struct brood_socket *s, const void *data, size_t len)
{
	ssize_t n = 0;
	int r;

	if (s->half_closed)
		return -EPIPE;
	if (s->unsent.len > WRITE_HIGH) {
		s->wants_room = true;
		return -EAGAIN;
	}
	if (s->connected && s->unsent.len == 0)
		n = send_now(s, data, len);
	if (n < 0)
		return (int)n;
	if ((size_t)n == len)
		return 0;
	r = bytes_append(&s->unsent, (const char *)data + n, len - (size_t)n);
	if (r == 0)
		await_room(s);
	return r;
}

int brood_socket_shutdown(struct brood_socket *s)
{
	if (s->half_closed)
		return -EPIPE;
	s->half_closed = true;
	if (s->connected)
		half_close_when_sent(s);
	return 0;
}

/* ---- receiving ---- */

/* Return: whether the socket is still there. */
static bool hear_end(struct brood_socket *s)
{
	s->ended = true;
	if (s->events.on_end && !s->half_closed)
		return tell(s, tell_end, s);
	if (s->events.on_end && s->unsent.len > 0)
		return true;
	end(s, 0);
	return false;
}

static void on_readable(void *arg)
{
	static char piece[PIECE_BYTES];
	struct brood_socket *s = arg;

	if (s->ended) {
		if (s->half_closed && s->unsent.len == 0)
			end(s, 0);
		return;
	}
	for (int i = 0; i < PIECES_A_TURN && s->connected && !s->paused; i++) {
		ssize_t n = recv(watch_fd(s->watch), piece, sizeof(piece), MSG_DONTWAIT);
		struct piece_told told = { s, piece, n > 0 ? (size_t)n : 0 };

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			end(s, -errno);
		else if (n == 0)
			(void)hear_end(s);
		if (n <= 0 || !tell(s, tell_data, &told))
			return;
	}
	if (s->connected && !s->paused)
		reactor_alarm(async_reactor(), &s->again, async_reactor()->engine->now_ms + 1);
}

void brood_socket_pause(struct brood_socket *s)
{
	s->paused = true;
}

void brood_socket_resume(struct brood_socket *s)
{
	s->paused = false;
	reactor_alarm(async_reactor(), &s->again, async_reactor()->engine->now_ms + 1);
}

void brood_socket_close(struct brood_socket *s)
{
	if (!s || s->ending)
		return;
	affair_end(&s->affair);
	release(s);
}

void socket_detach(struct brood_socket *s)
{
	affair_detach(&s->affair);
}

/* ---- connecting ---- */

static void on_late(void *arg)
{
	end(arg, -ETIMEDOUT);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autoclose int fd = -1;
	int r;

	if (strlen(path) == 0 || strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = fd;
	fd = -1;	/* the caller's */
	return r;
}

static int connect_tcp(const char *text)
{
	const int on = 1;
	struct address address;
	autoclose int fd = -1;
	int r;

	if (text[0] == ':' || address_parse(text, &address) < 0)
		return -EINVAL;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, &address.any, address.len) < 0 && errno != EINPROGRESS)
		return -errno;
	r = fd;
	fd = -1;	/* the caller's */
	return r;
}

static struct brood_socket *create(const struct brood_socket_events *events, void *arg)
{
	struct brood_socket *s = calloc(1, sizeof(*s));

	if (s)
		*s = (struct brood_socket){
			.late = { .fn = on_late, .arg = s },
			.again = { .fn = on_readable, .arg = s },
			.events = *events,
			.arg = arg,
		};
	return s;
}

/* Whether it is connected is seen by its having room. */
static int begin(struct brood_socket *s, struct brood_request *request, int fd, uint32_t timeout_ms)
{
	int r;

	s->watch = reactor_watch(async_reactor(), fd, on_readable, s);
	if (!s->watch) {
		close(fd);
		return -ENOMEM;
	}
	r = affair_begin(&s->affair, request, cancel);
	if (r < 0)
		return r;
	await_room(s);
	reactor_alarm(async_reactor(), &s->late,
		      async_reactor()->engine->now_ms + (timeout_ms ? timeout_ms : CONNECT_MS));
	return 0;
}

int brood_connect(struct brood_request *request, const char *address, uint32_t timeout_ms,
		  const struct brood_socket_events *events, void *arg, struct brood_socket **ret_socket)
{
	struct brood_socket *s;
	int fd, r;

	if (!async_reactor() || !events || events->size != sizeof(*events) || !events->on_data)
		return -EINVAL;
	s = create(events, arg);
	if (!s)
		return -ENOMEM;
	fd = strncmp(address, "unix:", 5) == 0 ? connect_unix(address + 5) : connect_tcp(address);
	r = fd < 0 ? fd : begin(s, request, fd, timeout_ms);
	if (r < 0) {
		release(s);
		return r;
	}
	*ret_socket = s;
	return 0;
}
