/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "conn/conn.h"
#include "service/files.h"

#include <errno.h>
#include <stdio.h>

int serve_piece(struct brood_request *r, struct variant *variant, uint64_t offset, uint64_t len)
{
	variant_keep(variant);	/* until it is sent; the cache may let go of it before */
	if (variant->fd >= 0)
		return exchange_write_file(r, variant->fd, offset, len, variant_release, variant);
	return exchange_write_borrowed(r, (struct span){ variant->data.at + offset, len }, variant_release,
				       variant);
}

static void respond_part(struct brood_request *r, struct variant *variant, int status, struct span fields,
			 uint64_t offset, uint64_t len)
{
	if (variant->fd < 0 && len <= COPY_BYTES) {
		exchange_respond_prepared(r, status, fields, (struct span){ variant->data.at + offset, len });
		return;
	}
	if (exchange_start_prepared(r, status, fields, len) < 0)
		return;
	serve_piece(r, variant, offset, len);
	exchange_end(r);
}

static void respond_range(struct brood_request *r, struct variant *variant, struct http_range range)
{
	char fields[FIELDS_BYTES + 96];
	int n = snprintf(fields, sizeof(fields), "%.*sContent-Range: bytes %ju-%ju/%ju\r\n",
			 (int)variant->fields.len, variant->fields.at, (uintmax_t)range.first,
			 (uintmax_t)range.last, (uintmax_t)variant->identity.size);

	respond_part(r, variant, 206, (struct span){ fields, (size_t)n }, range.first,
		     range.last - range.first + 1);
}

static void refuse_range(struct brood_request *r, const struct variant *variant)
{
	char value[32];
	int n = snprintf(value, sizeof(value), "bytes */%ju", (uintmax_t)variant->identity.size);

	exchange_set_field(r, SPAN("Content-Range"), (struct span){ value, (size_t)n });
	exchange_respond_status(r, 416);
}

/* Return: whether the request was answered; else the whole is due. */
static bool respond_ranges(struct brood_request *r, struct variant *variant, struct span value)
{
	struct http_range ranges[HTTP_RANGES_MAX];
	int n;

	if (!http_if_range(&r->head, variant->etag, variant->identity.modified.tv_sec))
		return false;
	n = http_range_parse(value, variant->identity.size, ranges);
	if (n == -ERANGE)
		refuse_range(r, variant);
	else if (n == 1)
		respond_range(r, variant, ranges[0]);
	else if (n > 1)
		multipart_respond(r, variant, ranges, n);
	return n != 0;
}

void serve_variant(struct brood_request *r, struct variant *variant)
{
	int status = http_conditional(&r->head, variant->etag, variant->identity.modified.tv_sec);
	struct span range;

	if (status == 304) {
		exchange_respond_prepared(r, 304, variant->validators, SPAN_NULL);
		return;
	}
	if (status != 200) {
		exchange_respond_status(r, status);
		return;
	}
	range = http_head_field(&r->head, SPAN("Range"));
	if (range.at && r->head.method == HTTP_GET && respond_ranges(r, variant, range))
		return;
	respond_part(r, variant, 200, variant->fields, 0, variant->identity.size);
}
