/* SPDX-License-Identifier: MIT */
/* On the plain path memory is taken once, for the first requests; an idle connection keeps little. */
#include "conn/loop.h"

#include <dlfcn.h>

#define N_CONNS 1000
#define N_REQUESTS 2000
#define MOST_BYTES_A_CONN 400

static bool counting;
static size_t n_allocations, n_allocated_bytes;

static void count(size_t n)
{
	n_allocations += counting;
	n_allocated_bytes += counting ? n + 16 : 0;	/* and what the allocator adds */
}

/* Instead of the library's, and then the library's. */
void *malloc(size_t n)
{
	static void *(*next)(size_t);

	if (!next)
		next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	count(n);
	return next(n);
}

void *calloc(size_t n, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (!next)
		next = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	count(n * size);
	return next(n, size);
}

void *realloc(void *old, size_t n)
{
	static void *(*next)(void *, size_t);

	if (!next)
		next = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	count(n);
	return next(old, n);
}

static void ask(int fd, const char *text, unsigned n)
{
	static struct taken taken;

	for (unsigned i = 0; i < n; i++) {
		taken_clear(&taken);
		tell(fd, text);
		take_bytes(fd, &taken, 100);
		assert_int_equal(strncmp(taken.text, "HTTP/1.1 200 ", 13), 0);
	}
}

static void count_per_request(void)
{
	static const char head[] = "GET /a?token HTTP/1.1\r\nHost: a\r\n\r\n";
	static const char post[] = "POST /a?token HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
	int fd = join(0);

	ask(fd, head, 3);
	ask(fd, post, 3);
	n_allocations = 0;
	counting = true;
	ask(fd, head, N_REQUESTS);
	ask(fd, post, N_REQUESTS);
	counting = false;
	assert_int_equal(n_allocations, 0);
	reset_end(fd);
}

static void count_per_conn(struct engine *e)
{
	static int fds[N_CONNS];
	size_t n_bytes;

	n_allocated_bytes = 0;
	counting = true;
	for (int i = 0; i < N_CONNS; i++) {
		fds[i] = join(0);
		ask(fds[i], "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	}
	turn_for(10);
	counting = false;
	n_bytes = n_allocated_bytes / N_CONNS;
	printf("%s: %zu bytes of our own memory for an idle connection\n", engine_name(e->kind), n_bytes);
	assert_true(n_bytes <= MOST_BYTES_A_CONN);
	for (int i = 0; i < N_CONNS; i++)
		reset_end(fds[i]);
}

static void requests_allocate_nothing(struct engine *e)
{
	need_fds(2 * N_CONNS + 100);
	loop_begin(e, &loop_limits);
	count_per_request();
	count_per_conn(e);
	loop_end();
}

TEST_ON_ENGINES(requests_allocate_nothing)
