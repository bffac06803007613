/* SPDX-License-Identifier: MIT */
/*
 * redis_link - one connection to the server
 *
 *   DOWN → CONNECTING → GREETING → READY → DOWN, and after a while again
 *
 * It is given up when the server says what is no answer, or nothing for longer than the timeout: an answer that is late
 * would be taken for the next one's. Then it is opened anew, after 50 ms and twice as long each time, up to 2 s.
 */
#include "state/redis.h"

#include "base/log.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MOST_MS 2000u
#define PIECE_BYTES (64 * 1024)
#define PIECES_A_TURN 16
#define ALIVE_S 15			/* of silence; then the kernel asks whether the server is there */

static void on_again(void *arg);
static void on_late(void *arg);
static void on_readable(void *arg);

static uint64_t now_ms(const struct redis_link *l)
{
	return l->reactor->engine->now_ms;
}

/* ---- ending it ---- */

static void let_go(struct redis_link *l)
{
	l->was_ready = l->state == LINK_READY;
	reactor_unwatch(l->reactor, l->watch);
	l->watch = NULL;
	if (l->reader)
		redisReaderFree(l->reader);
	l->reader = NULL;
	l->awaits_room = l->has_deadline = false;
	l->sent = l->n_out = l->n_greeting = 0;
	l->broken = 0;
	l->state = LINK_DOWN;
	reactor_alarm(l->reactor, &l->late, ENGINE_NEVER);
}

static void complain(struct redis_link *l, const char *why)
{
	if (!l->complained)
		log_warn("shared state: redis %s: %s; writes and reads fail until it is there again",
			 l->settings->name, why);
	l->complained = true;
}

/* Others than us may be waiting for the server: each comes back at another moment. */
static uint32_t next_backoff(struct redis_link *l)
{
	uint32_t ms;

	if (l->was_ready && now_ms(l) - l->ready_ms > BACKOFF_MOST_MS)
		l->backoff_ms = BACKOFF_FIRST_MS;	/* one that lets us in and then talks nonsense is not well yet */
	ms = l->backoff_ms;
	l->backoff_ms = ms * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : ms * 2;
	return ms - (uint32_t)((uint64_t)getpid() * 2654435761u % (ms / 4 + 1));
}

/* @why: for the log; NULL = what @error says. */
static void give_up(struct redis_link *l, int error, const char *why)
{
	let_go(l);
	l->had_failed = true;
	complain(l, why ? why : error == -ETIMEDOUT ? "no answer in time" : strerror(-error));
	reactor_alarm(l->reactor, &l->again, now_ms(l) + next_backoff(l));
	l->ops->on_down(l, error);
}

/* ---- deadlines ---- */

static void set_deadline(struct redis_link *l, uint64_t at_ms)
{
	l->has_deadline = at_ms != ENGINE_NEVER;
	reactor_alarm(l->reactor, &l->late, at_ms);
}

void redis_link_expect(struct redis_link *l)
{
	if (l->state == LINK_READY && !l->has_deadline)
		set_deadline(l, l->ops->deadline_ms(l));
}

static void on_late(void *arg)
{
	struct redis_link *l = arg;
	uint64_t deadline_ms = l->state == LINK_READY ? l->ops->deadline_ms(l) : 0;

	if (deadline_ms > now_ms(l))
		set_deadline(l, deadline_ms);	/* it was for one that has been answered */
	else
		give_up(l, -ETIMEDOUT, NULL);
}

/* ---- reading ---- */

static void become_ready(struct redis_link *l)
{
	l->state = LINK_READY;
	l->had_failed = false;
	l->ready_ms = now_ms(l);
	if (l->complained)
		log_info("shared state: redis %s: there again", l->settings->name);
	l->complained = false;
	set_deadline(l, l->ops->deadline_ms(l));
	l->ops->on_ready(l);
	redis_link_flush(l);
}

/* Return: whether the connection is still there. */
static bool take_greeting(struct redis_link *l, const redisReply *reply)
{
	char why[160];

	if (reply->type == REDIS_REPLY_ERROR) {
		snprintf(why, sizeof(why), "it says \"%.*s\"", reply->len < 100 ? (int)reply->len : 100, reply->str);
		for (char *c = why; *c; c++)
			if ((unsigned char)*c < ' ')
				*c = '?';
		give_up(l, -EACCES, why);
		return false;
	}
	l->n_greetings--;
	if (l->ops->on_greeted)
		l->ops->on_greeted(l, l->n_greetings, reply);
	if (l->n_greetings == 0)
		become_ready(l);
	return l->state != LINK_DOWN;
}

static bool take_reply(struct redis_link *l, redisReply *reply)
{
	bool lives = true;

	if (l->state == LINK_GREETING) {
		lives = take_greeting(l, reply);
	} else if (!l->ops->on_reply(l, reply)) {
		give_up(l, -EPROTO, "what it says is no answer");
		lives = false;
	}
	freeReplyObject(reply);
	return lives;
}

static bool take_piece(struct redis_link *l, const char *piece, size_t len)
{
	void *reply;

	if (redisReaderFeed(l->reader, piece, len) != REDIS_OK) {
		give_up(l, -ENOMEM, NULL);
		return false;
	}
	l->n_unanswered += len;
	for (;;) {
		if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
			give_up(l, -EPROTO, "what it says is not Redis' protocol");
			return false;
		}
		if (!reply)
			break;
		l->n_unanswered = l->reader->len - l->reader->pos;
		if (!take_reply(l, reply))
			return false;
	}
	if (l->n_unanswered > REDIS_REPLY_MAX)
		give_up(l, -EPROTO, "what it says is too long for an answer");
	return l->state != LINK_DOWN;
}

static void on_readable(void *arg)
{
	static char piece[PIECE_BYTES];
	struct redis_link *l = arg;

	if (l->state == LINK_CONNECTING)
		return;		/* on_connected() is called as well */
	for (unsigned i = 0; i < PIECES_A_TURN; i++) {
		ssize_t n = recv(watch_fd(l->watch), piece, sizeof(piece), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			give_up(l, n < 0 ? -errno : -ECONNRESET, n < 0 ? NULL : "it has closed the connection");
			return;
		}
		if (!take_piece(l, piece, (size_t)n))
			return;
	}
	reactor_alarm(l->reactor, &l->again, now_ms(l) + 1);	/* behind what else there is to do */
}

/* ---- beginning ---- */

#if HIREDIS_MAJOR >= 1
typedef size_t array_len;
#else
typedef int array_len;
#endif

/* hiredis' own, which would make room for as many as the server announces. */
static void *(*make_array)(const redisReadTask *task, array_len n);

static void *make_bounded_array(const redisReadTask *task, array_len n)
{
	return n > REDIS_KEYS_MAX ? NULL : make_array(task, n);
}

static redisReader *make_reader(void)
{
	static redisReplyObjectFunctions functions;
	redisReader *reader = redisReaderCreate();

	if (!reader)
		return NULL;
	if (!make_array) {
		functions = *reader->fn;
		make_array = functions.createArray;
		functions.createArray = make_bounded_array;
	}
	reader->fn = &functions;
	reader->maxbuf = 4 * PIECE_BYTES;
	return reader;
}

static struct link_word word_of(const char *text)
{
	return (struct link_word){ text, strlen(text) };
}

static int say_who(struct redis_link *l)
{
	const struct redis_settings *s = l->settings;
	struct link_word words[3] = { word_of("AUTH") };
	unsigned n = 1;

	if (!s->password[0])
		return 0;
	if (s->user[0])
		words[n++] = word_of(s->user);
	words[n++] = word_of(s->password);
	l->n_greetings++;
	return redis_link_write(l, words, n);
}

static int choose_database(struct redis_link *l)
{
	char db[12];
	const size_t len = (size_t)snprintf(db, sizeof(db), "%u", l->settings->db);
	const struct link_word words[] = { word_of("SELECT"), { db, len } };

	l->n_greetings++;
	return redis_link_write(l, words, 2);
}

static void on_connected(void *arg)
{
	struct redis_link *l = arg;
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(watch_fd(l->watch), SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error != 0) {
		give_up(l, -error, NULL);
		return;
	}
	l->state = LINK_GREETING;
	redis_link_flush(l);
}

/* A server that is gone without a word is found out by the kernel, without a timer of ours. */
static int open_socket(const struct redis_settings *s)
{
	const int on = 1, idle = ALIVE_S, interval = 5, n = 3;
	const unsigned unsent_ms = 30000;
	int fd = socket(s->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof(n));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof(unsent_ms));
	if (connect(fd, &s->address.any, s->address.len) == 0 || errno == EINPROGRESS)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int begin(struct redis_link *l)
{
	int fd = open_socket(l->settings), r;

	if (fd < 0)
		return fd;
	l->watch = reactor_watch(l->reactor, fd, on_readable, l);
	if (!l->watch) {
		close(fd);
		return -ENOMEM;
	}
	l->state = LINK_CONNECTING;
	l->n_greetings = 0;
	l->n_unanswered = 0;
	l->reader = make_reader();
	r = l->reader ? say_who(l) : -ENOMEM;
	if (r == 0)
		r = choose_database(l);
	if (r < 0)
		return r;
	if (l->ops->greet)
		l->n_greetings += l->ops->greet(l);
	l->n_greeting = l->n_out;
	reactor_await_room(l->reactor, l->watch, on_connected);
	reactor_alarm(l->reactor, &l->late, now_ms(l) + l->settings->timeout_ms);
	return 0;
}

static void connect_again(struct redis_link *l)
{
	int r = begin(l);

	if (r < 0)
		give_up(l, r, NULL);
}

static void on_again(void *arg)
{
	struct redis_link *l = arg;

	if (l->state == LINK_DOWN)
		connect_again(l);
	else if (l->broken != 0)
		give_up(l, l->broken, NULL);
	else
		on_readable(l);
}

void redis_link_open(struct redis_link *l, struct reactor *reactor)
{
	l->reactor = reactor;
	l->backoff_ms = BACKOFF_FIRST_MS;
	l->late = (struct alarm){ .fn = on_late, .arg = l };
	l->again = (struct alarm){ .fn = on_again, .arg = l };
	reactor_alarm(reactor, &l->late, ENGINE_NEVER);
	reactor_alarm(reactor, &l->again, ENGINE_NEVER);
	connect_again(l);
}

void redis_link_close(struct redis_link *l)
{
	let_go(l);
	reactor_alarm(l->reactor, &l->again, ENGINE_NEVER);
	free(l->out);
	l->out = NULL;
	l->size_out = 0;
	l->ops->on_down(l, -ECONNRESET);
}
