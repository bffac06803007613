/* SPDX-License-Identifier: MIT */
/* What a handler asks for long after it was called is given as if it had asked at once. */
#include "conn/loop.h"

static struct taken taken;

static bool ends_with(const char *end)
{
	return taken.len >= strlen(end) && strcmp(taken.text + taken.len - strlen(end), end) == 0;
}

static void expect_answer(const char *text, const char *end)
{
	int fd = join(0);

	taken_clear(&taken);
	tell(fd, text);
	for (int i = 0; i < 300 && !ends_with(end); i++)
		take_all(fd, &taken, 1);
	if (!ends_with(end))
		print_error("%s\nwas answered:\n%s\n", text, taken.text);
	assert_true(ends_with(end));
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
	reset_end(fd);
	turn_until_empty();
}

static void write_nothing_at_first(struct brood_request *r, void *arg)
{
	static int n;

	if (++n % 4 != 0) {		/* not yet: asks to be called again, with nothing under way */
		r->on_writable = write_nothing_at_first;
		r->on_writable_arg = arg;
		return;
	}
	end_part(arg);
	exchange_write(r, SPAN("at last"));
	exchange_end(r);
}

static void start_only(struct brood_request *r, void *ctx)
{
	struct part *part = begin_part(r);

	assert_int_equal(exchange_start(r, 200, SPAN("text/plain"), 7), 0);
	r->on_writable = write_nothing_at_first;
	r->on_writable_arg = part;
}

static void wake_again(struct brood_request *r, void *arg)
{
	struct part *part = arg;

	if (++part->at < 20)
		exchange_set_timer(r, 0, wake_again, part);
	else
		on_later(r, part);
}

static void wake_often(struct brood_request *r, void *ctx)
{
	exchange_set_timer(r, 0, wake_again, begin_part(r));
}

static void handlers_may_be_late(struct engine *e)
{
	struct conn_limits limits = loop_limits;
	uint64_t turns;

	limits.body_timeout_ms = 100;
	loop_begin(e, &limits);
	expect_answer("GET /sum HTTP/1.1\r\nHost: a\r\n\r\n", "0 0");
	expect_answer("GET /sum-late?ms=5 HTTP/1.1\r\nHost: a\r\n\r\n", "0 0");
	expect_answer("POST /sum-late?ms=5 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\x01\x02", "2 33");
	expect_answer("POST /sum-late?ms=5 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
		      "Expect: 100-continue\r\n\r\n\x01\x02", "2 33");
	/* later than a body may pause: the time begins when it is read */
	expect_answer("POST /sum-late?ms=150 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\x01\x02",
		      "2 33");
	expect_answer("HEAD /stream?bytes=4000000 HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
	expect_answer("HEAD /sized?bytes=4000000 HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
	table.service.answer = start_only;
	expect_answer("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "at last");
	expect_answer("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
	table.service.answer = wake_often;
	turns = e->counters.turns;
	expect_answer("GET /a?x HTTP/1.1\r\nHost: a\r\n\r\n", "x");
	assert_true(e->counters.turns - turns >= 20);	/* others had their turn between */
	loop_end();
}

TEST_ON_ENGINES(handlers_may_be_late)
