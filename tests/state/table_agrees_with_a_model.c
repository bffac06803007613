/* SPDX-License-Identifier: MIT */
/* Random sets, deletes, additions and comparisons do what they would do to an array; nothing is lost on the way. */
#include "state/store.h"

#define KEYS 300
#define STEPS 200000

struct model {
	bool		 is_there;
	bool		 is_number;
	int64_t		 number;
	uint32_t	 seed;
	size_t		 len;
	uint64_t	 version;
};

static struct model models[KEYS];
static unsigned char value[BROOD_STATE_VALUE_MAX], out[BROOD_STATE_VALUE_MAX];

static void name_key(unsigned i, char key[BROOD_STATE_KEY_MAX + 1])
{
	int n = snprintf(key, BROOD_STATE_KEY_MAX + 1, "key-%u-", i);

	memset(key + n, 'x', i * 37 % 200);
	key[n + i * 37 % 200] = '\0';
}

static size_t random_len(uint64_t r)
{
	return r % 50 == 0 ? r / 50 % 20000 : r % 50 == 1 ? 0 : r / 50 % 300;
}

static void verify(const char *key, struct model *m)
{
	uint64_t version;
	int n = brood_state_get(key, out, sizeof(out), &version);

	if (!m->is_there) {
		check_equal(n, -ENOENT);
	} else if (m->is_number) {
		check(n > 0 && n < 22);
		out[n] = '\0';
		check_equal(atoll((char *)out), m->number);
	} else {
		check_equal(n, m->len);
		fill(value, m->len, m->seed);
		check(memcmp(out, value, m->len) == 0);
		m->version = version;
	}
}

static void set(const char *key, struct model *m, uint64_t r)
{
	size_t len = random_len(r);

	fill(value, len, (uint32_t)r);
	check_equal(brood_state_set(key, value, len, 0), 0);
	*m = (struct model){ .is_there = true, .seed = (uint32_t)r, .len = len };
}

static void compare(const char *key, struct model *m, uint64_t r)
{
	uint64_t stale = m->version - 1;

	verify(key, m);
	fill(value, 40, (uint32_t)r);
	if (m->is_there && m->is_number) {
		check_equal(brood_state_cas(key, 7, value, 40, 0), -EDOM);
		return;
	}
	check_equal(brood_state_cas(key, m->is_there ? stale : 12345, value, 40, 0), -ESTALE);
	check_equal(brood_state_cas(key, m->is_there ? m->version : 0, value, 40, 0), 0);
	*m = (struct model){ .is_there = true, .seed = (uint32_t)r, .len = 40 };
}

static void add(const char *key, struct model *m, uint64_t r)
{
	int64_t n = (int64_t)(r >> 40) - 1000, sum;
	int error = brood_state_add(key, n, 0, &sum);

	if (m->is_there && !m->is_number) {
		check_equal(error, -EDOM);
		return;
	}
	if (!m->is_there)
		*m = (struct model){ .is_there = true, .is_number = true };
	m->number += n;
	check_equal(error, 0);
	check_equal(sum, m->number);
}

static void step(uint64_t r)
{
	unsigned i = (unsigned)(r % KEYS);
	char key[BROOD_STATE_KEY_MAX + 1];

	name_key(i, key);
	r /= KEYS;
	switch (r % 5) {
	case 0:	set(key, &models[i], r / 5); break;
	case 1:	add(key, &models[i], r / 5); break;
	case 2: compare(key, &models[i], r / 5); break;
	case 3:
		check_equal(brood_state_delete(key), models[i].is_there ? 0 : -ENOENT);
		models[i].is_there = false;
		break;
	default: verify(key, &models[i]);
	}
}

static void iterate(void)
{
	char key[BROOD_STATE_KEY_MAX + 1];
	uint64_t cursor = 0;
	unsigned n_seen = 0, n_there = 0;
	bool seen[KEYS] = { false };
	int n;

	while ((n = brood_state_next(&cursor, key, sizeof(key))) != 0) {
		unsigned i;

		if (n < 0)
			continue;
		check_equal(strlen(key), n);
		check_equal(sscanf(key, "key-%u-", &i), 1);
		check(i < KEYS && models[i].is_there && !seen[i]);
		seen[i] = true;
		n_seen++;
	}
	for (unsigned i = 0; i < KEYS; i++)
		n_there += models[i].is_there;
	check_equal(n_seen, n_there);
}

static void run(uint64_t n_bytes, bool evicts)
{
	struct state *st = store_make(n_bytes, evicts);
	uint64_t random = n_bytes;

	memset(models, 0, sizeof(models));
	for (unsigned i = 0; i < STEPS; i++)
		step(random_next(&random));
	iterate();
	delete_all();
	check_whole(st);
	state_destroy(st);
	check_equal(brood_state_get("key", out, sizeof(out), NULL), -ENOTSUP);
}

static void refuse_what_is_wrong(void)
{
	struct state *st = store_make(MIB, false);
	char key[BROOD_STATE_KEY_MAX + 2];
	uint64_t cursor = 0;
	int64_t sum;
	int n;

	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	check_equal(brood_state_set("", "v", 1, 0), -EINVAL);
	check_equal(brood_state_set(key, "v", 1, 0), -EINVAL);
	key[sizeof(key) - 2] = '\0';
	check_equal(brood_state_set(key, value, sizeof(value), 0), 0);
	check_equal(brood_state_set(key, value, sizeof(value) + 1, 0), -EMSGSIZE);
	check_equal(brood_state_get(key, out, 10, NULL), -ENOSPC);
	check_equal(brood_state_get(key, out, sizeof(out), NULL), sizeof(out));
	while ((n = brood_state_next(&cursor, key, 3)) == -EAGAIN)
		;
	check_equal(n, -ENOSPC);
	check_equal(brood_state_set("n", NULL, 0, 0), 0);
	check_equal(brood_state_get("n", NULL, 0, NULL), 0);
	check_equal(brood_state_add("c", INT64_MAX, 0, &sum), 0);
	check_equal(brood_state_add("c", 1, 0, &sum), -ERANGE);
	check_equal(brood_state_add("c", -1, 0, NULL), 0);
	check_equal(brood_state_get("c", out, 5, NULL), -ENOSPC);
	state_destroy(st);
}

int main(void)
{
	check_fds_begin();
	run(4 * MIB, false);
	run(64 * MIB, true);
	refuse_what_is_wrong();
	check_fds_end();
	return 0;
}
