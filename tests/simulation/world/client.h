/* SPDX-License-Identifier: MIT */
/* client.h - what the files of the clients share: one who asks, and what he has heard */
#pragma once

#include "world/handler.h"
#include "world/kernel.h"

/* Those of the first kind do all they should, without delay: each is owed its answers. */
#define HABITS(X)									\
	X(ASKS_ONCE,    true,  "one request, then it closes")				\
	X(KEEPS_ALIVE,  true,  "one after another on one connection")			\
	X(PIPELINES,    true,  "all of them at once")					\
	X(SPLITS,       true,  "a few bytes at a time")					\
	X(HALF_CLOSES,  true,  "sends its end behind the last request")			\
	X(READS_SLOWLY, false, "takes a few bytes now and then")			\
	X(TALKS_ON,     false, "asks for the close, and says more")			\
	X(RESETS,       false, "resets at any time")					\
	X(LEAVES,       false, "closes at any time")					\
	X(STALLS,       false, "stops in the middle")					\
	X(SAYS_NOTHING, false, "connects, and that is all")				\
	X(BABBLES,      false, "sends what is no request")

enum habit {
#define HABIT(name, owed, meaning) HABIT_##name,
	HABITS(HABIT)
#undef HABIT
	N_HABITS
};

#define ASKS_MOST 5
#define TEXT_MOST 12000

struct question {
	enum ask	 ask;
	uint64_t	 key;
	uint64_t	 n;		/* bytes of the answer's body */
	unsigned	 end;		/* of its bytes in the text */
	bool		 last;		/* it asks for the close */
};

/* How far the answer that is coming has been understood. */
enum reading { READING_HEAD, READING_BODY, READING_SIZE, READING_CHUNK, READING_CHUNK_END, READING_TRAILER };

struct answer {
	enum reading	 reading;
	char		 line[1024];	/* a head, or the size of a chunk */
	unsigned	 n_line;
	bool		 ours;		/* 200: the body is the pattern, and known */
	bool		 closes;	/* it says Connection: close */
	uint64_t	 at;		/* in the body */
	uint64_t	 left;		/* of the length, or of the chunk */
};

struct client {
	unsigned	 number;	/* 0 = this place is free */
	enum habit	 habit;
	uint64_t	 wake_ms;
	uint64_t	 dies_ms;	/* of those who go at any time */
	uint64_t	 moved_ms;	/* when it last heard something */
	bool		 slept;		/* it was not prompt */
	bool		 half_closed;
	struct connection *connection;
	unsigned	 n_questions, n_answered;
	struct question	 questions[ASKS_MOST];
	unsigned	 len, sent;
	char		 text[TEXT_MOST];
	struct answer	 answer;
};

static inline bool is_owed(const struct client *c)
{
	static const bool owed[N_HABITS] = {
#define OWED(name, is_owed, meaning) [HABIT_##name] = is_owed,
		HABITS(OWED)
#undef OWED
	};

	return owed[c->habit];
}

const char *habit_name(enum habit habit);

/* question.c */
void questions_begin(void);
/* Makes up what @c will ask, and its bytes. */
void client_think(struct client *c);

/* answer.c */
/* Holds @n bytes that came against what was asked. */
void client_hear(struct client *c, const char *bytes, size_t n);
