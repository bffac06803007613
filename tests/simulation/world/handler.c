/* SPDX-License-Identifier: MIT */
#include "world/handler.h"

#include "world/kernel.h"

#include "conn/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH_MOST 4000

const char *const ask_paths[N_ASKS] = {
#define PATH(name, path, method, meaning) [ASK_##name] = path,
	ASKS(PATH)
#undef PATH
};

const char *const ask_methods[N_ASKS] = {
#define METHOD(name, path, method, meaning) [ASK_##name] = method,
	ASKS(METHOD)
#undef METHOD
};

/* What is left to answer of one request. */
struct part {
	uint64_t	at;
	uint64_t	left;
	uint64_t	half;		/* stop there */
	bool		begun;
};

static uint64_t number_of(const struct brood_request *r, const char *key)
{
	char text[24];

	return brood_query_get(r, key, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* Some clients write what they like there. */
static uint64_t length_of(const struct brood_request *r)
{
	uint64_t n = number_of(r, "n");

	return n <= LENGTH_MOST ? n : LENGTH_MOST;
}

static enum ask ask_of(const struct brood_request *r)
{
	size_t len;
	const char *path = brood_path(r, &len);

	for (enum ask a = 0; a < N_ASKS; a++)
		if (strlen(ask_paths[a]) == len && memcmp(ask_paths[a], path, len) == 0)
			return a;
	return ASK_NOW;
}

static void add_key(struct brood_request *r)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number_of(r, "key"));
	(void)brood_set_header(r, "X-Key", text);
}

static void answer_whole(struct brood_request *r)
{
	char body[LENGTH_MOST];
	uint64_t n = length_of(r);

	add_key(r);
	pattern_fill(body, number_of(r, "key") * PATTERN_STRIDE, n);
	(void)brood_respond(r, 200, "text/plain", body, n);
}

static void forget_part(struct brood_request *r, void *arg)
{
	free(arg);
}

/* NULL: there was no memory, and that was the answer. */
static struct part *begin_part(struct brood_request *r)
{
	struct part *part = malloc(sizeof(*part));

	if (!part) {
		(void)brood_respond(r, 500, "text/plain", NULL, 0);
		return NULL;
	}
	*part = (struct part){ .at = number_of(r, "key") * PATTERN_STRIDE, .left = length_of(r) };
	brood_on_close(r, forget_part, part);
	return part;
}

static void end_part(struct brood_request *r, struct part *part)
{
	free(part);
	brood_on_close(r, NULL, NULL);
	(void)brood_end(r);
}

static void answer_late(struct brood_request *r, void *arg)
{
	free(arg);
	brood_on_close(r, NULL, NULL);
	answer_whole(r);
}

static void stream(struct brood_request *r, void *arg)
{
	struct part *part = arg;
	char piece[700];

	while (part->left > part->half) {
		size_t n = part->left < sizeof(piece) ? part->left : sizeof(piece);
		int error;

		pattern_fill(piece, part->at, n);
		error = brood_write(r, piece, n);
		if (error == -EAGAIN)
			brood_on_writable(r, stream, part);
		if (error < 0)
			return;
		part->at += n;
		part->left -= n;
	}
	end_part(r, part);
}

static void begin_stream(struct brood_request *r, bool sized, bool cut)
{
	struct part *part = begin_part(r);

	if (!part)
		return;
	add_key(r);
	part->half = cut ? part->left / 2 + 1 : 0;
	if (brood_start(r, 200, "text/plain", sized ? part->left : BROOD_UNKNOWN_LENGTH) == 0)
		stream(r, part);
}

static void echo(struct brood_request *r, const void *data, size_t len, void *arg)
{
	struct part *part = arg;

	if (!part->begun) {
		part->begun = true;
		add_key(r);
		if (brood_start(r, 200, "text/plain", BROOD_UNKNOWN_LENGTH) < 0)
			return;
	}
	if (len > 0)
		(void)brood_write(r, data, len);
	else
		end_part(r, part);
}

static void close_file(void *arg)
{
	close((int)(intptr_t)arg);
}

static void send_file(struct brood_request *r)
{
	uint64_t at = number_of(r, "key") * PATTERN_STRIDE, n = length_of(r);
	int fd;

	add_key(r);
	if (exchange_start(r, 200, SPAN("text/plain"), n) < 0)
		return;
	fd = open(PATTERN_PATH, O_RDONLY | O_CLOEXEC);
	if (exchange_write_file(r, fd, at, n, close_file, (void *)(intptr_t)fd) == 0)
		(void)exchange_end(r);
}

void handler(struct brood_request *r, void *arg)
{
	struct part *part;

	switch (ask_of(r)) {
	case ASK_RETIRE:
		brood_retire("it was asked to");
		answer_whole(r);
		break;
	case ASK_SPIN:
		process_wait(never, NULL, world.now_ms + number_of(r, "ms"));
		answer_whole(r);
		break;
	case ASK_LATE:
		part = begin_part(r);
		if (part)
			brood_timer(r, (uint32_t)number_of(r, "ms"), answer_late, part);
		break;
	case ASK_PIECES:
		begin_stream(r, false, false);
		break;
	case ASK_SIZED:
		begin_stream(r, true, false);
		break;
	case ASK_SHORT:
		begin_stream(r, true, true);
		break;
	case ASK_ECHO:
		part = begin_part(r);
		if (part)
			(void)brood_read_body(r, echo, part);
		break;
	case ASK_FILE:
		send_file(r);
		break;
	case ASK_NEVER:
		(void)begin_part(r);
		break;
	case ASK_CRASH:
		process_fault(SIGSEGV);
	case ASK_HANG:
		world.troubled = true;
		process_wait(never, NULL, UINT64_MAX);
		break;
	case ASK_NOW:
	case ASK_UNREAD:
	case N_ASKS:
		answer_whole(r);
		break;
	}
}
