/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#define LEN_MAX 130

static struct scanners variants[SCAN_VARIANTS_MAX];
static unsigned n_variants;

static void compare_variants(struct span bytes)
{
	size_t token = variants[0].token(bytes.at, bytes.len);
	size_t target = variants[0].target(bytes.at, bytes.len);
	size_t value = variants[0].value(bytes.at, bytes.len);

	for (unsigned i = 1; i < n_variants; i++) {
		assert_int_equal(variants[i].token(bytes.at, bytes.len), token);
		assert_int_equal(variants[i].target(bytes.at, bytes.len), target);
		assert_int_equal(variants[i].value(bytes.at, bytes.len), value);
	}
}

/* One byte of every kind at every place of spans of every length. */
static void every_byte_at_every_place(void **state)
{
	char text[LEN_MAX];

	for (size_t len = 0; len <= 70; len++) {
		for (size_t at = 0; at < len; at++) {
			memset(text, 'a', len);
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				compare_variants(guarded((struct span){ text, len }));
			}
		}
		compare_variants(guarded((struct span){ text, len }));
	}
}

static void random_bytes(void **state)
{
	char text[LEN_MAX];
	uint32_t seed = 1;

	for (unsigned i = 0; i < 200000; i++) {
		size_t len = i % (LEN_MAX + 1);

		for (size_t n = 0; n < len; n++) {
			seed = seed * 1664525 + 1013904223;
			text[n] = (char)(seed >> 24);
			if (seed >> 8 & 0x1f)	/* mostly good ones, or nothing gets past the first step */
				text[n] = (char)('!' + (unsigned char)text[n] % 90);
		}
		compare_variants(guarded((struct span){ text, len }));
	}
}

static void plain_is_the_grammar(void **state)
{
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool token = alnum || (c > 0 && c < 128 && strchr("!#$%&'*+-.^_`|~", c));

		assert_int_equal(variants[0].token(&byte, 1), token);
		assert_int_equal(variants[0].target(&byte, 1), c > 0x20 && c < 0x7f && c != '#');
		assert_int_equal(variants[0].value(&byte, 1), c == '\t' || (c >= 0x20 && c != 0x7f));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_is_the_grammar),
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(random_bytes),
	};

	n_variants = http_scan_variants(variants);
	for (unsigned i = 0; i < n_variants; i++)
		printf("scanners: %s\n", variants[i].name);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
