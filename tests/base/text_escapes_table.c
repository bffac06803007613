/* SPDX-License-Identifier: MIT */
#include "base/auto.h"
#include "base/text.h"
#include "check.h"

struct row {
	const char	*text;
	const char	*plain;
	const char	*json;
};

static const struct row rows[] = {
	{ "", "", "" },
	{ "as it is", "as it is", "as it is" },
	{ "a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td" },
	{ "\x01\x1b[31m\x7f", "\\x01\\x1b[31m\\x7f", "\\u0001\\u001b[31m\\u007f" },
	{ "\"\\/", "\"\\/", "\\\"\\\\/" },
	{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa3", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa3",
	  "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa3" },
	{ "\xff", "\\xff", "\\ufffd" },
	{ "\xc3", "\\xc3", "\\ufffd" },			/* cut off */
	{ "\xc3(", "\\xc3(", "\\ufffd(" },
	{ "\xc0\xaf", "\\xc0\\xaf", "\\ufffd\\ufffd" },	/* overlong */
	{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf", "\\ufffd\\ufffd\\ufffd" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd" },	/* a surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "\xc2\x9b", "\\xc2\\x9b", "\\ufffd\\ufffd" },	/* the control sequence introducer */
};

static void table(void)
{
	char out[128];

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		out[text_escape(row->text, TEXT_PLAIN, out, sizeof(out) - 1)] = '\0';
		check_text(out, row->plain);
		out[text_escape(row->text, TEXT_JSON, out, sizeof(out) - 1)] = '\0';
		check_text(out, row->json);
	}
}

/* Never half a character, never half an escape, never a byte too many. */
static void cut_between_characters(void)
{
	char out[16];

	for (size_t size = 0; size < 5; size++) {
		memset(out, '#', sizeof(out));
		check_equal(text_escape("\xe2\x82\xac\n", TEXT_JSON, out, size), size < 3 ? 0 : 3);
		check(out[size] == '#');
	}
	check_equal(text_escape("\xe2\x82\xac\n", TEXT_JSON, out, 5), 5);
}

int main(void)
{
	table();
	cut_between_characters();
	return 0;
}
