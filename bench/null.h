/* SPDX-License-Identifier: MIT */
/*
 * null - what the two null servers share: options, listener, the constant answer
 *
 * A null server reads bytes and never looks at them: every --request-bytes received are one request,
 * and every request gets the same bytes. What it costs is what the kernel costs, so it is the mark to
 * measure a real server against. It is no server: send it anything else and it answers nonsense.
 *
 * In a header because each null server stays one translation unit.
 */
#pragma once

#include <err.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define NULL_BODY "Hello, world!\n"
#define NULL_ROW_BYTES (256u << 10)	/* of answers in a row, for one send to take; at least one answer */
#define NULL_BACKLOG 4096
#define NULL_CONNS_MAX 65536		/* by descriptor */

struct null_options {
	uint16_t	 port;
	bool		 close;		/* answer one request, then close */
	bool		 defer;		/* wake for a connection when its first bytes are there */
	uint32_t	 request_bytes;	/* 0: whatever one receive brings is one request */
	uint32_t	 body_bytes;	/* 0: NULL_BODY */
	uint32_t	 fill_bytes;	/* 6 or more: one more field of this length */
};

struct null_answer {
	char		*bytes;		/* many times the same, in a row */
	uint32_t	 len;		/* of one */
	uint64_t	 row_bytes;	/* of all */
};

static inline uint32_t parse_number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > 1u << 26)
		errx(2, "not a number, or too large: %s", text);
	return (uint32_t)n;
}

static inline void null_options_parse(int argc, char **argv, struct null_options *ret_options)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "close", no_argument, NULL, 'c' },
		{ "defer", no_argument, NULL, 'd' },
		{ "request-bytes", required_argument, NULL, 'r' },
		{ "body-bytes", required_argument, NULL, 'b' },
		{ "fill-bytes", required_argument, NULL, 'f' },
		{ 0 }
	};
	struct null_options o = { .port = 8080 };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'p': o.port = (uint16_t)parse_number(optarg); break;
		case 'c': o.close = true; break;
		case 'd': o.defer = true; break;
		case 'r': o.request_bytes = parse_number(optarg); break;
		case 'b': o.body_bytes = parse_number(optarg); break;
		case 'f': o.fill_bytes = parse_number(optarg); break;
		default:
			errx(2, "usage: [--port N] [--close] [--defer] [--request-bytes N] [--body-bytes N] "
				"[--fill-bytes N]");
		}
	}
	*ret_options = o;
}

/* Writes one answer's head, body excluded, as snprintf() would. */
static inline int null_head_write(const struct null_options *o, uint32_t body_bytes, char *out, size_t size)
{
	int spaces = o->fill_bytes > 5 ? (int)o->fill_bytes - 5 : 0;

	return snprintf(out, size,
			"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			"Content-Type: text/plain\r\nContent-Length: %u\r\n%s%s%*s%s\r\n",
			body_bytes, o->close ? "Connection: close\r\n" : "",
			spaces ? "X: " : "", spaces, spaces ? "x" : "", spaces ? "\r\n" : "");
}

static inline void null_answer_init(struct null_answer *answer, const struct null_options *o)
{
	uint32_t body_bytes = o->body_bytes ? o->body_bytes : sizeof(NULL_BODY) - 1;
	uint32_t head_bytes = (uint32_t)null_head_write(o, body_bytes, NULL, 0);

	answer->len = head_bytes + body_bytes;
	answer->row_bytes = answer->len;
	if (answer->len < NULL_ROW_BYTES)
		answer->row_bytes = NULL_ROW_BYTES / answer->len * answer->len;
	answer->bytes = malloc(answer->row_bytes + 1);
	if (!answer->bytes)
		err(1, "answer");
	null_head_write(o, body_bytes, answer->bytes, head_bytes + 1);
	memset(answer->bytes + head_bytes, 'x', body_bytes);
	if (!o->body_bytes)
		memcpy(answer->bytes + head_bytes, NULL_BODY, body_bytes);
	for (uint64_t at = answer->len; at < answer->row_bytes; at += answer->len)
		memcpy(answer->bytes + at, answer->bytes, answer->len);
}

/* How many requests are complete in *unread bytes; the rest stays there. */
static inline uint32_t null_requests_take(const struct null_options *o, uint32_t *unread)
{
	uint32_t n = 1;

	if (o->request_bytes) {
		n = *unread / o->request_bytes;
		*unread -= n * o->request_bytes;
	} else {
		*unread = 0;
	}
	return n;
}

/* Non-blocking, with the defaults a real server sets; exits when the port is taken. */
static inline int null_listen(const struct null_options *o)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(o->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct rlimit files;
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, NULL_BACKLOG) < 0)
		err(1, "port %u", o->port);
	if (o->defer && setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on)) < 0)
		err(1, "TCP_DEFER_ACCEPT");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max < NULL_CONNS_MAX ? files.rlim_max : NULL_CONNS_MAX;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return fd;
}
