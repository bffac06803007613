/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static const char table[] =
	"# a comment\n"
	"text/html\t\t\t\thtml htm\n"
	"application/nothing\n"
	"image/x-First\t pic  PIC2 # pic9\r\n"
	"image/x-second pic\n"
	"\n"
	"no-slash bad\n"
	"text/\001control worse\n"
	"text/long aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa short\n"
	"application/last last";

static const struct {
	const char	*name;
	const char	*type;
} rows[] = {
	{ "a.html", "text/html" }, { "a.HtM", "text/html" }, { "a.b/c.tar.html", "text/html" },
	{ "a.pic", "image/x-first" }, { "a.pic2", "image/x-first" }, { "a.last", "application/last" },
	{ "a.short", "text/long" }, { "a.js", "text/javascript" }, { "a.woff2", "font/woff2" },
	{ "a.pic9", "application/octet-stream" }, { "a.bad", "application/octet-stream" },
	{ "a.worse", "application/octet-stream" }, { "a.", "application/octet-stream" },
	{ "a", "application/octet-stream" }, { "", "application/octet-stream" },
	{ "x.html/a", "application/octet-stream" }, { "html", "application/octet-stream" },
	{ "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "application/octet-stream" },
};

static void each_name_has_its_type(void **state)
{
	int dir_fd;
	autofree char *dir = make_directory(&dir_fd);
	char path[64];
	struct mime *mime;

	put_file(dir_fd, "types", table);
	snprintf(path, sizeof(path), "%s/types", dir);
	assert_int_equal(mime_create(path, &mime), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_text(mime_type(mime, span_of(rows[i].name)), rows[i].type);
	mime_destroy(mime);
	unlink(path);
	rmdir(dir);
	close(dir_fd);
}

static void without_a_table_a_dozen_is_known(void **state)
{
	struct mime *mime;

	assert_int_equal(mime_create("/nonexistent/mime.types", &mime), 0);
	assert_text(mime_type(mime, SPAN("index.html")), "text/html");
	assert_text(mime_type(mime, SPAN("a.svg")), "image/svg+xml");
	assert_text(mime_type(mime, SPAN("a.unknown")), "application/octet-stream");
	mime_destroy(mime);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_name_has_its_type),
		cmocka_unit_test(without_a_table_a_dozen_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
