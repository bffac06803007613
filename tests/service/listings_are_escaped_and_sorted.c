/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static const char *const names[] = {
	"b.txt", "a&b.txt", "<script>", "\"'", ".hidden", "javascript:x", "a b",
};

static void directories_first_and_nothing_is_markup(void **state)
{
	int dir_fd, page_fd;
	autofree char *dir = make_directory(&dir_fd);
	autofree char *page = NULL;
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		put_file(dir_fd, names[i], "");
	assert_int_equal(mkdirat(dir_fd, "z", 0755), 0);
	assert_int_equal(symlinkat("z", dir_fd, "y"), 0);
	assert_int_equal(symlinkat("nowhere", dir_fd, "dangling"), 0);
	page_fd = openat(dir_fd, ".", O_RDONLY | O_CLOEXEC);
	assert_int_equal(listing_render(page_fd, SPAN("/<d>/"), &page, &len), 0);
	assert_text(((struct span){ page, len }),
		    "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>Index of /&lt;d&gt;/</title>\n"
		    "<h1>Index of /&lt;d&gt;/</h1>\n<ul>\n<li><a href=\"../\">../</a>\n"
		    "<li><a href=\"y/\">y/</a>\n<li><a href=\"z/\">z/</a>\n"
		    "<li><a href=\"%22%27\">&quot;&#39;</a>\n"
		    "<li><a href=\"%3Cscript%3E\">&lt;script&gt;</a>\n"
		    "<li><a href=\"a%20b\">a b</a>\n<li><a href=\"a%26b.txt\">a&amp;b.txt</a>\n"
		    "<li><a href=\"b.txt\">b.txt</a>\n<li><a href=\"dangling\">dangling</a>\n"
		    "<li><a href=\"javascript%3Ax\">javascript:x</a>\n</ul>\n");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir_fd, names[i], 0);
	unlinkat(dir_fd, "y", 0);
	unlinkat(dir_fd, "dangling", 0);
	unlinkat(dir_fd, "z", AT_REMOVEDIR);
	rmdir(dir);
	close(dir_fd);
}

TEST_MAIN(directories_first_and_nothing_is_markup)
