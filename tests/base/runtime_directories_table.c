/* SPDX-License-Identifier: MIT */
#include "base/runtime.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect(uid_t uid, const char *unit, const char *xdg, const char *list)
{
	struct runtime_dirs dirs;
	char found[512] = "";

	unit ? setenv("RUNTIME_DIRECTORY", unit, 1) : unsetenv("RUNTIME_DIRECTORY");
	xdg ? setenv("XDG_RUNTIME_DIR", xdg, 1) : unsetenv("XDG_RUNTIME_DIR");
	runtime_find(uid, &dirs);
	check(dirs.n <= RUNTIME_DIRS_MOST);
	for (unsigned i = 0; i < dirs.n; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s", i ? " " : "", dirs.path[i]);
	check_text(found, list);
}

static void find_them(void)
{
	char long_path[200];

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	expect(0, NULL, NULL, "/run/brood");
	expect(0, NULL, "/run/user/1000", "/run/brood");
	expect(0, "/run/brood", NULL, "/run/brood");
	expect(0, "/run/a:/run/b", NULL, "/run/a /run/brood");
	expect(7, NULL, NULL, "/tmp/brood-7 /run/brood");
	expect(7, "", "", "/tmp/brood-7 /run/brood");
	expect(7, NULL, "/run/user/7", "/run/user/7/brood /tmp/brood-7 /run/brood");
	expect(7, "/run/shop", "/run/user/7", "/run/shop /run/user/7/brood /tmp/brood-7 /run/brood");
	expect(7, "relative", "relative", "/tmp/brood-7 /run/brood");
	expect(7, long_path, long_path, "/tmp/brood-7 /run/brood");
	expect(4294967294, NULL, NULL, "/tmp/brood-4294967294 /run/brood");
}

/* Only what nobody else can write to is taken. */
static void create_them(void)
{
	char top[] = "/tmp/runtime_test.XXXXXX";
	char path[64];
	struct stat about;

	check(mkdtemp(top) != NULL);
	snprintf(path, sizeof(path), "%s/brood", top);
	umask(0);
	check_equal(runtime_create(path), 0);
	check_equal(runtime_create(path), 0);
	check(stat(path, &about) == 0 && (about.st_mode & 07777) == 0700);
	check(chmod(path, 0777) == 0);
	check_equal(runtime_create(path), -EPERM);
	check(rmdir(path) == 0);
	check_equal(runtime_create("/proc/brood/brood"), -ENOENT);
	check(symlink("/tmp", path) == 0);
	check_equal(runtime_create(path), -ENOTDIR);
	check(unlink(path) == 0 && close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	check_equal(runtime_create(path), -ENOTDIR);
	check(unlink(path) == 0 && rmdir(top) == 0);
}

int main(void)
{
	find_them();
	create_them();
	return 0;
}
