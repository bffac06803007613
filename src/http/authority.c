/* SPDX-License-Identifier: MIT */
#include "http/grammar.h"

#include <arpa/inet.h>

/* "[...]" at the front. Return: its length, or 0. A zone or a future address form is refused. */
static size_t ip_literal_len(struct span authority)
{
	const char *close = memchr(authority.at, ']', authority.len);
	size_t len = close ? (size_t)(close - authority.at) - 1 : 0;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len == 0 || len >= sizeof(text))
		return 0;
	memcpy(text, authority.at + 1, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 ? len + 2 : 0;
}

/* Return: the length of the name before ':' or the end, 0 when it is empty or wrong. */
static size_t reg_name_len(struct span authority)
{
	size_t n = 0;

	while (n < authority.len && authority.at[n] != ':') {
		if (char_is(authority.at[n], CHAR_HOST)) {
			n++;
			continue;
		}
		if (authority.at[n] != '%' || authority.len - n < 3 ||
		    char_hex(authority.at[n + 1]) < 0 || char_hex(authority.at[n + 2]) < 0)
			return 0;
		n += 3;
	}
	return n;
}

static bool port_valid(struct span port)
{
	unsigned value = 0;

	if (port.len > 5)
		return false;
	for (size_t i = 0; i < port.len; i++) {
		if (!char_is_digit(port.at[i]))
			return false;
		value = value * 10 + (unsigned)(port.at[i] - '0');
	}
	return value <= 65535;
}

bool http_authority_valid(struct span authority)
{
	size_t host;

	if (authority.len == 0)
		return false;
	host = authority.at[0] == '[' ? ip_literal_len(authority) : reg_name_len(authority);
	if (host == 0)
		return false;
	if (host == authority.len)
		return true;
	return authority.at[host] == ':' && port_valid(span_skip(authority, host + 1));
}
