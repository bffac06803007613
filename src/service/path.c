/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "http/http.h"
#include "service/files.h"

#include <errno.h>

/* Empty segments mean nothing to the kernel. Return: the length without them. */
static size_t drop_empty_segments(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '/' || n == 0 || text[n - 1] != '/')
			text[n++] = text[i];
	return n;
}

/* Is there a segment that begins with '.', other than a first ".well-known" (RFC 8615)? */
static bool is_hidden(struct span text)
{
	static const struct span well_known = SPAN("/.well-known/");

	if (text.len >= well_known.len && memcmp(text.at, well_known.at, well_known.len) == 0)
		text = span_skip(text, well_known.len - 1);
	return memmem(text.at, text.len, "/.", 2) != NULL;
}

/* Each file has few plain paths, so nobody can fill the cache with one file under many. */
static bool is_plain(struct span path, struct span text)
{
	char encoded[NAME_BYTES];
	int n;

	if (span_equal(path, text))
		return true;
	n = path_encode(text, true, encoded, sizeof(encoded));
	return n > 0 && span_equal(path, (struct span){ encoded, (size_t)n });
}

int path_read(struct span path, struct name *ret_name)
{
	char *text = ret_name->text;
	int n = http_path_decode(path, text, NAME_BYTES - sizeof("index.html"));
	struct span decoded;

	if (n < 0)
		return n == -ENAMETOOLONG ? 414 : 400;
	decoded = (struct span){ text, drop_empty_segments(text, (size_t)n) };
	if (is_hidden(decoded))
		return 404;
	ret_name->plain = is_plain(path, decoded);
	ret_name->len = decoded.len - 1;
	memmove(text, text + 1, ret_name->len);
	text[ret_name->len] = '\0';
	return 0;
}

bool path_is_directory(const struct name *name)
{
	return name->len == 0 || name->text[name->len - 1] == '/';
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

int path_encode(struct span text, bool slashes, char *out, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool as_is = is_unreserved(c) || (slashes && c == '/');

		if (size - n < (as_is ? 1 : 3))
			return -ENOSPC;
		if (as_is) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return (int)n;
}

int path_redirect(const struct name *name, struct span query, char *out, size_t size)
{
	size_t n;
	int r;

	/* exactly one '/' in front and no raw '\': two of either would name another host to a browser */
	if (size < query.len + 3)
		return -ENOSPC;
	out[0] = '/';
	r = path_encode((struct span){ name->text, name->len }, true, out + 1, size - query.len - 3);
	if (r < 0)
		return r;
	n = (size_t)r + 1;
	out[n++] = '/';
	if (query.len > 0) {
		out[n++] = '?';
		memcpy(out + n, query.at, query.len);
		n += query.len;
	}
	return (int)n;
}
