/* SPDX-License-Identifier: MIT */
/*
 * mailer - a program whose workers and callbacks send messages as they are told to, over HTTP
 *
 * mailer serve --listen ADDRESS [--workers N] [--engine E] [--model M] [--hang-ms N] [--control PATH]
 *	[--callbacks process|inside]: each event is a line on stdout
 *
 *	/send?to=slot&which=1&n=100&size=64&fd=none|pipe|file|socket	-> how many were taken
 *	/flood?to=slot&which=1&size=64&ms=1000		sends as much as there is room for, for so long
 *	/got			-> what has come, by sender, and what has come back
 *	/audit			-> of all messages of the worker with the id 1: what has become of them, in every worker
 *	/text?to=..&text=hang	that text; to the callbacks: crash, hang, note, tell, echo
 *	/who, /retire, /crash, /garbage, /deaf, /spin?ms=..
 *
 * A message is the sender's count of those to that recipient, in 8 bytes, and a pattern after it.
 */
#include "brood.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SENDERS_MOST 4096
#define SIZE_MOST (8u << 20)

struct sender {
	uint32_t id;
	uint64_t n, last, disordered, spoiled, fds, bytes;
};

static struct sender senders[SENDERS_MOST];
static unsigned n_senders;
static uint64_t n_returned, n_again, n_rooms, n_sent, n_events;
static uint64_t errors[200];

/* Shared by all, a byte for each message of the worker with the id 1. */
enum { HANDLED = 1, RETURNED = 2, TWICE = 4 };
#define LEDGER_MOST (64u << 20)
static _Atomic unsigned char *ledger;
static char pattern[SIZE_MOST];

static struct sender *sender_of(uint32_t id)
{
	for (unsigned i = 0; i < n_senders; i++)
		if (senders[i].id == id)
			return &senders[i];
	if (n_senders == SENDERS_MOST)
		abort();
	senders[n_senders] = (struct sender){ .id = id };
	return &senders[n_senders++];
}

/* What was written to the other end, or into the file, before it was sent. */
static int is_right(int fd)
{
	char text[6] = "";

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return read(fd, text, 5) == 5 && strcmp(text, "hello") == 0;
}

static void enter(uint64_t number, unsigned char what)
{
	unsigned char before = number < LEDGER_MOST ? atomic_fetch_or(&ledger[number], what) : 0;

	if (before & what)
		atomic_fetch_or(&ledger[number], TWICE);
}

static void take(const struct brood_message *m)
{
	struct sender *s = sender_of(m->from_id);
	uint64_t count = 0;

	if (m->from_id == 1)
		enter(m->number, HANDLED);
	if (m->len >= 8)
		memcpy(&count, m->data, 8);
	s->disordered += count <= s->last;
	s->last = count;
	s->n++;
	s->bytes += m->len;
	if (m->len > 8)
		s->spoiled += memcmp((const char *)m->data + 8, pattern, m->len - 8) != 0;
	if (m->fd >= 0) {
		s->fds += is_right(m->fd);
		close(m->fd);
	}
}

static void on_message(const struct brood_message *m, void *arg)
{
	take(m);
}

static void on_returned(const struct brood_returned *r, void *arg)
{
	n_returned += r->n;
	for (uint32_t i = 0; brood_id() == 1 && i < r->n; i++)
		enter(r->first + i, RETURNED);
	errors[-r->error < 200 ? -r->error : 0] += r->n;
}

static void on_room(void *arg)
{
	n_rooms++;
}

/* ---- what is asked for ---- */

static uint64_t number(struct brood_request *r, const char *key, uint64_t otherwise)
{
	char text[32];

	return brood_query_get(r, key, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : otherwise;
}

static enum brood_to to_of(struct brood_request *r)
{
	static const char *const names[] = { "slot", "worker", "parent", "all", "others" };
	char text[16] = "slot";

	(void)brood_query_get(r, "to", text, sizeof(text));
	for (int i = 0; i < 5; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum brood_to)i;
	return BROOD_TO_SLOT;
}

static int make_kind(const char *kind)
{
	int ends[2] = { -1, -1 };

	if (strcmp(kind, "pipe") == 0 && pipe2(ends, O_CLOEXEC) == 0)
		(void)!write(ends[1], "hello", 5);
	if (strcmp(kind, "socket") == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0)
		(void)!write(ends[1], "hello", 5);
	if (strcmp(kind, "file") == 0) {
		ends[0] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		(void)!write(ends[0], "hello", 5);
		lseek(ends[0], 0, SEEK_SET);
	}
	if (ends[1] >= 0)
		close(ends[1]);
	return ends[0];
}

static int make_fd(struct brood_request *r)
{
	char kind[16] = "none";

	(void)brood_query_get(r, "fd", kind, sizeof(kind));
	return make_kind(kind);
}

static int64_t send_one(enum brood_to to, uint32_t which, size_t size, int fd)
{
	static char *text;
	uint64_t count = n_sent + 1;
	int64_t r;

	if (!text) {
		text = malloc(SIZE_MOST + 8);
		memcpy(text + 8, pattern, SIZE_MOST - 8);
	}
	memcpy(text, &count, 8);
	r = brood_send(to, which, text, size, fd);
	if (r >= 0)
		n_sent++;
	else if (r == -EAGAIN)
		n_again++;
	return r;
}

static void say(struct brood_request *r, const char *text)
{
	brood_respond(r, 200, "application/json", text, strlen(text));
}

static void do_send(struct brood_request *r)
{
	uint64_t n = number(r, "n", 1), n_taken = 0;
	char text[80];
	int64_t result = 0;

	for (uint64_t i = 0; i < n && result >= 0; i++) {
		int fd = make_fd(r);

		result = send_one(to_of(r), (uint32_t)number(r, "which", 0), number(r, "size", 64), fd);
		n_taken += result >= 0;
		if (fd >= 0)
			close(fd);
	}
	snprintf(text, sizeof(text), "{\"taken\": %" PRIu64 ", \"result\": %" PRId64 "}", n_taken, result);
	say(r, text);
}

struct flood {
	unsigned batch;
	char fd[8];
	enum brood_to to;
	uint32_t which;
	size_t size;
	uint64_t until_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void flood_on(struct brood_request *r, void *arg)
{
	struct flood *f = arg;

	for (unsigned i = 0; i < f->batch; i++) {
		int fd = make_kind(f->fd);
		int64_t result = send_one(f->to, f->which, f->size, fd);

		if (fd >= 0)
			close(fd);
		if (result < 0)
			break;
	}
	if (now_ms() < f->until_ms) {
		brood_timer(r, 1, flood_on, f);
		return;
	}
	free(f);
	say(r, "{}");
}

static void do_flood(struct brood_request *r)
{
	struct flood *f = malloc(sizeof(*f));

	*f = (struct flood){
		.to = to_of(r), .which = (uint32_t)number(r, "which", 0), .size = number(r, "size", 64),
		.until_ms = now_ms() + number(r, "ms", 1000), .batch = (unsigned)number(r, "batch", 2000),
	};
	(void)brood_query_get(r, "fd", f->fd, sizeof(f->fd));
	flood_on(r, f);
}

static int print_got(char *at, size_t size)
{
	size_t n = 0;

	n += (size_t)snprintf(at + n, size - n, "{\"id\": %u, \"sent\": %" PRIu64 ", \"returned\": %" PRIu64
			      ", \"again\": %" PRIu64 ", \"rooms\": %" PRIu64 ", \"events\": %" PRIu64 ", \"connected\": %d, \"errors\": {",
			      brood_id(), n_sent, n_returned, n_again, n_rooms, n_events, brood_is_connected());
	for (int i = 0, first = 1; i < 200; i++)
		if (errors[i])
			n += (size_t)snprintf(at + n, size - n, "%s\"%d\": %" PRIu64, first ? (first = 0, "") : ", ", i, errors[i]);
	n += (size_t)snprintf(at + n, size - n, "}, \"from\": {");
	for (unsigned i = 0; i < n_senders && n < size - 300; i++)
		n += (size_t)snprintf(at + n, size - n, "%s\"%u\": {\"n\": %" PRIu64 ", \"disordered\": %" PRIu64
				      ", \"spoiled\": %" PRIu64 ", \"fds\": %" PRIu64 ", \"bytes\": %" PRIu64 "}", i ? ", " : "",
				      senders[i].id, senders[i].n, senders[i].disordered, senders[i].spoiled, senders[i].fds,
				      senders[i].bytes);
	n += (size_t)snprintf(at + n, size - n, "}}");
	return (int)n;
}

static void do_got(struct brood_request *r)
{
	char *text = malloc(1 << 20);

	print_got(text, 1 << 20);
	say(r, text);
	free(text);
}

static void do_audit(struct brood_request *r)
{
	uint64_t n[8] = { 0 }, first = 0, last = 0;
	char text[300];

	for (uint64_t i = 1; i <= n_sent && i < LEDGER_MOST; i++) {
		n[atomic_load(&ledger[i])]++;
		if (!atomic_load(&ledger[i])) {
			first = first ? first : i;
			last = i;
		}
	}
	snprintf(text, sizeof(text), "{\"sent\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"handled\": %" PRIu64 ", \"returned\": %"
		 PRIu64 ", \"both\": %" PRIu64 ", \"twice\": %" PRIu64
		 ", \"first_lost\": %" PRIu64 ", \"last_lost\": %" PRIu64 "}", n_sent, n[0], n[HANDLED], n[RETURNED],
		 n[HANDLED | RETURNED], n[4] + n[5] + n[6] + n[7], first, last);
	say(r, text);
}

static void do_who(struct brood_request *r)
{
	char text[80];

	snprintf(text, sizeof(text), "{\"id\": %u, \"slot\": %u, \"generation\": %u, \"pid\": %d}", brood_id(), brood_slot(),
		 brood_generation(), (int)getpid());
	say(r, text);
}

/* On every socket but those of TCP: the mail socket is one of them, and the channel must not get it. */
static void do_garbage(struct brood_request *r)
{
	int bytes, kind;
	socklen_t len = sizeof(kind), n = sizeof(bytes);

	for (int fd = 3; fd < 64; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 && kind == SOCK_SEQPACKET &&
		    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &n) == 0 && bytes == 425984)
			(void)send(fd, "this is no packet, however long one looks at it", 47, 0);
	say(r, "{}");
}

static void do_retire(struct brood_request *r)
{
	brood_retire("asked to");
	say(r, "{}");
}

static void do_crash(struct brood_request *r)
{
	raise(SIGSEGV);
}

static void do_text(struct brood_request *r)
{
	char text[32] = "";
	int fd = make_fd(r);

	(void)brood_query_get(r, "text", text, sizeof(text));
	(void)brood_send(to_of(r), (uint32_t)number(r, "which", 0), text, strlen(text), fd);
	if (fd >= 0)
		close(fd);
	say(r, "{}");
}

static void do_deaf(struct brood_request *r)
{
	brood_on_message(NULL, NULL);
	say(r, "{}");
}

static void do_spin(struct brood_request *r)
{
	uint64_t until_ms = now_ms() + number(r, "ms", 1000);

	while (now_ms() < until_ms)
		;
	say(r, "{}");
}

static void handle(struct brood_request *r, void *arg)
{
	static const struct {
		const char *path;
		void (*fn)(struct brood_request *r);
	} table[] = {
		{ "/send", do_send }, { "/flood", do_flood }, { "/got", do_got }, { "/who", do_who }, { "/spin", do_spin },
		{ "/garbage", do_garbage }, { "/retire", do_retire }, { "/crash", do_crash }, { "/text", do_text },
		{ "/deaf", do_deaf }, { "/audit", do_audit },
	};
	size_t len;
	const char *path = brood_path(r, &len);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].path) == len && memcmp(path, table[i].path, len) == 0) {
			table[i].fn(r);
			return;
		}
	say(r, "{}");
}

/* ---- events ---- */

static void on_event(const struct brood_event *e, void *arg)
{
	struct brood_worker known;
	char *text;

	n_events++;
	if (e->type != BROOD_EVENT_MESSAGE) {
		printf("event %s slot=%u id=%u generation=%u known=%d connected=%u dead=%u told=%u code=%d signal=%d n=%" PRIu64
		       " %s%s%u cause=%s\n", e->name, e->worker.slot, e->worker.id, e->worker.generation,
		       brood_worker_find(e->worker.id, &known) == 0, e->worker.is_connected, e->worker.is_dead,
		       e->worker.exited_after_disconnect, e->exit_code, e->signal, e->n, e->address ? e->address : "",
		       e->address ? ":" : "", e->port, e->cause ? e->cause : "");
		fflush(stdout);
		return;
	}
	if (e->message->len == 5 && memcmp(e->message->data, "crash", 5) == 0)
		abort();
	if (e->message->len == 4 && memcmp(e->message->data, "hang", 4) == 0)
		pause();
	if (e->message->len == 4 && memcmp(e->message->data, "echo", 4) == 0) {
		brood_send(BROOD_TO_WORKER, e->worker.id, "echo", 4, e->message->fd);
		if (e->message->fd >= 0)
			close(e->message->fd);
		return;
	}
	if (e->message->len == 4 && memcmp(e->message->data, "note", 4) == 0) {
		printf("event message slot=%u id=%u\n", e->worker.slot, e->worker.id);
		fflush(stdout);
		return;
	}
	if (e->message->len == 4 && memcmp(e->message->data, "tell", 4) == 0) {
		text = malloc(1 << 20);
		print_got(text, 1 << 20);
		printf("got %s\n", text);
		fflush(stdout);
		free(text);
		return;
	}
	take(e->message);
}

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return otherwise;
}

static uint32_t choice(const char *text, const char *const names[])
{
	for (uint32_t i = 0; names[i]; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const engines[] = { "auto", "uring", "epoll", NULL };
	static const char *const models[] = { "reuseport", "preemptive", "round-robin", NULL };
	const char *callbacks = option(argc, argv, "--callbacks", NULL);
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;
	int code;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 7 + i / 256);
	options.workers = (uint32_t)atoi(option(argc, argv, "--workers", "2"));
	options.engine = choice(option(argc, argv, "--engine", "auto"), engines);
	options.model = choice(option(argc, argv, "--model", "reuseport"), models);
	options.hang_timeout_ms = (uint32_t)atoi(option(argc, argv, "--hang-ms", "10000"));
	options.restart_limit = 1000;
	options.restart_window_ms = 100;
	options.backoff_min_ms = options.backoff_max_ms = 1;
	ledger = mmap(NULL, LEDGER_MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ledger == MAP_FAILED)
		return 1;
	options.control = option(argc, argv, "--control", NULL);
	options.callbacks_in_parent = callbacks && strcmp(callbacks, "inside") == 0;
	if (brood_create(&options, &brood) < 0 || brood_listen(brood, option(argc, argv, "--listen", ":0")) < 0)
		return 1;
	brood_http(brood, handle, NULL);
	brood_on_message(on_message, NULL);
	brood_on_returned(on_returned, NULL);
	brood_on_room(on_room, NULL);
	for (int i = 0; callbacks && i < BROOD_N_EVENTS; i++)
		brood_on(brood, (enum brood_event_type)i, on_event, NULL);
	code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
