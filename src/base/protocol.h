/* SPDX-License-Identifier: MIT */
/* protocol - what is spoken at an address: "stream:127.0.0.1:7000"; without a prefix it is HTTP */
#pragma once

enum protocol { PROTOCOL_HTTP, PROTOCOL_STREAM, PROTOCOL_DATAGRAM };

#define PROTOCOLS (PROTOCOL_DATAGRAM + 1)
#define PROTOCOL_PREFIX_BYTES 8

/* "", "stream:" or "udp:" */
const char *protocol_prefix(enum protocol protocol);

/* Return: the address behind the prefix of @listen. */
const char *protocol_parse(const char *listen, enum protocol *ret_protocol);
