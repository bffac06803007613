/* SPDX-License-Identifier: MIT */
/*
 * primes - an answer that takes a while is found once, however many ask for it at a time
 *
 *   brood serve --handler primes.so
 *
 *   GET /?below=N           how many primes there are below N
 */
#include <brood.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 2000000

/* Here a load is over before it returns; one that asks somebody else calls brood_load_end() when it is answered. */
static void count_primes(struct brood_load *load, const char *key, void *arg)
{
	unsigned below = (unsigned)atoi(key), n = 0;
	char *is_composite = calloc(below + 1, 1), text[32];

	if (!is_composite) {
		brood_load_end(load, -1, NULL, 0);
		return;
	}
	for (unsigned i = 2; i < below; i++) {
		n += !is_composite[i];
		for (unsigned j = 2 * i; !is_composite[i] && j < below; j += i)
			is_composite[j] = 1;
	}
	free(is_composite);
	brood_load_end(load, 0, text, (size_t)snprintf(text, sizeof(text), "%u\n", n));
}

static void on_closed(struct brood_request *request, void *arg)
{
	brood_once_cancel(arg);
}

static void on_counted(int error, const void *value, size_t len, void *arg)
{
	if (error < 0)
		brood_respond(arg, 503, "text/plain", "503 try again\n", 14);
	else
		brood_respond(arg, 200, "text/plain", value, len);
}

void brood_handle(struct brood_request *request)
{
	struct brood_loader loader = BROOD_LOADER_INIT;
	struct brood_once *once;
	char below[16];

	loader.load = count_primes;
	loader.ttl_ms = 60000;
	if (brood_query_get(request, "below", below, sizeof(below)) <= 0 || atoi(below) < 1 || atoi(below) > MOST)
		brood_respond(request, 400, "text/plain", "400 below missing or too large\n", 31);
	else if (brood_once(&loader, below, on_counted, request, &once) < 0)
		brood_respond(request, 503, "text/plain", "503 try again\n", 14);
	else if (once)			/* else it has been answered */
		brood_on_close(request, on_closed, once);
}
