/* SPDX-License-Identifier: MIT */
#include "http/grammar.h"

#include <errno.h>

#define VISIBLE	(CHAR_VALUE | CHAR_QUOTED | CHAR_TARGET | CHAR_ETAG)
#define NAME	(VISIBLE | CHAR_TOKEN | CHAR_HOST)

const uint8_t http_chars[256] = {
	['\t']		= CHAR_VALUE | CHAR_QUOTED,
	[' ']		= CHAR_VALUE | CHAR_QUOTED,
	['!']		= NAME,
	['"']		= CHAR_VALUE | CHAR_TARGET,
	['#']		= CHAR_VALUE | CHAR_QUOTED | CHAR_ETAG | CHAR_TOKEN,
	['$']		= NAME,
	['%']		= VISIBLE | CHAR_TOKEN,
	['&' ... '\'']	= NAME,
	['(' ... ')']	= VISIBLE | CHAR_HOST,
	['*' ... '+']	= NAME,
	[',']		= VISIBLE | CHAR_HOST,
	['-' ... '.']	= NAME,
	['/']		= VISIBLE,
	['0' ... '9']	= NAME,
	[':']		= VISIBLE,
	[';']		= VISIBLE | CHAR_HOST,
	['<']		= VISIBLE,
	['=']		= VISIBLE | CHAR_HOST,
	['>' ... '@']	= VISIBLE,
	['A' ... 'Z']	= NAME,
	['[']		= VISIBLE,
	['\\']		= CHAR_VALUE | CHAR_TARGET | CHAR_ETAG,
	[']']		= VISIBLE,
	['^']		= VISIBLE | CHAR_TOKEN,
	['_']		= NAME,
	['`']		= VISIBLE | CHAR_TOKEN,
	['a' ... 'z']	= NAME,
	['{']		= VISIBLE,
	['|']		= VISIBLE | CHAR_TOKEN,
	['}']		= VISIBLE,
	['~']		= NAME,
	[0x80 ... 0xff]	= CHAR_VALUE | CHAR_QUOTED | CHAR_ETAG,
};

struct span http_trim(struct span text)
{
	while (text.len > 0 && char_is_space(text.at[0]))
		text = span_skip(text, 1);
	while (text.len > 0 && char_is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

bool http_list_next(struct span *list, struct span *ret_element)
{
	const char *comma;
	size_t len;

	if (list->len == 0)
		return false;
	comma = memchr(list->at, ',', list->len);
	len = comma ? (size_t)(comma - list->at) : list->len;
	*ret_element = http_trim((struct span){ list->at, len });
	*list = span_skip(*list, comma ? len + 1 : len);
	return true;
}

int http_decimal(struct span digits, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool fits = true;

	if (digits.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < digits.len; i++) {
		if (!char_is_digit(digits.at[i]))
			return -EINVAL;
		fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
			!__builtin_add_overflow(value, (uint64_t)(digits.at[i] - '0'), &value);
	}
	if (!fits)
		return -ERANGE;
	*ret_value = value;
	return 0;
}
