/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "base/must.h"
#include "service/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define YOUNG_MS 50	/* several ticks of the coarsest clock that stamps files */

static const char *const coding_names[N_CODINGS] = { "", "br", "gzip" };
static const char *const etag_marks[N_CODINGS] = { "", "-br", "-gz" };

/* A write within the same tick of the clock would leave the same stamp. */
static bool is_young(struct timespec modified)
{
	struct timespec now;
	int64_t age_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	age_ms = (int64_t)(now.tv_sec - modified.tv_sec) * 1000 + (now.tv_nsec - modified.tv_nsec) / 1000000;
	return age_ms > -YOUNG_MS && age_ms < YOUNG_MS;
}

static bool is_text(struct span type)
{
	return type.len >= 5 && memcmp(type.at, "text/", 5) == 0;
}

/* The whole of @text, as far as @len is the end of what was written so far. */
static struct span written(const char *text, size_t begin, int len)
{
	return (struct span){ text + begin, (size_t)len - begin };
}

/* @out: FIELDS_BYTES, of which a type of the table's and the rest take at most 400. */
static void render_fields(struct variant *variant, char *out, enum coding coding, bool vary,
			  struct span type)
{
	const struct identity *identity = &variant->identity;
	uint64_t stamp = (uint64_t)identity->modified.tv_sec * 1000000000 +
			 (uint64_t)identity->modified.tv_nsec;
	size_t begin = sizeof("ETag: ") - 1;
	char date[HTTP_DATE_LEN];
	int n;

	http_date_format(identity->modified.tv_sec, date);
	n = snprintf(out, FIELDS_BYTES, "ETag: \"%jx-%jx-%jx%s\"", (uintmax_t)stamp,
		     (uintmax_t)identity->size, (uintmax_t)identity->ino, etag_marks[coding]);
	variant->etag = written(out, begin, n);
	n += snprintf(out + n, FIELDS_BYTES - (size_t)n, "\r\nLast-Modified: %.*s\r\n%s", HTTP_DATE_LEN, date,
		      vary ? "Vary: Accept-Encoding\r\n" : "");
	variant->validators = written(out, 0, n);
	n += snprintf(out + n, FIELDS_BYTES - (size_t)n, "Accept-Ranges: bytes\r\n");
	if (coding != CODING_NONE)
		n += snprintf(out + n, FIELDS_BYTES - (size_t)n, "Content-Encoding: %s\r\n",
			      coding_names[coding]);
	variant->untyped = written(out, 0, n);
	begin = (size_t)n + sizeof("Content-Type: ") - 1;
	n += snprintf(out + n, FIELDS_BYTES - (size_t)n, "Content-Type: %.*s%s", (int)type.len, type.at,
		      is_text(type) ? "; charset=utf-8" : "");
	variant->type = written(out, begin, n);
	n += snprintf(out + n, FIELDS_BYTES - (size_t)n, "\r\n");
	must(n < FIELDS_BYTES);
	variant->fields = written(out, 0, n);
}

/* The spans of @fields point into it. Moves them to where they will stay. */
static void keep_fields(struct variant *variant, const char *fields)
{
	ptrdiff_t etag = variant->etag.at - fields, type = variant->type.at - fields;

	memcpy(variant->room, fields, variant->fields.len);
	variant->fields.at = variant->validators.at = variant->untyped.at = variant->room;
	variant->etag.at = variant->room + etag;
	variant->type.at = variant->room + type;
}

static int read_data(int fd, char *into, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t part = pread(fd, into + done, n - done, (off_t)done);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		if (part == 0)
			return -EAGAIN;		/* shorter than it was a moment ago */
		done += (size_t)part;
	}
	return 0;
}

static int fill(struct variant *variant, int fd)
{
	char *data = variant->room + variant->fields.len;
	size_t n = (size_t)variant->identity.size;

	if (variant->identity.size > SMALL_BYTES) {
		variant->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return variant->fd < 0 ? -errno : 0;
	}
	variant->data = (struct span){ data, n };
	variant->young = is_young(variant->identity.modified);
	return read_data(fd, data, n);
}

int variant_create(int fd, const struct identity *identity, enum coding coding, bool vary, struct span type,
		   struct variant **ret_variant)
{
	struct variant draft = { .refs = 1, .fd = -1, .identity = *identity };
	struct variant *variant;
	char fields[FIELDS_BYTES];
	int error;

	render_fields(&draft, fields, coding, vary, type);
	variant = malloc(sizeof(*variant) + draft.fields.len +
			 (identity->size > SMALL_BYTES ? 0 : (size_t)identity->size));
	if (!variant)
		return -ENOMEM;
	*variant = draft;
	keep_fields(variant, fields);
	error = fill(variant, fd);
	if (error < 0)
		variant_release(variant);
	else
		*ret_variant = variant;
	return error;
}

void variant_release(void *arg)
{
	struct variant *variant = arg;

	if (!variant || --variant->refs > 0)
		return;
	if (variant->fd >= 0)
		close(variant->fd);
	free(variant);
}

size_t variant_bytes(const struct variant *variant)
{
	return sizeof(*variant) + variant->fields.len + variant->data.len;
}
