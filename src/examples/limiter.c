/* SPDX-License-Identifier: MIT */
/*
 * limiter - so many requests for each client in ten seconds, however many workers it reaches
 *
 *   brood serve --handler limiter.so
 *
 * A client is who its X-Api-Key says. The counter of a window is made by the first request in it and expires by itself;
 * what is over the limit is answered 429, with the time after which to try again. Where nothing can be counted,
 * everybody is served.
 */
#include <brood.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIMIT 100
#define WINDOW_S 10

/* Return: false when there is no key, or one that is no key. */
static bool name_window(const struct brood_request *r, uint64_t window, char name[BROOD_STATE_KEY_MAX + 1])
{
	size_t len;
	const char *key = brood_header(r, "X-Api-Key", &len);

	if (!key || len == 0 || len > 64 || memchr(key, '\0', len))
		return false;
	snprintf(name, BROOD_STATE_KEY_MAX + 1, "rate:%llu:%.*s", (unsigned long long)window, (int)len, key);
	return true;
}

static void tell(struct brood_request *request, int64_t count)
{
	char text[64];
	int n;

	if (count > LIMIT) {
		snprintf(text, sizeof(text), "%u", WINDOW_S - (unsigned)((uint64_t)time(NULL) % WINDOW_S));
		brood_set_header(request, "Retry-After", text);
		brood_respond(request, 429, "text/plain", "429 too many requests\n", 22);
		return;
	}
	n = snprintf(text, sizeof(text), "request %lld of %d\n", (long long)count, LIMIT);
	brood_respond(request, 200, "text/plain", text, (size_t)n);
}

static void on_count(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	tell(request, answer->error < 0 ? 0 : answer->number);
}

void brood_handle(struct brood_request *request)
{
	uint64_t now_s = (uint64_t)time(NULL);
	char name[BROOD_STATE_KEY_MAX + 1];

	if (!name_window(request, now_s / WINDOW_S, name)) {
		brood_respond(request, 401, "text/plain", "401 X-Api-Key missing\n", 22);
		return;
	}
	if (brood_state_add_async(request, name, 1, WINDOW_S * 1000, on_count, NULL) < 0)
		tell(request, 0);
}
