/* SPDX-License-Identifier: MIT */
#include "service/check.h"

#define MANY 4100

static void the_page_says_that_there_are_more(void **state)
{
	int dir_fd, page_fd, n = 0;
	autofree char *dir = make_directory(&dir_fd);
	autofree char *page = NULL;
	char name[16];
	size_t len;

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		put_file(dir_fd, name, "");
	}
	page_fd = openat(dir_fd, ".", O_RDONLY | O_CLOEXEC);
	assert_int_equal(listing_render(page_fd, SPAN("/"), &page, &len), 0);
	for (const char *at = page; (at = strstr(at, "<li>")); at++)
		n++;
	assert_int_equal(n, 4096);
	assert_non_null(strstr(page, "<p>And more than these 4096."));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		unlinkat(dir_fd, name, 0);
	}
	rmdir(dir);
	close(dir_fd);
}

TEST_MAIN(the_page_says_that_there_are_more)
