/* SPDX-License-Identifier: MIT */
/*
 * redis.h - the store on a Redis server
 *
 *   redis.c          where it is (a URL), and the two connections of a worker
 *   redis_link.c     one connection: opened, greeted, read, given up, opened again; redis_write.c: written
 *   redis_ask.c      commands in a row, and their answers in the same
 *   redis_question.c what is asked, as commands; redis_answer.c: what is said, as answers
 *   redis_tell.c     what is watched: subscriptions
 *
 * Nothing here waits: what was asked is answered in the worker's loop. All of it is of one process; what is made before
 * the fork is where the server is, and no connection.
 *
 * A value is kept as '=', its version in 8 bytes, and its bytes; a counter as Redis keeps one. Keys are the prefix, a
 * letter that says whose they are, ':' and the key; each is the name of a channel, too, on which its changes are told.
 */
#pragma once

#include "state/state.h"

#include "base/address.h"
#include "reactor/reactor.h"

#define REDIS_PREFIX_MAX 64
#define REDIS_KEY_MAX (REDIS_PREFIX_MAX + 1 + STATE_KEY_MAX)
#define REDIS_PATTERN_MAX (2 * REDIS_KEY_MAX + 2)
#define REDIS_WORD_MAX 255			/* a user's name, a password */
#define REDIS_REPLY_MAX (1024u * 1024)		/* over it what the server says is no answer to us */
#define REDIS_VALUE_HEAD 9			/* '=' and the version */
#define REDIS_SHA_BYTES 40
#define REDIS_KEYS_MAX 4096			/* of one piece of an iteration, likewise */

struct redis_settings {
	struct address	address;
	char		name[ADDRESS_TEXT_BYTES];	/* the address, for the log */
	char		user[REDIS_WORD_MAX + 1];	/* "" = none */
	char		password[REDIS_WORD_MAX + 1];	/* "" = none */
	unsigned	db;
	char		prefix[REDIS_PREFIX_MAX + 1];
	uint32_t	timeout_ms;
};

/* ---- redis_link.c ---- */

struct redisReader;
struct redisReply;
struct redis_link;

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_READY };

struct link_ops {
	/* Writes what else it takes to begin; each has one answer, which .on_greeted sees. NULL = nothing. */
	unsigned (*greet)(struct redis_link *link);
	/* @n_left: how many answers are to come behind this one. */
	void (*on_greeted)(struct redis_link *link, unsigned n_left, const struct redisReply *reply);
	void (*on_ready)(struct redis_link *link);
	/* Return: false = that was no answer to anything, the connection is given up. */
	bool (*on_reply)(struct redis_link *link, const struct redisReply *reply);
	/* What was asked is not answered any more. @error: -ETIMEDOUT, or why the connection is gone. */
	void (*on_down)(struct redis_link *link, int error);
	/* Return: when what waits longest is over; ENGINE_NEVER = nothing waits. */
	uint64_t (*deadline_ms)(const struct redis_link *link);
};

/* A connection, or the wish for one. */
struct redis_link {
	const struct redis_settings *settings;
	const struct link_ops *ops;
	struct reactor	*reactor;
	struct watch	*watch;			/* NULL while it is down */
	struct redisReader *reader;
	enum link_state	 state;
	bool		 had_failed;		/* the last time, so nobody waits for this one */
	bool		 awaits_room;
	bool		 has_deadline;		/* .late is set */
	bool		 was_ready;		/* when it went down */
	bool		 complained;		/* since it was last ready */
	unsigned	 n_greetings;		/* answers to come before it is ready */
	int		 broken;		/* why nothing can be sent; 0 = it can */
	uint32_t	 backoff_ms;
	uint64_t	 ready_ms;		/* since when it was, the last time */
	struct alarm	 late;
	struct alarm	 again;			/* to connect, or to go on reading */
	size_t		 n_unanswered;		/* bytes read since the last whole answer */
	char		*out;			/* from .sent to .n_out is to be sent */
	size_t		 sent;
	size_t		 n_out;
	size_t		 size_out;
	size_t		 n_greeting;		/* bytes that go first */
};

void redis_link_open(struct redis_link *link, struct reactor *reactor);
void redis_link_close(struct redis_link *link);
/* Something waits now that has a deadline. */
void redis_link_expect(struct redis_link *link);

/* ---- redis_write.c ---- */

/* Return: where @len bytes more are to be written, or NULL: no memory. */
char *redis_link_extend(struct redis_link *link, size_t len);
/* Words of a command, as Redis has them. Return: 0, or -ENOMEM and nothing of it is there. */
struct link_word {
	const void	*bytes;
	size_t		 len;
};
int redis_link_write(struct redis_link *link, const struct link_word words[], unsigned n);
/* What is written is sent, as far as it goes. */
void redis_link_flush(struct redis_link *link);
static inline size_t redis_link_unsent(const struct redis_link *link)
{
	return link->n_out - link->sent;
}

/* ---- redis.c ---- */

struct redis {
	struct redis_settings settings;
	struct redis_link ask;
	struct redis_link tell;		/* only where something is watched */
	uint64_t	 pool;		/* by chance, and that of all its workers */
	bool		 asks;		/* .ask is open */
	bool		 tells;
};

/* What @key is called there. Return: its length. */
size_t redis_key(const struct redis_settings *settings, const struct state_key *key, char out[REDIS_KEY_MAX]);
/* A pattern of just what begins with it; terminated. Return: its length. */
size_t redis_pattern(const struct redis_settings *settings, const struct state_key *prefix, char out[REDIS_PATTERN_MAX]);
/* @watches: somebody does already. */
void redis_serve(struct redis *redis, struct reactor *reactor, bool watches);
/* The end of a turn. */
void redis_flush(struct redis *redis);
/* A terminated name, with what it has before the key. Return: whether it is one of ours. */
bool redis_parse_key(const struct state *state, const char *name, size_t len, struct state_key *ret_key);
void redis_destroy(struct redis *redis);

/* ---- redis_ask.c ---- */

extern const struct link_ops redis_ask_ops;
/* Return: 0, -EAGAIN (there is no connection, or too much waits for an answer), -ENOMEM. */
int redis_ask(struct redis *redis, const struct question *question, state_answer_fn *fn, void *arg, uint64_t *ret_id);
void redis_cancel(uint64_t id);

/* ---- redis_question.c ---- */

/* Return: 0, -EAGAIN, -ENOMEM. */
int redis_question_write(struct redis_link *link, const struct question *question);
/* Return: how many answers that will have; .on_greeted sees them. */
unsigned redis_scripts_load(struct redis_link *link);
/* The hash of a script; behind it as many more are to come. */
void redis_script_loaded(unsigned n_left, const char *sha);
/* The server knows none any more: they are sent whole. */
void redis_scripts_forget(void);

/* ---- redis_answer.c ---- */

/* What it points to is there as long as @reply. Return: whether it is an answer to @ask. */
bool redis_answer_read(const struct redis_link *link, enum ask ask, const struct redisReply *reply,
		       struct brood_state_answer *answer);
bool redis_begins_with(const struct redisReply *reply, const char *text);

/* ---- redis_tell.c ---- */

extern const struct link_ops redis_tell_ops;
void redis_subscribe(struct redis *redis, const struct state_key *key, bool is_prefix);
void redis_unsubscribe(struct redis *redis, const struct state_key *key, bool is_prefix);
