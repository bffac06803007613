/* SPDX-License-Identifier: MIT */
/*
 * visits - counts who comes, and greets with words that can be changed while it runs
 *
 *   GET any path            the greeting, and how often this path was asked for, whichever worker was
 *   POST /greeting?text=T   from now on every worker greets with T
 *
 *   visits [ADDRESS [redis://HOST:PORT]]
 */
#include <brood.h>

#include <stdio.h>
#include <string.h>

static char greeting[64] = "Hello";	/* as this worker knows it */

static void on_read(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	if (answer->error == 0 && answer->len < sizeof(greeting))
		snprintf(greeting, sizeof(greeting), "%.*s", (int)answer->len, (const char *)answer->value);
}

static void on_greeting(const char *key, void *arg)
{
	(void)brood_state_get_async(NULL, key, on_read, NULL);
}

static void on_taken(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	if (answer->error < 0)
		brood_respond(request, 503, "text/plain", "not taken\n", 10);
	else
		brood_respond(request, 200, "text/plain", "taken\n", 6);
}

static void on_count(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	char text[128];

	snprintf(text, sizeof(text), "%s, visitor %lld\n", greeting, (long long)answer->number);
	brood_respond(request, 200, "text/plain", text, strlen(text));
}

static void answer(struct brood_request *request, void *arg)
{
	char text[sizeof(greeting)] = "", key[BROOD_STATE_KEY_MAX + 1];
	size_t len;
	const char *path = brood_path(request, &len);
	struct brood_state_value value = { .bytes = text };
	int error;

	if (strcmp(brood_method(request), "POST") == 0) {
		error = brood_query_get(request, "text", text, sizeof(text));
		value.len = strlen(text);
		if (error >= 0)
			error = brood_state_set_async(request, "greeting", &value, on_taken, NULL);
	} else {
		snprintf(key, sizeof(key), "visits:%.*s", len < 200 ? (int)len : 200, path);
		error = brood_state_add_async(request, key, 1, 0, on_count, NULL);
	}
	if (error < 0)	/* then nobody will call us */
		brood_respond(request, 503, "text/plain", "not taken\n", 10);
}

int main(int argc, char **argv)
{
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	options.state = argc > 2 ? argv[2] : "memory";
	if (brood_create(&options, &brood) < 0)
		return code;
	if (brood_state_watch("greeting", on_greeting, NULL, NULL) == 0 &&
	    brood_listen(brood, argc > 1 ? argv[1] : ":8080") > 0 && brood_http(brood, answer, NULL) == 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
