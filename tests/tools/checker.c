/* SPDX-License-Identifier: MIT */
/*
 * checker - a client that believes nothing
 *
 *   checker --port P [--connections N] [--seconds S] [--mode keepalive|close|pipeline=K]
 *           [--path /echo|/big|/sleep?ms=N|/] [--rate R] [--tell] [--foreign]
 *
 * Keeps N connections to 127.0.0.1:P busy, for S seconds or until SIGTERM, and lets what is under way
 * finish. /echo posts a body that no other request has, of 1 to 4 KiB; /big asks for up to 64 KiB of a
 * known pattern; the rest are answered with a text of the demo handler. Every response is compared byte
 * for byte, and the end of every connection is given a name. With --rate a connection pauses between its
 * requests, else never. With --foreign the server is not brood, and fields that brood would not send are passed over.
 *
 * Prints one line of JSON. Lost is a request that was sent on an established connection and never answered;
 * "raced" is one that met the server's close of a connection that had been idle for RACE_MS; "after_close"
 * one that was pipelined behind a response which said Connection: close, and which a client has to repeat.
 * What is odd is also told on stderr. Ends with 0; judging the numbers is for the caller.
 *
 * With --tell each fault is a line of JSON at once, with the port and the times of its connection, and SIGUSR1 has
 * the numbers so far printed. Times are those of CLOCK_MONOTONIC.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PIPELINE_MAX	64
#define ECHO_MIN	1024
#define ECHO_MAX	4096
#define BIG_MAX		65536
#define HEAD_MAX	4096
#define RECEIVE_BYTES	65536
#define RACE_MS		50
#define STALL_MS	5000
#define CONNECT_MS	3000
#define RETRY_MS	10
#define COMPLAINTS_MAX	40

/* What is counted, in the order it is printed. */
#define COUNTERS(X)									\
	X(requests)	/* that were begun to be sent */				\
	X(answered)	/* each right to the last byte */				\
	X(connections)	/* that were established */					\
	X(lost_reset)	/* requests: reset, and nothing of the response had come */	\
	X(lost_eof)	/* requests: the same with an end of file */			\
	X(cut_short)	/* requests: the connection ended within the response */	\
	X(wrong)	/* requests: another response than the one expected */		\
	X(stalled)	/* requests: nothing came for STALL_MS */			\
	X(raced)									\
	X(after_close)									\
	X(refused)	/* connects: refused, reset or timed out before established */	\
	X(closed_announced) /* ends: by the server, as it had announced */		\
	X(closed_idle)	/* ends: by the server, nothing was unanswered */		\
	X(reset_idle)	/* the same, but with a reset */				\
	X(closed_by_us)	/* ends: at the end of the run */

struct counters {
#define FIELD(name) uint64_t name;
	COUNTERS(FIELD)
#undef FIELD
};

enum path { PATH_ECHO, PATH_BIG, PATH_TEXT };

struct request {
	uint64_t	seed;
	size_t		length;		/* of the body of its response */
	uint64_t	sent_ms;
	uint64_t	idle_ms;	/* how long the connection had been idle before it */
	size_t		begin;		/* of it in the output, in bytes since the connection began */
};

enum state { WAITING, CONNECTING, OPEN };

struct conn {
	int		fd;
	enum state	state;
	uint64_t	wake_ms;	/* WAITING: when to connect; OPEN: when to send next, 0 = is busy */
	uint64_t	heard_ms;
	uint64_t	opened_ms;	/* when it began to connect */
	struct request	requests[PIPELINE_MAX];
	unsigned	n;		/* unanswered */
	char		*out;
	size_t		out_begin, out_end;
	size_t		n_written, n_queued;	/* since the connection began */
	char		head[HEAD_MAX];
	size_t		n_head;
	bool		in_body;
	bool		announced;	/* a response said Connection: close */
	size_t		taken;		/* of the body */
	char		expected[ECHO_MAX];
};

static struct {
	uint16_t	port;
	unsigned	n_conns;
	double		seconds;
	bool		closing;	/* --mode close */
	bool		foreign;	/* the server is not brood: it may send other fields */
	unsigned	depth;
	const char	*target;
	enum path	path;
	uint64_t	pause_ms;
	bool		telling;
} options = { .n_conns = 16, .seconds = 5, .depth = 1, .target = "/echo" };

static struct counters counters;
static int epoll_fd;
static uint64_t now_ms, began_ms, longest_ms, last_answer_ms, longest_gap_ms;
static bool leaving;
static volatile sig_atomic_t told_to_stop, asked;
static unsigned n_complaints;

static uint64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned own_port(const struct conn *c)
{
	struct sockaddr_in own = { .sin_port = 0 };
	socklen_t len = sizeof(own);

	getsockname(c->fd, (struct sockaddr *)&own, &len);
	return ntohs(own.sin_port);
}

__attribute__((format(printf, 2, 3)))
static void complain(const struct conn *c, const char *format, ...)
{
	char text[512];
	va_list args;

	if (n_complaints++ >= COMPLAINTS_MAX)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "checker: at %llu ms, port %u: %s\n", (unsigned long long)(now_ms - began_ms),
		own_port(c), text);
}

static void count_fault(const struct conn *c, const char *name, uint64_t *counter, unsigned n)
{
	*counter += n;
	if (options.telling && n > 0)
		printf("{\"fault\": \"%s\", \"n\": %u, \"port\": %u, \"at_ms\": %llu, \"opened_ms\": %llu, "
		       "\"sent_ms\": %llu}\n", name, n, own_port(c), (unsigned long long)now_ms,
		       (unsigned long long)c->opened_ms, (unsigned long long)(c->n ? c->requests[0].sent_ms : 0));
}

#define FAULT(c, name, n) count_fault(c, #name, &counters.name, n)

/* ---- requests ---- */

/* The seed in digits and then letters that follow from it: no two requests have the same body. */
static void fill_echo(const struct request *r, char *out)
{
	uint64_t state = r->seed * 2654435761u + 1;
	size_t n = (size_t)snprintf(out, r->length, "token %016llx ", (unsigned long long)r->seed);

	for (; n < r->length; n++)
		out[n] = (char)('!' + next_random(&state) % 94);
}

static const char *expected_text(void)
{
	return strncmp(options.target, "/sleep", 6) == 0 ? "slept\n" : "Hello from the brood.\n";
}

static size_t write_request(const struct request *r, char *out, size_t size)
{
	const char *close_line = options.closing ? "Connection: close\r\n" : "";
	int n;

	switch (options.path) {
	case PATH_ECHO:
		n = snprintf(out, size, "POST /echo HTTP/1.1\r\nHost: checker\r\nContent-Length: %zu\r\n%s\r\n",
			     r->length, close_line);
		fill_echo(r, out + n);
		return (size_t)n + r->length;
	case PATH_BIG:
		n = snprintf(out, size, "GET /big?bytes=%zu HTTP/1.1\r\nHost: checker\r\n%s\r\n", r->length,
			     close_line);
		return (size_t)n;
	case PATH_TEXT:
		break;
	}
	n = snprintf(out, size, "GET %s HTTP/1.1\r\nHost: checker\r\n%s\r\n", options.target, close_line);
	return (size_t)n;
}

static struct request make_request(void)
{
	static uint64_t n_made, random = 88172645463325252u;
	struct request r = { .seed = (uint64_t)getpid() << 40 | ++n_made, .sent_ms = now_ms };

	switch (options.path) {
	case PATH_ECHO:
		r.length = ECHO_MIN + next_random(&random) % (ECHO_MAX - ECHO_MIN + 1);
		break;
	case PATH_BIG:
		r.length = next_random(&random) % (BIG_MAX + 1);
		break;
	case PATH_TEXT:
		r.length = strlen(expected_text());
		break;
	}
	return r;
}

/* ---- a connection's end ---- */

static void start_again(struct conn *c, uint64_t after_ms)
{
	close(c->fd);
	*c = (struct conn){ .fd = -1, .state = WAITING, .wake_ms = now_ms + after_ms, .out = c->out };
}

/* What was never begun to be sent is nobody's loss. */
static void forget_unsent(struct conn *c)
{
	while (c->n > 0 && c->requests[c->n - 1].begin >= c->n_written) {
		c->n--;
		counters.requests--;
	}
}

static void count_lost(const struct conn *c, bool reset, unsigned n)
{
	if (reset)
		FAULT(c, lost_reset, n);
	else
		FAULT(c, lost_eof, n);
}

static void count_unanswered(struct conn *c, bool reset)
{
	const struct request *first = &c->requests[0];
	const char *how = reset ? "reset" : "ended";

	if (c->announced) {
		counters.after_close += c->n;
	} else if (c->n_head > 0 || c->in_body) {
		complain(c, "%s within a response, %zu of %zu body bytes", how, c->taken, first->length);
		FAULT(c, cut_short, 1);
		count_lost(c, reset, c->n - 1);
	} else if (first->idle_ms >= RACE_MS) {
		FAULT(c, raced, c->n);
	} else {
		complain(c, "%s with %u unanswered, sent %llu ms ago, %zu of %zu bytes written", how, c->n,
			 (unsigned long long)(now_ms - first->sent_ms), c->n_written, c->n_queued);
		count_lost(c, reset, c->n);
	}
}

static void on_ended(struct conn *c, bool reset)
{
	forget_unsent(c);
	if (c->n > 0)
		count_unanswered(c, reset);
	else if (reset)
		FAULT(c, reset_idle, 1);
	else if (!c->announced)
		counters.closed_idle++;
	if (c->announced)
		counters.closed_announced++;
	start_again(c, 0);
}

__attribute__((format(printf, 2, 3)))
static void on_wrong(struct conn *c, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	complain(c, "wrong: %s", text);
	FAULT(c, wrong, 1);
	start_again(c, RETRY_MS);
}

/* ---- responses ---- */

struct head { bool has_length, has_date, close; size_t length; };

/* Only what brood sends to such a request may be there, each field once. */
static bool read_field(const char *line, struct head *head)
{
	char *end;

	if (strncmp(line, "Content-Length: ", 16) == 0 && !head->has_length) {
		head->has_length = true;
		head->length = strtoull(line + 16, &end, 10);
		return end != line + 16 && *end == '\0';
	}
	if (strncmp(line, "Date: ", 6) == 0 && !head->has_date) {
		head->has_date = true;
		return strlen(line) == 6 + 29 && strcmp(line + strlen(line) - 4, " GMT") == 0;
	}
	if (strcmp(line, "Connection: close") == 0 && !head->close) {
		head->close = true;
		return true;
	}
	return strncmp(line, "Content-Type: ", 14) == 0 || (options.foreign && strchr(line, ':'));
}

/* Return: false when the connection was given up. c->head is terminated and ends with an empty line. */
static bool check_head(struct conn *c)
{
	static const char status[] = "HTTP/1.1 200 OK";
	struct head head = { false, false, false, 0 };
	bool first = true;

	for (char *line = c->head, *end; (end = strstr(line, "\r\n")) != line; line = end + 2, first = false) {
		*end = '\0';
		if (first ? strcmp(line, status) != 0 : !read_field(line, &head)) {
			on_wrong(c, "line \"%.80s\"", line);
			return false;
		}
	}
	if (!head.has_length || head.length != c->requests[0].length || !head.has_date) {
		on_wrong(c, "length %zu for one of %zu", head.length, c->requests[0].length);
		return false;
	}
	if (options.closing && !head.close) {
		on_wrong(c, "no Connection: close");
		return false;
	}
	c->announced = head.close;
	c->in_body = true;
	c->taken = 0;
	if (options.path == PATH_ECHO)
		fill_echo(&c->requests[0], c->expected);
	return true;
}

static bool body_is_right(const struct conn *c, const char *data, size_t n)
{
	switch (options.path) {
	case PATH_ECHO:
		return memcmp(c->expected + c->taken, data, n) == 0;
	case PATH_BIG:
		for (size_t i = 0; i < n; i++)
			if (data[i] != (char)('a' + (c->taken + i) % 26))
				return false;
		return true;
	case PATH_TEXT:
		break;
	}
	return memcmp(expected_text() + c->taken, data, n) == 0;
}

static void on_answered(struct conn *c)
{
	uint64_t took_ms = now_ms - c->requests[0].sent_ms;

	counters.answered++;
	if (took_ms > longest_ms)
		longest_ms = took_ms;
	if (now_ms - last_answer_ms > longest_gap_ms && !leaving)
		longest_gap_ms = now_ms - last_answer_ms;
	last_answer_ms = now_ms;
	c->n--;
	memmove(c->requests, c->requests + 1, c->n * sizeof(c->requests[0]));
	c->n_head = 0;
	c->in_body = false;
	if (c->n == 0)
		c->wake_ms = now_ms + options.pause_ms;
}

/* Takes bytes of a response's head. Return: how many, or 0 when the connection was given up. */
static size_t take_head(struct conn *c, const char *data, size_t n)
{
	size_t taken = 0;

	while (taken < n && c->n_head < HEAD_MAX - 1) {
		c->head[c->n_head++] = data[taken++];
		if (c->n_head >= 4 && memcmp(c->head + c->n_head - 4, "\r\n\r\n", 4) == 0) {
			c->head[c->n_head] = '\0';
			return check_head(c) ? taken : 0;
		}
	}
	if (c->n_head < HEAD_MAX - 1)
		return taken;
	on_wrong(c, "a head without an end");
	return 0;
}

static size_t take_body(struct conn *c, const char *data, size_t n)
{
	size_t left = c->requests[0].length - c->taken;

	if (n > left)
		n = left;
	if (!body_is_right(c, data, n)) {
		on_wrong(c, "body, within %zu bytes from %zu of %zu", n, c->taken, c->requests[0].length);
		return 0;
	}
	c->taken += n;
	return n;
}

/* Return: false when the connection was given up. */
static bool take(struct conn *c, const char *data, size_t n)
{
	while (n > 0) {
		size_t taken;

		if (c->n == 0 || (c->announced && !c->in_body)) {
			on_wrong(c, "%zu bytes that nobody asked for: \"%.*s\"", n, n < 40 ? (int)n : 40, data);
			return false;
		}
		taken = c->in_body ? take_body(c, data, n) : take_head(c, data, n);
		if (taken == 0)
			return false;
		data += taken;
		n -= taken;
		if (c->in_body && c->taken == c->requests[0].length)
			on_answered(c);
	}
	return true;
}

static void on_readable(struct conn *c)
{
	static char data[RECEIVE_BYTES];

	for (;;) {
		ssize_t n = recv(c->fd, data, sizeof(data), 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			on_ended(c, n < 0);
			return;
		}
		c->heard_ms = now_ms;
		if (!take(c, data, (size_t)n))
			return;
	}
}

/* ---- sending ---- */

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

/* An error is left to be found by reading, because an answer may be in front of it. */
static void push(struct conn *c)
{
	ssize_t n = 0;

	while (c->out_begin < c->out_end) {
		n = send(c->fd, c->out + c->out_begin, c->out_end - c->out_begin, MSG_NOSIGNAL);
		if (n < 0)
			break;
		c->out_begin += (size_t)n;
		c->n_written += (size_t)n;
	}
	watch(c, n < 0 && errno == EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void send_requests(struct conn *c)
{
	size_t size = options.depth * (ECHO_MAX + 256);
	uint64_t idle_ms = now_ms - c->heard_ms;

	c->out_begin = c->out_end = 0;
	for (unsigned i = 0; i < options.depth; i++) {
		struct request *r = &c->requests[c->n++];

		*r = make_request();
		r->idle_ms = idle_ms;
		r->begin = c->n_queued;
		c->out_end += write_request(r, c->out + c->out_end, size - c->out_end);
		c->n_queued = c->n_written + c->out_end;
		counters.requests++;
	}
	c->heard_ms = now_ms;
	c->wake_ms = 0;
	push(c);
}

static void on_connected(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		FAULT(c, refused, 1);
		start_again(c, RETRY_MS);
		return;
	}
	counters.connections++;
	c->state = OPEN;
	c->heard_ms = now_ms;
	send_requests(c);
}

static void begin_connecting(struct conn *c)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		perror("checker: socket");
		exit(1);
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->state = CONNECTING;
	c->heard_ms = c->opened_ms = now_ms;
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
		FAULT(c, refused, 1);
		start_again(c, RETRY_MS);
		return;
	}
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

/* ---- the loop ---- */

static void on_late(struct conn *c)
{
	if (c->state == CONNECTING) {
		FAULT(c, refused, 1);
	} else if (c->n > 0) {
		complain(c, "stalled with %u unanswered, %zu of %zu bytes written", c->n, c->n_written, c->n_queued);
		FAULT(c, stalled, c->n);
	} else {	/* announced a close that did not come */
		on_wrong(c, "announced to close, and did not");
		return;
	}
	start_again(c, RETRY_MS);
}

static void step(struct conn *c)
{
	switch (c->state) {
	case WAITING:
		if (!leaving && now_ms >= c->wake_ms)
			begin_connecting(c);
		break;
	case CONNECTING:
		if (leaving)
			start_again(c, 0);
		else if (now_ms - c->heard_ms > CONNECT_MS)
			on_late(c);
		break;
	case OPEN:
		if ((c->n > 0 || c->announced) && now_ms - c->heard_ms > STALL_MS) {
			on_late(c);
		} else if (c->n == 0 && !c->announced && leaving) {
			counters.closed_by_us++;
			start_again(c, 0);
		} else if (c->n == 0 && !c->announced && now_ms >= c->wake_ms) {
			send_requests(c);
		}
		break;
	}
}

static void dispatch(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == CONNECTING) {
		on_connected(c);
		return;
	}
	if (events & EPOLLOUT)
		push(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		on_readable(c);
}

static void print_counters(void)
{
	printf("{");
#define PRINT(name) printf("\"" #name "\": %llu, ", (unsigned long long)counters.name);
	COUNTERS(PRINT)
#undef PRINT
	printf("\"longest_ms\": %llu, \"longest_gap_ms\": %llu, \"seconds\": %.3f}\n",
	       (unsigned long long)longest_ms, (unsigned long long)longest_gap_ms,
	       (double)(now_ms - began_ms) / 1000);
	fflush(stdout);
}

static bool step_all(struct conn *conns)
{
	bool busy = false;

	for (unsigned i = 0; i < options.n_conns; i++) {
		step(&conns[i]);
		busy = busy || conns[i].fd >= 0;
	}
	return busy;
}

static void run(struct conn *conns)
{
	struct epoll_event events[256];
	uint64_t end_ms = began_ms + (uint64_t)(options.seconds * 1000);

	while (step_all(conns) || !leaving) {
		int n = epoll_wait(epoll_fd, events, 256, 5);

		now_ms = clock_now_ms();
		leaving = leaving || told_to_stop || now_ms >= end_ms;
		if (asked) {
			asked = 0;
			print_counters();
		}
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			dispatch(c, events[i].events);
			step(c);
		}
	}
}

/* ---- options ---- */

static void on_stop(int number)
{
	told_to_stop = 1;
}

static void on_asked(int number)
{
	asked = 1;
}

_Noreturn static void usage(void)
{
	fprintf(stderr, "usage: checker --port P [--connections N] [--seconds S] [--rate R] [--tell] [--foreign]\n"
			"               [--mode keepalive|close|pipeline=K] [--path /echo|/big|/sleep?ms=N|/]\n");
	exit(2);
}

static void set_mode(const char *mode)
{
	if (strcmp(mode, "close") == 0)
		options.closing = true;
	else if (strncmp(mode, "pipeline=", 9) == 0)
		options.depth = (unsigned)atoi(mode + 9);
	else if (strcmp(mode, "keepalive") != 0)
		usage();
}

static void set_path(const char *target)
{
	options.target = target;
	options.path = strcmp(target, "/echo") == 0 ? PATH_ECHO : strcmp(target, "/big") == 0 ? PATH_BIG : PATH_TEXT;
}

static void parse_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "port", 1, NULL, 'p' }, { "connections", 1, NULL, 'c' }, { "seconds", 1, NULL, 's' },
		{ "mode", 1, NULL, 'm' }, { "path", 1, NULL, 't' }, { "rate", 1, NULL, 'r' },
		{ "tell", 0, NULL, 'T' }, { "foreign", 0, NULL, 'f' }, { 0 },
	};
	double rate = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'p': options.port = (uint16_t)atoi(optarg); break;
		case 'c': options.n_conns = (unsigned)atoi(optarg); break;
		case 's': options.seconds = atof(optarg); break;
		case 'm': set_mode(optarg); break;
		case 't': set_path(optarg); break;
		case 'r': rate = atof(optarg); break;
		case 'T': options.telling = true; break;
		case 'f': options.foreign = true; break;
		default: usage();
		}
	}
	if (!options.port || !options.n_conns || !options.depth || options.depth > PIPELINE_MAX || optind < argc)
		usage();
	if (rate > 0)
		options.pause_ms = (uint64_t)(1000.0 * options.n_conns / rate);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct conn *conns;

	parse_options(argc, argv);
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	signal(SIGUSR1, on_asked);
	if (options.telling)
		setvbuf(stdout, NULL, _IOLBF, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc(options.n_conns, sizeof(*conns));
	if (epoll_fd < 0 || !conns) {
		perror("checker");
		return 1;
	}
	now_ms = began_ms = last_answer_ms = clock_now_ms();
	for (unsigned i = 0; i < options.n_conns; i++) {
		conns[i].fd = -1;
		conns[i].out = malloc((size_t)options.depth * (ECHO_MAX + 256));
		if (!conns[i].out) {
			perror("checker");
			return 1;
		}
	}
	if (options.telling)
		print_counters();	/* from here on it can be asked */
	run(conns);
	print_counters();
	for (unsigned i = 0; i < options.n_conns; i++)
		free(conns[i].out);
	free(conns);
	return 0;
}
