/* SPDX-License-Identifier: MIT */
#include "service/check.h"

/* Whatever is taken leaves room for "index.html" and its end. */
static void the_longest_leaves_room(void **state)
{
	static char path[NAME_BYTES * 2];
	struct name name;
	int status = 0;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	for (size_t len = NAME_BYTES - 32; len < NAME_BYTES + 32; len++) {
		int before = status;

		status = path_read((struct span){ path, len }, &name);
		assert_true(status == 0 || status == 414);
		assert_true(before == 0 || status == 414);
		if (status == 0)
			assert_true(name.len + sizeof("index.html") <= NAME_BYTES);
	}
	assert_int_equal(status, 414);
	assert_int_equal(path_read((struct span){ path, sizeof(path) }, &name), 414);
}

TEST_MAIN(the_longest_leaves_room)
