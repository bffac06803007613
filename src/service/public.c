/* SPDX-License-Identifier: MIT */
/* public - the functions of brood.h that concern a request; what services call, with C strings */
#include "conn/conn.h"

#include <errno.h>

static struct span optional(const char *text)
{
	return text ? span_of(text) : SPAN_NULL;
}

static bool is_type(struct span type)
{
	return type.len == 0 || http_field_valid(SPAN("Content-Type"), type);
}

/* ---- reading ---- */

const char *brood_method(const struct brood_request *request)
{
	return http_method_name(request->head.method).at;
}

const char *brood_path(const struct brood_request *request, size_t *ret_len)
{
	*ret_len = request->head.path.len;
	return request->head.path.at;
}

const char *brood_query(const struct brood_request *request, size_t *ret_len)
{
	*ret_len = request->head.query.len;
	return request->head.query.len > 0 ? request->head.query.at : "";
}

int brood_query_get(const struct brood_request *request, const char *key, char *out, size_t size)
{
	int n;

	if (size == 0)
		return -ENOSPC;
	n = http_query_get(request->head.query, span_of(key), out, size - 1);
	if (n < 0)
		return n;
	out[n] = '\0';
	return memchr(out, '\0', (size_t)n) ? -EINVAL : n;
}

const char *brood_header(const struct brood_request *request, const char *name, size_t *ret_len)
{
	struct span value = http_head_field(&request->head, span_of(name));

	*ret_len = value.len;
	return value.at;
}

int brood_read_body(struct brood_request *request, brood_body_fn *fn, void *arg)
{
	return exchange_read_body(request, fn, arg);
}

/* ---- answering ---- */

int brood_set_header(struct brood_request *request, const char *name, const char *value)
{
	return exchange_set_field(request, span_of(name), span_of(value));
}

int brood_respond(struct brood_request *request, int status, const char *type, const void *body, size_t len)
{
	if (!is_type(optional(type)))
		return -EINVAL;
	return exchange_respond(request, status, optional(type), (struct span){ body, len });
}

int brood_start(struct brood_request *request, int status, const char *type, uint64_t length)
{
	if (!is_type(optional(type)))
		return -EINVAL;
	return exchange_start(request, status, optional(type), length);
}

int brood_write(struct brood_request *request, const void *data, size_t len)
{
	return exchange_write(request, (struct span){ data, len });
}

int brood_end(struct brood_request *request)
{
	return exchange_end(request);
}

void brood_on_writable(struct brood_request *request, brood_event_fn *fn, void *arg)
{
	request->on_writable = fn;
	request->on_writable_arg = arg;
}

void brood_on_close(struct brood_request *request, brood_event_fn *fn, void *arg)
{
	request->on_close = fn;
	request->on_close_arg = arg;
}

void brood_timer(struct brood_request *request, uint32_t ms, brood_event_fn *fn, void *arg)
{
	exchange_set_timer(request, ms, fn, arg);
}
