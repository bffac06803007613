/* SPDX-License-Identifier: MIT */
#include "base/address.h"
#include "base/auto.h"
#include "base/protocol.h"
#include "base/units.h"
#include "base/unix_rights.h"
#include "cli/cli.h"
#include "setting.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ALLOWED_BYTES 160

static const struct setting *setting_of(const struct option *option)
{
	return setting_find(option->offset - offsetof(struct serve_options, pool));
}

static bool within(const struct setting *setting, uint64_t value)
{
	return value >= (setting->least ? setting->least : 1) && value <= setting->most;
}

static void store(const struct setting *setting, uint64_t value, struct serve_options *out)
{
	setting_store(setting, &out->pool, value);
}

/* ---- numbers ---- */

/* What 0, or for ever, is called: "auto" of "N|auto"; NULL where it is not allowed. */
static const char *zero_word(const struct option *option)
{
	const char *bar = option->form ? strrchr(option->form, '|') : NULL;

	return bar ? bar + 1 : NULL;
}

/* "", ", or off" or ", auto or off" */
static const char *or_zero(const struct option *option)
{
	static char text[24];

	text[0] = '\0';
	if (zero_word(option))
		snprintf(text, sizeof(text), ", %sor %s", setting_of(option)->or_auto ? "auto " : "",
			 zero_word(option));
	return text;
}

static bool store_zero(const struct option *option, const char *value, struct serve_options *out)
{
	const char *word = zero_word(option);

	if (!word || (strcmp(value, word) != 0 && (strcmp(word, "off") != 0 || strcmp(value, "0") != 0)))
		return false;
	store(setting_of(option), setting_of(option)->or_off ? BROOD_OFF : 0, out);
	return true;
}

const char *parse_count(const struct option *option, const char *value, struct serve_options *out)
{
	static char allowed[ALLOWED_BYTES];
	const struct setting *setting = setting_of(option);
	uint64_t count;

	if (store_zero(option, value, out))
		return NULL;
	if (units_parse_number(value, &count) == 0 && within(setting, count)) {
		store(setting, count, out);
		return NULL;
	}
	snprintf(allowed, sizeof(allowed), "a number from %" PRIu64 " to %" PRIu64 "%s",
		 setting->least ? setting->least : 1, setting->most, or_zero(option));
	return allowed;
}

const char *parse_duration(const struct option *option, const char *value, struct serve_options *out)
{
	static char allowed[ALLOWED_BYTES];
	const struct setting *setting = setting_of(option);
	char least[UNITS_TEXT_BYTES], most[UNITS_TEXT_BYTES];
	uint64_t ms;

	if (store_zero(option, value, out))
		return NULL;
	if (units_parse_duration(value, &ms) == 0 && within(setting, ms)) {
		store(setting, ms, out);
		return NULL;
	}
	units_format_duration(setting->least ? setting->least : 1, least);
	units_format_duration(setting->most, most);
	snprintf(allowed, sizeof(allowed), "a time with its unit (250ms, 9s, 2m, 1h) from %s to %s%s", least, most,
		 or_zero(option));
	return allowed;
}

const char *parse_size(const struct option *option, const char *value, struct serve_options *out)
{
	static char allowed[ALLOWED_BYTES];
	const struct setting *setting = setting_of(option);
	char least[UNITS_TEXT_BYTES], most[UNITS_TEXT_BYTES];
	uint64_t bytes;

	if (store_zero(option, value, out))
		return NULL;
	if (setting->or_auto && strcmp(value, "auto") == 0) {
		store(setting, BROOD_AUTO, out);
		return NULL;
	}
	if (units_parse_size(value, &bytes) == 0 && within(setting, bytes)) {
		store(setting, bytes, out);
		return NULL;
	}
	units_format_size(setting->least ? setting->least : 1, least);
	units_format_size(setting->most, most);
	snprintf(allowed, sizeof(allowed), "a size (512, 64k, 8M, 1G) from %s to %s%s", least, most,
		 or_zero(option));
	return allowed;
}

const char *parse_restart_limit(const struct option *option, const char *value, struct serve_options *out)
{
	static char allowed[ALLOWED_BYTES];
	const struct setting *limit = setting_find(offsetof(struct brood_options, restart_limit));
	const struct setting *window = setting_find(offsetof(struct brood_options, restart_window_ms));
	char most[UNITS_TEXT_BYTES];
	uint64_t n, ms;

	if (units_parse_limit(value, &n, &ms) == 0 && within(limit, n) && within(window, ms)) {
		store(limit, n, out);
		store(window, ms, out);
		return NULL;
	}
	units_format_duration(window->most, most);
	snprintf(allowed, sizeof(allowed), "deaths/time such as 5/10s, up to %" PRIu64 "/%s", limit->most, most);
	return allowed;
}

const char *parse_backoff(const struct option *option, const char *value, struct serve_options *out)
{
	static char allowed[ALLOWED_BYTES];
	const struct setting *min = setting_find(offsetof(struct brood_options, backoff_min_ms));
	const struct setting *max = setting_find(offsetof(struct brood_options, backoff_max_ms));
	char most[UNITS_TEXT_BYTES];
	uint64_t from, to;

	if (units_parse_range(value, &from, &to) == 0 && within(min, from) && within(max, to) && from <= to) {
		store(min, from, out);
		store(max, to, out);
		return NULL;
	}
	units_format_duration(max->most, most);
	snprintf(allowed, sizeof(allowed), "two times such as 100ms..10s, the second not smaller, up to %s", most);
	return allowed;
}

/* ---- words ---- */

static const char *list_words(const char *const *words)
{
	static char allowed[ALLOWED_BYTES];
	size_t len = 0;

	for (size_t i = 0; words[i] && len < sizeof(allowed); i++) {
		const char *joint = i == 0 ? "" : words[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s", joint, words[i]);
	}
	return allowed;
}

const char *parse_word(const struct option *option, const char *value, struct serve_options *out)
{
	for (uint32_t i = 0; option->words[i]; i++) {
		if (strcmp(option->words[i], value) == 0) {
			store(setting_of(option), i, out);
			return NULL;
		}
	}
	return list_words(option->words);
}

const char *parse_switch(const struct option *option, const char *value, struct serve_options *out)
{
	const uint32_t on = value[0] == '1';

	if (strcmp(value, "1") != 0 && strcmp(value, "0") != 0)
		return "1 or 0";
	memcpy((char *)out + option->offset, &on, sizeof(on));
	return NULL;
}

const char *parse_string(const struct option *option, const char *value, struct serve_options *out)
{
	/* An empty text is an answer; an empty path or name is a mistake of the caller's. */
	if (value[0] == '\0' && option->offset != offsetof(struct serve_options, pool.text))
		return "something that is not empty";
	memcpy((char *)out + option->offset, &value, sizeof(value));
	return NULL;
}

const char *parse_listen(const struct option *option, const char *value, struct serve_options *out)
{
	struct address address;
	struct unix_rights rights;
	char plain[ADDRESS_TEXT_BYTES];
	enum protocol protocol;

	if (out->command == FOR_RUN && strcmp(value, CLI_LISTEN_NONE) == 0)
		value = CLI_LISTEN_NONE;
	else if (unix_rights_parse(protocol_parse(value, &protocol), plain, sizeof(plain), &rights) < 0 ||
		 address_parse(plain, &address) < 0)
		return "an address such as :8080, 127.0.0.1:8080, [::1]:8080 or unix:PATH,mode=0660";
	if (out->n_listen == CLI_LISTEN_MAX)
		return "given at most 8 times";
	out->listen[out->n_listen++] = value;
	return NULL;
}

/* NAME=VALUE of one line. */
const char *parse_env(const struct option *option, const char *value, struct serve_options *out)
{
	size_t name_len = strcspn(value, "= ");

	if (name_len == 0 || value[name_len] != '=' || strchr(value, '\n'))
		return "NAME=VALUE, in one line";
	if (out->n_env == CLI_ENV_MAX)
		return "given at most 64 times";
	out->env[out->n_env++] = value;
	return NULL;
}

const char *parse_ready(const struct option *option, const char *value, struct serve_options *out)
{
	static const char *const allowed = "listen, notify or delay:TIME, such as delay:500ms";
	const struct setting *delay = setting_find(offsetof(struct brood_options, ready_delay_ms));
	uint32_t ready = BROOD_READY_LISTEN;
	uint64_t ms;

	if (strncmp(value, "delay:", 6) == 0) {
		if (units_parse_duration(value + 6, &ms) < 0 || !within(delay, ms))
			return allowed;
		store(delay, ms, out);
		ready = BROOD_READY_DELAY;
	} else if (strcmp(value, "notify") == 0) {
		ready = BROOD_READY_NOTIFY;
	} else if (strcmp(value, "listen") != 0) {
		return allowed;
	}
	store(setting_of(option), ready, out);
	return NULL;
}

/* TERM, SIGTERM or 15; those that cannot be caught would not let it finish. */
const char *parse_signal(const struct option *option, const char *value, struct serve_options *out)
{
	const char *name = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
	uint64_t number = 0;

	if (units_parse_number(value, &number) < 0)
		for (int i = 1; i < NSIG && number == 0; i++)
			if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
				number = (uint64_t)i;
	if (number == SIGKILL || number == SIGSTOP || !within(setting_of(option), number))
		return "a signal such as TERM, QUIT or INT, but not KILL or STOP";
	store(setting_of(option), number, out);
	return NULL;
}

const char *parse_admin(const struct option *option, const char *value, struct serve_options *out)
{
	struct address address;

	if (strcmp(value, "off") != 0 && (address_parse(value, &address) < 0 || address_is_unix(&address)))
		return "an address such as :9090 (that of 127.0.0.1), 0.0.0.0:9090 or [::1]:9090, or off";
	out->pool.admin = value;
	return NULL;
}

const char *parse_state(const struct option *option, const char *value, struct serve_options *out)
{
	if (strcmp(value, "memory") != 0 && strcmp(value, "off") != 0 && strncmp(value, "redis://", 8) != 0)
		return "memory, off or redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]";
	out->pool.state = value;
	return NULL;
}

/* ---- and back ---- */

static void format_ready(const struct serve_options *options, char out[VALUE_TEXT_BYTES])
{
	char delay[UNITS_TEXT_BYTES];

	units_format_duration(options->pool.ready_delay_ms, delay);
	if (options->pool.ready == BROOD_READY_DELAY)
		snprintf(out, VALUE_TEXT_BYTES, "delay:%s", delay);
	else
		snprintf(out, VALUE_TEXT_BYTES, "%s", options->pool.ready == BROOD_READY_NOTIFY ? "notify" : "listen");
}

static void format_signal(uint64_t number, char out[VALUE_TEXT_BYTES])
{
	const char *name = sigabbrev_np((int)number);

	if (name)
		snprintf(out, VALUE_TEXT_BYTES, "%s", name);
	else
		snprintf(out, VALUE_TEXT_BYTES, "%" PRIu64, number);
}

/* With its default put in. */
static uint64_t load(const struct setting *setting, const struct serve_options *options)
{
	uint64_t value = setting_load(setting, &options->pool);

	return value ? value : setting->usual;
}

static void format_pair(const char *form, uint64_t a, uint64_t b, char out[VALUE_TEXT_BYTES])
{
	char from[UNITS_TEXT_BYTES], to[UNITS_TEXT_BYTES];

	units_format_duration(a, from);
	units_format_duration(b, to);
	if (strchr(form, '/'))
		snprintf(out, VALUE_TEXT_BYTES, "%" PRIu64 "/%s", a, to);
	else
		snprintf(out, VALUE_TEXT_BYTES, "%s..%s", from, to);
}

static void format_number(const struct option *option, const struct setting *setting,
			  const struct serve_options *options, char out[VALUE_TEXT_BYTES])
{
	uint64_t value = load(setting, options);

	if (zero_word(option) && (value == 0 || (value == BROOD_OFF && setting->or_off)))
		snprintf(out, VALUE_TEXT_BYTES, "%s", zero_word(option));
	else if (value == BROOD_AUTO && setting->or_auto)
		snprintf(out, VALUE_TEXT_BYTES, "auto");
	else if (option->parse == parse_count || option->parse == parse_switch)
		snprintf(out, VALUE_TEXT_BYTES, "%" PRIu64, value);
	else if (option->parse == parse_duration)
		units_format_duration(value, out);
	else if (option->parse == parse_size)
		units_format_size(value, out);
	else if (option->parse == parse_word)
		snprintf(out, VALUE_TEXT_BYTES, "%s", option->words[value]);
	else if (option->parse == parse_ready)
		format_ready(options, out);
	else if (option->parse == parse_signal)
		format_signal(value, out);
	else
		format_pair(option->form, value, load(setting + 1, options), out);
}

void value_format(const struct option *option, const struct serve_options *options, char out[VALUE_TEXT_BYTES])
{
	const struct setting *setting = setting_of(option);

	out[0] = '\0';
	if (setting)
		format_number(option, setting, options, out);
}

const char *value_string(const struct option *option, const struct serve_options *options)
{
	const char *string = NULL;

	if (option->parse == parse_string || option->parse == parse_admin || option->parse == parse_state)
		memcpy(&string, (const char *)options + option->offset, sizeof(string));
	return string;
}
