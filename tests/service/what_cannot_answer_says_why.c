/* SPDX-License-Identifier: MIT */
#include "service/check.h"

#include "bridge/config.h"

static void expect_refusal(struct brood_options options, const char *line)
{
	struct config config = { .options = options, .n_listeners = 1 };
	struct service service;
	char error[256] = "";

	assert_true(service_create(&config, &service, error, sizeof(error)) < 0);
	assert_string_equal(error, line);
}

static void each_refusal_is_one_line(void **state)
{
	expect_refusal((struct brood_options){ .handler = "./nope.so" },
		       "handler ./nope.so: cannot open shared object file: No such file or directory");
	expect_refusal((struct brood_options){ .handler = "nope.so" },
		       "handler ./nope.so: cannot open shared object file: No such file or directory");
	expect_refusal((struct brood_options){ .root = "/nonexistent" },
		       "directory /nonexistent: No such file or directory");
	expect_refusal((struct brood_options){ .root = "/dev/null" }, "directory /dev/null: Not a directory");
	expect_refusal((struct brood_options){ .workers = 1 },
		       "nothing to answer with: no handler, no directory, no text");
}

static void what_can_answer_is_made_and_destroyed(void **state)
{
	struct config config = { .options = { .text = "hello" } };
	struct service service;
	char error[256];

	assert_int_equal(service_create(&config, &service, error, sizeof(error)), 0);
	service_destroy(&service);
	assert_null(service.answer);
	service_destroy(&service);

	config.options = (struct brood_options){ .root = "/", .cache_bytes = 1 << 20 };
	assert_int_equal(service_create(&config, &service, error, sizeof(error)), 0);
	service_destroy(&service);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_is_one_line),
		cmocka_unit_test(what_can_answer_is_made_and_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
