/* SPDX-License-Identifier: MIT */
/* 64 connections of one client over 8 members, many times; beside it, what the kernel's hash makes of them. */
#include "check.h"

#include "balance/attach.h"
#include "balance/program.h"
#include "base/address.h"

#include <sys/socket.h>
#include <unistd.h>

#define N 8
#define CONNECTIONS 64
#define ROUNDS 60

static int listen_fd[N];

static void listen_all(const char *text, struct address *address)
{
	check_equal(address_parse(text, address), 0);
	for (int i = 0; i < N; i++) {
		listen_fd[i] = address_bind(address, true);
		check(listen_fd[i] >= 0);
		check_equal(listen(listen_fd[i], 256), 0);
		check_equal(getsockname(listen_fd[i], &address->any, &address->len), 0);
	}
}

/* Return: how many were taken. */
static unsigned take_all(int fd)
{
	unsigned n = 0;
	int taken;

	while ((taken = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		close(taken);
		n++;
	}
	return n;
}

/* Return: the busiest member's share, in times of the mean. */
static double busiest(const struct address *address, unsigned ret_taken[N])
{
	int client[CONNECTIONS];
	unsigned most = 0;

	for (int i = 0; i < CONNECTIONS; i++) {
		client[i] = socket(address->any.sa_family, SOCK_STREAM, 0);
		check_equal(connect(client[i], &address->any, address->len), 0);
	}
	for (int i = 0; i < N; i++) {
		ret_taken[i] = take_all(listen_fd[i]);
		most = ret_taken[i] > most ? ret_taken[i] : most;
	}
	for (int i = 0; i < CONNECTIONS; i++)
		close(client[i]);
	return most * (double)N / CONNECTIONS;
}

static double mean_busiest(const struct address *address)
{
	unsigned taken[N];
	double sum = 0;

	for (int i = 0; i < ROUNDS; i++)
		sum += busiest(address, taken);
	return sum / ROUNDS;
}

static void attach(const uint32_t weights[N])
{
	struct sock_filter code[PROGRAM_MOST];

	check_equal(attach_program(listen_fd[0], code, program_write(weights, N, code)), 0);
}

static void spread(const char *text)
{
	static const uint32_t equal[N] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	static const uint32_t unequal[N] = { 1000, 1000, 0, 2000, 1000, 1000, 1000, 1000 };
	unsigned taken[N], sum[N] = { 0 };
	struct address address;
	double hash, program;

	listen_all(text, &address);
	hash = mean_busiest(&address);
	attach(equal);
	program = mean_busiest(&address);
	printf("%s: busiest / mean of %d connections over %d: hash %.2f, program %.2f\n", text, CONNECTIONS, N, hash,
	       program);
	check(program < 1.42 && program < hash);
	attach(unequal);
	for (int round = 0; round < ROUNDS; round++) {
		busiest(&address, taken);
		for (int i = 0; i < N; i++)
			sum[i] += taken[i];
	}
	check_equal(sum[2], 0);
	check(sum[3] > sum[0] * 3 / 2 && sum[3] < sum[0] * 5 / 2);
	for (int i = 0; i < N; i++)
		close(listen_fd[i]);
}

int main(void)
{
	spread("127.0.0.1:0");
	spread("[::1]:0");
	return 0;
}
