/* SPDX-License-Identifier: MIT */
/*
 * response - from a struct to the head of a response
 *
 * Written without a format string: status lines are ready in a table, numbers go out two digits at a
 * time, and what is short is copied with a length the compiler knows. Everything fits, because
 * HTTP_RESPONSE_BYTES holds the longest of each line together.
 */
#include "base/must.h"
#include "http/grammar.h"

#define STATUS_LINE_BYTES 48	/* the longest, rounded up: every line is copied as so many */

#define STATUSES(X)						\
	X(100, "Continue")					\
	X(101, "Switching Protocols")				\
	X(102, "Processing")					\
	X(103, "Early Hints")					\
	X(200, "OK")						\
	X(201, "Created")					\
	X(202, "Accepted")					\
	X(203, "Non-Authoritative Information")			\
	X(204, "No Content")					\
	X(205, "Reset Content")					\
	X(206, "Partial Content")				\
	X(207, "Multi-Status")					\
	X(208, "Already Reported")				\
	X(226, "IM Used")					\
	X(300, "Multiple Choices")				\
	X(301, "Moved Permanently")				\
	X(302, "Found")						\
	X(303, "See Other")					\
	X(304, "Not Modified")					\
	X(305, "Use Proxy")					\
	X(307, "Temporary Redirect")				\
	X(308, "Permanent Redirect")				\
	X(400, "Bad Request")					\
	X(401, "Unauthorized")					\
	X(402, "Payment Required")				\
	X(403, "Forbidden")					\
	X(404, "Not Found")					\
	X(405, "Method Not Allowed")				\
	X(406, "Not Acceptable")				\
	X(407, "Proxy Authentication Required")			\
	X(408, "Request Timeout")				\
	X(409, "Conflict")					\
	X(410, "Gone")						\
	X(411, "Length Required")				\
	X(412, "Precondition Failed")				\
	X(413, "Content Too Large")				\
	X(414, "URI Too Long")					\
	X(415, "Unsupported Media Type")			\
	X(416, "Range Not Satisfiable")				\
	X(417, "Expectation Failed")				\
	X(421, "Misdirected Request")				\
	X(422, "Unprocessable Content")				\
	X(423, "Locked")					\
	X(424, "Failed Dependency")				\
	X(425, "Too Early")					\
	X(426, "Upgrade Required")				\
	X(428, "Precondition Required")				\
	X(429, "Too Many Requests")				\
	X(431, "Request Header Fields Too Large")		\
	X(451, "Unavailable For Legal Reasons")			\
	X(500, "Internal Server Error")				\
	X(501, "Not Implemented")				\
	X(502, "Bad Gateway")					\
	X(503, "Service Unavailable")				\
	X(504, "Gateway Timeout")				\
	X(505, "HTTP Version Not Supported")			\
	X(506, "Variant Also Negotiates")			\
	X(507, "Insufficient Storage")				\
	X(508, "Loop Detected")					\
	X(511, "Network Authentication Required")

#define LINE_HEAD "HTTP/1.1 000 "

struct status_line {
	uint8_t	len;
	char	text[STATUS_LINE_BYTES];
};

enum { NO_NAME,
#define STATUS_INDEX(status, reason) INDEX_##status,
	STATUSES(STATUS_INDEX)
	N_LINES
};

#define STATUS_LINE(status, reason) \
	{ sizeof("HTTP/1.1 " #status " " reason "\r\n") - 1, "HTTP/1.1 " #status " " reason "\r\n" },
static const struct status_line lines[N_LINES] = {
	{ sizeof(LINE_HEAD "Unknown\r\n") - 1, LINE_HEAD "Unknown\r\n" },
	STATUSES(STATUS_LINE)
};

#define STATUS_SLOT(status, reason) [status] = INDEX_##status,
static const uint8_t indexes[1000] = { STATUSES(STATUS_SLOT) };

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
	"49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
	"9899";

static const struct status_line *find_line(int status)
{
	must(status >= 100 && status <= 999);
	return &lines[indexes[status]];
}

struct span http_reason(int status)
{
	const struct status_line *line = &lines[status >= 100 && status <= 999 ? indexes[status] : NO_NAME];
	const size_t before = sizeof(LINE_HEAD) - 1;

	return (struct span){ line->text + before, line->len - before - 2 };
}

bool http_status_has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

bool http_field_valid(struct span name, struct span value)
{
	if (name.len == 0 || http_scan.token(name.at, name.len) != name.len)
		return false;
	return value.len == 0 || http_scan.value(value.at, value.len) == value.len;
}

/* Appends a string literal; the compiler turns it into a few moves. */
#define put(out, literal) (memcpy(out, literal, sizeof(literal) - 1), (out) + sizeof(literal) - 1)

static char *put_span(char *out, struct span text)
{
	if (text.len > 0)
		memcpy(out, text.at, text.len);
	return out + text.len;
}

static char *put_decimal(char *out, uint64_t value)
{
	char digits[20];
	unsigned n = sizeof(digits);

	for (; value >= 100; value /= 100) {
		n -= 2;
		memcpy(digits + n, pairs + value % 100 * 2, 2);
	}
	if (value >= 10) {
		n -= 2;
		memcpy(digits + n, pairs + value * 2, 2);
	} else {
		digits[--n] = (char)('0' + value);
	}
	return put_span(out, (struct span){ digits + n, sizeof(digits) - n });
}

static char *put_status(char *out, int status)
{
	const struct status_line *line = find_line(status);

	memcpy(out, line->text, STATUS_LINE_BYTES);
	if (line == &lines[NO_NAME]) {
		out[9] = (char)('0' + status / 100);
		memcpy(out + 10, pairs + status % 100 * 2, 2);
	}
	return out + line->len;
}

static char *put_framing(char *out, const struct http_response *response)
{
	/* neither may be sent with 1xx and 204, whatever was asked (RFC 9110 8.6, RFC 9112 6.1) */
	if (response->no_length || response->status < 200 || response->status == 204)
		return out;
	if (response->chunked)
		return put(out, "Transfer-Encoding: chunked\r\n");
	out = put(out, "Content-Length: ");
	out = put_decimal(out, response->content_length);
	return put(out, "\r\n");
}

size_t http_response_render(char *out, const struct http_response *response)
{
	char *start = out;

	out = put_status(out, response->status);
	if (response->date) {
		out = put(out, "Date: ");
		memcpy(out, response->date, HTTP_DATE_LEN);
		out = put(out + HTTP_DATE_LEN, "\r\n");
	}
	if (response->type.len > 0) {
		out = put(out, "Content-Type: ");
		out = put_span(out, response->type);
		out = put(out, "\r\n");
	}
	out = put_framing(out, response);
	if (response->close)
		out = put(out, "Connection: close\r\n");
	else if (response->keep_alive)
		out = put(out, "Connection: keep-alive\r\n");
	out = put_span(out, response->fields);
	out = put(out, "\r\n");
	return (size_t)(out - start);
}

size_t http_chunk_head(char *out, uint64_t len)
{
	static const char hex[] = "0123456789abcdef";
	unsigned n = len ? (67 - (unsigned)__builtin_clzll(len)) / 4 : 1;

	for (unsigned i = n; i > 0; i--, len >>= 4)
		out[i - 1] = hex[len & 15];
	memcpy(out + n, "\r\n", 2);
	return n + 2;
}
