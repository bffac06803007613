/* SPDX-License-Identifier: MIT */
/*
 * demo - a handler that shows what a handler can do, and does what a pool must survive
 *
 *   brood serve --handler demo.so
 *
 *   /                        a text, for every method
 *   /whoami                  JSON: slot, pid, generation, model, engine
 *   /echo                    the request's body back, as it comes, with its Content-Type
 *   /big?bytes=N             N bytes, streamed; byte i is 'a' + i % 26
 *   /sleep?ms=N              answers after N ms; the worker serves others meanwhile
 *   /spin?ms=N               answers after N ms; the worker does nothing else meanwhile
 *   /task?ms=N[&do=crash|exit|hang|fail|deaf|progress][&timeout=MS][&bytes=N]
 *                            the same in a task process, whose result it is; 503 when the queue is full
 *   /crash?how=segv|abort|exit|fpe|stack|scribble[&when=timer|body|writable|answered|close]
 *   /hang                    never returns to the loop
 *   /retire?reason=R         asks for this worker to be replaced
 *   /leak?kb=N               keeps N KiB for ever
 *   /once?key=K&ms=N[&fail=1]  what takes N ms to load, once for all who ask at a time: how often that was, and by whom
 *   /count[?key=K]           adds one to a counter that all workers share, and says what it is
 *
 * An address of datagrams (--listen udp:ADDR) echoes, but for "!crash", "!pid" and "!send ADDRESS", which sends
 * "sent" there and answers with what brood_datagram_send() has said. So does an address of streams (--listen
 * stream:ADDR), but for lines that come by themselves: "!pid" is answered with the worker's, "!crash" ends it,
 * "!bye" the stream.
 *
 * An unknown path is 404, a number that is none or too large 400, a method that makes no sense 405.
 */
#include <brood.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LETTERS 26
#define PIECE_BYTES (LETTERS * 640)
#define MS_MAX 3600000
#define TASK_BYTES_MAX (UINT64_C(1) << 30)
#define LEAK_KB_MAX (4 * 1024 * 1024)

static void respond_text(struct brood_request *r, int status, const char *text)
{
	brood_respond(r, status, "text/plain", text, strlen(text));
}

/* The number @key of the query. Return: false when it is none; then the request has been answered. */
static bool get_number(struct brood_request *r, const char *key, uint64_t most, uint64_t *ret_number)
{
	char text[24], *end = NULL;
	int n = brood_query_get(r, key, text, sizeof(text));

	errno = 0;
	if (n > 0 && text[0] >= '0' && text[0] <= '9')
		*ret_number = strtoull(text, &end, 10);
	if (!end || *end != '\0' || errno != 0 || *ret_number > most) {
		respond_text(r, 400, "400 bad or missing number\n");
		return false;
	}
	return true;
}

static void answer_root(struct brood_request *r)
{
	respond_text(r, 200, "Hello from the brood.\n");
}

static void answer_whoami(struct brood_request *r)
{
	char json[256];
	int n = snprintf(json, sizeof(json),
			 "{\"slot\":%u,\"pid\":%d,\"generation\":%u,\"model\":\"%s\",\"engine\":\"%s\"}\n",
			 brood_slot(), (int)getpid(), brood_generation(), brood_model_name(),
			 brood_engine_name());

	brood_respond(r, 200, "application/json", json, (size_t)n);
}

/* ---- /echo ---- */

static uint64_t announced_length(const struct brood_request *r)
{
	size_t len;
	const char *text = brood_header(r, "Content-Length", &len);

	if (text)
		return strtoull(text, NULL, 10);	/* digits, and terminated by the end of the line */
	return brood_header(r, "Transfer-Encoding", &len) ? BROOD_UNKNOWN_LENGTH : 0;
}

/* Return: brood_start()'s, or -EINVAL when the type is too long. */
static int start_echo(struct brood_request *r)
{
	char type[256] = "application/octet-stream";
	size_t len;
	const char *field = brood_header(r, "Content-Type", &len);

	if (field && len >= sizeof(type))
		return -EINVAL;
	if (field) {
		memcpy(type, field, len);
		type[len] = '\0';
	}
	return brood_start(r, 200, type, announced_length(r));
}

/*
 * Starts with the first piece, so that a body that is wrong from its beginning is still refused. A piece
 * comes only while there is room for it in the output: brood_write() need not be repeated.
 */
static void on_piece(struct brood_request *r, const void *data, size_t len, void *arg)
{
	if (start_echo(r) == -EINVAL)
		respond_text(r, 400, "400 Content-Type too long\n");
	else if (len == 0)
		brood_end(r);
	else
		brood_write(r, data, len);
}

static void answer_echo(struct brood_request *r)
{
	brood_read_body(r, on_piece, NULL);
}

/* ---- /big ---- */

struct big {
	uint64_t	sent;
	uint64_t	total;
};

static char pattern[PIECE_BYTES + LETTERS];

static void on_big_closed(struct brood_request *r, void *arg)
{
	free(arg);
}

static void send_big(struct brood_request *r, void *arg)
{
	struct big *big = arg;
	int error = 0;

	while (error == 0 && big->sent < big->total) {
		uint64_t left = big->total - big->sent;
		size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

		error = brood_write(r, pattern + big->sent % LETTERS, n);
		if (error == 0)
			big->sent += n;
	}
	if (error == -EAGAIN) {
		brood_on_writable(r, send_big, big);
		return;
	}
	free(big);
	brood_on_close(r, NULL, NULL);
	brood_end(r);
}

static void answer_big(struct brood_request *r)
{
	struct big *big;
	uint64_t total;

	if (!get_number(r, "bytes", UINT64_C(1) << 50, &total))
		return;
	big = malloc(sizeof(*big));
	if (!big) {
		respond_text(r, 503, "503 out of memory\n");
		return;
	}
	*big = (struct big){ 0, total };
	if (strcmp(brood_method(r), "HEAD") == 0)
		big->sent = total;	/* as if: it would be left out anyway */
	if (brood_start(r, 200, "application/octet-stream", total) < 0) {
		free(big);
		return;
	}
	brood_on_close(r, on_big_closed, big);
	send_big(r, big);
}

/* ---- time ---- */

static void on_slept(struct brood_request *r, void *arg)
{
	respond_text(r, 200, "slept\n");
}

static void answer_sleep(struct brood_request *r)
{
	uint64_t ms = 0;

	if (get_number(r, "ms", MS_MAX, &ms))
		brood_timer(r, (uint32_t)ms, on_slept, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void answer_spin(struct brood_request *r)
{
	uint64_t ms, start = now_ms();

	if (!get_number(r, "ms", MS_MAX, &ms))
		return;
	while (now_ms() - start < ms)
		;
	respond_text(r, 200, "spun\n");
}

/* ---- /task ---- */

struct work {
	uint64_t	ms, bytes;
	char		what[16];
};

static void burn(struct brood_task *task, uint64_t ms, bool deaf)
{
	uint64_t start = now_ms();

	while (now_ms() - start < ms && (deaf || !brood_task_cancelled(task)))
		;
}

/* Return: whether there is more to do. */
static bool misbehave(struct brood_task *task, const char *what)
{
	if (strcmp(what, "crash") == 0)
		abort();
	if (strcmp(what, "exit") == 0)
		_exit(7);
	if (strcmp(what, "hang") == 0)
		for (;;)
			pause();
	if (strcmp(what, "progress") == 0)
		for (int i = 0; i < 3; i++)
			(void)brood_task_progress(task, "on\n", 3);
	return strcmp(what, "fail") != 0;
}

static int run_work(struct brood_task *task, const void *in, size_t len, void *arg)
{
	struct work work;
	char text[64];

	if (len < sizeof(work))
		return 1;
	memcpy(&work, in, sizeof(work));
	burn(task, work.ms, strcmp(work.what, "deaf") == 0);
	if (!misbehave(task, work.what))
		return 1;
	if (work.bytes == 0 && len == sizeof(work))
		return brood_task_output(task, text, (size_t)snprintf(text, sizeof(text), "done by %d\n", (int)getpid()));
	for (uint64_t n = 0; n < work.bytes; n += LETTERS)
		if (brood_task_output(task, "abcdefghijklmnopqrstuvwxyz",
				      work.bytes - n < LETTERS ? (size_t)(work.bytes - n) : LETTERS) < 0)
			return 1;
	return brood_task_output(task, (const char *)in + sizeof(work), len - sizeof(work));
}

const struct brood_task_entry brood_tasks[] = { { "work", run_work, NULL }, { NULL, NULL, NULL } };

static void on_worked(struct brood_request *r, enum brood_task_status status, const void *out, size_t len, void *arg)
{
	free(arg);
	switch (status) {
	case BROOD_TASK_DONE:
		brood_respond(r, 200, "text/plain", out, len);
		break;
	case BROOD_TASK_FAILED:
		respond_text(r, 500, "500 the task failed\n");
		break;
	case BROOD_TASK_CRASHED:
		respond_text(r, 502, "502 the task crashed\n");
		break;
	case BROOD_TASK_TIMED_OUT:
		respond_text(r, 504, "504 the task took too long\n");
		break;
	case BROOD_TASK_CANCELLED:	/* nobody is there to be answered */
		break;
	}
}

static void on_progress(struct brood_request *r, const void *data, size_t len, void *arg)
{
	brood_set_header(r, "X-Progress", "on");
}

struct order {
	struct brood_task_options options;
	size_t		len;
	char		data[];		/* a struct work, then the request's body */
};

static void ask_for_work(struct brood_request *r, struct order *order)
{
	int error = brood_task(r, "work", order->data, order->len, &order->options, on_worked, order);

	if (error == 0)
		return;
	free(order);
	if (error == -EAGAIN) {
		brood_set_header(r, "Retry-After", "1");
		respond_text(r, 503, "503 the queue of tasks is full\n");
	} else {
		respond_text(r, 501, error == -ESRCH ? "501 there is no task process\n" : "501 no such task\n");
	}
}

static void on_task_closed(struct brood_request *r, void *arg)
{
	free(arg);
}

static void on_task_body(struct brood_request *r, const void *data, size_t len, void *arg)
{
	struct order *order = arg;

	if (len > 0) {
		memcpy(order->data + order->len, data, len);
		order->len += len;
		return;
	}
	brood_on_close(r, NULL, NULL);
	ask_for_work(r, order);
}

static void answer_task(struct brood_request *r)
{
	struct work work = { 0 };
	uint64_t timeout_ms = 0, n_body = announced_length(r);
	struct order *order;
	char text[24];

	if (!get_number(r, "ms", MS_MAX, &work.ms) ||
	    (brood_query_get(r, "timeout", text, sizeof(text)) > 0 && !get_number(r, "timeout", MS_MAX, &timeout_ms)) ||
	    (brood_query_get(r, "bytes", text, sizeof(text)) > 0 && !get_number(r, "bytes", TASK_BYTES_MAX, &work.bytes)))
		return;
	if (brood_query_get(r, "do", work.what, sizeof(work.what)) < 0)
		work.what[0] = '\0';
	order = n_body <= TASK_BYTES_MAX ? malloc(sizeof(*order) + sizeof(work) + n_body) : NULL;
	if (!order) {
		respond_text(r, 503, "503 out of memory\n");
		return;
	}
	order->options = (struct brood_task_options)BROOD_TASK_OPTIONS_INIT;
	order->options.timeout_ms = (uint32_t)timeout_ms;
	order->options.on_progress = on_progress;
	order->len = sizeof(work);
	memcpy(order->data, &work, sizeof(work));
	if (n_body == 0) {
		ask_for_work(r, order);
		return;
	}
	brood_on_close(r, on_task_closed, order);
	brood_read_body(r, on_task_body, order);
}

/* ---- misbehaviour ---- */

static void crash_by_segv(struct brood_request *r)
{
	static volatile uintptr_t nowhere = sizeof(int);

	*(volatile int *)nowhere = 1;
}

static void crash_by_fpe(struct brood_request *r)
{
	raise(SIGFPE);		/* not every machine faults when it divides by 0 */
}

static void crash_by_abort(struct brood_request *r)
{
	abort();
}

static void crash_by_exit(struct brood_request *r)
{
	_exit(7);
}

__attribute__((noinline))
static unsigned fall(unsigned depth)
{
	volatile char here[4096] = "";

	return depth == 0 ? 0 : fall(depth - 1) + (unsigned)here[depth % sizeof(here)];
}

static void crash_by_stack(struct brood_request *r)
{
	fall(UINT32_MAX);
}

/* Leaves brood with a request that points nowhere: the fault is not in here. */
static void crash_by_scribbling(struct brood_request *r)
{
	memset(r, 0xff, 16);
}

static const struct crash {
	const char	*how;
	void		(*crash)(struct brood_request *r);
} crashes[] = {
	{ "segv",     crash_by_segv },
	{ "abort",    crash_by_abort },
	{ "exit",     crash_by_exit },
	{ "fpe",      crash_by_fpe },
	{ "stack",    crash_by_stack },
	{ "scribble", crash_by_scribbling },
};

static void crash_now(struct brood_request *r, void *arg)
{
	const struct crash *crash = arg;

	crash->crash(r);
}

static void crash_with_piece(struct brood_request *r, const void *data, size_t len, void *arg)
{
	crash_now(r, arg);
}

static void crash_when(struct brood_request *r, const char *when, void *crash)
{
	if (strcmp(when, "timer") == 0) {
		brood_timer(r, 1, crash_now, crash);
	} else if (strcmp(when, "body") == 0) {
		brood_read_body(r, crash_with_piece, crash);
	} else if (strcmp(when, "close") == 0) {
		brood_on_close(r, crash_now, crash);
	} else if (strcmp(when, "writable") == 0) {
		brood_start(r, 200, "text/plain", BROOD_UNKNOWN_LENGTH);
		brood_write(r, "begun\n", 6);
		brood_on_writable(r, crash_now, crash);
	} else {
		if (strcmp(when, "answered") == 0)
			respond_text(r, 200, "answered\n");
		crash_now(r, crash);
	}
}

static void answer_crash(struct brood_request *r)
{
	char how[16] = "", when[16] = "";

	if (brood_query_get(r, "how", how, sizeof(how)) < 0)
		how[0] = '\0';
	if (brood_query_get(r, "when", when, sizeof(when)) < 0)
		when[0] = '\0';
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		if (strcmp(how, crashes[i].how) == 0) {
			crash_when(r, when, (void *)&crashes[i]);
			return;
		}
	}
	respond_text(r, 400, "400 how=segv, abort, exit, fpe, stack or scribble\n");
}

static void answer_hang(struct brood_request *r)
{
	for (;;)
		pause();
}

static void answer_retire(struct brood_request *r)
{
	char reason[64];

	if (brood_query_get(r, "reason", reason, sizeof(reason)) <= 0) {
		respond_text(r, 400, "400 reason missing, longer than 63 bytes, or malformed\n");
		return;
	}
	brood_retire(reason);
	respond_text(r, 200, "retiring\n");
}

static void answer_leak(struct brood_request *r)
{
	static void *volatile lost;
	uint64_t kb = 0;

	if (!get_number(r, "kb", LEAK_KB_MAX, &kb))
		return;
	lost = malloc(kb * 1024);
	if (!lost && kb > 0) {
		respond_text(r, 503, "503 out of memory\n");
		return;
	}
	if (lost)
		memset(lost, 1, kb * 1024);	/* so that it is really taken */
	respond_text(r, 200, "leaked\n");
}

static void refuse_count(struct brood_request *r, int error)
{
	if (error == -EINVAL)
		respond_text(r, 400, "400 key empty\n");
	else
		respond_text(r, 503, "503 cannot be counted\n");
}

/* Within the call where the state is in memory, later where it is on a server. */
static void on_count(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	char text[32];

	if (answer->error < 0) {
		refuse_count(r, answer->error);
		return;
	}
	snprintf(text, sizeof(text), "%lld\n", (long long)answer->number);
	respond_text(r, 200, text);
}

static void answer_count(struct brood_request *r)
{
	char key[BROOD_STATE_KEY_MAX + 1] = "count";
	int n = brood_query_get(r, "key", key, sizeof(key));

	if (n < 0 && n != -ENOENT) {
		respond_text(r, 400, "400 key malformed or too long\n");
		return;
	}
	n = brood_state_add_async(r, key, 1, 0, on_count, NULL);
	if (n < 0)
		refuse_count(r, n);
}

/* ---- /once ---- */

/* Somebody who waits; the timer of one of them stands for what would be asked for the value. */
static struct waiter {
	struct waiter		*next;
	struct brood_request	*request;
	struct brood_once	*once;
	struct brood_load	*load;		/* it is this one's timer; NULL = it is not */
	char			 key[32];
	uint64_t		 ms;
	bool			 fails;
} *waiters;

static void on_numbered(struct brood_request *r, const struct brood_state_answer *answer, void *arg)
{
	struct waiter *w = arg;
	struct brood_load *load = w->load;
	char text[64];
	int n = snprintf(text, sizeof(text), "load %lld by %d\n", (long long)answer->number, (int)getpid());

	w->load = NULL;
	brood_load_end(load, w->fails ? -EIO : answer->error, text, (size_t)n);
}

static void on_fetched(struct brood_request *r, void *arg)
{
	struct brood_state_answer none = { .number = 0 };
	struct waiter *w = arg;
	char key[64];

	snprintf(key, sizeof(key), "loads:%s", w->key);
	none.error = brood_state_add_async(r, key, 1, 0, on_numbered, w);
	if (none.error < 0)
		on_numbered(r, &none, w);
}

/* By one who waits for it, if anybody does. */
static void fetch(struct brood_load *load, const char *key, void *arg)
{
	struct waiter *w = waiters;

	while (w && (w->load || strcmp(w->key, key) != 0))
		w = w->next;
	if (!w) {
		brood_load_end(load, -ECANCELED, NULL, 0);
		return;
	}
	w->load = load;
	brood_timer(w->request, (uint32_t)w->ms, on_fetched, w);
}

static void forget_waiter(struct waiter *gone)
{
	struct waiter **link = &waiters;

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	if (gone->load)
		fetch(gone->load, gone->key, NULL);
	free(gone);
}

static void on_value(int error, const void *value, size_t len, void *arg)
{
	struct waiter *w = arg;
	struct brood_request *r = w->request;

	forget_waiter(w);
	brood_on_close(r, NULL, NULL);
	if (error < 0)
		respond_text(r, 502, "502 cannot be loaded\n");
	else
		brood_respond(r, 200, "text/plain", value, len);
}

static void on_waiter_closed(struct brood_request *r, void *arg)
{
	struct waiter *w = arg;

	brood_once_cancel(w->once);
	forget_waiter(w);
}

static void answer_once(struct brood_request *r)
{
	static const struct brood_loader loader = { .size = sizeof(loader), .load = fetch, .timeout_ms = 2000 };
	struct waiter *w = calloc(1, sizeof(*w));
	char fail[4];

	if (!w || brood_query_get(r, "key", w->key, sizeof(w->key)) <= 0) {
		respond_text(r, 400, "400 key missing or too long\n");
		free(w);
		return;
	}
	if (!get_number(r, "ms", MS_MAX, &w->ms)) {
		free(w);
		return;
	}
	w->fails = brood_query_get(r, "fail", fail, sizeof(fail)) > 0;
	w->request = r;
	w->next = waiters;
	waiters = w;
	brood_on_close(r, on_waiter_closed, w);
	if (brood_once(&loader, w->key, on_value, w, &w->once) < 0)
		on_value(-ENOTSUP, NULL, 0, w);
}

/* ---- the routes ---- */

static const struct route {
	const char	*path;
	const char	*methods;	/* NULL = every */
	void		(*answer)(struct brood_request *r);
} routes[] = {
	{ "/",       NULL,              answer_root },
	{ "/whoami", "GET, HEAD",       answer_whoami },
	{ "/echo",   NULL,              answer_echo },
	{ "/big",    "GET, HEAD",       answer_big },
	{ "/sleep",  "GET, HEAD, POST", answer_sleep },
	{ "/spin",   "GET, HEAD, POST", answer_spin },
	{ "/task",   "GET, HEAD, POST", answer_task },
	{ "/crash",  "GET, POST",       answer_crash },
	{ "/hang",   "GET, POST",       answer_hang },
	{ "/retire", "GET, POST",       answer_retire },
	{ "/leak",   "GET, POST",       answer_leak },
	{ "/count",  "GET, POST",       answer_count },
	{ "/once",   "GET, POST",       answer_once },
};

static const struct route *find_route(const char *path, size_t len)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strlen(routes[i].path) == len && memcmp(routes[i].path, path, len) == 0)
			return &routes[i];
	return NULL;
}

void brood_handle(struct brood_request *request)
{
	size_t len;
	const char *path = brood_path(request, &len);
	const struct route *route = find_route(path, len);

	if (!route) {
		respond_text(request, 404, "404 Not Found\n");
	} else if (route->methods && !strstr(route->methods, brood_method(request))) {
		brood_set_header(request, "Allow", route->methods);
		respond_text(request, 405, "405 Method Not Allowed\n");
	} else {
		route->answer(request);
	}
}

/* ---- streams ---- */

static bool says(const void *data, size_t len, const char *line)
{
	return len == strlen(line) && memcmp(data, line, len) == 0;
}

static size_t on_stream(struct brood_stream *stream, const void *data, size_t len, void *arg)
{
	char text[24];
	int n;

	if (says(data, len, "!crash\n"))
		crash_by_segv(NULL);
	if (says(data, len, "!pid\n")) {
		n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
		(void)brood_stream_write(stream, text, (size_t)n);
	} else if (says(data, len, "!bye\n")) {
		brood_stream_close(stream);
	} else {
		(void)brood_stream_write(stream, data, len);
	}
	return len;
}

const struct brood_stream_events brood_stream_handler = {
	.size = sizeof(struct brood_stream_events),
	.data = on_stream,
};

static void reply_number(struct brood_datagram *datagram, int number)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", number);

	(void)brood_datagram_reply(datagram, text, (size_t)n);
}

static int send_to(unsigned listener, const char *to, size_t len)
{
	char text[BROOD_PEER_BYTES];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, to, len);
	text[len] = '\0';
	return brood_datagram_send(listener, text, "sent", 4);
}

void brood_handle_datagram(struct brood_datagram *datagram, const void *data, size_t len)
{
	if (says(data, len, "!crash\n"))
		crash_by_segv(NULL);
	if (says(data, len, "!pid\n"))
		reply_number(datagram, getpid());
	else if (len > 6 && memcmp(data, "!send ", 6) == 0)
		reply_number(datagram, send_to(brood_datagram_listener(datagram), (const char *)data + 6, len - 6));
	else
		(void)brood_datagram_reply(datagram, data, len);
}

int brood_handler_start(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)('a' + i % LETTERS);
	return 0;
}
