/* SPDX-License-Identifier: MIT */
/*
 * top_pool - the pool that is looked at: one request at a time, a status each second, and a wish before the next
 *
 * Who does not answer is waited for; who hangs up is connected to again, once a second, because the pool may have
 * changed hands.
 */
#include "cli/top.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LOOK_MS		1000
#define HURRY_MS	100	/* to look after a wish, and for whom the socket belongs to now */
#define REST_MS		1000	/* for the rest of a reply that has begun */

static void lose(struct top_pool *pool, const char *why, uint64_t next_ms)
{
	talk_end(&pool->talk);
	pool->asked[0] = '\0';
	pool->is_gone = true;
	pool->next_ms = next_ms;
	snprintf(pool->said, sizeof(pool->said), "no pool at %s: %s; trying again", pool->talk.path, why);
}

static void connect_again(struct top_pool *pool, uint64_t now_ms)
{
	const struct timeval rest = { .tv_sec = REST_MS / 1000 };
	int r = talk_connect(&pool->talk);

	if (r < 0) {
		lose(pool, strerrordesc_np(-r), now_ms + LOOK_MS);
		return;
	}
	(void)setsockopt(pool->talk.fd, SOL_SOCKET, SO_RCVTIMEO, &rest, sizeof(rest));
	pool->next_ms = now_ms;
}

static void ask(struct top_pool *pool, json_t *request, uint64_t now_ms)
{
	int r = talk_say(&pool->talk, request);

	snprintf(pool->asked, sizeof(pool->asked), "%s", report_text(request, "command"));
	pool->asked_ms = now_ms;
	json_decref(request);
	if (r < 0)
		lose(pool, strerrordesc_np(-r), now_ms + HURRY_MS);
}

void top_pool_step(struct top_pool *pool, uint64_t now_ms)
{
	json_t *wish = pool->wish;

	if (pool->talk.fd < 0 && now_ms >= pool->next_ms)
		connect_again(pool, now_ms);
	if (pool->talk.fd < 0 || pool->asked[0])
		return;
	if (wish) {
		pool->wish = NULL;
		ask(pool, wish, now_ms);
	} else if (now_ms >= pool->next_ms) {
		ask(pool, json_pack("{s:s}", "command", "status"), now_ms);
	}
}

static void tell(struct top_pool *pool, const json_t *reply)
{
	char *said = pool->said;

	if (!json_is_true(json_object_get(reply, "ok")))
		snprintf(said, TOP_SAID_BYTES, "%s: %s", pool->asked, report_text(reply, "error"));
	else if (strcmp(pool->asked, "scale") == 0)
		snprintf(said, TOP_SAID_BYTES, "scaling to %d", (int)report_number(reply, "wanted"));
	else if (strcmp(pool->asked, "reload") == 0)
		snprintf(said, TOP_SAID_BYTES, "reload %d begun", (int)report_number(reply, "reload"));
	else
		snprintf(said, TOP_SAID_BYTES, "pid %d is to be replaced", (int)report_number(reply, "pid"));
}

static void take_status(struct top_pool *pool, json_t *reply)
{
	if (pool->is_gone)
		pool->said[0] = '\0';
	json_decref(pool->status);
	pool->status = reply;
	if (!pool->wish)	/* one that has not been sent yet knows better */
		pool->wanted = report_number(reply, "wanted");
	pool->is_gone = false;
	pool->is_new = true;
}

void top_pool_hear(struct top_pool *pool, uint64_t now_ms)
{
	bool is_status = strcmp(pool->asked, "status") == 0;
	const char *why;
	json_t *reply = talk_hear(&pool->talk, &why);

	if (!reply) {
		lose(pool, why, now_ms + HURRY_MS);
	} else if (is_status && json_is_true(json_object_get(reply, "ok"))) {
		take_status(pool, reply);
		pool->next_ms = pool->asked_ms + LOOK_MS;
	} else {
		tell(pool, reply);
		json_decref(reply);
		pool->next_ms = now_ms + (is_status ? LOOK_MS : HURRY_MS);
	}
	pool->asked[0] = '\0';
}

int top_pool_idle_ms(const struct top_pool *pool, uint64_t now_ms)
{
	if (pool->asked[0])
		return LOOK_MS;
	if (pool->wish && pool->talk.fd >= 0)
		return 0;
	return pool->next_ms > now_ms ? (int)(pool->next_ms - now_ms) : 0;
}

uint64_t top_pool_silent_ms(const struct top_pool *pool, uint64_t now_ms)
{
	return pool->asked[0] ? now_ms - pool->asked_ms : 0;
}

void top_pool_wish(struct top_pool *pool, const char *command, const char *key, json_int_t n)
{
	if (pool->is_gone || !pool->status)
		return;
	json_decref(pool->wish);
	pool->wish = json_pack("{s:s}", "command", command);
	if (key)
		(void)json_object_set_new(pool->wish, key, json_integer(n));
}

void top_pool_end(struct top_pool *pool)
{
	talk_end(&pool->talk);
	json_decref(pool->wish);
	json_decref(pool->status);
}
