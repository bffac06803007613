/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static const struct {
	const char	*path;
	int		 status;
	const char	*name;
	bool		 plain;
	bool		 directory;
} rows[] = {
	{ "/", 0, "", true, true },
	{ "/a.txt", 0, "a.txt", true, false },
	{ "/a/b/", 0, "a/b/", true, true },
	{ "/a+b,c=d;e@f:g(1)!.js", 0, "a+b,c=d;e@f:g(1)!.js", true, false },
	{ "/a%20b", 0, "a b", true, false },
	{ "/%C3%BC", 0, "\xc3\xbc", true, false },
	/* one file, but not under a path that anyone would write: these must not fill the cache */
	{ "/%61.txt", 0, "a.txt", false, false },
	{ "/%c3%bc", 0, "\xc3\xbc", false, false },
	{ "//a", 0, "a", false, false },
	{ "/a//b", 0, "a/b", false, false },
	{ "/./a", 0, "a", false, false },
	{ "/b/../a", 0, "a", false, false },
	{ "////", 0, "", false, true },
	{ "/a/.", 0, "a/", false, true },
	{ "/.well-known/acme", 0, ".well-known/acme", true, false },
	{ "/a.b/c..d", 0, "a.b/c..d", true, false },
	/* dotfiles are not there */
	{ "/.a", 404, "", false, false },
	{ "/a/.b", 404, "", false, false },
	{ "/.git/config", 404, "", false, false },
	{ "/%2ea", 404, "", false, false },
	{ "/...", 404, "", false, false },
	{ "/.well-known", 404, "", false, false },
	{ "/.well-known/.a", 404, "", false, false },
	{ "/a/.well-known/b", 404, "", false, false },
	{ "/a/../.b", 404, "", false, false },
	{ "//.a", 404, "", false, false },
	/* nonsense, and worse */
	{ "/..", 400, "", false, false },
	{ "/%2e%2e/a", 400, "", false, false },
	{ "/a%2fb", 400, "", false, false },
	{ "/a%00", 400, "", false, false },
	{ "/%", 400, "", false, false },
	{ "*", 400, "", false, false },
};

static void each_path_has_its_name(void **state)
{
	struct name name;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = path_read(span_of(rows[i].path), &name);

		if (status != rows[i].status)
			fail_msg("%s: %d", rows[i].path, status);
		if (status != 0)
			continue;
		assert_string_equal(name.text, rows[i].name);
		assert_int_equal(name.len, strlen(rows[i].name));
		assert_int_equal(path_is_directory(&name), rows[i].directory);
		if (name.plain != rows[i].plain)
			fail_msg("%s: plain %d", rows[i].path, name.plain);
	}
}

TEST_MAIN(each_path_has_its_name)
