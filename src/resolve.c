/* SPDX-License-Identifier: MIT */
#include "resolve.h"

#include "base/cpu.h"
#include "base/log.h"
#include "base/memory.h"
#include "setting.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the memory that all workers together may have; 0 = there is no limit. */
static void resolve_share(struct brood_options *options)
{
	struct memory_limit limit;

	if (options->max_rss_bytes != BROOD_AUTO)
		return;
	limit = memory_limit("");
	options->max_rss_bytes = memory_fair_share(limit.bytes, options->workers);
	if (limit.bytes == 0)
		log_debug("max-rss auto: off, because no cgroup limits the memory");
	else
		log_debug("max-rss auto: %" PRIu64 " KiB for each of %u, of %s %" PRIu64 " KiB",
			  options->max_rss_bytes / 1024,
			  options->workers, limit.name, limit.bytes / 1024);
}

static int resolve_settings(struct brood_options *options)
{
	for (const struct setting *setting = setting_table; setting->name; setting++) {
		uint64_t value = setting_load(setting, options);

		if (value == 0) {
			setting_store(setting, options, setting->usual);
		} else if ((value == BROOD_OFF && setting->or_off) || (value == BROOD_AUTO && setting->or_auto)) {
			continue;
		} else if (value < setting->least || value > setting->most) {
			log_error("option %s: %" PRIu64 " is not from %" PRIu64 " to %" PRIu64, setting->name,
				  value, setting->least, setting->most);
			return -EINVAL;
		}
	}
	if (options->workers == 0) {
		unsigned usable = cpu_usable();

		options->workers = usable < WORKERS_MAX ? usable : WORKERS_MAX;
	}
	if (options->backoff_min_ms > options->backoff_max_ms) {
		log_error("option backoff_min_ms: %u is over backoff_max_ms, %u",
			  options->backoff_min_ms, options->backoff_max_ms);
		return -EINVAL;
	}
	return 0;
}

/* A caller compiled with another version has fewer fields, which are defaults, or more, which must be 0. */
static int copy_options(const struct brood_options *from, struct brood_options *ret_options)
{
	const char *bytes = (const char *)from;
	size_t size = from->size;

	if (size < offsetof(struct brood_options, workers)) {
		log_error("option size: start from BROOD_OPTIONS_INIT");
		return -EINVAL;
	}
	for (; size > sizeof(*ret_options); size--) {
		if (bytes[size - 1] != 0) {
			log_error("option size: an option that version " BROOD_VERSION " does not have is set");
			return -EINVAL;
		}
	}
	*ret_options = (struct brood_options){ .log_level = BROOD_LOG_INFO };
	memcpy(ret_options, from, size);
	ret_options->size = sizeof(*ret_options);
	return 0;
}

static bool parse_id(const char *text, id_t *ret_id)
{
	char *end;
	unsigned long id;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	id = strtoul(text, &end, 10);
	if (*end || errno || id >= UINT32_MAX)
		return false;
	*ret_id = (id_t)id;
	return true;
}

/* A number that no user has keeps the group it was given, or its own number as the group. */
static int find_user(const char *user, struct config *config)
{
	const struct passwd *entry = getpwnam(user);
	id_t id;

	if (!entry && parse_id(user, &id)) {
		config->uid = config->gid = id;
		entry = getpwuid(id);
		if (!entry)
			return 0;
	}
	if (!entry) {
		log_error("option user: there is no user \"%s\"", user);
		return -EINVAL;
	}
	config->uid = entry->pw_uid;
	config->gid = entry->pw_gid;
	return 0;
}

static int find_group(const char *group, struct config *config)
{
	const struct group *entry = getgrnam(group);
	id_t id;

	if (entry) {
		config->gid = entry->gr_gid;
		return 0;
	}
	if (parse_id(group, &id)) {
		config->gid = id;
		return 0;
	}
	log_error("option group: there is no group \"%s\"", group);
	return -EINVAL;
}

static int resolve_identity(struct config *config)
{
	const struct brood_options *options = &config->options;
	int r = 0;

	config->uid = getuid();
	config->gid = getgid();
	config->drop_privileges = options->user || options->group;
	if (options->user)
		r = find_user(options->user, config);
	if (r == 0 && options->group)
		r = find_group(options->group, config);
	if (r == 0 && config->drop_privileges && geteuid() != 0) {
		log_error("option %s: only root can become somebody else", options->user ? "user" : "group");
		return -EPERM;
	}
	return r;
}

int resolve_n_answers(const struct brood_options *options)
{
	return (options->root != NULL) + (options->text != NULL) + (options->handler != NULL);
}

int resolve_check_guest(const struct brood_options *options)
{
	if (options->model == BROOD_ROUND_ROBIN)
		log_error("option model: round-robin hands out connections, which a program cannot take; "
			  "reuseport and preemptive can be had");
	else if (options->balance == BROOD_BALANCE_LEAST)
		log_error("option balance: least takes counts that only brood's own workers keep; "
			  "hash and weighted can be had");
	else if (options->rebalance)
		log_error("option rebalance: a program does not give connections away");
	else if (options->tasks)
		log_error("option tasks: a program cannot ask for them");
	else if (options->max_requests)
		log_error("option max_requests: the requests of a program are not counted");
	else
		return 0;
	return -EINVAL;
}

/* A name that the shell and getenv(3) could mean, then what it is. */
static bool is_assignment(const char *line, size_t len)
{
	size_t name_len = strcspn(line, "=\n");

	return name_len > 0 && name_len < len && !memchr(line, ' ', name_len);
}

static int check_env(const char *env)
{
	for (const char *line = env; line && *line; line += strspn(line, "\n")) {
		size_t len = strcspn(line, "\n");

		if (!is_assignment(line, len)) {
			log_error("option env: \"%.*s\" is not NAME=value", (int)len, line);
			return -EINVAL;
		}
		line += len;
	}
	return 0;
}

static int check_join(const struct brood_options *options)
{
	if (!options->join)
		return 0;
	if (options->model != BROOD_REUSEPORT) {
		log_error("option join: only the model reuseport can share an address with another pool");
		return -EINVAL;
	}
	if (options->balance == BROOD_BALANCE_AUTO || options->balance == BROOD_BALANCE_HASH)
		return 0;
	log_error("option join: what is shared with another pool is balanced by the kernel's hash alone");
	return -EINVAL;
}

/* ---- strings ---- */

/* Each string of @options becomes a copy, the config's own. */
static int copy_strings(struct brood_options *options)
{
	const char **const fields[] = {
#define STRING(field, fixed) &options->field,
		STRINGS(STRING)
#undef STRING
	};
	bool failed = false;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *given = *fields[i];

		*fields[i] = given && !failed ? strdup(given) : NULL;
		failed |= given && !*fields[i];
	}
	return failed ? -ENOMEM : 0;
}

void resolve_release(struct config *config)
{
	struct brood_options *options = &config->options;

#define STRING(field, fixed) free((char *)options->field), options->field = NULL;
	STRINGS(STRING)
#undef STRING
}

/* ---- for the first time ---- */

static int check_state(const struct brood_options *o)
{
	const char *prefix = o->state_prefix ? o->state_prefix : "";

	if (o->state && strcmp(o->state, "memory") != 0 && strcmp(o->state, "off") != 0 &&
	    strncmp(o->state, "redis://", strlen("redis://")) != 0) {
		log_error("option state: \"%s\" is neither memory nor off nor redis://HOST:PORT", o->state);
		return -EINVAL;
	}
	if (strlen(prefix) > STATE_PREFIX_MAX) {
		log_error("option state_prefix: \"%s\" is longer than %d bytes", prefix, STATE_PREFIX_MAX);
		return -EINVAL;
	}
	return 0;
}

static int check_options(const struct brood_options *options)
{
	if (resolve_n_answers(options) > 1) {
		log_error("options root, text, handler: only one of them can answer");
		return -EINVAL;
	}
	if (options->rebalance && options->model != BROOD_REUSEPORT) {
		log_error("option rebalance: only under the model reuseport");
		return -EINVAL;
	}
	if (options->balance != BROOD_BALANCE_AUTO && options->model != BROOD_REUSEPORT) {
		log_error("option balance: only under the model reuseport; the others decide for themselves");
		return -EINVAL;
	}
	if (check_state(options) < 0)
		return -EINVAL;
	if (options->tasks && (options->root || options->text)) {
		log_error("option tasks: files and texts ask for none; a handler does");
		return -EINVAL;
	}
	return check_env(options->env) < 0 ? -EINVAL : check_join(options);
}

int resolve_options(const struct brood_options *options, struct config *ret_config)
{
	struct config config = { .n_listeners = 0 };
	int r = copy_options(options, &config.options);

	if (r == 0)
		r = resolve_settings(&config.options);
	if (r < 0)
		return r;
	log_setup((enum log_format)config.options.log_format, (enum log_level)config.options.log_level);
	resolve_share(&config.options);
	r = check_options(&config.options);
	if (r == 0)
		r = resolve_identity(&config);
	if (r < 0)
		return r;
	r = copy_strings(&config.options);
	if (r < 0)
		resolve_release(&config);
	else
		*ret_config = config;
	return r;
}

/* ---- for a reload ---- */

static void keep_number(const char *name, const struct brood_options *now, struct brood_options *options)
{
	const struct setting *setting = setting_table;

	while (strcmp(setting->name, name) != 0)
		setting++;
	if (setting_load(setting, now) == setting_load(setting, options))
		return;
	log_warn("reload: option %s takes effect at the next start", name);
	setting_store(setting, options, setting_load(setting, now));
}

static void keep_string(const char *name, const char *now, const char **string)
{
	bool same = now && *string ? strcmp(now, *string) == 0 : now == *string;

	if (!same)
		log_warn("reload: option %s takes effect at the next start", name);
	*string = now;
}

static void keep_fixed(const struct brood_options *now, struct brood_options *options)
{
#define NUMBER(field) keep_number(#field, now, options);
	FIXED_NUMBERS(NUMBER)
#undef NUMBER
#define STRING(field, fixed) if (fixed) keep_string(#field, now->field, &options->field);
	STRINGS(STRING)
#undef STRING
}

static int check_answers(const struct config *now, const struct brood_options *options)
{
	if (now->handler && resolve_n_answers(options) > 0) {
		log_error("reload: options root, text, handler: brood_http() was called, and answers");
		return -EINVAL;
	}
	if (now->guest && resolve_n_answers(options) > 0) {
		log_error("reload: options root, text, handler: a program is run, and answers");
		return -EINVAL;
	}
	if (now->guest)
		return resolve_check_guest(options);
	if (config_n_speaking(now, PROTOCOL_HTTP) < now->n_listeners - (now->admins != 0) && now->options.handler &&
	    !options->handler) {
		log_error("reload: option handler is not set, and what is not HTTP is its");
		return -EINVAL;
	}
	if (!now->handler && resolve_n_answers(options) == 0 && config_n_speaking(now, PROTOCOL_HTTP) > 0) {
		log_error("reload: nothing answers: options root, text and handler are not set");
		return -EINVAL;
	}
	return 0;
}

int resolve_again(const struct config *now, const struct brood_options *options, struct config **ret_config)
{
	struct config *config = malloc(sizeof(*config));
	int r;

	if (!config) {
		log_error("reload: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	*config = *now;
	config->options = *options;
	r = resolve_settings(&config->options);
	if (r == 0)
		r = check_answers(now, &config->options);
	if (r == 0)
		r = check_options(&config->options);
	if (r == 0) {
		resolve_share(&config->options);
		keep_fixed(&now->options, &config->options);
		r = copy_strings(&config->options);
		if (r == 0) {
			*ret_config = config;
			return 0;
		}
		resolve_release(config);
	}
	free(config);
	return r;
}
