/* SPDX-License-Identifier: MIT */
/*
 * brood - the front door: options in, a frozen config and reserved addresses (listen.c) out to the parent
 *
 * Everything that can be wrong with what a program asked for is found here, before the first fork, and
 * said in one log line.
 */
#include "front.h"

#include "base/log.h"
#include "parent/parent.h"
#include "resolve.h"
#include "state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the pool before us leaves. Return: 0, or -errno: begin anew. */
static int take_state(struct brood *brood)
{
	const struct brood_options *o = &brood->config.options;
	int fds[2];
	int r = brood->takeover ? takeover_state(brood->takeover, fds) : -ENOENT;

	if (r == -ENOENT)
		return r;
	if (r == 0) {
		r = state_adopt(fds[0], fds[1], o->state_bytes, o->state_full == BROOD_STATE_EVICT, &brood->state);
		if (r < 0) {
			close(fds[0]);
			close(fds[1]);
		}
	}
	if (r < 0)
		log_warn("shared state: begins empty, because what the old pool leaves %s",
			 r == -EINVAL ? "is of another size or version" : strerror(-r));
	return r;
}

/* What is there stays there: an upgrade hands nothing over. */
static int make_remote_state(struct brood *brood)
{
	const struct brood_options *o = &brood->config.options;
	const char *why;
	int r = state_create_redis(o->state, o->state_prefix ? o->state_prefix : "brood:", o->state_timeout_ms,
				   &brood->state, &why);

	if (r < 0)
		log_error("option state: no redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] that can be used: %s", why);
	else
		state_set(brood->state);
	return r == -ENOMEM ? r : r < 0 ? -EINVAL : 0;
}

static int make_state(struct brood *brood)
{
	const struct brood_options *o = &brood->config.options;
	int r;

	if (o->state && strcmp(o->state, "off") == 0)
		return 0;
	if (o->state && state_is_redis(o->state))
		return make_remote_state(brood);
	r = take_state(brood);
	if (r < 0)
		r = state_create(o->state_bytes, o->state_full == BROOD_STATE_EVICT, &brood->state);
	if (r < 0) {
		log_error("option state: no memory that all workers share can be had: %s; "
			  "with \"off\" they have none", strerror(-r));
		return r;
	}
	state_set(brood->state);
	brood->config.state_fd = state_event_fd(brood->state);
	brood->config.state_memory_fd = state_fd(brood->state);
	return 0;
}

static void end_state(struct brood *brood)
{
	state_destroy(brood->state);
	brood->state = NULL;
	brood->config.state_fd = brood->config.state_memory_fd = 0;
}

int brood_create(const struct brood_options *options, struct brood **ret_brood)
{
	static const struct brood_options usual = BROOD_OPTIONS_INIT;
	struct brood *brood = calloc(1, sizeof(*brood));
	int r;

	if (!brood)
		return -ENOMEM;
	r = resolve_options(options ? options : &usual, &brood->config);
	if (r < 0) {
		free(brood);
		return r;
	}
	r = activation_create(&brood->activation);
	if (r == 0)
		r = takeover_create(&brood->config, &brood->takeover);
	if (r == 0)
		r = make_state(brood);
	if (r < 0) {
		brood_destroy(brood);
		return r;
	}
	if (program_learn(&brood->program) < 0)
		log_debug("what this program was started as is not to be seen in /proc: it cannot be upgraded");
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		brood->reserved_fd[i] = brood->claim_fd[i] = -1;
	*ret_brood = brood;
	return 0;
}

int brood_http(struct brood *brood, brood_handler_fn *handler, void *arg)
{
	if (resolve_n_answers(&brood->config.options) > 0 || brood->config.handler || brood->config.guest)
		return -EBUSY;
	brood->config.handler = handler;
	brood->config.handler_arg = arg;
	return 0;
}

static void free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

static char **copy_words(const char *const words[], size_t n)
{
	char **copies = calloc(n + 1, sizeof(*copies));

	for (size_t i = 0; copies && i < n; i++) {
		copies[i] = strdup(words[i]);
		if (!copies[i]) {
			free_words(copies);
			return NULL;
		}
	}
	return copies;
}

int brood_program(struct brood *brood, const char *const argv[])
{
	struct config *config = &brood->config;
	size_t n = 0;

	if (resolve_n_answers(&config->options) > 0 || config->handler || config->guest)
		return -EBUSY;
	while (argv[n])
		n++;
	if (n == 0 || argv[0][0] == '\0' || resolve_check_guest(&config->options) < 0)
		return -EINVAL;
	brood->guest = copy_words(argv, n);
	config->guest = brood->guest;
	end_state(brood);	/* a program has no way to it */
	return config->guest ? 0 : -ENOMEM;
}

static bool is_task_name(const char *name)
{
	return name && name[0] != '\0' && strlen(name) < TASK_NAME_BYTES;
}

int brood_task_define(struct brood *brood, const char *name, brood_task_fn *fn, void *arg)
{
	struct config *config = &brood->config;
	struct task_definition *next = &config->task_definitions[config->n_task_definitions];

	if (!is_task_name(name) || !fn)
		return -EINVAL;
	for (unsigned i = 0; i < config->n_task_definitions; i++)
		if (strcmp(config->task_definitions[i].name, name) == 0)
			return -EEXIST;
	if (config->n_task_definitions == TASK_NAMES_MAX)
		return -ENOSPC;
	*next = (struct task_definition){ .fn = fn, .arg = arg };
	memcpy(next->name, name, strlen(name));
	config->n_task_definitions++;
	return 0;
}

int brood_on_reload(struct brood *brood, brood_reload_fn *fn, void *arg)
{
	brood->reload = fn;
	brood->reload_arg = arg;
	return 0;
}

int brood_on(struct brood *brood, enum brood_event_type type, brood_observer_fn *fn, void *arg)
{
	if ((unsigned)type >= BROOD_N_EVENTS)
		return -EINVAL;
	brood->observers[type] = (struct observer){ fn, arg };
	brood->config.observers = NULL;
	for (unsigned i = 0; i < BROOD_N_EVENTS; i++)
		if (brood->observers[i].fn)
			brood->config.observers = brood->observers;
	return 0;
}

static int renew_config(void *arg, const struct config *now, struct config **ret_config)
{
	const struct brood *brood = arg;
	struct brood_options options = now->options;
	int r = brood->reload(&options, brood->reload_arg);

	return r != 0 ? -ECANCELED : resolve_again(now, &options, ret_config);
}

static void destroy_config(struct config *config)
{
	resolve_release(config);
	free(config);
}

/* Whether each address has what answers it, as far as can be known without the shared object. */
static bool answers_all(const struct config *config)
{
	bool no_http = config->n_listeners > 0 && config_n_speaking(config, PROTOCOL_HTTP) == 0;
	char text[LISTENER_TEXT_BYTES];

	if (!no_http && resolve_n_answers(&config->options) == 0 && !config->handler && !config->guest) {
		log_error("nothing answers: options root, text and handler are not set, "
			  "brood_http() was not called");
		return false;
	}
	for (unsigned i = 0; i < config->n_listeners; i++) {
		if (config->protocol[i] == PROTOCOL_HTTP || config->stream[i].events || config->datagram[i].fn ||
		    config->options.handler)
			continue;
		config_format_listener(config, i, text);
		log_error("nothing answers on %s: it takes a shared object as handler, or brood_listen_%s()", text,
			  config_is_datagram(config, i) ? "datagram" : "stream");
		return false;
	}
	return true;
}

int brood_run(struct brood *brood)
{
	const struct renewal renewal = { .create = renew_config, .destroy = destroy_config, .arg = brood };

	if (!answers_all(&brood->config))
		return BROOD_EXIT_NOT_STARTED;
	if (brood->config.options.tasks > 0 && !brood->config.options.handler &&
	    brood->config.n_task_definitions == 0) {
		log_error("option tasks: there is nothing to run: brood_task_define() was not called");
		return BROOD_EXIT_NOT_STARTED;
	}
	if (brood->config.n_listeners == 0 && !brood->config.guest && listen_unasked(brood) < 0)
		return BROOD_EXIT_NOT_STARTED;
	if (listen_for_admin(brood) < 0)
		return BROOD_EXIT_NOT_STARTED;
	activation_discard(brood->activation);
	return parent_run(&brood->config, brood->reserved_fd, brood->claim_fd, brood->reload ? &renewal : NULL,
			  brood->program, brood->takeover);
}

void brood_destroy(struct brood *brood)
{
	if (!brood)
		return;
	for (unsigned i = 0; i < brood->config.n_listeners; i++) {
		if (brood->reserved_fd[i] >= 0 && brood->places[i].path[0])
			endpoint_remove(&brood->places[i]);	/* it has not come to serving */
		if (brood->reserved_fd[i] >= 0)
			close(brood->reserved_fd[i]);
		if (brood->claim_fd[i] >= 0)
			close(brood->claim_fd[i]);
	}
	end_state(brood);
	takeover_destroy(brood->takeover);
	activation_destroy(brood->activation);
	program_destroy(brood->program);
	resolve_release(&brood->config);
	free_words(brood->guest);
	free(brood);
}
