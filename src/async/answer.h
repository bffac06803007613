/* SPDX-License-Identifier: MIT */
/* answer - what another server answers, taken as it comes */
#pragma once

#include "async/bytes.h"
#include "http/http.h"

#include <stdbool.h>
#include <stddef.h>

struct brood_reply {
	struct http_reply http;
};

enum answer_phase { ANSWER_HEAD, ANSWER_BODY, ANSWER_UNTIL_THE_END };

/* Zeroed but for .most and .bodiless. */
struct answer {
	enum answer_phase phase;
	bool		 bodiless;	/* it was HEAD that was asked */
	size_t		 most;		/* bytes of the body */
	unsigned	 n_interim;
	size_t		 n_behind;	/* bytes that came behind it */
	struct bytes	 head;
	struct bytes	 body;
	struct http_body framing;
	struct brood_reply reply;	/* its fields lie in .head */
};

/* Return: 1 = it is whole, 0 = there is more to come, -EPROTO, -EMSGSIZE (over .most), -ENOMEM; then it is over. */
int answer_take(struct answer *answer, const char *data, size_t len);
/* That is whole: whether nothing more can be asked where it came from. */
bool answer_ends_connection(const struct answer *answer);
void answer_finish(struct answer *answer);
