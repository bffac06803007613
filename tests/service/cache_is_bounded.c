/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static struct span numbered(int i)
{
	static char path[32];

	return (struct span){ path, (size_t)snprintf(path, sizeof(path), "/a/path/of/some/length/%d", i) };
}

static struct resource *make_resource(int i, size_t n_bytes, unsigned n_descriptors)
{
	static const struct probe nothing = { .fd = { -1, -1, -1 } };
	struct resource *resource;

	assert_int_equal(resource_create(numbered(i), &nothing, SPAN("text/css"), &resource), 0);
	resource->n_bytes = n_bytes;
	resource->n_descriptors = n_descriptors;
	return resource;
}

static void the_least_recently_looked_at_goes_first(void **state)
{
	struct cache cache;

	assert_int_equal(cache_init(&cache, 10000), 0);
	for (int i = 0; i < 10; i++)
		assert_true(cache_insert(&cache, make_resource(i, 1000, 0)));
	cache_touch(&cache, cache_find(&cache, numbered(0)), 5);
	assert_true(cache_insert(&cache, make_resource(10, 2000, 0)));
	for (int i = 0; i < 11; i++)
		assert_int_equal(cache_find(&cache, numbered(i)) == NULL, i == 1 || i == 2);
	assert_int_equal(cache.n_bytes, 10000);
	assert_null(cache_find(&cache, SPAN("/")));
	assert_null(cache_find(&cache, SPAN_NULL));
	cache_finish(&cache);
}

static void descriptors_are_bounded_apart(void **state)
{
	struct cache cache;

	assert_int_equal(cache_init(&cache, 100000), 0);
	for (int i = 0; i < 5; i++)
		assert_true(cache_insert(&cache, make_resource(i, 1000, 0)));
	for (int i = 5; i < 5 + 100; i++) {
		assert_true(cache_insert(&cache, make_resource(i, 10, 1 + (i % 3 == 0))));
		assert_true(cache.n_descriptors <= DESCRIPTORS_MOST);
	}
	assert_true(cache.n_descriptors >= DESCRIPTORS_MOST - 1);
	for (int i = 0; i < 5; i++)
		assert_non_null(cache_find(&cache, numbered(i)));
	assert_null(cache_find(&cache, numbered(5)));
	assert_non_null(cache_find(&cache, numbered(104)));
	cache_finish(&cache);
}

static void what_is_too_large_stays_out(void **state)
{
	struct cache cache;
	struct resource *large = make_resource(1, 10001, 0);

	assert_int_equal(cache_init(&cache, 10000), 0);
	assert_true(cache_insert(&cache, make_resource(0, 10000, 0)));
	assert_false(cache_insert(&cache, large));
	assert_non_null(cache_find(&cache, numbered(0)));
	resource_destroy(large);
	cache_finish(&cache);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_recently_looked_at_goes_first),
		cmocka_unit_test(descriptors_are_bounded_apart),
		cmocka_unit_test(what_is_too_large_stays_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
