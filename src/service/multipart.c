/* SPDX-License-Identifier: MIT */
/*
 * multipart - several ranges in one response (RFC 9110 14.6)
 *
 * The texts between the ranges are rendered beforehand into one block, since the length of the whole
 * goes into the head. Texts and content are then borrowed by the output, piece by piece.
 */
#include "service/service.h"

#include "conn/conn.h"
#include "service/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define BOUNDARY_BYTES 32
#define PART_BYTES 160		/* beside the boundary and the type */

int parts_create(struct span type, struct span boundary, uint64_t size, const struct http_range *ranges,
		 int n, struct parts **ret_parts)
{
	size_t most = (size_t)(n + 1) * (PART_BYTES + type.len + boundary.len), used = 0;
	struct parts *parts = malloc(sizeof(*parts) + most);

	if (!parts)
		return -ENOMEM;
	*parts = (struct parts){ .refs = 1, .n = n + 1 };
	for (int i = 0; i <= n; i++) {
		char *to = parts->room + used;
		int len = snprintf(to, most - used, "%s--%.*s", i > 0 ? "\r\n" : "", (int)boundary.len,
				   boundary.at);

		if (i < n)
			len += snprintf(to + len, most - used - (size_t)len,
					"\r\nContent-Type: %.*s\r\nContent-Range: bytes %ju-%ju/%ju\r\n\r\n",
					(int)type.len, type.at, (uintmax_t)ranges[i].first,
					(uintmax_t)ranges[i].last, (uintmax_t)size);
		else
			len += snprintf(to + len, most - used - (size_t)len, "--\r\n");
		parts->text[i] = (struct span){ to, (size_t)len };
		used += (size_t)len;
	}
	*ret_parts = parts;
	return 0;
}

void parts_release(void *arg)
{
	struct parts *parts = arg;

	if (--parts->refs == 0)
		free(parts);
}

static uint64_t range_bytes(struct http_range range)
{
	return range.last - range.first + 1;
}

static uint64_t length_of(const struct parts *parts, const struct http_range *ranges)
{
	uint64_t len = parts->text[parts->n - 1].len;

	for (int i = 0; i < parts->n - 1; i++)
		len += parts->text[i].len + range_bytes(ranges[i]);
	return len;
}

static int write_parts(struct brood_request *r, struct variant *variant, struct parts *parts,
		       const struct http_range *ranges)
{
	int error = 0;

	for (int i = 0; i < parts->n && error == 0; i++) {
		parts->refs++;
		error = exchange_write_borrowed(r, parts->text[i], parts_release, parts);
		if (error == 0 && i < parts->n - 1)
			error = serve_piece(r, variant, ranges[i].first, range_bytes(ranges[i]));
	}
	return error;
}

/* Random, so that nobody can put it into a file beforehand. */
static int make_boundary(char out[BOUNDARY_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[BOUNDARY_BYTES / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		out[i * 2] = hex[bytes[i] >> 4];
		out[i * 2 + 1] = hex[bytes[i] & 15];
	}
	return 0;
}

void multipart_respond(struct brood_request *r, struct variant *variant, const struct http_range *ranges,
		       int n)
{
	char boundary[BOUNDARY_BYTES], text[FIELDS_BYTES + 96];
	struct span mark = { boundary, sizeof(boundary) };
	struct span fields = { text, 0 };
	struct parts *parts;

	if (make_boundary(boundary) < 0 ||
	    parts_create(variant->type, mark, variant->identity.size, ranges, n, &parts) < 0) {
		exchange_respond_status(r, 503);
		return;
	}
	fields.len = (size_t)snprintf(text, sizeof(text),
				      "%.*sContent-Type: multipart/byteranges; boundary=%.*s\r\n",
				      (int)variant->untyped.len, variant->untyped.at, (int)mark.len, mark.at);
	if (exchange_start_prepared(r, 206, fields, length_of(parts, ranges)) == 0) {
		write_parts(r, variant, parts, ranges);
		exchange_end(r);
	}
	parts_release(parts);
}
