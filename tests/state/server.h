/* SPDX-License-Identifier: MIT */
/* server - a redis-server of a test's own, and one that the test plays itself */
#pragma once

#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct server {
	pid_t	pid;
	int	port;
};

static inline int server_bind(int *ret_fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	check(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	check_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	check_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_fd = fd;
	return ntohs(at.sin_port);
}

static inline int server_try(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = connect(fd, (struct sockaddr *)&at, sizeof(at));

	close(fd);
	return r;
}

/* At @port, 0 = one of the kernel's. */
static inline struct server server_start(int port)
{
	struct server s = { .port = port };
	char text[8];
	int fd = -1;

	if (port == 0)
		s.port = server_bind(&fd);
	if (fd >= 0)
		close(fd);
	snprintf(text, sizeof(text), "%d", s.port);
	s.pid = fork();
	check(s.pid >= 0);
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", text, "--save", "",
		       "--appendonly", "no", "--dir", "/tmp", "--requirepass", "s:cr@t", (char *)NULL);
		_exit(127);
	}
	for (unsigned i = 0; server_try(s.port) < 0; i++) {
		check(i < 500);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return s;
}

static inline void server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static inline void server_need(void)
{
	if (access("/usr/bin/redis-server", X_OK) < 0 && access("/usr/local/bin/redis-server", X_OK) < 0) {
		printf("there is no redis-server here\n");
		exit(77);
	}
}
