/* SPDX-License-Identifier: MIT */
/*
 * play.h - the real parent over workers that play a part
 *
 * Each test defines worker_main(), which is what the parent forks: no other worker is linked. The parent
 * runs in a process of its own and logs into a pipe; its end of file means that nobody is left.
 */
#pragma once

#include "parent/unit.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/log.h"
#include "bridge/board.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "parent/parent.h"
#include "worker/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAY_LOG_BYTES (1 << 18)
#define PATIENCE_MS 5000	/* for what must happen at once, on a machine that is busy elsewhere */

/* ---- the part of a worker */

static inline void part_listen(const struct heritage *h, int *ret_fd)
{
	const struct listener_msg msg = { 0 };

	*ret_fd = h->listen_fd[0];
	if (*ret_fd >= 0)
		return;
	*ret_fd = address_bind(&h->config->listen[0], true);
	if (*ret_fd < 0 ||
	    channel_send(h->channel_fd, CHANNEL_LISTENER, &msg, *ret_fd) < 0)
		_exit(99);
}

static inline void part_ready(const struct heritage *h)
{
	struct ready_msg msg = { .engine = BROOD_ENGINE_EPOLL };

	(void)channel_send(h->channel_fd, CHANNEL_READY, &msg, -1);
}

/* Until the parent has had it listen. */
static inline void part_await_listening(int fd)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	for (int ms = 0; !listens && ms < PATIENCE_MS; ms++) {
		poll(NULL, 0, ms > 0);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
			_exit(94);
	}
}

/* Up to READY. Return: the listener. */
static inline int part_start(const struct heritage *h)
{
	int fd;

	part_listen(h, &fd);
	part_ready(h);
	part_await_listening(fd);
	return fd;
}

static inline void part_retire(const struct heritage *h, const char *reason)
{
	struct suicide_msg msg = { { 0 } };

	snprintf(msg.reason, sizeof(msg.reason), "%s", reason);
	(void)channel_send(h->channel_fd, CHANNEL_SUICIDE, &msg, -1);
}

/* Waits for one message of the parent that is not ACCEPT; leaves when the parent has gone. */
static inline struct message part_hear(const struct heritage *h)
{
	struct pollfd at = { .fd = h->channel_fd, .events = POLLIN };
	struct message m;

	do
		if (poll(&at, 1, -1) < 0)
			_exit(98);
	while (channel_receive(h->channel_fd, FROM_PARENT, &m) == 0 ||
	       (!(at.revents & POLLHUP) && m.type == CHANNEL_ACCEPT));
	if (at.revents & POLLHUP)
		_exit(97);
	return m;
}

static inline int part_leave(const struct heritage *h, uint32_t n_cut)
{
	const struct drained_msg msg = { .cut = n_cut };

	(void)channel_send(h->channel_fd, CHANNEL_DRAINED, &msg, -1);
	return 0;
}

/* Serves nobody until told to drain, then leaves. */
static inline int part_wait_for_drain(const struct heritage *h)
{
	while (part_hear(h).type != CHANNEL_DRAIN)
		;
	return part_leave(h, 0);
}

/* Hears nothing it is told; ends only because a test that fails must leave nobody behind. */
static inline _Noreturn void part_stay_for_ever(const struct heritage *h)
{
	struct pollfd at = { .fd = h->channel_fd, .events = POLLRDHUP };

	while (poll(&at, 1, -1) < 1)
		;
	_exit(96);
}

static inline struct board_row *part_row(const struct heritage *h)
{
	return &h->board->rows[h->row];
}

/* ---- the stage */

struct play {
	struct config	config;
	int		reserved_fd[LISTENERS_MAX];
	int		claim_fd[LISTENERS_MAX];
	pid_t		parent;
	bool		hunted;		/* signals still come when it ends: the leak sanitizer would hang */
	int		log_fd;
	size_t		n;
	char		log[PLAY_LOG_BYTES];
};

static inline void play_prepare(struct play *play, unsigned n_workers)
{
	struct reservation reservation;

	memset(play, 0, sizeof(*play));
	play->config.options = (struct brood_options)BROOD_OPTIONS_INIT;
	play->config.options.workers = n_workers;
	play->config.options.backlog = 64;
	play->config.options.drain_timeout_ms = 2000;
	play->config.options.restart_limit = 5;
	play->config.options.restart_window_ms = 10000;
	play->config.options.surge = 1;
	play->config.options.poison_limit = BROOD_OFF;
	play->config.options.hang_timeout_ms = BROOD_OFF;	/* parts have no heartbeat */
	play->config.options.backoff_min_ms = 20;
	play->config.options.backoff_max_ms = 100;
	play->config.options.start_timeout_ms = PATIENCE_MS;
	play->config.n_listeners = 1;
	assert_int_equal(address_parse("127.0.0.1:0", &play->config.listen[0]), 0);
	assert_int_equal(reserve_address(&play->config.listen[0], SHARED_BY_WORKERS, &reservation), 0);
	play->reserved_fd[0] = reservation.fd;
	play->claim_fd[0] = reservation.claim_fd;
}

static inline unsigned play_n_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* exit() and not _exit(), because that is where the leak sanitizer looks. */
static inline _Noreturn void play_parent(struct play *play, int log_fd)
{
	unsigned n_fds;
	int code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log_fd, STDERR_FILENO);
	log_setup(LOG_TEXT, LOG_DEBUG);
	n_fds = play_n_fds();
	code = parent_run(&play->config, play->reserved_fd, play->claim_fd, NULL, NULL, NULL);
	if (play_n_fds() != n_fds - (play->reserved_fd[0] < 0) - (play->claim_fd[0] < 0))
		exit(95);
	if (play->hunted)
		_exit(code);
	exit(code);
}

static inline void play_begin(struct play *play)
{
	int ends[2];

	alarm(60);
	fflush(NULL);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	play->parent = fork();
	assert_true(play->parent >= 0);
	if (play->parent == 0)
		play_parent(play, ends[1]);
	close(ends[1]);
	play->log_fd = ends[0];
}

/* Return: false at the end of the log or after @ms without news. */
static inline bool play_read(struct play *play, int ms)
{
	struct pollfd at = { .fd = play->log_fd, .events = POLLIN };
	ssize_t n;

	if (poll(&at, 1, ms) != 1)
		return false;
	assert_true(play->n < sizeof(play->log) - 1);
	n = read(play->log_fd, play->log + play->n, sizeof(play->log) - 1 - play->n);
	if (n <= 0)
		return false;
	play->n += (size_t)n;
	play->log[play->n] = '\0';
	return true;
}

/* With the whole log: fail_msg() cuts it. */
#define play_fail(play, ...) do { fputs((play)->log, stdout); fail_msg(__VA_ARGS__); } while (0)

static inline unsigned play_count(const struct play *play, const char *text)
{
	unsigned n = 0;

	for (const char *at = play->log; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static inline void play_expect_times(struct play *play, const char *text, unsigned n)
{
	while (play_count(play, text) < n)
		if (!play_read(play, PATIENCE_MS))
			play_fail(play, "\"%s\" came %u times, not %u", text, play_count(play, text), n);
}

static inline void play_expect(struct play *play, const char *text)
{
	play_expect_times(play, text, 1);
}

static inline void play_expect_never(struct play *play, const char *text)
{
	if (play_count(play, text) > 0)
		play_fail(play, "\"%s\" came", text);
}

static inline void play_expect_order(struct play *play, const char *first, const char *second)
{
	play_expect(play, first);
	play_expect(play, second);
	if (strstr(play->log, first) > strstr(play->log, second))
		play_fail(play, "\"%s\" after \"%s\"", first, second);
}

static inline void play_signal(struct play *play, int number)
{
	assert_int_equal(kill(play->parent, number), 0);
}

/* Waits for the last process; the parent must have ended with @code. Return: how long it took. */
static inline uint64_t play_end(struct play *play, int code)
{
	uint64_t began_ms = clock_ms();
	int status;

	while (play_read(play, 2 * PATIENCE_MS))
		;
	assert_int_equal(waitpid(play->parent, &status, 0), play->parent);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		play_fail(play, "status %x, not code %d", (unsigned)status, code);
	close(play->log_fd);
	close(play->reserved_fd[0]);
	close(play->claim_fd[0]);
	return clock_ms() - began_ms;
}

/* The process that a line "worker SLOT (pid N): ..." was about last. */
static inline pid_t play_pid(const struct play *play, unsigned slot)
{
	char text[32];
	pid_t pid = 0;

	snprintf(text, sizeof(text), "worker %u (pid ", slot);
	for (const char *at = play->log; (at = strstr(at, text)); at++)
		pid = atoi(at + strlen(text));
	return pid;
}
