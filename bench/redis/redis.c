/* SPDX-License-Identifier: MIT */
/*
 * redis - one worker that asks a Redis server, as bench/redis.py measures it
 *
 *   redis ADDRESS redis://...
 *
 *   GET /?n=N&p=P    N times a value of 64 bytes, P at a time; answers how many microseconds that took
 */
#include <brood.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEYS 1000

static struct run {
	uint64_t	n_to_ask;
	uint64_t	n_to_come;
	uint64_t	began_us;
} run;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void refuse(struct brood_request *r)
{
	brood_respond(r, 503, "text/plain", "503 no Redis\n", 13);
}

static void on_value(struct brood_request *r, const struct brood_state_answer *answer, void *arg);

static int ask(struct brood_request *r)
{
	char key[16];

	snprintf(key, sizeof(key), "key:%u", (unsigned)(run.n_to_ask-- % KEYS));
	return brood_state_get_async(r, key, on_value, NULL);
}

static void on_value(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	char text[32];

	if (answer->error < 0 || answer->len != 64) {
		refuse(r);
	} else if (--run.n_to_come == 0) {
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)(now_us() - run.began_us));
		brood_respond(r, 200, "text/plain", text, strlen(text));
	} else if (run.n_to_ask > 0 && ask(r) < 0) {
		refuse(r);
	}
}

static void start(struct brood_request *r, uint64_t p)
{
	run.n_to_come = run.n_to_ask;
	run.began_us = now_us();
	while (p-- > 0 && run.n_to_ask > 0) {
		if (ask(r) < 0) {
			refuse(r);
			return;
		}
	}
}

static void on_set(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	char p[16];

	if (answer->error < 0)
		refuse(r);
	else if (--run.n_to_come == 0 && brood_query_get(r, "p", p, sizeof(p)) > 0)
		start(r, strtoull(p, NULL, 10));
}

/* The values are there first. */
static void answer(struct brood_request *r, void *arg)
{
	char n[16], key[16], bytes[64] = "";
	const struct brood_state_value value = { bytes, sizeof(bytes), 0 };

	if (brood_query_get(r, "n", n, sizeof(n)) <= 0) {
		brood_respond(r, 400, "text/plain", "400 n, p\n", 9);
		return;
	}
	run.n_to_ask = strtoull(n, NULL, 10);
	run.n_to_come = KEYS;
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key:%u", i);
		if (brood_state_set_async(r, key, &value, on_set, NULL) < 0) {
			refuse(r);
			return;
		}
	}
}

int main(int argc, char **argv)
{
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	options.workers = 1;
	options.state = argc > 2 ? argv[2] : NULL;
	if (argc < 3 || brood_create(&options, &brood) < 0)
		return code;
	if (brood_listen(brood, argv[1]) > 0 && brood_http(brood, answer, NULL) == 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
