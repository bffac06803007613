/* SPDX-License-Identifier: MIT */
/*
 * A server that is killed, never answers, or answers nonsense, is given up: what was asked is told so in time, everything
 * is answered exactly once, and when there is a server again all goes on, watches too.
 */
#include "state/loop.h"
#include "state/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#define TIMEOUT_MS 300
#define AT_ONCE 200

static unsigned n_asked, n_refused, n_done, n_lost, n_late, n_again;

static void on_answer(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	n_done += answer->error == 0;
	n_lost += answer->error == -ECONNRESET;
	n_late += answer->error == -ETIMEDOUT;
	n_again += answer->error == -EAGAIN;
}

static void ask(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int r = brood_state_add_async(NULL, "n", 1, 0, on_answer, NULL);

		assert_true(r == 0 || r == -EAGAIN);
		n_asked += r == 0;
		n_refused += r < 0;
	}
}

static void forget_counts(void)
{
	n_asked = n_refused = n_done = n_lost = n_late = n_again = 0;
}

static void expect_all_answered(void)
{
	assert_int_equal(n_asked, n_done + n_lost + n_late + n_again);
}

static struct state *redis_make(int port)
{
	char where[64];
	const char *why = "";
	struct state *st = NULL;

	snprintf(where, sizeof(where), "redis://:s%%3acr%%40t@127.0.0.1:%d", port);
	if (state_create_redis(where, "t:", TIMEOUT_MS, &st, &why) < 0) {
		printf("%s\n", why);
		exit(77);
	}
	return st;
}

static unsigned n_told;

static void on_told(const char *key, void *arg)
{
	n_told++;
}

/* Killed in the middle, and there again; twice. */
static void killed_under_load(struct engine *e)
{
	struct server server = server_start(0);
	struct state *st = redis_make(server.port);
	int64_t sum = 0;

	forget_counts();
	loop_open(e, st);
	assert_int_equal(brood_state_watch("n", on_told, NULL, NULL), 0);
	for (unsigned round = 0; round < 2; round++) {
		ask(1);		/* waits for the connection */
		for (unsigned i = 0; i < 20; i++) {
			ask(AT_ONCE);
			loop_for(1);
		}
		assert_true(n_done > 0);
		ask(AT_ONCE);
		state_flush();
		server_stop(&server);
		loop_for(20);
		expect_all_answered();
		assert_true(n_lost > 0 || n_done == n_asked);
		n_refused = 0;
		ask(10);
		assert_int_equal(n_refused, 10);	/* at once */
		server = server_start(server.port);
		n_told = 0;
		for (unsigned i = 0; i < 100 && GET("n") == -EAGAIN; i++)
			loop_for(50);
		assert_int_equal(kept.error, -ENOENT);
		for (unsigned i = 0; i < 100 && n_told == 0; i++)
			loop_for(50);
		assert_true(n_told > 0);	/* what was missed may be anything */
		n_told = 0;
		assert_int_equal(ADD("n", 1, 0), 0);
		sum = kept.number;
		assert_int_equal(sum, 1);
		loop_for(50);
		assert_int_equal(n_told, 1);
	}
	loop_close(st);
	server_stop(&server);
}

/* A server of ours: accepts, says @text, if any, and never more. */
struct mute {
	int	fd;
	int	port;
	int	clients[64];
	unsigned n;
};

static void mute_turn(struct mute *m, const char *text, size_t len)
{
	static char read_away[65536];
	struct pollfd p = { .fd = m->fd, .events = POLLIN };

	while (m->n < 64 && poll(&p, 1, 0) > 0) {
		m->clients[m->n] = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		(void)send(m->clients[m->n++], text, len, MSG_NOSIGNAL);
	}
	for (unsigned i = 0; i < m->n; i++)
		while (recv(m->clients[i], read_away, sizeof(read_away), MSG_DONTWAIT) > 0)
			;
}

static void mute_for(struct mute *m, const char *text, size_t len, uint64_t ms)
{
	for (uint64_t end_ms = clock_ms() + ms; clock_ms() < end_ms;) {
		mute_turn(m, text, len);
		loop_turn(clock_ms() + 2);
	}
}

static void mute_open(struct mute *m)
{
	m->n = 0;
	m->port = server_bind(&m->fd);
	assert_int_equal(listen(m->fd, 64), 0);
}

static void mute_close(struct mute *m)
{
	for (unsigned i = 0; i < m->n; i++)
		close(m->clients[i]);
	close(m->fd);
}

/* It accepts, and no more. */
static void never_answers(struct engine *e)
{
	struct mute m;
	struct state *st;

	mute_open(&m);
	forget_counts();
	st = redis_make(m.port);
	loop_open(e, st);
	ask(10);
	mute_for(&m, "", 0, TIMEOUT_MS / 2);
	assert_int_equal(n_asked, 10);
	assert_int_equal(n_again, 0);
	mute_for(&m, "", 0, TIMEOUT_MS);
	assert_int_equal(n_again, 10);		/* it was never sent */
	for (unsigned i = 0; i < 20; i++) {
		ask(1);
		mute_for(&m, "", 0, 50);
	}
	assert_int_equal(n_refused, 20);	/* nobody waits for it again */
	assert_true(m.n >= 2 && m.n <= 6);
	loop_close(st);
	mute_close(&m);
}

/* It lets us in, and then is silent. */
static void falls_silent(struct engine *e)
{
	static const char welcome[] = "+OK\r\n+OK\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n";
	struct mute m;
	struct state *st;

	mute_open(&m);
	forget_counts();
	st = redis_make(m.port);
	loop_open(e, st);
	mute_for(&m, welcome, sizeof(welcome) - 1, 50);
	ask(5);
	mute_for(&m, welcome, sizeof(welcome) - 1, TIMEOUT_MS / 2);
	ask(5);
	assert_int_equal(n_late, 0);
	mute_for(&m, welcome, sizeof(welcome) - 1, TIMEOUT_MS);
	assert_int_equal(n_asked, 10);
	assert_int_equal(n_late, 10);
	loop_close(st);
	mute_close(&m);
}

static void says_nonsense(struct engine *e)
{
	static const char *const texts[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"+OK\r\n+OK\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n:1\r\n",
		"+OK\r\n+OK\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n*2147483647\r\n", "$99999999999999999999\r\n", "*-7\r\n", "$-2\r\n",
		"*8\r\n*8\r\n*8\r\n*8\r\n*8\r\n*8\r\n*8\r\n*8\r\n*8\r\n", "\r\n\r\n", "-ERR no\r\n", "-\r\n",
		"*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*0\r\n",
		"+OK\r\n+OK\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n$5\r\nhelloxx", "$2147483647\r\n",
	};
	struct state *st;
	struct mute m;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		mute_open(&m);
		forget_counts();
		st = redis_make(m.port);
		loop_open(e, st);
		ask(3);
		mute_for(&m, texts[i], strlen(texts[i]), 30);
		ask(3);
		mute_for(&m, texts[i], strlen(texts[i]), TIMEOUT_MS + 50);
		ask(1);
		mute_for(&m, texts[i], strlen(texts[i]), 30);
		assert_int_equal(n_done, 0);
		loop_close(st);
		expect_all_answered();
		assert_true(m.n <= 5);		/* and it is not tried again and again */
		mute_close(&m);
	}
}

/* A megabyte that is no whole answer is given up, and so is one that is endless. */
static void talks_without_end(struct engine *e)
{
	static char flood[4 * 1024 * 1024];
	struct state *st;
	struct mute m;

	memset(flood, 'x', sizeof(flood));
	memcpy(flood, "$1000000000\r\n", 13);
	mute_open(&m);
	fcntl(m.fd, F_SETFL, O_NONBLOCK);
	st = redis_make(m.port);
	loop_open(e, st);
	mute_for(&m, flood, 1, 20);
	assert_int_equal(m.n, 1);
	for (size_t at = 1; ; ) {
		size_t from = at < sizeof(flood) ? at : sizeof(flood) / 2;
		ssize_t n = send(m.clients[0], flood + from, sizeof(flood) - from, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			break;
		at += n > 0 ? (size_t)n : 0;
		loop_turn(clock_ms() + 1);
		assert_true(at < 16 * sizeof(flood));
	}
	loop_close(st);
	mute_close(&m);
}

static void all(struct engine *e)
{
	server_need();
	killed_under_load(e);
	never_answers(e);
	falls_silent(e);
	says_nonsense(e);
	talks_without_end(e);
}

TEST_ON_ENGINES(all)
