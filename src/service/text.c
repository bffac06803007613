/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "bridge/config.h"
#include "conn/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int text_create(const struct config *config, void **ret_ctx, char *ret_error, size_t size)
{
	struct span *text = malloc(sizeof(*text));

	if (!text) {
		snprintf(ret_error, size, "text: out of memory");
		return -ENOMEM;
	}
	*text = span_of(config->options.text);
	*ret_ctx = text;
	return 0;
}

void text_destroy(void *ctx)
{
	free(ctx);
}

void text_answer(struct brood_request *r, void *ctx)
{
	const struct span *text = ctx;

	exchange_respond(r, 200, SPAN("text/plain"), *text);
}
