/* SPDX-License-Identifier: MIT */
/*
 * top - what the files behind `brood top` share: a pool that is asked once a second, what is reckoned, the screen
 *
 * One request is under way at a time, and keys are heard meanwhile. What is reckoned knows neither socket nor
 * screen.
 */
#pragma once

#include "cli/ctl.h"

#define TOP_SLOTS_MOST		512
#define TOP_HISTORY_MOST	512	/* seconds, and columns of the widest sparkline */
#define TOP_BAR_MOST		64
#define TOP_SAID_BYTES		512

/* ---- top_rates.c: requests a second, by the difference of two looks ---- */

struct rates {
	uint64_t	at_ms;		/* of the last look; 0 = there was none */
	double		per_s;		/* of the pool; negative = not known yet */
	struct rate {
		json_int_t	pid;		/* 0 = no worker */
		json_int_t	requests;
		double		per_s;
	} slots[TOP_SLOTS_MOST];
	double		history[TOP_HISTORY_MOST];	/* of the pool, the newest last */
	size_t		n_history;
};

/* The first look is at all that was before and gives no rate. A worker that is new has begun at 0. */
void rates_take(struct rates *rates, const json_t *status, uint64_t now_ms);

/* ---- top_chart.c: bars, sparklines, and which columns fit ---- */

/* @width characters for @value of @most, no 0 looks like something nor something like 0; terminated. */
void chart_bar(double value, double most, size_t width, char out[TOP_BAR_MOST + 1]);

/* The last @width of @values, the newest at the right edge; three bytes a column at most; terminated. */
#define TOP_SPARK_BYTES (3 * TOP_HISTORY_MOST + 1)
void chart_spark(const double *values, size_t n, size_t width, bool utf8, char out[TOP_SPARK_BYTES]);

enum column {
	COLUMN_SLOT, COLUMN_STATE, COLUMN_PID, COLUMN_GENERATION, COLUMN_UPTIME, COLUMN_DIED, COLUMN_LAG,
	COLUMN_CONNECTIONS, COLUMN_REQUESTS, N_COLUMNS
};

struct layout {
	bool	shown[N_COLUMNS];
	size_t	bar;		/* width of each of the two; 0 = there is no room */
};

extern const char *const column_titles[N_COLUMNS];
extern const int column_widths[N_COLUMNS];

void chart_fit(size_t width, struct layout *ret_layout);

/* ---- top_pool.c: the pool, asked and told ---- */

struct top_pool {
	struct talk	 talk;
	json_t		*status;	/* the last there was; NULL = none yet */
	json_t		*wish;		/* a command that is to be sent */
	char		 asked[16];	/* the request that is under way; "" = none */
	uint64_t	 asked_ms;
	uint64_t	 next_ms;	/* when to ask again, or to connect again */
	bool		 is_gone;
	bool		 is_new;	/* the status has not been looked at */
	json_int_t	 wanted;	/* workers, by the last that was said */
	char		 said[TOP_SAID_BYTES];	/* the last answer, or what went wrong */
};

/* Does what is due; it may take a moment. */
void top_pool_step(struct top_pool *pool, uint64_t now_ms);
/* There is something to read. */
void top_pool_hear(struct top_pool *pool, uint64_t now_ms);
/* How long nothing is due, and how long the request under way has had no answer. */
int top_pool_idle_ms(const struct top_pool *pool, uint64_t now_ms);
uint64_t top_pool_silent_ms(const struct top_pool *pool, uint64_t now_ms);
/* Sends @command soon, with @key and @n unless @key is NULL. */
void top_pool_wish(struct top_pool *pool, const char *command, const char *key, json_int_t n);
void top_pool_end(struct top_pool *pool);

/* ---- top_screen.c ---- */

struct top_view {
	const struct top_pool	*pool;
	const struct rates	*rates;
	uint64_t		 silent_ms;
	size_t			 first;		/* slot that is shown; drawing brings it within bounds */
	bool			 help;
	bool			 asks_slot;	/* digits of it are being typed */
	char			 slot[8];
};

/* Return: 0, or an exit code and the reason was printed. */
int screen_begin(void);
void screen_end(void);
void screen_draw(struct top_view *view);
/* How many slots fit. */
size_t screen_rows(void);

/* What was typed, beside characters. */
enum key {
	KEY_IS_NONE = -1, KEY_IS_UP = 1000, KEY_IS_DOWN, KEY_IS_PAGE_UP, KEY_IS_PAGE_DOWN, KEY_IS_BACK, KEY_IS_OTHER
};

int screen_key(void);
