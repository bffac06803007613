/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "base/auto.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/post.h"
#include "parent/stop.h"

#include <string.h>

static struct config config = {
	.options = {
		.size = sizeof(config.options), .workers = 2, .drain_timeout_ms = 1000, .restart_limit = 3,
		.restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100, .surge = 1,
	},
	.n_listeners = 1,
};

/* What is asked, and what is in the reply. None of these does anything: the pool never started. */
static const char *const table[][2] = {
	{ "{\"command\":\"status\"}", "{\"ok\":true,\"version\":1,\"brood\":\"" },
	{ "{\"command\":\"status\",\"version\":1}", "\"slots\":[{\"slot\":0,\"state\":\"EMPTY\",\"worker\":null" },
	{ " { \"command\" : \"status\" } \r", "\"ok\":true" },
	{ "{\"command\":\"poison\"}", "{\"ok\":true,\"version\":1,\"quarantined\":[],\"suspects\":[]}" },
	{ "{\"command\":\"poison-clear\"}", "{\"ok\":true,\"version\":1,\"cleared\":0}" },
	{ "{\"command\":\"poison-clear\",\"n\":0}", "\"error\":\"there is no quarantine 0\"" },
	{ "{\"command\":\"poison-clear\",\"n\":16}", "there is no quarantine 16" },
	{ "{\"command\":\"poison-clear\",\"n\":-1}", "\\\"n\\\" must be a whole number" },
	{ "{\"command\":\"poison-clear\",\"n\":null}", "must be a whole number" },

	{ "{\"command\":\"drain\",\"slot\":0}", "slot 0 is EMPTY: there is no worker in it" },
	{ "{\"command\":\"kill\",\"slot\":1}", "slot 1 is EMPTY: there is no worker in it" },
	{ "{\"command\":\"kill\",\"slot\":2}", "there is no slot 2; they are 0 to 1" },
	{ "{\"command\":\"kill\",\"slot\":9223372036854775807}", "there is no slot 9223372036854775807" },
	{ "{\"command\":\"kill\",\"slot\":9223372036854775808}", "not JSON: too big integer" },
	{ "{\"command\":\"kill\",\"slot\":1.0}", "must be a whole number" },
	{ "{\"command\":\"kill\",\"slot\":\"1\"}", "must be a whole number" },
	{ "{\"command\":\"kill\"}", "kill: \\\"slot\\\" must be a whole number" },
	{ "{\"command\":\"kill\",\"slot\":1,\"slot\":0}", "not JSON: duplicate object key" },
	{ "{\"command\":\"scale\",\"n\":4294967297}", "the pool is not ready yet" },
	{ "{\"command\":\"stop\",\"now\":1}", "stop: \\\"now\\\" must be true or false" },

	{ "{\"command\":\"status\",\"verbose\":true}", "status has no \\\"verbose\\\"" },
	{ "{\"command\":\"status\",\"n\":1}", "status has no \\\"n\\\"" },
	{ "{\"command\":\"fly\"}", "there is no command \\\"fly\\\"" },
	{ "{\"command\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
	  "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4" "a\xc3\xa4\xc3\xa4\"}", "there is no command" },
	{ "{\"command\":\"\\u001b[2J\"}", "there is no command \\\"\\\\x1b[2J\\\"" },
	{ "{\"command\":7}", "a request has a \\\"command\\\"" },
	{ "{}", "a request has a \\\"command\\\"" },
	{ "{\"command\":\"status\",\"version\":2}", "only version 1 is spoken here" },
	{ "{\"command\":\"status\",\"version\":\"1\"}", "only version 1 is spoken here" },
	{ "[\"status\"]", "a request is an object" },
	{ "7", "a request is an object" },
	{ "", "not JSON" },
	{ "status", "not JSON" },
	{ "{\"command\":\"status\"} {}", "not JSON" },
	{ "{\"command\":\"\xff\"}", "not JSON" },
	{ "GET / HTTP/1.1\r", "not JSON" },
};

static void expect(struct crew *crew, const char *request, const char *part)
{
	bool listens;
	size_t len;
	autofree char *reply = command_run(crew, request, strlen(request), &len, &listens);
	json_t *read;

	assert_non_null(reply);
	assert_ptr_equal(memchr(reply, '\n', len), reply + len - 1);
	reply[len - 1] = '\0';
	if (!strstr(reply, part))
		fail_msg("%s\nis answered with %s\nwithout %s", request, reply, part);
	read = json_loads(reply, 0, NULL);
	assert_true(json_is_boolean(json_object_get(read, "ok")));
	assert_int_equal(json_integer_value(json_object_get(read, "version")), CONTROL_VERSION);
	json_decref(read);
}

static void control_requests_table(void **state)
{
	struct crew *crew;

	assert_int_equal(address_parse("127.0.0.1:80", &config.listen[0]), 0);
	assert_int_equal(crew_create(&config, &crew), 0);
	assert_int_equal(post_create(crew), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		expect(crew, table[i][0], table[i][1]);
	assert_int_equal(crew->stopping, NOT_STOPPING);
	assert_int_equal(crew->n_reloads, 0);
	post_destroy(crew);
	crew_destroy(crew);
}

TEST_MAIN(control_requests_table)
