/* SPDX-License-Identifier: MIT */
/* factor - the prime factors of a number: GET /?n=18446744073709551557, computed in a task process */
#include <brood.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a task process: may take as long as it likes. */
static int factor(struct brood_task *task, const void *in, size_t len, void *arg)
{
	unsigned long long n, divisor = 2;
	char text[32];

	memcpy(&n, in, sizeof(n));
	while (n > 1) {
		if (divisor > n / divisor)
			divisor = n;
		while (n > 1 && n % divisor == 0) {
			n /= divisor;
			brood_task_output(task, text, (size_t)snprintf(text, sizeof(text), "%llu\n", divisor));
		}
		divisor++;
		if (divisor % 4096 == 0 && brood_task_cancelled(task))
			return 1;
	}
	return 0;
}

/* In the worker that asked. */
static void on_done(struct brood_request *request, enum brood_task_status status, const void *out, size_t len,
		    void *arg)
{
	if (status == BROOD_TASK_DONE)
		brood_respond(request, 200, "text/plain", out, len);
	else if (status == BROOD_TASK_TIMED_OUT)
		brood_respond(request, 504, "text/plain", "too hard\n", 9);
	else if (status != BROOD_TASK_CANCELLED)	/* then there is nobody to be answered */
		brood_respond(request, 500, "text/plain", "sorry\n", 6);
}

static void answer(struct brood_request *request, void *arg)
{
	struct brood_task_options options = BROOD_TASK_OPTIONS_INIT;
	unsigned long long n = 0;
	char text[32];

	if (brood_query_get(request, "n", text, sizeof(text)) > 0)
		n = strtoull(text, NULL, 10);
	options.timeout_ms = 5000;
	if (brood_task(request, "factor", &n, sizeof(n), &options, on_done, NULL) < 0)
		brood_respond(request, 503, "text/plain", "too busy\n", 9);
}

int main(int argc, char **argv)
{
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	options.tasks = 2;
	if (brood_create(&options, &brood) < 0)
		return code;
	if (brood_listen(brood, argc > 1 ? argv[1] : ":8080") > 0 && brood_http(brood, answer, NULL) == 0 &&
	    brood_task_define(brood, "factor", factor, NULL) == 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
