/* SPDX-License-Identifier: MIT */
/*
 * ctl - what the files behind `brood ctl` share: finding a pool, talking to it, telling what it says
 *
 * The other side is checked like anybody else: what it says is bounded, and its texts are made fit for a terminal.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_PATH_BYTES 108	/* sun_path */

/* find.c */

/* The control socket of the only pool there is. Return: 0, or an exit code and the reason was printed. */
int find_pool(char ret_path[CTL_PATH_BYTES]);
/* The same of what --control says, NULL = nothing, and of BROOD_CONTROL. */
int find_control(const char *control, char ret_path[CTL_PATH_BYTES]);
/* Nobody could be reached there, -errno @error. Return: 1. */
int find_complain(const char *path, int error);

/* talk.c */

struct talk {
	int	 fd;	/* -1 = not connected */
	char	 path[CTL_PATH_BYTES];
};

/* Return: 0, or -errno of the attempt. */
int talk_connect(struct talk *talk);
void talk_end(struct talk *talk);

/* Sends @request. Return: 0 or -errno. */
int talk_say(struct talk *talk, const json_t *request);

/*
 * Sends @request, which is taken, and waits for its reply.
 * Return: an object; or NULL, *ret_why says why, and the connection has ended.
 */
json_t *talk_ask(struct talk *talk, json_t *request, const char **ret_why);
/* Only waits for the reply, of what was sent by talk_say(). */
json_t *talk_hear(struct talk *talk, const char **ret_why);

/* wait.c */

enum outcome { UNDER_WAY, DONE, FAILED };

/* What has begun with a reply, and when it is over. */
struct task {
	const json_t	*reply;
	uint64_t	 silent_ms;	/* for so long nobody has answered */
	bool		 elsewhere;	/* who was asked says that it is another's by now:
					 * that one is to be asked */
	char		 why[512];	/* it failed; terminated */
};

/* Looks at a status, or at NULL when nobody answers any more. */
typedef enum outcome task_look_fn(struct task *task, const json_t *status);
task_look_fn wait_scale, wait_reload, wait_reopen, wait_stop, wait_upgrade;

/* Asks for the status until the task is over. Return: an exit code; the reason of a failure was printed. */
int wait_for(struct talk *talk, const json_t *reply, task_look_fn *look);

/* sample.c */

/*
 * Asks for the status again in a moment. Takes @status; return: the later one, whose workers have
 * "requests_per_s" and "cpu_percent" where both had them; or @status, when nobody answers any more.
 */
json_t *sample_moment(struct talk *talk, json_t *status);

/* follow.c */

/* Prints events until the pool has ended. @as_it_is: as JSON. Return: an exit code; the reason was printed. */
int follow_events(struct talk *talk, bool as_it_is);

/* report_uses.c: tasks, shared state and messages, where there are any, a line each */

#define REPORT_USES 3
#define REPORT_USE_BYTES 160

/* Return: how many lines; terminated. */
size_t report_uses(const json_t *status, char lines[REPORT_USES][REPORT_USE_BYTES]);

/* report.c: a reply, for people */

typedef void report_fn(const json_t *reply);
report_fn report_status, report_scale, report_reload, report_reopen, report_drain, report_kill, report_stop,
	report_upgrade, report_poison, report_poison_clear;

/* A number or a text of a reply; 0 or "" where there is none of that kind. Texts stay the reply's. */
json_int_t report_number(const json_t *object, const char *key);
const char *report_text(const json_t *object, const char *key);
bool report_is_true(const json_t *object, const char *key);

#define CELL_BYTES 24
/* "4.2s"; a number in at most 6 digits and a letter; "6.5M". */
void report_time(json_int_t ms, char out[CELL_BYTES]);
void report_count(json_int_t n, char out[CELL_BYTES]);
void report_bytes(json_int_t n, char out[CELL_BYTES]);
void report_integer(json_int_t n, char out[CELL_BYTES]);
/* A line, broken where it must be and indented by @indent. */
void report_wrapped(const char *text, size_t indent);
