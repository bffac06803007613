/* SPDX-License-Identifier: MIT */
/* Allocations fail: connections are lost over it and nothing else, and afterwards all is well. */
#include "conn/crowd.h"

#include <dlfcn.h>

static unsigned n_failed, one_in;
static struct taken taken;

/* Instead of the library's. The service and the test itself use calloc(). */
void *malloc(size_t n)
{
	static void *(*next)(size_t);

	if (!next)
		next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	if (one_in > 0 && (unsigned)lrand48() % one_in == 0) {
		n_failed++;
		return NULL;
	}
	return next(n);
}

/* So that there is something to fail: what was spare is given back. */
static void forget_spares(void)
{
	pool_finish(&(struct pool){ .spare = table.blocks.spare });
	pool_finish(&(struct pool){ .spare = table.requests.spare });
	table.blocks.spare = table.requests.spare = NULL;
	table.blocks.n_spare = table.requests.n_spare = 0;
}

static void without_memory_connections_end(struct engine *e)
{
	struct conn_limits limits = loop_limits;
	int fd;

	limits.header_timeout_ms = limits.body_timeout_ms = limits.idle_timeout_ms = 60;
	limits.write_timeout_ms = limits.linger_timeout_ms = 60;
	srand48(5);
	loop_begin(e, &limits);
	n_failed = 0;
	for (one_in = 3; one_in <= 300; one_in *= 10)
		crowd_pass(crowd_size(600), forget_spares);
	one_in = 0;
	turn_for(100);
	conn_table_cut(&table);
	turn_until_empty();
	printf("%s: %u allocations failed\n", engine_name(e->kind), n_failed);
	assert_true(n_failed > 100);
	fd = join(0);
	taken_clear(&taken);
	tell(fd, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
	take_bytes(fd, &taken, 50);
	assert_int_equal(strncmp(taken.text, "HTTP/1.1 200 ", 13), 0);
	reset_end(fd);
	loop_end();
}

TEST_ON_ENGINES(without_memory_connections_end)
