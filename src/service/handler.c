/* SPDX-License-Identifier: MIT */
/*
 * handler - a user's shared object answers
 *
 * Loaded in the worker and never in the parent, so what it breaks is a worker, and a worker started
 * later has the code that is on disk then. It is not unloaded: the process ends after the handler was
 * stopped, and a thread of the handler's own may still be in its code.
 *
 * Fails by: a line that begins with "handler", the rest from the dynamic linker where it has one.
 */
#include "service/service.h"

#include "base/auto.h"
#include "base/span.h"
#include "bridge/config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

struct handler {
	void	*object;
	void	(*handle)(struct brood_request *request);
	int	(*start)(void);
	void	(*stop)(void);
	struct brood_stream_events stream;	/* .size 0 = none */
	void	(*datagram)(struct brood_datagram *datagram, const void *data, size_t len);
};

/* What the dynamic linker has to say; it begins with the path itself more often than not. */
static void explain(const char *path, char *ret_error, size_t size)
{
	const char *why = dlerror();

	if (!why)
		why = "cannot be loaded";
	if (strncmp(why, path, strlen(path)) == 0)
		snprintf(ret_error, size, "handler %s", why);
	else
		snprintf(ret_error, size, "handler %s: %s", path, why);
}

/* As large as it says, which may be less than ours. */
static void load_stream(struct handler *handler)
{
	const struct brood_stream_events *events = dlsym(handler->object, "brood_stream_handler");
	size_t n = events ? events->size : 0;

	if (n < offsetof(struct brood_stream_events, writable))
		return;
	memcpy(&handler->stream, events, n < sizeof(*events) ? n : sizeof(*events));
}

const struct brood_stream_events *handler_stream_events(void *ctx)
{
	const struct handler *handler = ctx;

	return handler->stream.data ? &handler->stream : NULL;
}

int handler_open(const char *path, void **ret_object, char *ret_error, size_t size)
{
	char here[4096];

	if (!strchr(path, '/')) {	/* dlopen() would look for a bare name in the system's directories */
		snprintf(here, sizeof(here), "./%s", path);
		path = here;
	}
	*ret_object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (*ret_object)
		return 0;
	explain(path, ret_error, size);
	return -ENOEXEC;
}

static int load_object(struct handler *handler, const char *path, bool needs_handle, char *ret_error, size_t size)
{
	int r = handler_open(path, &handler->object, ret_error, size);

	if (r < 0)
		return r;
	handler->handle = (void (*)(struct brood_request *))dlsym(handler->object, "brood_handle");
	if (!handler->handle && needs_handle) {
		explain(path, ret_error, size);
		dlclose(handler->object);
		return -ENOEXEC;
	}
	load_stream(handler);
	handler->datagram = (void (*)(struct brood_datagram *, const void *, size_t))
		dlsym(handler->object, "brood_handle_datagram");
	handler->start = (int (*)(void))dlsym(handler->object, "brood_handler_start");
	handler->stop = (void (*)(void))dlsym(handler->object, "brood_handler_stop");
	return 0;
}

int handler_create(const struct config *config, void **ret_ctx, char *ret_error, size_t size)
{
	const char *path = config->options.handler;
	autofree struct handler *handler = calloc(1, sizeof(*handler));
	int error, code;

	if (!handler) {
		snprintf(ret_error, size, "handler %s: out of memory", path);
		return -ENOMEM;
	}
	error = load_object(handler, path, config_n_speaking(config, PROTOCOL_HTTP) > 0, ret_error, size);
	if (error < 0)
		return error;
	code = handler->start ? handler->start() : 0;
	if (code != 0) {
		snprintf(ret_error, size, "handler %s: brood_handler_start() returned %d", path, code);
		return -ECANCELED;
	}
	*ret_ctx = handler;
	handler = NULL;		/* the service owns it now */
	return 0;
}

void handler_destroy(void *ctx)
{
	struct handler *handler = ctx;

	if (handler->stop)
		handler->stop();
	free(handler);
}

void handler_answer(struct brood_request *r, void *ctx)
{
	const struct handler *handler = ctx;

	handler->handle(r);
}

bool handler_has_datagram(void *ctx)
{
	const struct handler *handler = ctx;

	return handler->datagram != NULL;
}

void handler_datagram(struct brood_datagram *datagram, const void *data, size_t len, void *ctx)
{
	const struct handler *handler = ctx;

	handler->datagram(datagram, data, len);
}
