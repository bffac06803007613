/* SPDX-License-Identifier: MIT */
/*
 * control - the control socket: who may speak on it, and how many
 *
 * Only root and the parent's own user are heard: by the file's mode, and by what the kernel says of the peer,
 * because a mode can be changed. Nobody can hold the parent up (client.c) or keep others out: when all places
 * are taken, the one who has been silent longest gives way. Without clients it costs no wake-up.
 *
 * Fails by: a place that cannot be had. Named by --control that ends the start; the usual one is gone without.
 */
#include "parent/control.h"

#include "base/log.h"
#include "base/must.h"
#include "base/runtime.h"
#include "parent/crew.h"
#include "parent/loop.h"
#include "parent/stop.h"
#include "parent/takeover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN	8
#define NO_FDS_PAUSE_MS	1000

struct control {
	struct endpoint	endpoint;
	bool		lent;		/* it is the pool's before us until that leaves */
	uint32_t	last_serial;
	uint64_t	paused_ms;	/* until then nobody is accepted, for want of descriptors; 0 = not paused */
	uid_t		refused_uid;	/* whose refusal was logged last */
	uint64_t	n_accepted;
	uint64_t	n_refused;
	uint64_t	n_evicted;
	uint64_t	n_timeouts;
	struct client	clients[CONTROL_CLIENTS_MOST];
};

#define client_each(control, it) \
	for (struct client *it = (control)->clients; it < (control)->clients + CONTROL_CLIENTS_MOST; it++) \
		if (it->serial)

/* ---- the socket ---- */

static int open_named(struct endpoint *endpoint, const char *path)
{
	char why[ENDPOINT_WHY_BYTES];
	int r = endpoint_open(path, endpoint, why);

	if (r < 0)
		log_error("cannot start: control socket %s: %s", path, why);
	return r;
}

/* In the first of the usual directories that can be had. */
static void open_usual(struct endpoint *endpoint, uint16_t port)
{
	char why[ENDPOINT_WHY_BYTES] = "no directory for it";
	char path[RUNTIME_DIR_BYTES + 16] = "";
	struct runtime_dirs dirs;
	int r = -ENOENT;

	runtime_find(geteuid(), &dirs);
	for (unsigned i = 0; i < dirs.n && r < 0; i++) {
		snprintf(path, sizeof(path), "%s/%u" RUNTIME_SUFFIX, dirs.path[i], port);
		r = runtime_create(dirs.path[i]);
		if (r < 0)
			snprintf(why, sizeof(why), "%s", strerror(-r));
		else
			r = endpoint_open(path, endpoint, why);
		if (r == -EADDRINUSE)
			break;
	}
	if (r < 0)
		log_warn("control socket %s: %s; going on without, unless --control names another", path, why);
}

/* From the pool before us, if it has what we are to have. */
static bool borrow_endpoint(struct crew *crew, struct endpoint *endpoint)
{
	const char *path = crew->config->options.control;
	int fd = takeover_control(crew);

	if (fd < 0)
		return false;
	if (endpoint_adopt(fd, strcmp(path, CONTROL_AUTO) == 0 ? NULL : path, endpoint) == 0)
		return true;
	close(fd);
	return false;
}

static int open_endpoint(const struct config *config, struct endpoint *endpoint)
{
	uint16_t ports[LISTENERS_MAX];

	if (strcmp(config->options.control, CONTROL_AUTO) != 0)
		return open_named(endpoint, config->options.control);
	if (config_ports(config, ports) == 0) {
		log_info("control socket: none, for there is no port to name it by; --control names one");
		return 0;
	}
	open_usual(endpoint, ports[0]);
	return 0;
}

static int watch_endpoint(struct crew *crew, const struct endpoint *endpoint)
{
	int r = loop_watch(crew, endpoint->fd, EPOLLIN, tag_make(SOURCE_CONTROL, 0, 0));

	if (r < 0)
		log_error("cannot start: control socket %s: %s", endpoint->path, strerror(-r));
	else
		log_debug("control socket: %s", endpoint->path);
	return r;
}

int control_create(struct crew *crew)
{
	const char *path = crew->config->options.control;
	struct control *control;
	int r;

	if (!path || strcmp(path, CONTROL_OFF) == 0)
		return 0;
	control = calloc(1, sizeof(*control));
	if (!control) {
		log_error("cannot start: control socket %s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	control->endpoint.fd = -1;
	crew->control = control;
	control->lent = borrow_endpoint(crew, &control->endpoint);
	if (control->lent)
		return 0;
	r = open_endpoint(crew->config, &control->endpoint);
	if (r == 0 && control->endpoint.fd >= 0)
		r = watch_endpoint(crew, &control->endpoint);
	return r;
}

int control_socket(const struct crew *crew)
{
	return crew->control ? crew->control->endpoint.fd : -1;
}

bool control_is_lent(const struct crew *crew)
{
	return crew->control && crew->control->lent;
}

void control_own(struct crew *crew)
{
	crew->control->lent = false;
	endpoint_own(&crew->control->endpoint);
	if (watch_endpoint(crew, &crew->control->endpoint) < 0)
		stop_begin(crew, BROOD_EXIT_NOT_STARTED, crew->config->options.drain_timeout_ms);
}

void control_leave(struct crew *crew)
{
	struct endpoint *endpoint = &crew->control->endpoint;

	loop_unwatch(crew, endpoint->fd);
	close(endpoint->fd);
	endpoint->fd = -1;
}

static void tell_counters(const struct control *c)
{
	log_debug("control socket: counters: accepted=%" PRIu64 " refused=%" PRIu64 " evicted=%" PRIu64
		  " timeouts=%" PRIu64,
		  c->n_accepted, c->n_refused, c->n_evicted, c->n_timeouts);
}

void control_destroy(struct crew *crew)
{
	struct control *control = crew->control;

	if (!control)
		return;
	if (control->n_accepted > 0)
		tell_counters(control);
	client_each(control, client)
		client_leave(crew, client);
	crew->control = NULL;
	endpoint_close(&control->endpoint);
	free(control);
}

/* ---- those who come ---- */

_Static_assert(CONTROL_LISTENERS_MOST < CONTROL_CLIENTS_MOST, "somebody else can always come");

static struct client *find_place(struct control *control)
{
	struct client *oldest = NULL;

	for (struct client *c = control->clients; c < control->clients + CONTROL_CLIENTS_MOST; c++) {
		if (c->serial == 0)
			return c;
		if (!c->listens && (!oldest || c->heard_ms < oldest->heard_ms))
			oldest = c;
	}
	must(oldest);		/* fewer may listen than there are places */
	control->n_evicted++;
	client_close(oldest);
	return oldest;
}

static void refuse(struct control *control, int fd, const struct ucred *peer)
{
	static const char text[] = "{\"ok\":false,\"version\":1,\"error\":\"only root and the pool's user may\"}\n";

	(void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);	/* one that reads learns why */
	if (control->n_refused++ == 0 || control->refused_uid != peer->uid)
		log_warn("control socket: refused pid %d of user %u", (int)peer->pid, (unsigned)peer->uid);
	control->refused_uid = peer->uid;
}

static bool may_speak(struct control *control, int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == 0 || peer.uid == geteuid()))
		return true;
	refuse(control, fd, &peer);
	return false;
}

static void admit(struct crew *crew, int fd)
{
	struct control *control = crew->control;
	struct client *client;

	control->n_accepted++;
	if (!may_speak(control, fd)) {
		close(fd);
		return;
	}
	client = find_place(control);
	if (++control->last_serial == 0)
		control->last_serial = 1;
	*client = (struct client){
		.serial = control->last_serial, .fd = fd, .heard_ms = crew->now_ms,
		.deadline_ms = crew->now_ms + CONTROL_IDLE_MS,
		.tag = tag_make(SOURCE_CONTROL, control->last_serial, 1 + (unsigned)(client - control->clients)),
	};
	if (loop_watch(crew, fd, EPOLLIN, client->tag) < 0)
		client_close(client);
}

/* The listener stays readable when there is no descriptor for who waits: until later it is not looked at. */
static void set_pause(struct crew *crew, uint64_t until_ms)
{
	crew->control->paused_ms = until_ms;
	(void)loop_rewatch(crew, crew->control->endpoint.fd, until_ms ? 0 : EPOLLIN,
			   tag_make(SOURCE_CONTROL, 0, 0));	/* cannot fail: it is in the set */
}

static void accept_some(struct crew *crew)
{
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(crew->control->endpoint.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno != EAGAIN)
				set_pause(crew, crew->now_ms + NO_FDS_PAUSE_MS);
			return;
		}
		admit(crew, fd);
	}
}

/* ---- those who listen ---- */

static unsigned n_listeners(struct control *control)
{
	unsigned n = 0;

	client_each(control, client)
		n += client->listens;
	return n;
}

bool control_may_listen(const struct crew *crew)
{
	return crew->control && n_listeners(crew->control) < CONTROL_LISTENERS_MOST;
}

bool control_is_heard(const struct crew *crew)
{
	return crew->control && n_listeners(crew->control) > 0;
}

void control_publish(struct crew *crew, const json_t *event)
{
	size_t len;
	char *line = command_print(event, &len);

	if (!line)
		return;
	client_each(crew->control, client)
		if (client->listens)
			client_tell(crew, client, line, len);
	free(line);
}

/* ---- the loop's ---- */

void on_control(struct crew *crew, unsigned row, uint32_t serial)
{
	struct client *client;

	if (row == 0) {
		accept_some(crew);
		return;
	}
	client = &crew->control->clients[row - 1];
	if (client->serial == serial)
		client_on(crew, client);
}

uint64_t control_next_ms(const struct crew *crew)
{
	uint64_t next_ms;

	if (!crew->control)
		return 0;
	next_ms = crew->control->paused_ms;
	client_each(crew->control, client)
		if (client->deadline_ms && (next_ms == 0 || client->deadline_ms < next_ms))
			next_ms = client->deadline_ms;
	return next_ms;
}

void control_expire(struct crew *crew)
{
	struct control *control = crew->control;

	if (control->paused_ms && control->paused_ms <= crew->now_ms)
		set_pause(crew, 0);
	client_each(control, client) {
		if (client->deadline_ms == 0 || client->deadline_ms > crew->now_ms)
			continue;
		control->n_timeouts++;
		client_close(client);
	}
}
