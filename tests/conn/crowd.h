/* SPDX-License-Identifier: MIT */
/*
 * crowd.h - many clients at once that ask at random and die at random
 *
 * Each asks with a token of its own, everything it asks for comes back with it, and whatever it receives
 * may hold no other. How many in all: CROWD in the environment.
 */
#pragma once

#include "conn/loop.h"

#define CROWD_MOST 150		/* at a time */
#define TOKEN "token="
#define TOKEN_BYTES 14		/* with its eight digits */

enum fate { FATE_RESET, FATE_CLOSE, FATE_HALF_CLOSE, FATE_SILENCE, N_FATES };

struct client {
	int		fd;		/* -1 = free */
	unsigned	token;
	enum fate	fate;
	bool		reads;
	uint64_t	dies_ms;
	size_t		len, sent;
	char		text[3000];
	size_t		n_kept;		/* the end of what was received, in which a token may have begun */
	char		kept[TOKEN_BYTES];
};

static struct client crowd[CROWD_MOST];
static unsigned crowd_n_tokens, crowd_n_seen;

/* An @ stands for the eight digits of the token. */
static const char *const crowd_asks[] = {
	"GET /now?token=@ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /late?ms=0&token=@ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /late?ms=7&token=@ HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\ntoken=@token=@",
	"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\ne\r\ntoken=@\r\n0\r\n\r\n",
	"POST /unread?token=@ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx@",
	"GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /stream?bytes=300000 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /last?token=@ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"GET /bad?token=@ HTTP/1.1\r\n\r\n",
	"POST /sum-late?ms=5 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nbad\r\n",
};

static inline void ask_something(struct client *c)
{
	const char *ask = crowd_asks[(size_t)lrand48() % (sizeof(crowd_asks) / sizeof(crowd_asks[0]))];

	for (; *ask && c->len + 9 < sizeof(c->text); ask++) {
		if (*ask == '@')
			c->len += (size_t)snprintf(c->text + c->len, 9, "%08u", c->token);
		else
			c->text[c->len++] = *ask;
	}
}

static inline void client_come(struct client *c)
{
	*c = (struct client){
		.fd = join(lrand48() % 4 == 0 ? 16384 : 0),
		.token = crowd_n_tokens++,
		.reads = lrand48() % 8 != 0,
		.fate = (enum fate)(lrand48() % N_FATES),
		.dies_ms = clock_ms() + (uint64_t)lrand48() % 40,
	};
	for (long n = lrand48() % 6; n >= 0; n--)
		ask_something(c);
	if (lrand48() % 4 == 0)
		c->len -= (size_t)lrand48() % (c->len < 60 ? c->len : 60);
}

/* Every token in what came is its own, as far as the framing of chunks has not cut it. */
static inline void client_check(struct client *c, const char *data, size_t n)
{
	static char text[65536 + TOKEN_BYTES + 1];
	char own[TOKEN_BYTES + 1];
	size_t len = c->n_kept + n;

	snprintf(own, sizeof(own), TOKEN "%08u", c->token);
	memcpy(text, c->kept, c->n_kept);
	memcpy(text + c->n_kept, data, n);
	for (size_t at = 0; at + TOKEN_BYTES <= len; at++) {
		if (memcmp(text + at, TOKEN, 6) != 0)
			continue;
		for (int i = 6; i < TOKEN_BYTES && text[at + i] != '\r'; i++)
			assert_int_equal(text[at + i], own[i]);
		crowd_n_seen++;
	}
	c->n_kept = len < TOKEN_BYTES - 1 ? len : TOKEN_BYTES - 1;
	memcpy(c->kept, text + len - c->n_kept, c->n_kept);
}

static inline void client_go(struct client *c)
{
	if (c->fate == FATE_CLOSE)
		close(c->fd);
	else
		reset_end(c->fd);
	c->fd = -1;
}

/* Says a piece, hears what there is; and when its time has come, goes. */
static inline void client_live(struct client *c, uint64_t now_ms)
{
	static char data[65536];
	size_t n = c->len - c->sent, piece = 1 + (size_t)lrand48() % 400;
	ssize_t r = 1;

	if (n > 0 && send(c->fd, c->text + c->sent, piece < n ? piece : n, MSG_NOSIGNAL) > 0)
		c->sent += piece < n ? piece : n;
	while (c->reads && (r = recv(c->fd, data, sizeof(data), 0)) > 0)
		client_check(c, data, (size_t)r);
	if (r == 0 || (r < 0 && errno != EAGAIN)) {
		client_go(c);
	} else if (now_ms >= c->dies_ms && c->fate == FATE_HALF_CLOSE) {
		shutdown(c->fd, SHUT_WR);
		c->fate = FATE_SILENCE;
		c->dies_ms = now_ms + 300;
		c->sent = c->len;
	} else if (now_ms >= c->dies_ms + (c->fate == FATE_SILENCE ? 200 : 0)) {
		client_go(c);
	}
}

/* Until @n have come and gone. @between: after each turn, may be NULL. */
static inline void crowd_pass(unsigned n, void (*between)(void))
{
	unsigned n_come = 0, n_here = 0;

	for (int i = 0; i < CROWD_MOST; i++)
		crowd[i].fd = -1;
	do {
		uint64_t now_ms = clock_ms();

		n_here = 0;
		for (int i = 0; i < CROWD_MOST; i++) {
			struct client *c = &crowd[i];

			if (c->fd < 0 && n_come < n && lrand48() % 4 == 0) {
				client_come(c);
				n_come++;
			}
			if (c->fd >= 0)
				client_live(c, now_ms);
			n_here += c->fd >= 0;
		}
		turn(n_here > CROWD_MOST / 2 ? 0 : 1);
		if (between)
			between();
	} while (n_here > 0 || n_come < n);
}

static inline unsigned crowd_size(unsigned otherwise)
{
	const char *text = getenv("CROWD");

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}
