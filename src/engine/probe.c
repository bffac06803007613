/* SPDX-License-Identifier: MIT */
#include "engine/probe.h"

#include "engine/engine.h"
#include "engine/kernel.h"
#include "engine/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 1000
#define NAP_MS 5

/* An engine, and a pair of sockets: what is written to .theirs arrives at .ours. */
struct stage {
	struct engine	*engine;
	int		 ours;
	int		 theirs;
};

static const struct tag tag = { .owner = 1, .generation = 1, .index = 1 };

/* The next completion of @op, whatever else completes. Return: 0, -ETIMEDOUT or another -errno. */
static int await(struct engine *e, enum op op, struct completion *ret_completion)
{
	uint64_t until_ms = e->now_ms + PATIENCE_MS;
	struct completion c;
	bool found = false;

	while (!found && e->now_ms < until_ms) {
		int r = engine_turn(e, until_ms);

		if (r < 0)
			return r;
		while (engine_next(e, &c)) {
			if (c.op != op || found)
				continue;
			*ret_completion = c;
			found = true;
		}
	}
	return found ? 0 : -ETIMEDOUT;
}

/* It must have come to @res, and go on or not. */
static int expect(struct engine *e, enum op op, int res, bool more)
{
	struct completion c;
	int r = await(e, op, &c);

	if (r < 0)
		return r;
	if (c.res < 0)
		return c.res;
	return (op != OP_POLL && c.res != res) || c.more != more ? -EPROTO : 0;
}

/* What goes on has been stopped: a last completion follows. */
static int expect_end(struct engine *e, enum op op)
{
	struct completion c;
	int r = await(e, op, &c);

	return r < 0 ? r : c.more ? -EPROTO : 0;
}

static int arrive(const struct stage *s)
{
	return write(s->theirs, "x", 1) == 1 ? 0 : -errno;
}

static void take(const struct stage *s, int fd)
{
	char bytes[64];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* ---- one feature each; return 0 or -errno ---- */

static int try_timeout(struct stage *s)
{
	uint64_t began_ms = s->engine->now_ms;
	int r = engine_turn(s->engine, began_ms + NAP_MS);

	return r < 0 ? r : s->engine->now_ms < began_ms + NAP_MS - 1 ? -EPROTO : 0;
}

static int try_poll(struct stage *s)
{
	int r;

	engine_poll(s->engine, s->ours, tag);
	r = arrive(s);
	if (r == 0)
		r = expect(s->engine, OP_POLL, 0, true);
	engine_poll_stop(s->engine, s->ours, tag);
	if (r == 0)
		r = expect_end(s->engine, OP_POLL);
	take(s, s->ours);
	return r;
}

static int try_poll_exclusive(struct stage *s)
{
	int r;

	engine_poll_once(s->engine, s->ours, tag, true);
	r = arrive(s);
	if (r == 0)
		r = expect(s->engine, OP_POLL, 0, false);
	take(s, s->ours);
	return r;
}

static int try_recv_once(struct stage *s)
{
	int r = arrive(s);

	engine_recv(s->engine, s->ours, tag, true);
	return r < 0 ? r : expect(s->engine, OP_RECV, 1, false);
}

static int try_recv(struct stage *s)
{
	int r;

	engine_recv(s->engine, s->ours, tag, false);
	for (int i = 0; i < 2; i++) {
		r = arrive(s);
		if (r == 0)
			r = expect(s->engine, OP_RECV, 1, true);
		if (r < 0)
			return r;
	}
	engine_recv_stop(s->engine, s->ours, tag);
	return expect_end(s->engine, OP_RECV);
}

static int send_pieces(struct stage *s, int n, enum send_then then)
{
	const struct iovec pieces[] = { { (char *)"ab", 2 }, { (char *)"cde", 3 } };
	int r;

	engine_send(s->engine, s->ours, tag, pieces, n, then);
	r = expect(s->engine, OP_SEND, n == 1 ? 2 : 5, false);
	take(s, s->theirs);
	return r;
}

static int try_send(struct stage *s)
{
	return send_pieces(s, 1, SEND_THEN_WAIT);
}

static int try_send_gathered(struct stage *s)
{
	return send_pieces(s, 2, SEND_THEN_WAIT);
}

/* The last one, because it closes our end. */
static int try_send_then_close(struct stage *s)
{
	int fd = s->ours;
	int r = send_pieces(s, 2, SEND_THEN_CLOSE);

	if (r < 0)
		return r;
	if (fcntl(fd, F_GETFD) >= 0)
		return -EPROTO;
	s->ours = -1;
	return 0;
}

static const struct {
	const char	*name;
	int		(*try)(struct stage *stage);
} trials[] = {
	{ "waiting with a timeout",		try_timeout },
	{ "multishot poll, cancelled",		try_poll },
	{ "exclusive poll",			try_poll_exclusive },
	{ "receive into provided buffers",	try_recv_once },
	{ "multishot receive, cancelled",	try_recv },
	{ "send",				try_send },
	{ "gathered send",			try_send_gathered },
	{ "send linked to a close",		try_send_then_close },
};

_Static_assert(sizeof(trials) / sizeof(trials[0]) + 2 <= ENGINE_FEATURES_MOST, "room for each");

/* ---- all of them ---- */

static void note(struct engine_report *report, const char *name, int error, bool optional)
{
	report->features[report->n_features++] =
		(struct engine_feature){ .name = name, .error = error, .optional = optional };
}

static void try_all(struct engine *e, struct engine_report *report)
{
	struct stage stage = { .engine = e };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		note(report, "a pair of sockets to try it on", -errno, false);
		return;
	}
	stage.ours = ends[0];
	stage.theirs = ends[1];
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		int r = trials[i].try(&stage);

		note(report, trials[i].name, r, false);
		if (r < 0)
			break;		/* what is still under way would be taken for what comes next */
	}
	if (stage.ours >= 0)
		close(stage.ours);
	close(stage.theirs);
}

/* What makes it cheaper where the kernel has it. */
static void look_at_setup(struct engine_report *report)
{
	struct io_uring ring;

	if (ring_setup(&ring) < 0)
		return;
	note(report, "completions in batches (DEFER_TASKRUN, Linux 6.1)",
	     ring.flags & IORING_SETUP_DEFER_TASKRUN ? 0 : -EOPNOTSUPP, true);
	note(report, "idle waits not counted as iowait (Linux 6.15)",
	     ring.features & IORING_FEAT_NO_IOWAIT ? 0 : -EOPNOTSUPP, true);
	io_uring_queue_exit(&ring);
}

void engine_probe(struct engine_report *ret_report)
{
	struct engine *engine = NULL;

	*ret_report = (struct engine_report){ .error = 0 };
	ret_report->error = engine_create(ENGINE_URING, &engine, ret_report->why, sizeof(ret_report->why));
	if (ret_report->error < 0)
		return;
	try_all(engine, ret_report);
	engine_destroy(engine);
	look_at_setup(ret_report);
}

bool engine_is_charged(uid_t uid)
{
	const struct rlimit none = { 0, 0 };
	struct io_uring ring;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setrlimit(RLIMIT_MEMLOCK, &none) == 0 &&
		      (uid == geteuid() || setresuid(uid, uid, uid) == 0) && ring_setup(&ring) == -ENOMEM);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
