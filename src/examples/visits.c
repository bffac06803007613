/* SPDX-License-Identifier: MIT */
/*
 * visits - counts who comes, and greets with words that can be changed while it runs
 *
 *   GET any path            the greeting, and how often this path was asked for, whichever worker was
 *   POST /greeting?text=T   from now on every worker greets with T
 */
#include <brood.h>

#include <stdio.h>
#include <string.h>

static char greeting[64];	/* as this worker knows it */

static void on_greeting(const char *key, void *arg)
{
	int n = brood_state_get(key, greeting, sizeof(greeting) - 1, NULL);

	if (n >= 0)
		greeting[n] = '\0';
}

static void answer(struct brood_request *request, void *arg)
{
	char text[128], key[BROOD_STATE_KEY_MAX + 1];
	size_t len;
	const char *path = brood_path(request, &len);
	int64_t count = 0;

	if (strcmp(brood_method(request), "POST") == 0) {
		int n = brood_query_get(request, "text", text, sizeof(greeting));

		if (n < 0 || brood_state_set("greeting", text, (size_t)n, 0) < 0)
			brood_respond(request, 400, "text/plain", "not taken\n", 10);
		else
			brood_respond(request, 200, "text/plain", "taken\n", 6);
		return;
	}
	snprintf(key, sizeof(key), "visits:%.*s", len < 200 ? (int)len : 200, path);
	brood_state_add(key, 1, 0, &count);
	snprintf(text, sizeof(text), "%s, visitor %lld\n", greeting, (long long)count);
	brood_respond(request, 200, "text/plain", text, strlen(text));
}

int main(int argc, char **argv)
{
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	if (brood_create(NULL, &brood) < 0)
		return code;
	(void)brood_state_cas("greeting", 0, "Hello", 5, 0);	/* there may be one: an upgrade keeps it */
	if (brood_state_watch("greeting", on_greeting, NULL, NULL) == 0 &&
	    brood_listen(brood, argc > 1 ? argv[1] : ":8080") > 0 && brood_http(brood, answer, NULL) == 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
