/* SPDX-License-Identifier: MIT */
/*
 * listen - the addresses of a pool, each reserved when it is asked for
 *
 * Everything that can be wrong with an address is found here, before the first fork, and said in one log line.
 */
#include "front.h"

#include "base/address.h"
#include "base/log.h"
#include "parent/parent.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

static int take_or_reserve(struct brood *brood, const struct unix_rights *rights,
			   struct reservation *ret_reservation)
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
	    config_is_datagram(&brood->config, brood->config.n_listeners) ||
	    !activation_has(brood->activation, address))
		return 0;
	log_error("cannot listen on %s with the socket that was passed by LISTEN_FDS: under the model reuseport "
		  "each worker has one of its own; use the model preemptive or round-robin", text);
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
		log_error("cannot listen on \"%s\": behind unix:PATH may be ,mode=0660 ,user=NAME ,group=NAME, "
			  "of whom there is", text);
		return -EINVAL;
	}
	if (protocol != PROTOCOL_HTTP && refuse_guest(config, text) < 0)
		return -EINVAL;
	if (address_parse(plain, &config->listen[config->n_listeners]) < 0) {
		log_error("cannot listen on \"%s\": not an address like :8080, 127.0.0.1:8080, [::1]:8080 or "
			  "unix:PATH", text);
		return -EINVAL;
	}
	if (address_is_unix(&config->listen[config->n_listeners]) && refuse_unix(config, protocol, text) < 0)
		return -EINVAL;
	config->protocol[config->n_listeners] = protocol;
	return reserve_next(brood, &rights);
}

int brood_listen_stream(struct brood *brood, const char *address, const struct brood_stream_events *events,
			void *arg)
{
	struct config *config = &brood->config;
	unsigned next = config->n_listeners;
	char text[LISTENER_TEXT_BYTES + 128];	/* and who may connect */
	int r;

	if (!events || events->size < offsetof(struct brood_stream_events, writable) || !events->data) {
		log_error("cannot listen on %s: brood_listen_stream() without a data event, or without .size",
			  address);
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

int listen_unasked(struct brood *brood)
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

int listen_for_admin(struct brood *brood)
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
