/* SPDX-License-Identifier: MIT */
/* on_close is called once for a request that had not been answered, and never for one that had. */
#include "conn/loop.h"

static void reset_after(const char *text, unsigned n_answered, unsigned n_closed, uint64_t wait_ms)
{
	int fd = join(16384);

	counts.n_answered = counts.n_closed = 0;
	tell(fd, text);
	turn_for(wait_ms);
	reset_end(fd);
	turn_until_empty();
	turn_for(60);		/* a timer that was left would go off now */
	if (counts.n_answered != n_answered || counts.n_closed != n_closed)
		print_error("%s", text);
	assert_int_equal(counts.n_answered, n_answered);
	assert_int_equal(counts.n_closed, n_closed);
	assert_int_equal(counts.n_waiting, 0);
	assert_true(wheel_next_ms(&table.timers) == WHEEL_NEVER || wheel_next_ms(&table.timers) > 0);
}

/* An answer may be given before the body has come; what follows is none of the handler's business. */
static void answer_early(struct brood_request *r, const void *data, size_t len, void *arg)
{
	assert_true(counts.n_waiting == 1);
	exchange_set_timer(r, 20, on_later, arg);	/* and forgets it: nobody is there to be woken then */
	end_part(arg);
	exchange_respond(r, 200, SPAN("text/plain"), SPAN("early"));
}

static void answer_while_it_comes(struct brood_request *r, void *ctx)
{
	exchange_read_body(r, answer_early, begin_part(r));
}

static void resets_tell_the_handler_once(struct engine *e)
{
	loop_begin(e, &loop_limits);
	reset_after("GET /never HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 10);
	reset_after("GET /never HTTP/1.1\r\nHost: a\r\n\r\nGET /pipelined HTTP/1.1\r\n", 0, 1, 10);
	reset_after("GET /late?ms=30 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 10);
	reset_after("GET /late?ms=0 HTTP/1.1\r\nHost: a\r\n\r\n", 1, 0, 10);
	reset_after("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 0, 1, 10);
	reset_after("POST /sum-late?ms=20 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 0, 1, 10);
	reset_after("POST /sum-late?ms=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 0, 1, 20);
	reset_after("GET /stream?bytes=20000000 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 10);
	reset_after("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", 1, 0, 0);
	reset_after("GET /a HTTP/1.1\r\nHos", 0, 0, 10);
	reset_after("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhello", 1, 0, 10);
	table.service.answer = answer_while_it_comes;
	reset_after("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 1, 0, 10);
	reset_after("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 1, 0, 40);
	loop_end();
}

TEST_ON_ENGINES(resets_tell_the_handler_once)
