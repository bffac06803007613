/* SPDX-License-Identifier: MIT */
/* grammar.h - what the files of this room share; no other room includes it */
#pragma once

#include "base/span.h"
#include "http/http.h"

/* chars.c */

enum {
	CHAR_TOKEN	= 1 << 0,	/* RFC 9110 5.6.2 */
	CHAR_VALUE	= 1 << 1,	/* inside a field value; obs-text too */
	CHAR_QUOTED	= 1 << 2,	/* inside a quoted-string, unescaped */
	CHAR_TARGET	= 1 << 3,	/* visible ASCII but '#' */
	CHAR_HOST	= 1 << 4,	/* reg-name without '%' (RFC 3986 3.2.2) */
	CHAR_ETAG	= 1 << 5,	/* RFC 9110 8.8.3 */
};

extern const uint8_t http_chars[256];

static inline bool char_is(char c, uint8_t classes)
{
	return http_chars[(unsigned char)c] & classes;
}

static inline bool char_is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

static inline bool char_is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* 0..15, or -1. */
static inline int char_hex(char c)
{
	unsigned letter = ((unsigned char)c | 0x20) - 'a';

	if (char_is_digit(c))
		return c - '0';
	return letter < 6 ? (int)letter + 10 : -1;
}

/* Without the white space around it. */
struct span http_trim(struct span text);

/*
 * Takes the next element of a comma separated list off the front of *list, trimmed; it is empty for
 * an empty element. A comma inside a quoted string is the caller's to know.
 * Return: false when the list is used up.
 */
bool http_list_next(struct span *list, struct span *ret_element);

/* Digits only. Return: 0, -EINVAL, or -ERANGE when it does not fit. */
int http_decimal(struct span digits, uint64_t *ret_value);

/* scan.c: how many bytes from the front are of the class; never reads past @len */

typedef size_t (*scan_fn)(const char *at, size_t len);

struct scanners {
	const char	*name;
	scan_fn		token;		/* CHAR_TOKEN */
	scan_fn		target;		/* CHAR_TARGET */
	scan_fn		value;		/* CHAR_VALUE */
};

extern struct scanners http_scan;

/* Writes those this CPU can run, plain C first, the fastest last. Return: how many. */
#define SCAN_VARIANTS_MAX 3
unsigned http_scan_variants(struct scanners ret_variants[SCAN_VARIANTS_MAX]);

/* authority.c */

/* host [":" port], the host not empty, no userinfo. */
bool http_authority_valid(struct span authority);

/* What a request head is parsed with; the pieces below take from the front of [at, end). */
struct parse {
	const char	*at;
	const char	*end;
	const struct http_limits *limits;
	struct http_head *head;
	unsigned	seen;
	bool		in_target;	/* what is missing is the rest of the target */
};

enum {
	SEEN_HOST	= 1 << 0,
	SEEN_LENGTH	= 1 << 1,
	SEEN_CODING	= 1 << 2,
	SEEN_CLOSE	= 1 << 3,
	SEEN_KEEP_ALIVE	= 1 << 4,
	SEEN_UNEXPECTED	= 1 << 5,	/* an Expect we do not know */
};

/* head.c */

/* All field lines and the empty one. Return: HTTP_DONE, HTTP_MORE or a status. */
int http_fields_take(struct parse *p);

/* line.c */

int http_line_parse(struct parse *p);

/* known.c */

/* Notes what a field means for the message. Return: HTTP_DONE or a status. */
int http_known_field(struct parse *p, const struct http_field *field);

/* Weighs the fields together when the head is complete. Return: HTTP_DONE or a status. */
int http_known_judge(struct parse *p);
