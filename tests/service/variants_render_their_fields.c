/* SPDX-License-Identifier: MIT */
#include "service/check.h"

#define YEAR_2001 1000000000

static struct variant *make_variant(const char *text, enum coding coding, bool vary, struct span type)
{
	struct identity identity = { .ino = 0x12, .size = strlen(text), .modified = { YEAR_2001, 1 } };
	struct variant *variant = NULL;
	int fd = memfd_create("file", 0);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(variant_create(fd, &identity, coding, vary, type, &variant), 0);
	close(fd);
	return variant;
}

static void the_parts_are_one_behind_the_other(void **state)
{
	struct variant *variant = make_variant("hello", CODING_GZIP, true, SPAN("text/css"));

	assert_text(variant->fields,
		    "ETag: \"de0b6b3a7640001-5-12-gz\"\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
		    "Vary: Accept-Encoding\r\nAccept-Ranges: bytes\r\nContent-Encoding: gzip\r\n"
		    "Content-Type: text/css; charset=utf-8\r\n");
	assert_text(variant->validators,
		    "ETag: \"de0b6b3a7640001-5-12-gz\"\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
		    "Vary: Accept-Encoding\r\n");
	assert_int_equal(variant->untyped.len + strlen("Content-Type: text/css; charset=utf-8\r\n"),
			 variant->fields.len);
	assert_text(variant->etag, "\"de0b6b3a7640001-5-12-gz\"");
	assert_text(variant->type, "text/css; charset=utf-8");
	assert_text(variant->data, "hello");
	assert_false(variant->young);
	variant_release(variant);
}

static void the_plain_one_says_no_more_than_is_so(void **state)
{
	struct variant *variant = make_variant("", CODING_NONE, false, SPAN("image/png"));

	assert_text(variant->fields,
		    "ETag: \"de0b6b3a7640001-0-12\"\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
		    "Accept-Ranges: bytes\r\nContent-Type: image/png\r\n");
	assert_int_equal(variant->data.len, 0);
	variant_release(variant);
}

static void a_file_that_got_shorter_is_not_padded(void **state)
{
	struct identity identity = { .size = 10 };
	struct variant *variant = NULL;
	int fd = memfd_create("file", 0);

	assert_int_equal(write(fd, "short", 5), 5);
	assert_int_equal(variant_create(fd, &identity, CODING_NONE, false, SPAN("a/b"), &variant), -EAGAIN);
	assert_null(variant);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_are_one_behind_the_other),
		cmocka_unit_test(the_plain_one_says_no_more_than_is_so),
		cmocka_unit_test(a_file_that_got_shorter_is_not_padded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
