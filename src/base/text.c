/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_BYTES 8

static size_t count_following(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 3;
	return 0;
}

/* Overlong, a surrogate, above U+10FFFF, or a control character of U+0080..U+009F? */
static bool second_is_wrong(unsigned char lead, unsigned char second)
{
	return (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
	       (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f) ||
	       (lead == 0xc2 && second < 0xa0);
}

/* Bytes of the UTF-8 character of two bytes or more that @s begins with; 0 = it begins with none. */
static size_t measure_character(const unsigned char *s)
{
	size_t n = count_following(s[0]);

	if (n == 0 || second_is_wrong(s[0], s[1]))
		return 0;
	for (size_t i = 1; i <= n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n + 1;
}

static size_t escape_byte(unsigned char c, enum text_style style, char out[ESCAPE_BYTES])
{
	static const char letters[] = "\nn\tt\rr";
	const char *letter = c ? strchr(letters, c) : NULL;
	int n;

	if (letter && c < ' ')
		n = snprintf(out, ESCAPE_BYTES, "\\%c", letter[1]);
	else if (style == TEXT_PLAIN)
		n = snprintf(out, ESCAPE_BYTES, "\\x%02x", c);
	else
		n = snprintf(out, ESCAPE_BYTES, "\\u%04x", c < 0x80 ? c : 0xfffd);
	return (size_t)n;
}

size_t text_escape(const char *text, enum text_style style, char *out, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = 0;

	while (*s) {
		char escape[ESCAPE_BYTES];
		const void *from = s;
		size_t n_taken = 1;
		size_t n = 1;

		if (*s >= 0x80)
			n = n_taken = measure_character(s);
		if (n == 0 || *s < ' ' || *s == 0x7f) {
			n = escape_byte(*s, style, escape);
			n_taken = 1;
			from = escape;
		} else if (style == TEXT_JSON && (*s == '"' || *s == '\\')) {
			n = (size_t)snprintf(escape, sizeof(escape), "\\%c", *s);
			from = escape;
		}
		if (len + n > size)
			break;
		memcpy(out + len, from, n);
		len += n;
		s += n_taken;
	}
	return len;
}
