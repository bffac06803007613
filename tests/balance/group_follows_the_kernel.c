/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "balance/attach.h"
#include "balance/group.h"
#include "balance/program.h"
#include "base/address.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_SLOTS 6
#define STEPS 300

static struct address address;
static int listen_fd[N_SLOTS];
static struct group group;

static void begin(unsigned slot)
{
	listen_fd[slot] = address_bind(&address, true);
	check(listen_fd[slot] >= 0);
	check_equal(listen(listen_fd[slot], 16), 0);
	group_add(&group, slot);
	if (address_port(&address) == 0)
		check_equal(getsockname(listen_fd[slot], &address.any, &address.len), 0);
}

static void end(unsigned slot)
{
	close(listen_fd[slot]);
	listen_fd[slot] = -1;
	group_remove(&group, slot);
}

/* A program that names the place of @slot alone must bring a connection to its socket. */
static void expect_place(unsigned slot)
{
	uint32_t weights[GROUP_MOST] = { 0 };
	struct sock_filter code[PROGRAM_MOST];
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int fd;

	check(group_place(&group, slot) >= 0);
	weights[group_place(&group, slot)] = 1;
	check_equal(attach_program(listen_fd[slot], code, program_write(weights, group.n, code)), 0);
	check_equal(connect(client, &address.any, address.len), 0);
	fd = accept(listen_fd[slot], NULL, NULL);
	check(fd >= 0);
	close(fd);
	close(client);
}

int main(void)
{
	check_equal(address_parse("127.0.0.1:0", &address), 0);
	for (unsigned i = 0; i < N_SLOTS; i++)
		begin(i);
	srandom(1);
	for (int step = 0; step < STEPS; step++) {
		unsigned slot = (unsigned)random() % N_SLOTS;

		if (listen_fd[slot] < 0)
			begin(slot);
		else if (group.n > 1)
			end(slot);
		for (unsigned i = 0; i < N_SLOTS; i++)
			if (listen_fd[i] >= 0)
				expect_place(i);
	}
	check_equal(group_place(&group, N_SLOTS), -1);
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (listen_fd[i] >= 0)
			check_equal(attach_nothing(listen_fd[i]), 0);
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (listen_fd[i] >= 0)
			check_equal(attach_nothing(listen_fd[i]), 0);
	return 0;
}
