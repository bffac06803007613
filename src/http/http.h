/* SPDX-License-Identifier: MIT */
/*
 * http.h - HTTP/1.1 between bytes and structs
 *
 * Pure: no descriptor, no clock, no allocation, no log. Bytes come in as spans, structs go out whose
 * spans point into those same bytes; the caller keeps the bytes alive. The strict reading is taken
 * wherever two servers could differ (RFC 9112 section 11): what is refused is answered and closed.
 *
 * A function that may need more bytes returns HTTP_MORE, HTTP_DONE, or the status to refuse with.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>
#include <time.h>

#define HTTP_MORE 0		/* right so far, not complete */
#define HTTP_DONE 1		/* complete */
				/* 400..599: refuse with this status and close */

#define HTTP_FIELDS_MAX 100	/* a compile-time bound; struct http_limits may ask for fewer */
#define HTTP_DATE_LEN 29	/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define HTTP_RANGES_MAX 16	/* more ranges than this and the whole is sent */

enum http_method {
	HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OPTIONS, HTTP_PATCH,
	HTTP_N_METHODS
};

struct http_limits {
	uint32_t	head_bytes;	/* request line and fields together; over it 431 */
	uint32_t	target_bytes;	/* over it 414 */
	uint32_t	n_fields;	/* over it 431; at most HTTP_FIELDS_MAX */
	uint64_t	body_bytes;	/* over it 413 */
};

struct http_field {
	struct span	name;
	struct span	value;		/* without the white space around it */
};

struct http_head {
	enum http_method method;
	bool		keep_alive;	/* the version and Connection together */
	bool		expect_continue;
	bool		chunked;	/* body framed by chunks */
	uint8_t		minor;		/* 0 or 1: HTTP/1.minor */
	uint32_t	bytes;		/* consumed, the empty line included (and a leading CRLF) */
	uint64_t	content_length;	/* 0 when chunked or without a body */
	struct span	line;		/* the request line without its CRLF */
	struct span	target;		/* as received */
	struct span	path;		/* of the target, still encoded; "*" for OPTIONS * */
	struct span	query;		/* behind the '?', still encoded; empty when none */
	struct span	host;		/* of an absolute target, else of Host; empty in HTTP/1.0 without */
	uint32_t	n_fields;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* What a body decoder remembers between pieces. */
struct http_body {
	uint8_t		state;
	bool		chunked;
	uint16_t	line_bytes;	/* of the chunk-size line or trailer field being read */
	uint32_t	overhead_bytes;	/* of extensions and trailers, bounded */
	uint64_t	left;		/* of the chunk, or of the whole */
	uint64_t	taken;		/* body bytes given out so far */
	uint64_t	limit;		/* over it 413 */
};

struct http_response {
	int		status;
	bool		close;		/* Connection: close */
	bool		keep_alive;	/* Connection: keep-alive, for an HTTP/1.0 client that asked */
	bool		chunked;	/* Transfer-Encoding: chunked, instead of Content-Length */
	bool		no_length;	/* neither: 1xx, 204, 304 without, or a body ended by closing */
	uint64_t	content_length;
	struct span	type;		/* Content-Type; empty = none */
	struct span	fields;		/* more field lines, each "Name: value\r\n" */
	const char	*date;		/* HTTP_DATE_LEN bytes */
};

struct http_range {
	uint64_t	first;
	uint64_t	last;		/* inclusive */
};

/* head.c */

/*
 * Parses one request head from the front of @in.
 * Return: HTTP_DONE and *ret_head written, HTTP_MORE, or a status (400 411 413 414 417 431 501 505).
 * After anything but HTTP_DONE *ret_head is undefined, except .minor and .method, which a refusal
 * may be answered with (1 and HTTP_GET until they were read).
 */
int http_head_parse(struct span in, const struct http_limits *limits, struct http_head *ret_head);

/* The value of the first field named @name (any case), or SPAN_NULL. */
struct span http_head_field(const struct http_head *head, struct span name);

/* Moves every span of @head that points into bytes that were copied from @from to @to. */
void http_head_rebase(struct http_head *head, const char *from, const char *to);

struct span http_method_name(enum http_method method);

/* scan.c */

/* Chooses the scanners for this CPU; once, before the first parse. Plain C until then. */
void http_scan_init(void);

/* reply.c: the head of a response, of a server that is asked */

struct http_reply {
	int		status;		/* 100..599 */
	bool		has_length;	/* else, and not chunked, the body ends with the connection */
	struct http_head head;		/* what is of requests is not set */
};

/*
 * As http_head_parse(), as strict about framing. Return: HTTP_DONE and *ret_reply written, HTTP_MORE, or a status,
 * 400 above all: it is not to be believed.
 */
int http_reply_parse(struct span in, const struct http_limits *limits, struct http_reply *ret_reply);

/* body.c */

void http_body_init(struct http_body *body, const struct http_head *head, uint64_t limit);

/*
 * Takes framing and at most one piece of content off the front of *in.
 * *ret_data is that piece, inside the bytes of *in; it may be empty.
 * Return: HTTP_DONE when the body is complete (*in is what follows it, *ret_data may hold the last
 * piece), HTTP_MORE (call again while *in is not empty), or a status (400 413).
 */
int http_body_take(struct http_body *body, struct span *in, struct span *ret_data);

/* response.c */

/* The most http_response_render() writes beside .type and .fields. */
#define HTTP_RESPONSE_BYTES 256

/*
 * Writes the head of a response, the empty line included.
 * @out: room for HTTP_RESPONSE_BYTES + type.len + fields.len. Return: bytes written.
 */
size_t http_response_render(char *out, const struct http_response *response);

/* "Not Found" for 404; "Unknown" for what has no name. */
struct span http_reason(int status);

/* May a response with this status have a body at all? (RFC 9110 6.4.1) */
bool http_status_has_body(int status);

/* A name that is a token and a value without control characters (RFC 9110 5.5, 5.6.2)? */
bool http_field_valid(struct span name, struct span value);

/* The head of one chunk, "1a2b\r\n": at most 18 bytes. Return: bytes written. */
size_t http_chunk_head(char *out, uint64_t len);

/* date.c */

void http_date_format(time_t when, char out[HTTP_DATE_LEN]);
/* All three forms of RFC 9110 5.6.7. Return: false when it is none of them. */
bool http_date_parse(struct span text, time_t *ret_when);

/* target.c */

/*
 * Decodes %XX of a path and removes dot segments (RFC 3986 5.2.4).
 * Return: the length, or -EINVAL (bad escape, NUL, an encoded '/', above the root), -ENAMETOOLONG.
 * The result begins with '/', is not terminated.
 */
int http_path_decode(struct span path, char *out, size_t size);

/*
 * The decoded value of @key in a query "a=1&b=2" ('+' is a space).
 * Return: the length, -ENOENT, -EINVAL, -ENOSPC.
 */
int http_query_get(struct span query, struct span key, char *out, size_t size);

/* conditional.c (RFC 9110 section 13) */

/* Does a list of entity tags ("*" too) hold @etag? @strong: weak ones never match. */
bool http_etag_match(struct span list, struct span etag, bool strong);

/* How a GET or HEAD for a representation with this validator is answered: 200, 304 or 412. */
int http_conditional(const struct http_head *head, struct span etag, time_t modified);

/* May Range be honoured, as If-Range sees it? */
bool http_if_range(const struct http_head *head, struct span etag, time_t modified);

/* range.c (RFC 9110 section 14) */

/*
 * Reads a Range value for a representation of @size bytes.
 * Return: how many ranges, in the order asked and cut to the size; 0 = ignore the field and send the
 * whole (malformed, another unit, too many, overlapping beyond reason); -ERANGE = none can be
 * satisfied (416).
 */
int http_range_parse(struct span value, uint64_t size, struct http_range ranges[HTTP_RANGES_MAX]);

/* negotiate.c (RFC 9110 12.5.3) */

/* The weight, 0..1000, that Accept-Encoding @value gives to @coding; 0 = not acceptable. */
int http_accept_encoding(struct span value, struct span coding);

/* access.c */

enum http_access_format { HTTP_ACCESS_COMMON, HTTP_ACCESS_COMBINED, HTTP_ACCESS_JSON };

/* A request that is over, for a log. Without bytes and without an address means: it is not there. */
struct http_access {
	struct span	client;		/* its address */
	struct span	time;		/* of http_access_time() */
	struct span	line;		/* the request line, or what was sent in its place */
	struct span	referer;
	struct span	agent;
	int		status;
	uint64_t	body_bytes;
	uint64_t	us;		/* from its head to its end */
	unsigned	slot;
};

/* The most http_access_render() writes; a pipe takes that much in one piece or not at all (PIPE_BUF). */
#define HTTP_ACCESS_BYTES 4096

/* One line. @out: room for HTTP_ACCESS_BYTES. Return: bytes written. */
size_t http_access_render(char *out, enum http_access_format format, const struct http_access *access);

#define HTTP_ACCESS_TIME_BYTES 40

/* In UTC, as @format has it. Return: its length. */
size_t http_access_time(char out[HTTP_ACCESS_TIME_BYTES], enum http_access_format format, time_t when);
