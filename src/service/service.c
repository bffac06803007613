/* SPDX-License-Identifier: MIT */
#include "service/service.h"

#include "base/auto.h"
#include "bridge/config.h"
#include "conn/conn.h"

#include <errno.h>
#include <stdio.h>

struct kind {
	int	(*create)(const struct config *config, void **ret_ctx, char *ret_error, size_t size);
	void	(*destroy)(void *ctx);
	void	(*answer)(struct brood_request *r, void *ctx);
};

static const struct kind handler = { handler_create, handler_destroy, handler_answer };
static const struct kind files = { files_create, files_destroy, files_answer };
static const struct kind text = { text_create, text_destroy, text_answer };

static const struct kind *choose_kind(const struct brood_options *options)
{
	if (options->handler)
		return &handler;
	if (options->root)
		return &files;
	return options->text ? &text : NULL;
}

int service_create(const struct config *config, struct service *ret_service, char *ret_error, size_t size)
{
	const struct kind *kind;
	void *ctx = NULL;
	int error;

	if (config->handler) {
		*ret_service = (struct service){ config->handler, config->handler_arg };
		return 0;
	}
	kind = choose_kind(&config->options);
	if (!kind && config_n_speaking(config, PROTOCOL_HTTP) == 0) {
		*ret_service = (struct service){ NULL, NULL };
		return 0;
	}
	if (!kind) {
		snprintf(ret_error, size, "nothing to answer with: no handler, no directory, no text");
		return -EINVAL;
	}
	error = kind->create(config, &ctx, ret_error, size);
	if (error == 0)
		*ret_service = (struct service){ kind->answer, ctx };
	return error;
}

static const struct brood_stream_events *events_of(const struct config *config, const struct service *service,
						   unsigned index)
{
	if (config->stream[index].events)
		return config->stream[index].events;
	return service->answer == handler.answer ? handler_stream_events(service->ctx) : NULL;
}

int service_streams(const struct config *config, const struct service *service, struct stream_service *ret_streams,
		    char *ret_error, size_t size)
{
	for (unsigned i = 0; i < config->n_listeners; i++) {
		if (config->protocol[i] != PROTOCOL_STREAM)
			continue;
		ret_streams[i] = (struct stream_service){ events_of(config, service, i), config->stream[i].arg };
		if (ret_streams[i].events)
			continue;
		snprintf(ret_error, size, "handler %s: exports no brood_stream_handler that has a data event",
			 config->options.handler ? config->options.handler : "(none)");
		return -ENOEXEC;
	}
	return 0;
}

int service_datagrams(const struct config *config, const struct service *service,
		      struct datagram_service *ret_services, char *ret_error, size_t size)
{
	bool loaded = service->answer == handler.answer && handler_has_datagram(service->ctx);

	for (unsigned i = 0; i < config->n_listeners; i++) {
		if (!config_is_datagram(config, i))
			continue;
		ret_services[i] = (struct datagram_service){ config->datagram[i].fn, config->datagram[i].arg };
		if (!ret_services[i].fn && loaded)
			ret_services[i] = (struct datagram_service){ handler_datagram, service->ctx };
		if (ret_services[i].fn)
			continue;
		snprintf(ret_error, size, "handler %s: exports no brood_handle_datagram()",
			 config->options.handler ? config->options.handler : "(none)");
		return -ENOEXEC;
	}
	return 0;
}

void service_destroy(struct service *service)
{
	static const struct kind *const kinds[] = { &handler, &files, &text };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (service->answer == kinds[i]->answer)
			kinds[i]->destroy(service->ctx);
	*service = (struct service){ NULL, NULL };
}
