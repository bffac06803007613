/* SPDX-License-Identifier: MIT */
/*
 * redis - any bytes as what a Redis server says, to the shared state that is kept on it
 *
 * The input is a list of steps: something is asked, cancelled or watched, the server greets, says any bytes, hangs up,
 * time goes by. What must hold: no crash, no descriptor lost, all that is asked is answered once and within its bounds,
 * nothing after it was cancelled, and what is sent is Redis' protocol.
 */
#include "fuzz/wire.h"

#ifdef BUILD_REDIS

#include "base/clock.h"
#include "base/log.h"
#include "reactor/reactor.h"
#include "state/redis.h"
#include "state/room.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define N_CLIENTS 2			/* what is asked, and what is watched */
#define N_ASKED_MOST 256
#define SHA "$40\r\n0123456789012345678901234567890123456789\r\n"

enum step { ASK, ASK_MORE, CANCEL, WATCH, UNWATCH, SAY, GREET, HANG_UP, LATER, N_STEPS };

static struct {
	int		 fd;		/* -1 = there is none */
	redisReader	*reader;
} clients[N_CLIENTS];

static struct {
	uint64_t	 id;
	bool		 open;
} asked[N_ASKED_MOST];

static unsigned n_asked;
static int listener_fd = -1;
static struct address where;
static struct reactor reactor;
static struct state *shared;
static struct brood_watch *watch;
static time_t ahead_s;		/* of the kernel's clock */

int clock_gettime(clockid_t id, struct timespec *ret_now)
{
	int r = (int)syscall(SYS_clock_gettime, id, ret_now);

	if (id == CLOCK_MONOTONIC)
		ret_now->tv_sec += ahead_s;
	return r;
}

/* ---- the server ---- */

static void hang_up(unsigned i)
{
	if (clients[i].fd < 0)
		return;
	close(clients[i].fd);
	redisReaderFree(clients[i].reader);
	clients[i].fd = -1;
}

static void let_in(unsigned i)
{
	if (clients[i].fd >= 0)
		return;
	clients[i].fd = accept4(listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (clients[i].fd >= 0)
		clients[i].reader = redisReaderCreate();
}

static void read_commands(unsigned i)
{
	static char bytes[65536];
	ssize_t n = -1;
	void *command;

	while (clients[i].fd >= 0 && (n = recv(clients[i].fd, bytes, sizeof(bytes), 0)) > 0) {
		must(redisReaderFeed(clients[i].reader, bytes, (size_t)n) == REDIS_OK);
		do {
			must(redisReaderGetReply(clients[i].reader, &command) == REDIS_OK);
			if (command)
				freeReplyObject(command);
		} while (command);
	}
	if (n == 0)
		hang_up(i);
}

static void say(unsigned i, const void *bytes, size_t n)
{
	if (clients[i].fd >= 0)
		(void)send(clients[i].fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void turn(void)
{
	struct completion c;

	redis_flush(shared->redis);
	must(engine_turn(reactor.engine, 0) == 0);
	while (engine_next(reactor.engine, &c))
		if (c.op != OP_IGNORE)
			reactor_on_completion(&reactor, &c);
	reactor_expire(&reactor);
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		let_in(i);
		read_commands(i);
	}
}

/* ---- the worker ---- */

static void on_answer(const struct brood_state_answer *a, void *arg)
{
	bool *open = arg;
	volatile char sum = 0;

	must(*open);
	*open = false;
	must(a->error <= 0 && a->n_keys <= REDIS_KEYS_MAX && (a->error != 0 || a->len <= BROOD_STATE_VALUE_MAX));
	for (size_t i = 0; i < a->len; i++)
		sum = (char)(sum + ((const char *)a->value)[i]);
	for (size_t i = 0; a->error == 0 && i < a->n_keys; i++)
		must(strlen(a->keys[i]) > 0 && strlen(a->keys[i]) <= BROOD_STATE_KEY_MAX);
}

static void on_told(const char *key, void *arg)
{
	must(!key || strlen(key) <= BROOD_STATE_KEY_MAX);
}

static void ask(uint8_t how)
{
	static const char value[300];
	struct question q = {
		.ask = how % (ASK_SCAN + 1), .value = value, .len = how, .version = how >> 4, .ttl_ms = how & 8, .n = -how,
	};

	if (n_asked == N_ASKED_MOST)
		return;
	must(state_key(shared, 'u', how & 1 ? "a" : "*b\\", &q.key) == 0);
	asked[n_asked].open = true;
	if (state_ask(shared, &q, on_answer, &asked[n_asked].open, &asked[n_asked].id) == 0)
		n_asked++;
}

static void cancel(uint8_t which)
{
	if (which >= n_asked || !asked[which].open)
		return;
	state_cancel(shared, asked[which].id);
	asked[which].open = false;
}

static void start_watching(uint8_t how)
{
	if (!watch && how & 1)
		(void)brood_state_watch("a", on_told, NULL, &watch);
	else if (!watch)
		(void)brood_state_watch_prefix(how & 2 ? "" : "a*", on_told, NULL, &watch);
}

static void stop_watching(void)
{
	brood_state_unwatch(watch);
	watch = NULL;
}

static void take_step(struct steps *s)
{
	enum step step = step_byte(s) % N_STEPS;
	uint8_t how = step_byte(s);
	const uint8_t *bytes;
	size_t n;

	switch (step) {
	case ASK:	ask(how); break;
	case ASK_MORE:
		for (unsigned i = 0; i < 70; i++)
			ask(how);
		break;
	case CANCEL:	cancel(how); break;
	case WATCH:	start_watching(how); break;
	case UNWATCH:	stop_watching(); break;
	case SAY:
		n = step_packet(s, &bytes);
		say(how & 1, bytes, n);
		break;
	case GREET:	say(how & 1, "+OK\r\n" SHA SHA SHA SHA, how & 1 ? 5 : 5 + 4 * (sizeof(SHA) - 1)); break;
	case HANG_UP:	hang_up(how & 1); break;
	case LATER:	ahead_s += how & 3; break;
	case N_STEPS:	break;
	}
	turn();
}

static void open_store(void)
{
	struct redis *redis = calloc(1, sizeof(*redis));
	struct engine *engine;
	char why[200];

	shared = calloc(1, sizeof(*shared));
	must(redis && shared && engine_create(ENGINE_EPOLL, &engine, why, sizeof(why)) == 0);
	redis->settings = (struct redis_settings){ .address = where, .timeout_ms = 1000, .name = "fuzz", .prefix = "t:",
						   .password = "secret" };
	redis->ask = (struct redis_link){ .settings = &redis->settings, .ops = &redis_ask_ops };
	redis->tell = (struct redis_link){ .settings = &redis->settings, .ops = &redis_tell_ops };
	shared->fd = shared->event_fd = -1;
	shared->redis = redis;
	reactor_init(&reactor, engine);
	state_set(shared);
	state_serve(shared, &reactor);
	turn();
}

static void close_store(void)
{
	struct engine *engine = reactor.engine;

	stop_watching();
	state_destroy(shared);
	for (unsigned i = 0; i < n_asked; i++)
		must(!asked[i].open);
	reactor_finish(&reactor);
	engine_destroy(engine);
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		let_in(i);	/* who has connected, and has not been looked at */
		hang_up(i);
	}
}

static void prepare(void)
{
	log_setup(LOG_TEXT, LOG_ERROR);		/* what a server does is a warning at most */
	where.un.sun_family = AF_UNIX;
	where.len = sizeof(where.un.sun_family);	/* a name of the kernel's */
	listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(listener_fd >= 0 && bind(listener_fd, &where.any, where.len) == 0 && listen(listener_fd, 8) == 0);
	where.len = sizeof(where.un);
	must(getsockname(listener_fd, &where.any, &where.len) == 0);
	for (unsigned i = 0; i < N_CLIENTS; i++)
		clients[i].fd = -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps s = { data, size };
	unsigned n_before;

	if (listener_fd < 0)
		prepare();
	n_before = n_open_fds();
	n_asked = 0;
	open_store();
	while (s.left > 0)
		take_step(&s);
	close_store();
	must(n_open_fds() == n_before);
	return 0;
}

#else

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	printf("built without hiredis\n");
	exit(77);
}

#endif
