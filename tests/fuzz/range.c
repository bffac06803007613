/* SPDX-License-Identifier: MIT */
/*
 * range - any bytes as the values of Range, If-*, Accept-Encoding, dates, paths and queries
 *
 * The first byte chooses the reader, the next eight are a number it may want (a size, a time). Held:
 * ranges inside the size and first <= last; dates that read back; weights from 0 to 1000; decoded
 * paths without dot segments, NUL or a way up; what decodes in a smaller room decodes to the same.
 */
#include "base/auto.h"
#include "base/must.h"
#include "http/grammar.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(struct span value, uint64_t number)
{
	struct http_range ranges[HTTP_RANGES_MAX];
	int n = http_range_parse(value, number, ranges);
	uint64_t left = number;

	must(n == -ERANGE || (n >= 0 && n <= HTTP_RANGES_MAX));
	for (int i = 0; i < n; i++) {
		must(ranges[i].first <= ranges[i].last && ranges[i].last < number);
		must(ranges[i].last - ranges[i].first < left);
		left -= ranges[i].last - ranges[i].first + 1;
	}
}

static void check_date(struct span value, uint64_t number)
{
	char text[HTTP_DATE_LEN];
	time_t when = (time_t)number, again;

	http_date_format(when, text);
	must(http_date_parse((struct span){ text, sizeof(text) }, &again));
	must(again == when || when < -62167219200 || when > 253402300799);
	if (!http_date_parse(value, &when))
		return;
	http_date_format(when, text);
	must(http_date_parse((struct span){ text, sizeof(text) }, &again));
	must(again == when || when == 253402300800);	/* a leap second at the end of time */
}

static void check_etags(struct span value, uint64_t number)
{
	struct span etag = number & 1 ? SPAN("W/\"a\"") : SPAN("\"a\"");
	bool weak = http_etag_match(value, etag, false), strong = http_etag_match(value, etag, true);

	must(!strong || weak);
}

static void check_conditions(struct span value, uint64_t number)
{
	static const struct span names[] = {
		SPAN("If-Match"), SPAN("If-None-Match"), SPAN("If-Modified-Since"),
		SPAN("If-Unmodified-Since"), SPAN("If-Range"),
	};
	static struct http_head head;
	int status;

	head.n_fields = 2;
	head.fields[0] = (struct http_field){ names[number % ARRAY_LEN(names)], value };
	head.fields[1] = (struct http_field){ names[number / 8 % ARRAY_LEN(names)], value };
	status = http_conditional(&head, SPAN("\"a\""), (time_t)784111777);
	must(status == 200 || status == 304 || status == 412);
	http_if_range(&head, SPAN("\"a\""), (time_t)784111777);
}

static void check_weight(struct span value, uint64_t number)
{
	int gzip = http_accept_encoding(value, SPAN("gzip"));
	int identity = http_accept_encoding(value, SPAN("identity"));

	must(gzip >= 0 && gzip <= 1000);
	must(identity >= 0 && identity <= 1000);
}

static void check_segments(struct span path)
{
	const char *slash;
	struct span segment;

	must(path.at[0] == '/' && !memchr(path.at, '\0', path.len));
	while (path.len > 0) {
		path = span_skip(path, 1);
		slash = memchr(path.at, '/', path.len);
		segment = (struct span){ path.at, slash ? (size_t)(slash - path.at) : path.len };
		must(!span_equal(segment, SPAN(".")) && !span_equal(segment, SPAN("..")));
		path = span_skip(path, segment.len);
	}
}

static void check_path(struct span value, uint64_t number)
{
	char out[256], small[256];
	size_t room = number % sizeof(small);
	int n = http_path_decode(value, out, sizeof(out));
	int less = http_path_decode(value, small, room);

	must(n == -EINVAL || n == -ENAMETOOLONG || (n > 0 && n <= (int)sizeof(out)));
	must(less <= (int)room);
	if (less >= 0)
		must(less == n && memcmp(out, small, (size_t)n) == 0);
	if (n > 0)
		check_segments((struct span){ out, (size_t)n });
}

static void check_query(struct span value, uint64_t number)
{
	char out[64], small[64];
	size_t room = number % sizeof(small);
	struct span key = { value.at, number / 64 % (value.len + 1) };
	int n = http_query_get(value, key, out, sizeof(out));
	int less = http_query_get(value, key, small, room);

	must(n == -ENOENT || n == -EINVAL || n == -ENOSPC || (n >= 0 && n <= (int)sizeof(out)));
	must(less <= (int)room);
	if (less >= 0)
		must(less == n && memcmp(out, small, (size_t)n) == 0);
}

static void (*const checks[])(struct span value, uint64_t number) = {
	check_range, check_date, check_etags, check_conditions, check_weight, check_path, check_query,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t number;

	if (size < 10)
		return 0;
	memcpy(&number, data + 1, sizeof(number));
	checks[data[0] % ARRAY_LEN(checks)]((struct span){ (const char *)data + 9, size - 9 }, number);
	return 0;
}
