/* SPDX-License-Identifier: MIT */
/*
 * answer - any bytes as what another server answers to brood_fetch()
 *
 * The first byte says what was asked and how much is let in, the second how the rest is cut into pieces. Held: the same
 * verdict, the same body and the same rest whatever the pieces; never more body than the limit; fields that lie in the
 * head that was kept.
 */
#include "base/must.h"
#include "async/answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct answer	answer;
	int		verdict;
	size_t		used;	/* bytes of the input */
};

static void check_fields(const struct answer *a)
{
	const struct http_head *head = &a->reply.http.head;

	must(a->reply.http.status >= 200 && a->reply.http.status <= 599 && head->bytes <= a->head.len);
	for (unsigned i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];

		must(f->name.at >= a->head.at && f->name.at + f->name.len < a->head.at + head->bytes);
		must(f->value.len == 0 || (f->value.at > f->name.at &&
		     f->value.at + f->value.len < a->head.at + head->bytes));
	}
}

/* @step: the largest piece; each in a copy of its own, so that a read past the end is seen. */
static void take(const uint8_t *data, size_t size, size_t step, struct outcome *o)
{
	o->verdict = 0;
	for (o->used = 0; o->used < size && o->verdict == 0; ) {
		size_t n = size - o->used < step ? size - o->used : step;
		char *copy = malloc(n);

		must(copy);
		memcpy(copy, data + o->used, n);
		o->verdict = answer_take(&o->answer, copy, n);
		o->used += n;
		free(copy);
		must(o->answer.body.len <= o->answer.most);
	}
	if (o->verdict == 1) {
		must(o->answer.n_behind <= o->used);
		o->used -= o->answer.n_behind;
		check_fields(&o->answer);
	}
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	must(a->verdict == b->verdict);
	if (a->verdict < 0)
		return;
	must(a->answer.phase == b->answer.phase && a->used == b->used);
	must(a->answer.body.len == b->answer.body.len);
	must(a->answer.body.len == 0 || memcmp(a->answer.body.at, b->answer.body.at, a->answer.body.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t most[] = { 16 << 20, 0, 1, 1000 };
	struct outcome outcomes[3];

	if (size < 2)
		return 0;
	for (int i = 0; i < 3; i++) {
		const size_t steps[] = { size, (size_t)data[1] + 1, 1 };

		memset(&outcomes[i], 0, sizeof(outcomes[i]));
		outcomes[i].answer.bodiless = data[0] & 1;
		outcomes[i].answer.most = most[data[0] >> 1 & 3];
		take(data + 2, size - 2, steps[i], &outcomes[i]);
		compare(&outcomes[0], &outcomes[i]);
	}
	for (int i = 0; i < 3; i++)
		answer_finish(&outcomes[i].answer);
	return 0;
}
