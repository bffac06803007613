/* SPDX-License-Identifier: MIT */
/* Where a Redis server is said to be: what is taken, and that all else is refused with a reason. */
#include "state/store.h"

#include "state/redis.h"
#include "state/room.h"

static const struct row {
	const char	*url;
	const char	*name;		/* NULL = refused */
	const char	*user;
	const char	*password;
	unsigned	 db;
} rows[] = {
	{ "redis://127.0.0.1", "127.0.0.1:6379", "", "", 0 },
	{ "redis://127.0.0.1/", "127.0.0.1:6379", "", "", 0 },
	{ "redis://127.0.0.1:7000", "127.0.0.1:7000", "", "", 0 },
	{ "redis://127.0.0.1:7000/15", "127.0.0.1:7000", "", "", 15 },
	{ "redis://:pass@127.0.0.1", "127.0.0.1:6379", "", "pass", 0 },
	{ "redis://ann:pass@127.0.0.1:1/2", "127.0.0.1:1", "ann", "pass", 2 },
	{ "redis://:a%40b%2Fc%3a%25@127.0.0.1", "127.0.0.1:6379", "", "a@b/c:%", 0 },
	{ "redis://:a@b@127.0.0.1", "127.0.0.1:6379", "", "a@b", 0 },
	{ "redis://:a:b@127.0.0.1", "127.0.0.1:6379", "", "a:b", 0 },
	{ "redis://[::1]:7000", "[::1]:7000", "", "", 0 },
	{ "redis://[::1]", "[::1]:6379", "", "", 0 },
	{ .url = "redis://" }, { .url = "redis:///1" }, { .url = "redis://:7000" }, { .url = "redis://127.0.0.1:" },
	{ .url = "redis://127.0.0.1:65536" }, { .url = "redis://127.0.0.1:7x" }, { .url = "redis://127.0.0.1:-1" },
	{ .url = "redis://127.0.0.1/x" }, { .url = "redis://127.0.0.1/1/2" }, { .url = "redis://127.0.0.1/65536" },
	{ .url = "redis://127.0.0.1/-1" }, { .url = "redis://127.0.0.1/ 1" }, { .url = "redis://pass@127.0.0.1" },
	{ .url = "redis://:@127.0.0.1" }, { .url = "redis://ann:@127.0.0.1" }, { .url = "redis://@127.0.0.1" },
	{ .url = "redis://:a%@127.0.0.1" }, { .url = "redis://:a%4@127.0.0.1" }, { .url = "redis://:a%0g@127.0.0.1" },
	{ .url = "redis://:a%00b@127.0.0.1" }, { .url = "redis://[::1" }, { .url = "redis://[::1]x:1" },
	{ .url = "redis://[]:1" }, { .url = "redis://a..b" }, { .url = "redis://127.0.0.1?db=1" },
};

static void check_row(const struct row *row)
{
	const char *why = "";
	struct state *st = NULL;
	int r = state_create_redis(row->url, "p:", 1000, &st, &why);

	if (r == -ENOTSUP)
		skip(why);
	if ((r == 0) != (row->name != NULL))
		fprintf(stderr, "%s: %s\n", row->url, why);
	check_equal(r, row->name ? 0 : -EINVAL);
	if (!row->name) {
		check(why[0] != '\0');
		return;
	}
	check_text(st->redis->settings.name, row->name);
	check_text(st->redis->settings.user, row->user);
	check_text(st->redis->settings.password, row->password);
	check_equal(st->redis->settings.db, row->db);
	state_destroy(st);
}

int main(void)
{
	char longest[600] = "redis://:", *at = longest + strlen(longest);

	check_fds_begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	memset(at, 'x', 256);		/* a password may have 255 */
	memcpy(at + 256, "@127.0.0.1", 11);
	check_row(&(struct row){ .url = longest });
	check_fds_end();
	return 0;
}
