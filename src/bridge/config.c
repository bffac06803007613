/* SPDX-License-Identifier: MIT */
#include "bridge/config.h"

#include "base/must.h"

#include <stdio.h>

const char *config_model_name(const struct config *config)
{
	static const char *const names[] = {
		[BROOD_REUSEPORT] = "reuseport",
		[BROOD_PREEMPTIVE] = "preemptive",
		[BROOD_ROUND_ROBIN] = "round-robin",
	};

	must(config->options.model <= BROOD_ROUND_ROBIN);
	return names[config->options.model];
}

uint32_t config_shared(const struct config *config)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < config->n_listeners; i++)
		mask |= config_is_shared(config, i) ? 1u << i : 0;
	return mask;
}

int config_shared_backlog(const struct config *config, unsigned n_workers)
{
	return (int)(config->options.backlog * n_workers);	/* 65535 * 512 at most */
}

unsigned config_n_speaking(const struct config *config, enum protocol protocol)
{
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_listeners; i++)
		n += config->protocol[i] == protocol && !config_is_admin(config, i);
	return n;
}

void config_format_listener(const struct config *config, unsigned index, char out[LISTENER_TEXT_BYTES])
{
	char text[ADDRESS_TEXT_BYTES];

	address_format(&config->listen[index], text);
	snprintf(out, LISTENER_TEXT_BYTES, "%s%s", protocol_prefix(config->protocol[index]), text);
}

unsigned config_ports(const struct config *config, uint16_t ret_ports[LISTENERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < config->n_listeners; i++)
		if (config_has_handshakes(config, i))
			ret_ports[n++] = address_port(&config->listen[i]);
	return n;
}
