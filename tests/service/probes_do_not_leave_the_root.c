/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static void expect_errors(int root_fd)
{
	static const struct {
		const char	*name;
		int		 error;
		int		 status;
	} rows[] = {
		{ "nope", -ENOENT, 404 }, { "file/x", -ENOTDIR, 404 }, { "file/", -ENOTDIR, 404 },
		{ "../x", -EXDEV, 404 }, { "out", -EXDEV, 404 }, { "absolute", -EXDEV, 404 },
		{ "up/x", -EXDEV, 404 }, { "dir", -EISDIR, 403 }, { "fifo", -EACCES, 403 },
		{ "loop", -ELOOP, 404 }, { "dir/../../x", -EXDEV, 404 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name = { .len = strlen(rows[i].name) };
		struct probe probe;
		int error;

		memcpy(name.text, rows[i].name, name.len + 1);
		error = probe_init(&probe, root_fd, &name);
		probe_finish(&probe);
		if (error != rows[i].error)
			fail_msg("%s: %d", rows[i].name, error);
		assert_int_equal(probe_status(error), rows[i].status);
	}
}

static void each_way_out_is_refused_by_its_reason(void **state)
{
	int fd;
	autofree char *dir = make_directory(&fd);
	static const char *const names[] = { "file", "out", "absolute", "up", "fifo", "loop", "in" };
	struct name name = { .len = 2, .text = "in" };
	struct probe probe;

	put_file(fd, "file", "text");
	assert_int_equal(mkdirat(fd, "dir", 0755), 0);
	assert_int_equal(symlinkat("../x", fd, "out"), 0);
	assert_int_equal(symlinkat("/etc/passwd", fd, "absolute"), 0);
	assert_int_equal(symlinkat("..", fd, "up"), 0);
	assert_int_equal(symlinkat("loop", fd, "loop"), 0);
	assert_int_equal(symlinkat("dir/../file", fd, "in"), 0);
	assert_int_equal(mkfifoat(fd, "fifo", 0644), 0);
	expect_errors(fd);
	assert_int_equal(probe_init(&probe, fd, &name), 0);
	assert_int_equal(probe.identity[CODING_NONE].size, 4);
	probe_finish(&probe);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(fd, names[i], 0);
	unlinkat(fd, "dir", AT_REMOVEDIR);
	rmdir(dir);
	close(fd);
}

TEST_MAIN(each_way_out_is_refused_by_its_reason)
