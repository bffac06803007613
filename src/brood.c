/* SPDX-License-Identifier: MIT */
/*
 * brood - the front door: options in, a frozen config and reserved addresses out to the parent
 *
 * Everything that can be wrong with what a program asked for is found here, before the first fork, and
 * said in one log line.
 */
#include "brood.h"
#include "base/address.h"
#include "base/cpu.h"
#include "base/log.h"
#include "bridge/config.h"
#include "parent/parent.h"
#include "setting.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct brood {
	struct config	config;
	int		reserved_fd[LISTENERS_MAX];	/* of the first config.n_listeners; -1 = closed */
	int		claim_fd[LISTENERS_MAX];	/* likewise: what keeps other pools from the address */
};

static int resolve_settings(struct brood_options *options)
{
	for (const struct setting *setting = setting_table; setting->name; setting++) {
		uint64_t value = setting_load(setting, options);

		if (value == 0) {
			setting_store(setting, options, setting->usual);
		} else if (value == BROOD_OFF && setting->or_off) {
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

static int count_answers(const struct brood_options *options)
{
	return (options->root != NULL) + (options->text != NULL) + (options->handler != NULL);
}

static int check_join(const struct brood_options *options)
{
	if (!options->join || options->model == BROOD_REUSEPORT)
		return 0;
	log_error("option join: only the model reuseport can share an address with another pool");
	return -EINVAL;
}

static int resolve_config(const struct brood_options *options, struct config *config)
{
	int r = copy_options(options, &config->options);

	if (r == 0)
		r = resolve_settings(&config->options);
	if (r < 0)
		return r;
	if (config->options.balance != BROOD_BALANCE_AUTO && config->options.model != BROOD_REUSEPORT) {
		log_error("option balance: it is for the model reuseport; under %s the model decides",
			  config_model_name(config));
		return -EINVAL;
	}
	log_setup((enum log_format)config->options.log_format, (enum log_level)config->options.log_level);
	if (config->options.rebalance && config->options.model != BROOD_REUSEPORT) {
		log_error("option rebalance: only under the model reuseport");
		return -EINVAL;
	}
	if (count_answers(&config->options) > 1) {
		log_error("options root, text, handler: only one of them can answer");
		return -EINVAL;
	}
	r = check_join(&config->options);
	return r < 0 ? r : resolve_identity(config);
}

int brood_create(const struct brood_options *options, struct brood **ret_brood)
{
	static const struct brood_options usual = BROOD_OPTIONS_INIT;
	struct brood *brood = calloc(1, sizeof(*brood));
	int r;

	if (!brood)
		return -ENOMEM;
	r = resolve_config(options ? options : &usual, &brood->config);
	if (r < 0) {
		free(brood);
		return r;
	}
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		brood->reserved_fd[i] = brood->claim_fd[i] = -1;
	*ret_brood = brood;
	return 0;
}

static void log_refusal(const char *text, int error, const char *holder)
{
	if (error == -EADDRINUSE)
		log_error("cannot listen on %s: already taken by %s", text, holder[0] ? holder : "another process");
	else
		log_error("cannot listen on %s: %s", text, strerror(-error));
}

/* What the kernel would let us do, to the surprise of whoever wrote it, or refuse later. */
static int refuse_overlap(const struct config *config, const struct address *address, const char *text)
{
	char other[ADDRESS_TEXT_BYTES];

	for (unsigned i = 0; i < config->n_listeners; i++) {
		if (address_port(address) == 0 || !address_overlaps(address, &config->listen[i]))
			continue;
		address_format(&config->listen[i], other);
		log_error("cannot listen on %s: it overlaps with %s, given before", text, other);
		return -EADDRINUSE;
	}
	return 0;
}

static enum sharing sharing_of(const struct brood_options *options)
{
	if (options->model != BROOD_REUSEPORT)
		return NOT_SHARED;
	return options->join ? SHARED_WITH_ANY : SHARED_BY_WORKERS;
}

/* The address that is next. */
static int reserve_next(struct brood *brood)
{
	struct config *config = &brood->config;
	struct address *address = &config->listen[config->n_listeners];
	struct reservation reservation;
	char text[ADDRESS_TEXT_BYTES];
	int r;

	address_format(address, text);
	r = refuse_overlap(config, address, text);
	if (r < 0)
		return r;
	r = reserve_address(address, sharing_of(&config->options), &reservation);
	if (r < 0) {
		log_refusal(text, r, reservation.holder);
		return r;
	}
	if (reservation.holder[0])
		log_warn("joining %s on %s: what arrives there is shared with it, by the kernel's hash",
			 reservation.holder, text);
	brood->reserved_fd[config->n_listeners] = reservation.fd;
	brood->claim_fd[config->n_listeners] = reservation.claim_fd;
	config->n_listeners++;
	return address_port(address);
}

int brood_listen(struct brood *brood, const char *text)
{
	struct config *config = &brood->config;

	if (config->n_listeners == LISTENERS_MAX) {
		log_error("cannot listen on %s: %d addresses are the most", text, LISTENERS_MAX);
		return -ENOSPC;
	}
	if (address_parse(text, &config->listen[config->n_listeners]) < 0) {
		log_error("cannot listen on \"%s\": not an address like :8080, 127.0.0.1:8080 or [::1]:8080", text);
		return -EINVAL;
	}
	return reserve_next(brood);
}

int brood_http(struct brood *brood, brood_handler_fn *handler, void *arg)
{
	if (count_answers(&brood->config.options) > 0 || brood->config.handler)
		return -EBUSY;
	brood->config.handler = handler;
	brood->config.handler_arg = arg;
	return 0;
}

int brood_run(struct brood *brood)
{
	if (count_answers(&brood->config.options) == 0 && !brood->config.handler) {
		log_error("nothing answers: options root, text and handler are not set, brood_http() was not called");
		return BROOD_EXIT_NOT_STARTED;
	}
	if (brood->config.n_listeners == 0 && brood_listen(brood, ":8080") < 0)
		return BROOD_EXIT_NOT_STARTED;
	return parent_run(&brood->config, brood->reserved_fd, brood->claim_fd);
}

void brood_destroy(struct brood *brood)
{
	if (!brood)
		return;
	for (unsigned i = 0; i < brood->config.n_listeners; i++) {
		if (brood->reserved_fd[i] >= 0)
			close(brood->reserved_fd[i]);
		if (brood->claim_fd[i] >= 0)
			close(brood->claim_fd[i]);
	}
	free(brood);
}
