/* SPDX-License-Identifier: MIT */
/*
 * brood - the front door: options in, a frozen config and reserved addresses out to the parent
 *
 * Everything that can be wrong with what a program asked for is found here, before the first fork, and
 * said in one log line.
 */
#include "brood.h"
#include "base/address.h"
#include "base/log.h"
#include "bridge/config.h"
#include "parent/endpoint.h"
#include "parent/parent.h"
#include "resolve.h"
#include "state/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct brood {
	struct config	config;
	int		reserved_fd[LISTENERS_MAX];	/* of the first config.n_listeners; -1 = closed */
	struct brood_stream_events events[LISTENERS_MAX];	/* of brood_listen_stream() */
	struct endpoint	places[LISTENERS_MAX];	/* of UNIX sockets that we have made */
	int		claim_fd[LISTENERS_MAX];	/* likewise: what keeps other pools from the address */
	brood_reload_fn	*reload;	/* of brood_on_reload(), or NULL */
	void		*reload_arg;
	struct observer	observers[BROOD_N_EVENTS];	/* of brood_on() */
	char		**guest;	/* the words of brood_program(), or NULL */
	struct program	*program;	/* NULL = not known */
	struct takeover	*takeover;	/* NULL = there was no pool before us */
	struct activation *activation;	/* NULL = no socket was passed to us */
	struct state	*state;		/* NULL = the workers share none */
};

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
		log_error("option state: no memory that all workers share can be had: %s; with \"off\" they have none",
			  strerror(-r));
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
		if (config_is_datagram(config, i) != config_is_datagram(config, config->n_listeners))
			continue;
		if ((address_port(address) == 0 && !address_is_unix(address)) ||
		    !address_overlaps(address, &config->listen[i]))
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

/* As reserve_address(); what is wrong has been said. */
static int reserve_unix(struct brood *brood, const struct unix_rights *rights, struct reservation *ret_reservation)
{
	const struct config *config = &brood->config;
	struct endpoint *endpoint = &brood->places[config->n_listeners];
	const char *path = config->listen[config->n_listeners].un.sun_path;
	char why[ENDPOINT_WHY_BYTES];
	int r = endpoint_open_as(path, rights, (int)config->options.backlog, endpoint, why);

	*ret_reservation = (struct reservation){ .fd = endpoint->fd, .claim_fd = -1 };
	if (r < 0)
		log_error("cannot listen on unix:%s: %s", path, why);
	return r;
}

/* As reserve_address(). Without SO_REUSEPORT or SO_REUSEADDR it is ours or it fails. */
static int reserve_datagram(struct address *address, struct reservation *ret_reservation)
{
	struct address bound = { .len = sizeof(bound.v6) };
	int fd = address_bind_datagram(address, false);

	*ret_reservation = (struct reservation){ .fd = fd, .claim_fd = -1 };
	if (fd < 0)
		return fd;
	if (getsockname(fd, &bound.any, &bound.len) < 0)
		return -errno;
	address_set_port(address, address_port(&bound));
	return 0;
}

static int take_or_reserve(struct brood *brood, const struct unix_rights *rights, struct reservation *ret_reservation)
{
	struct config *config = &brood->config;
	unsigned next = config->n_listeners;

	config->asked_port[next] = address_port(&config->listen[next]);
	if (brood->takeover && takeover_address(brood->takeover, config, next, ret_reservation))
		return 0;
	if (address_is_unix(&config->listen[next]))
		return reserve_unix(brood, rights, ret_reservation);
	if (config_is_datagram(config, next))
		return reserve_datagram(&config->listen[next], ret_reservation);
	if (activation_has(brood->activation, &config->listen[next])) {
		ret_reservation->fd = activation_take(brood->activation, &config->listen[next]);
		config->lent |= 1u << next;
		return 0;
	}
	return reserve_address(&config->listen[next], sharing_of(&config->options), ret_reservation);
}

/* The group of a socket that listens already, which a worker's own would have to join, is closed to them. */
static int refuse_model(struct brood *brood, const struct address *address, const char *text)
{
	if (brood->config.options.model != BROOD_REUSEPORT ||
	    config_is_datagram(&brood->config, brood->config.n_listeners) || !activation_has(brood->activation, address))
		return 0;
	log_error("cannot listen on %s with the socket that was passed by LISTEN_FDS: under the model reuseport each "
		  "worker has one of its own; use the model preemptive or round-robin", text);
	return -EOPNOTSUPP;
}

/* The address that is next. */
static int reserve_next(struct brood *brood, const struct unix_rights *rights)
{
	struct config *config = &brood->config;
	struct address *address = &config->listen[config->n_listeners];
	struct reservation reservation = { .fd = -1, .claim_fd = -1 };
	char text[ADDRESS_TEXT_BYTES];
	int r;

	address_format(address, text);
	r = refuse_overlap(config, address, text);
	if (r == 0)
		r = refuse_model(brood, address, text);
	if (r < 0)
		return r;
	r = take_or_reserve(brood, rights, &reservation);
	if (r < 0 && address_is_unix(address))
		return r;
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

static bool has_admin(const struct brood_options *options)
{
	return options->admin && strcmp(options->admin, "off") != 0;
}

static int refuse_guest(const struct config *config, const char *text)
{
	if (!config->guest)
		return 0;
	log_error("cannot listen on %s: what a program speaks is its own: leave the prefix out", text);
	return -EINVAL;
}

static int refuse_unix(const struct config *config, enum protocol protocol, const char *text)
{
	if (!config->guest && protocol != PROTOCOL_DATAGRAM)
		return 0;
	log_error("cannot listen on %s: %s", text, config->guest ? "a program gets TCP sockets alone" :
		  "datagrams are of UDP alone");
	return -EINVAL;
}

int brood_listen(struct brood *brood, const char *text)
{
	struct config *config = &brood->config;
	enum protocol protocol;
	const char *address = protocol_parse(text, &protocol);
	char plain[ADDRESS_TEXT_BYTES];
	struct unix_rights rights;

	if (config->n_listeners == LISTENERS_MAX) {
		log_error("cannot listen on %s: %d addresses are the most%s", text, LISTENERS_MAX,
			  has_admin(&config->options) ? ", that of admin among them" : "");
		return -ENOSPC;
	}
	if (unix_rights_parse(address, plain, sizeof(plain), &rights) < 0) {
		log_error("cannot listen on \"%s\": behind unix:PATH may be ,mode=0660 ,user=NAME ,group=NAME, of whom "
			  "there is", text);
		return -EINVAL;
	}
	if (protocol != PROTOCOL_HTTP && refuse_guest(config, text) < 0)
		return -EINVAL;
	if (address_parse(plain, &config->listen[config->n_listeners]) < 0) {
		log_error("cannot listen on \"%s\": not an address like :8080, 127.0.0.1:8080, [::1]:8080 or unix:PATH",
			  text);
		return -EINVAL;
	}
	if (address_is_unix(&config->listen[config->n_listeners]) && refuse_unix(config, protocol, text) < 0)
		return -EINVAL;
	config->protocol[config->n_listeners] = protocol;
	return reserve_next(brood, &rights);
}

int brood_listen_stream(struct brood *brood, const char *address, const struct brood_stream_events *events, void *arg)
{
	struct config *config = &brood->config;
	unsigned next = config->n_listeners;
	char text[LISTENER_TEXT_BYTES + 128];	/* and who may connect */
	int r;

	if (!events || events->size < offsetof(struct brood_stream_events, writable) || !events->data) {
		log_error("cannot listen on %s: brood_listen_stream() without a data event, or without .size", address);
		return -EINVAL;
	}
	snprintf(text, sizeof(text), "%s%s", protocol_prefix(PROTOCOL_STREAM), address);
	r = brood_listen(brood, text);
	if (r < 0)
		return r;
	memcpy(&brood->events[next], events, events->size < sizeof(*events) ? events->size : sizeof(*events));
	config->stream[next] = (struct stream_target){ &brood->events[next], arg };
	return r;
}

int brood_listen_datagram(struct brood *brood, const char *address, brood_datagram_fn *fn, void *arg)
{
	unsigned next = brood->config.n_listeners;
	char text[LISTENER_TEXT_BYTES];
	int r;

	if (!fn) {
		log_error("cannot listen on %s: brood_listen_datagram() without a function", address);
		return -EINVAL;
	}
	snprintf(text, sizeof(text), "%s%s", protocol_prefix(PROTOCOL_DATAGRAM), address);
	r = brood_listen(brood, text);
	if (r >= 0)
		brood->config.datagram[next] = (struct datagram_target){ fn, arg };
	return r;
}

/* Last, so that an address keeps its place whether or not there is this one. Return: 0 or -errno. */
static int listen_for_admin(struct brood *brood)
{
	struct config *config = &brood->config;
	const char *asked = config->options.admin;
	char text[ADDRESS_TEXT_BYTES];
	int r;

	if (!has_admin(&config->options))
		return 0;
	if (strncmp(asked, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
		log_error("admin: \"%s\": an address with a port, such as 127.0.0.1:9090", asked);
		return -EINVAL;
	}
	snprintf(text, sizeof(text), "%s%s", asked[0] == ':' ? "127.0.0.1" : "", asked);
	r = brood_listen(brood, text);
	if (r >= 0)
		config->admins = 1u << (config->n_listeners - 1);
	return r < 0 ? r : 0;
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

/* What was passed to us, or else the usual one. */
static int listen_unasked(struct brood *brood)
{
	struct address address;
	char text[ADDRESS_TEXT_BYTES];
	int r = 0;

	while (r >= 0 && activation_next(brood->activation, &address)) {
		address_format(&address, text);
		r = brood_listen(brood, text);
	}
	return brood->config.n_listeners > 0 || r < 0 ? r : brood_listen(brood, ":8080");
}

/* Whether each address has what answers it, as far as can be known without the shared object. */
static bool answers_all(const struct config *config)
{
	bool no_http = config->n_listeners > 0 && config_n_speaking(config, PROTOCOL_HTTP) == 0;
	char text[LISTENER_TEXT_BYTES];

	if (!no_http && resolve_n_answers(&config->options) == 0 && !config->handler && !config->guest) {
		log_error("nothing answers: options root, text and handler are not set, brood_http() was not called");
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
	if (brood->config.options.tasks > 0 && !brood->config.options.handler && brood->config.n_task_definitions == 0) {
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
