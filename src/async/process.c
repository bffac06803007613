/* SPDX-License-Identifier: MIT */
/*
 * process - a program that is run for a request: its input written, its output read, its end heard, on the loop
 *
 * It is over when it has ended (pidfd) and both its outputs have. It has a process group of its own, which is
 * killed when its request ends, its time is over or it writes too much; then nobody waits for its outputs.
 *
 * Its start is not quite free: posix_spawn(3) holds the worker until the program is executed, a fraction of a
 * millisecond.
 */
#include "async/async.h"
#include "async/bytes.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define OUTPUT_MOST	(1024 * 1024)
#define PIECE_BYTES	(64 * 1024)
#define PIECES_A_TURN	16

extern char **environ;

struct stream {
	struct brood_process *process;
	struct watch	*watch;		/* NULL = it has ended */
	struct alarm	 again;		/* there was more than a turn's share */
	struct bytes	 kept;
	bool		 is_stderr;
};

struct brood_process {
	struct affair	 affair;
	pid_t		 pid;		/* 0 = it has been reaped */
	struct watch	*end;		/* its pidfd; NULL = it has ended */
	struct watch	*in;		/* NULL = all is written */
	char		*input;
	size_t		 n_input;
	size_t		 n_written;
	struct stream	 streams[2];
	struct alarm	 late;
	size_t		 most;
	int		 code;		/* how it ended */
	int		 error;		/* why it was killed; 0 = it was not */
	bool		 orphaned;	/* its request is over: it has only to be reaped */
	brood_output_fn	*on_output;
	brood_spawn_fn	*done;
	void		*arg;
};

struct piece_told {
	struct stream	*stream;
	const char	*data;
	size_t		 len;
};

static struct brood_process *being_told;	/* of its output; NULL when it has ended meanwhile */

/* ---- its end ---- */

static void close_end(struct brood_process *p)
{
	reactor_unwatch(async_reactor(), p->end);
	p->end = NULL;
}

static void close_stdio(struct brood_process *p)
{
	struct reactor *reactor = async_reactor();

	reactor_unwatch(reactor, p->in);
	reactor_alarm(reactor, &p->late, ENGINE_NEVER);
	for (int i = 0; i < 2; i++) {
		reactor_unwatch(reactor, p->streams[i].watch);
		reactor_alarm(reactor, &p->streams[i].again, ENGINE_NEVER);
		p->streams[i].watch = NULL;
	}
	p->in = NULL;
}

static void release(struct brood_process *p)
{
	if (being_told == p)
		being_told = NULL;
	free(p->streams[0].kept.at);
	free(p->streams[1].kept.at);
	free(p->input);
	free(p);
}

static void kill_group(struct brood_process *p)
{
	if (p->pid > 0)
		(void)kill(-p->pid, SIGKILL);	/* not reaped yet: the number is its own */
}

static void tell_done(struct brood_request *request, void *arg)
{
	const struct brood_process *p = arg;
	const struct bytes *out = &p->streams[0].kept, *err = &p->streams[1].kept;

	p->done(p->error == -ECANCELED ? NULL : request, p->error ? p->error : p->code,
		out->at ? out->at : "", out->len, err->at ? err->at : "", err->len, p->arg);
}

static void finish(struct brood_process *p)
{
	close_stdio(p);
	affair_end(&p->affair);
	affair_call(p->affair.request, tell_done, p);
	release(p);
}

static void finish_when_over(struct brood_process *p)
{
	if (!p->end && (p->error || (!p->streams[0].watch && !p->streams[1].watch)))
		finish(p);
}

/* It is told when it has ended. */
static void end_early(struct brood_process *p, int error)
{
	if (p->error)
		return;
	p->error = error;
	kill_group(p);
	finish_when_over(p);
}

static void on_late(void *arg)
{
	end_early(arg, -ETIMEDOUT);
}

static void on_ended(void *arg)
{
	struct brood_process *p = arg;
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
		return;
	p->code = info.si_code == CLD_EXITED ? info.si_status : BROOD_KILLED + info.si_status;
	p->pid = 0;
	close_end(p);
	if (p->orphaned)
		release(p);
	else
		finish_when_over(p);
}

/* It is reaped when it has died, which nobody waits for. */
static void cancel(struct affair *affair, bool tell)
{
	struct brood_process *p = (struct brood_process *)affair;

	p->error = -ECANCELED;
	kill_group(p);
	close_stdio(p);
	if (tell)
		(void)call_outside(affair->request, tell_done, p);
	p->orphaned = true;
	if (!p->end)
		release(p);
}

/* ---- its output ---- */

static void tell_piece(struct brood_request *request, void *arg)
{
	const struct piece_told *piece = arg;
	const struct brood_process *p = piece->stream->process;

	p->on_output(request, piece->stream->is_stderr, piece->data, piece->len, p->arg);
}

/* Return: whether it goes on. */
static bool take(struct stream *stream, const char *data, size_t len)
{
	struct brood_process *p = stream->process;
	struct piece_told piece = { stream, data, len };
	int r;

	if (!p->on_output) {
		r = len > p->most - stream->kept.len ? -EOVERFLOW : bytes_append(&stream->kept, data, len);
		if (r < 0)
			end_early(p, r);
		return r == 0;
	}
	being_told = p;
	affair_call(p->affair.request, tell_piece, &piece);
	return being_told == p;
}

static void end_stream(struct stream *stream)
{
	reactor_unwatch(async_reactor(), stream->watch);
	stream->watch = NULL;
	finish_when_over(stream->process);
}

static void on_output(void *arg)
{
	static char piece[PIECE_BYTES];
	struct stream *stream = arg;

	for (int i = 0; i < PIECES_A_TURN; i++) {
		ssize_t n = read(watch_fd(stream->watch), piece, sizeof(piece));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end_stream(stream);
			return;
		}
		if (!take(stream, piece, (size_t)n))
			return;
	}
	reactor_alarm(async_reactor(), &stream->again, async_reactor()->engine->now_ms + 1);
}

/* ---- its input ---- */

static void on_room(void *arg)
{
	struct brood_process *p = arg;

	while (p->n_written < p->n_input) {
		ssize_t n = write(watch_fd(p->in), p->input + p->n_written, p->n_input - p->n_written);

		if (n < 0 && errno == EAGAIN) {
			reactor_await_room(async_reactor(), p->in, on_room);
			return;
		}
		if (n < 0)
			break;		/* it reads no more, which is its own affair */
		p->n_written += (size_t)n;
	}
	reactor_unwatch(async_reactor(), p->in);
	p->in = NULL;
}

/* ---- its start ---- */

struct pipes {
	int	in[2], out[2], err[2];
};

static void close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static void close_pipes(const struct pipes *pipes)
{
	close_pair(pipes->in);
	close_pair(pipes->out);
	close_pair(pipes->err);
}

/* Our ends do not block; the program's do, as it expects. */
static int open_pipes(struct pipes *ret_pipes)
{
	*ret_pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(ret_pipes->in, O_CLOEXEC) < 0 || pipe2(ret_pipes->out, O_CLOEXEC) < 0 ||
	    pipe2(ret_pipes->err, O_CLOEXEC) < 0 || fcntl(ret_pipes->in[1], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(ret_pipes->out[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(ret_pipes->err[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int start(const struct brood_spawn_options *o, const struct pipes *pipes, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawn_file_actions_init(&actions);
	r = posix_spawn_file_actions_adddup2(&actions, pipes->in[0], STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, pipes->out[1], STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, pipes->err[1], STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (r == 0 && o->cwd)
		r = posix_spawn_file_actions_addchdir_np(&actions, o->cwd);
	if (r == 0)
		r = posix_spawnp(ret_pid, o->argv[0], &actions, &attributes, (char *const *)o->argv,
				 o->env ? (char *const *)o->env : environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

static int watch_stream(struct brood_process *p, int i, int *fd)
{
	struct stream *stream = &p->streams[i];

	*stream = (struct stream){ .process = p, .is_stderr = i == 1 };
	stream->again = (struct alarm){ .fn = on_output, .arg = stream };
	stream->watch = reactor_watch(async_reactor(), *fd, on_output, stream);
	if (!stream->watch)
		return -ENOMEM;
	*fd = -1;
	return 0;
}

/* Takes those ends of @pipes that are ours. */
static int watch_all(struct brood_process *p, struct pipes *pipes)
{
	int pid_fd = pidfd_open(p->pid, 0);

	if (pid_fd < 0)
		return -errno;
	p->end = reactor_watch(async_reactor(), pid_fd, on_ended, p);
	if (!p->end) {
		close(pid_fd);
		return -ENOMEM;
	}
	if (watch_stream(p, 0, &pipes->out[0]) < 0 || watch_stream(p, 1, &pipes->err[0]) < 0)
		return -ENOMEM;
	p->in = reactor_hold(async_reactor(), pipes->in[1], NULL, p);
	if (!p->in)
		return -ENOMEM;
	pipes->in[1] = -1;
	return 0;
}

static struct brood_process *create(const struct brood_spawn_options *o, brood_spawn_fn *done, void *arg)
{
	struct brood_process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct brood_process){
		.n_input = o->in_len, .most = o->max_output_bytes ? o->max_output_bytes : OUTPUT_MOST,
		.on_output = o->on_output, .done = done, .arg = arg, .late = { .fn = on_late, .arg = p },
	};
	p->input = malloc(o->in_len + 1);
	if (!p->input) {
		free(p);
		return NULL;
	}
	if (o->in_len > 0)
		memcpy(p->input, o->in, o->in_len);
	return p;
}

/* Return: 0 and it runs; or -errno and nothing of it is left but @p. */
static int launch(struct brood_process *p, const struct brood_spawn_options *o)
{
	struct pipes pipes;
	int r = open_pipes(&pipes);

	if (r == 0)
		r = start(o, &pipes, &p->pid);
	if (r == 0) {
		r = watch_all(p, &pipes);
		if (r < 0) {
			kill_group(p);
			while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
				;
			close_stdio(p);
			close_end(p);
		}
	}
	close_pipes(&pipes);
	return r;
}

int brood_spawn(struct brood_request *request, const struct brood_spawn_options *o, brood_spawn_fn *done, void *arg)
{
	struct brood_process *p;
	int r;

	if (!async_reactor() || !done || !o || o->size != sizeof(*o) || !o->argv || !o->argv[0])
		return -EINVAL;
	if (request && request->finished)
		return -EPIPE;
	p = create(o, done, arg);
	if (!p)
		return -ENOMEM;
	r = launch(p, o);
	if (r < 0) {
		release(p);
		return r;
	}
	(void)affair_begin(&p->affair, request, cancel);
	if (o->timeout_ms)
		reactor_alarm(async_reactor(), &p->late, async_reactor()->engine->now_ms + o->timeout_ms);
	on_room(p);
	return 0;
}
