/* SPDX-License-Identifier: MIT */
#include "base/protocol.h"

#include <string.h>

static const char *const prefixes[PROTOCOLS] = {
	[PROTOCOL_HTTP] = "", [PROTOCOL_STREAM] = "stream:", [PROTOCOL_DATAGRAM] = "udp:",
};

const char *protocol_prefix(enum protocol protocol)
{
	return prefixes[protocol];
}

const char *protocol_parse(const char *listen, enum protocol *ret_protocol)
{
	for (unsigned i = PROTOCOL_HTTP + 1; i < PROTOCOLS; i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(listen, prefixes[i], n) != 0)
			continue;
		*ret_protocol = (enum protocol)i;
		return listen + n;
	}
	*ret_protocol = PROTOCOL_HTTP;
	return listen;
}
