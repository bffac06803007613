/* SPDX-License-Identifier: MIT */
/*
 * access - a line of the access log: common, combined, or JSON
 *
 * What a client sent is escaped so that a line stays one line and a field one field, whatever it is: in common and
 * combined a quote, a backslash, a control character or a byte that is not ASCII becomes \xHH; in JSON a byte
 * becomes the character of its number, \u00HH, so nothing is lost and nothing can be broken UTF-8. A field that is
 * too long is cut between two escapes.
 *
 *   common      client - - [time] "request" status bytes time=0.000123 slot=3
 *   combined    client - - [time] "request" status bytes "referer" "agent" time=0.000123 slot=3
 */
#include "http/http.h"

#include <time.h>

#define LINE_MOST	1600	/* of its bytes as they are written */
#define REFERER_MOST	1000
#define AGENT_MOST	1000
#define CLIENT_MOST	64
#define REST_MOST	384	/* names, numbers, the time */

_Static_assert(LINE_MOST + REFERER_MOST + AGENT_MOST + CLIENT_MOST + REST_MOST <= HTTP_ACCESS_BYTES, "it all fits");

struct out {
	char	*at;
	bool	 json;
};

static void put(struct out *out, struct span text)
{
	memcpy(out->at, text.at, text.len);
	out->at += text.len;
}

/* Of eight bytes at a time, as most of what comes is: no quote, backslash, control character, nothing above '~'. */
static bool are_plain(const char *at)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t bytes, odd;

	memcpy(&bytes, at, sizeof(bytes));
	odd = bytes | (bytes + ones);					/* above 0x7e */
	odd |= bytes - ones * ' ';					/* below a space */
	odd |= (bytes ^ (ones * '"')) - ones;
	odd |= (bytes ^ (ones * '\\')) - ones;
	return (odd & tops) == 0;
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static size_t escape(bool json, unsigned char c, char to[6])
{
	static const char digits[] = "0123456789ABCDEF";
	const char hex[] = { digits[c >> 4], digits[c & 15] };

	if (json && (c == '"' || c == '\\')) {
		to[0] = '\\';
		to[1] = (char)c;
		return 2;
	}
	memcpy(to, json ? "\\u00" : "\\x", json ? 4 : 2);
	memcpy(to + (json ? 4 : 2), hex, 2);
	return json ? 6 : 4;
}

static void put_escaped(struct out *out, struct span text, size_t most)
{
	const char *end = out->at + most;
	const char *from = text.at, *last = text.at + text.len;

	while (from < last) {
		char escaped[6];
		size_t n;

		while (last - from >= 8 && end - out->at >= 8 && are_plain(from)) {
			memcpy(out->at, from, 8);
			out->at += 8;
			from += 8;
		}
		if (from == last)
			return;
		escaped[0] = *from;
		n = is_plain((unsigned char)*from) ? 1 : escape(out->json, (unsigned char)*from, escaped);
		if ((size_t)(end - out->at) < n)
			return;
		memcpy(out->at, escaped, n);
		out->at += n;
		from++;
	}
}

/* "text", or what stands for one that is not there. */
static void put_quoted(struct out *out, struct span text, size_t most, struct span missing)
{
	if (!text.at) {
		put(out, missing);
		return;
	}
	*out->at++ = '"';
	put_escaped(out, text, most);
	*out->at++ = '"';
}

static void put_number(struct out *out, uint64_t n)
{
	char digits[20];
	size_t len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while (n /= 10);
	while (len > 0)
		*out->at++ = digits[--len];
}

/* "0.000123" */
static void put_seconds(struct out *out, uint64_t us)
{
	uint64_t rest = us % 1000000;

	put_number(out, us / 1000000);
	*out->at++ = '.';
	for (uint64_t unit = 100000; unit > 0; unit /= 10)
		*out->at++ = (char)('0' + rest / unit % 10);
}

static struct span client_of(const struct http_access *a)
{
	return a->client.len > 0 ? a->client : SPAN("-");
}

static void render_text(struct out *out, const struct http_access *a, bool combined)
{
	put_escaped(out, client_of(a), CLIENT_MOST);
	put(out, SPAN(" - - ["));
	put(out, a->time);
	put(out, SPAN("] "));
	put_quoted(out, a->line, LINE_MOST, SPAN("\"-\""));
	put(out, SPAN(" "));
	put_number(out, (unsigned)a->status);
	put(out, SPAN(" "));
	put_number(out, a->body_bytes);
	if (combined) {
		put(out, SPAN(" "));
		put_quoted(out, a->referer, REFERER_MOST, SPAN("\"-\""));
		put(out, SPAN(" "));
		put_quoted(out, a->agent, AGENT_MOST, SPAN("\"-\""));
	}
	put(out, SPAN(" time="));
	put_seconds(out, a->us);
	put(out, SPAN(" slot="));
	put_number(out, a->slot);
	put(out, SPAN("\n"));
}

static void render_json(struct out *out, const struct http_access *a)
{
	put(out, SPAN("{\"time\":\""));
	put(out, a->time);
	put(out, SPAN("\",\"client\":"));
	put_quoted(out, client_of(a), CLIENT_MOST, SPAN("null"));
	put(out, SPAN(",\"request\":"));
	put_quoted(out, a->line, LINE_MOST, SPAN("null"));
	put(out, SPAN(",\"status\":"));
	put_number(out, (unsigned)a->status);
	put(out, SPAN(",\"bytes\":"));
	put_number(out, a->body_bytes);
	put(out, SPAN(",\"referer\":"));
	put_quoted(out, a->referer, REFERER_MOST, SPAN("null"));
	put(out, SPAN(",\"agent\":"));
	put_quoted(out, a->agent, AGENT_MOST, SPAN("null"));
	put(out, SPAN(",\"seconds\":"));
	put_seconds(out, a->us);
	put(out, SPAN(",\"slot\":"));
	put_number(out, a->slot);
	put(out, SPAN("}\n"));
}

size_t http_access_render(char *to, enum http_access_format format, const struct http_access *a)
{
	struct out out = { to, format == HTTP_ACCESS_JSON };

	if (format == HTTP_ACCESS_JSON)
		render_json(&out, a);
	else
		render_text(&out, a, format == HTTP_ACCESS_COMBINED);
	return (size_t)(out.at - to);
}

size_t http_access_time(char out[HTTP_ACCESS_TIME_BYTES], enum http_access_format format, time_t when)
{
	struct tm utc;

	gmtime_r(&when, &utc);
	return strftime(out, HTTP_ACCESS_TIME_BYTES,
			format == HTTP_ACCESS_JSON ? "%Y-%m-%dT%H:%M:%SZ" : "%d/%b/%Y:%H:%M:%S +0000", &utc);
}
