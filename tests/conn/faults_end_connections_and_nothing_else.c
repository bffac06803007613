/* SPDX-License-Identifier: MIT */
/*
 * timeout: 300
 *
 * Whatever the kernel says to an operation, the connection goes on or ends: no crash, nothing left, no
 * byte to anyone else. Every error is met at every place.
 */
#include "conn/faulty.h"

#include <sys/mman.h>

static int file_fd;
static bool met[N_SITES][N_FAULTS];

static void serve_files(struct brood_request *r, void *ctx)
{
	if (lrand48() % 3 != 0) {
		answer(r, ctx);
		return;
	}
	if (exchange_start(r, 200, SPAN("text/plain"), 200000) < 0)
		return;
	(void)exchange_write_file(r, file_fd, 0, 200000, NULL, NULL);
	exchange_end(r);
}

static unsigned count_met(void)
{
	unsigned n = 0;

	for (int site = 0; site < N_SITES; site++)
		for (int fault = 0; fault < N_FAULTS; fault++)
			n += met[site][fault];
	return n;
}

static void remember_met(void)
{
	for (int site = 0; site < N_SITES; site++)
		for (int fault = 0; fault < N_FAULTS; fault++)
			met[site][fault] |= faulty.visited[site][fault] > 0;
}

static void live_through(struct engine *e, const struct conn_limits *limits, unsigned one_in, unsigned n)
{
	loop_begin(make_faulty(e, one_in), limits);
	table.service.answer = serve_files;
	crowd_pass(n, NULL);
	turn_for(100);
	conn_table_cut(&table);
	turn_until_empty();
	assert_null(faulty.first);
	free(faulty.given);
	faulty.given = NULL;
	loop_end();
	remember_met();
}

static void faults_end_connections_and_nothing_else(struct engine *e)
{
	struct conn_limits limits = loop_limits;
	unsigned n_connections = 0, rounds = 0;

	limits.header_timeout_ms = limits.body_timeout_ms = limits.idle_timeout_ms = 60;
	limits.write_timeout_ms = limits.linger_timeout_ms = 60;
	file_fd = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(ftruncate(file_fd, 200000), 0);
	srand48(5);
	memset(met, 0, sizeof(met));
	do {	/* the matrix: what operations there are to fail is a matter of timing too */
		live_through(e, &limits, 5, crowd_size(600));
		n_connections += crowd_size(600);
	} while (count_met() < N_SITES * N_FAULTS && ++rounds < 10);
	assert_int_equal(count_met(), N_SITES * N_FAULTS);
	for (unsigned one_in = 25; one_in <= 125; one_in *= 5) {
		srand48((long)one_in);
		live_through(e, &limits, one_in, crowd_size(600));
		n_connections += crowd_size(600);
	}
	printf("%s: %u connections, %d errors at %d places, each met\n", engine_name(e->kind), n_connections,
	       N_FAULTS, N_SITES);
	close(file_fd);
}

TEST_ON_ENGINES(faults_end_connections_and_nothing_else)
