/* SPDX-License-Identifier: MIT */
#include "base/address.h"
#include "base/auto.h"
#include "check.h"

#include <errno.h>

static void written_as_read(void)
{
	static const char *const texts[] = {
		"127.0.0.1:8080", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[::]:1", "[2001:db8::1]:443",
		"unix:/run/app.sock", "unix:app", "unix:/a:80",
	};
	struct address address;
	char text[ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		check_equal(address_parse(texts[i], &address), 0);
		address_format(&address, text);
		check_text(text, texts[i]);
	}
}

static void refused(void)
{
	static const char *const texts[] = {
		"", ":", "8080", "127.0.0.1", "127.0.0.1:", ":65536", ":-1", ":080000", ":80 ", " :80", "localhost:80",
		"127.0.0.1:80x", "127.1:80", "[::1]", "[::1]80", "::1:80", "[::1:80", "[]:80", "[127.0.0.1]:80",
		"[fe80::1%lo]:80", "unix:", "256.0.0.1:80", "[1:2:3:4:5:6:7:8:9]:80",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
	};
	struct address address = { .len = 4711 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (address_parse(texts[i], &address) != -EINVAL)
			fprintf(stderr, "\"%s\": ", texts[i]);
		check_equal(address_parse(texts[i], &address), -EINVAL);
		check_equal(address.len, 4711);
	}
}

static void every_address(void)
{
	struct address address;

	check_equal(address_parse(":8080", &address), 0);
	check_equal(address_port(&address), 8080);
	check(address.any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address.v6.sin6_addr)
						: address.v4.sin_addr.s_addr == INADDR_ANY);
	address_set_port(&address, 9);
	check_equal(address_port(&address), 9);
}

static void overlaps(void)
{
	static const struct {
		const char	*a, *b;
		bool		 overlap;
	} rows[] = {
		{ "127.0.0.1:80", "127.0.0.1:80", true }, { "127.0.0.1:80", "127.0.0.1:81", false },
		{ "unix:/a", "unix:/a", true }, { "unix:/a", "unix:/b", false }, { "unix:/a", "127.0.0.1:80", false },
		{ "127.0.0.1:80", "127.0.0.2:80", false }, { "0.0.0.0:80", "127.0.0.1:80", true },
		{ "[::]:80", "127.0.0.1:80", true }, { "[::]:80", "0.0.0.0:80", true }, { "[::]:80", "[::1]:80", true },
		{ "[::1]:80", "[::1]:80", true }, { "[::1]:80", "127.0.0.1:80", false }, { "0.0.0.0:80", "[::1]:80", false },
		{ "[::ffff:127.0.0.1]:80", "127.0.0.1:80", true }, { "[::]:80", "[::]:81", false },
	};
	struct address a, b;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_equal(address_parse(rows[i].a, &a), 0);
		check_equal(address_parse(rows[i].b, &b), 0);
		check_equal(address_overlaps(&a, &b), rows[i].overlap);
		check_equal(address_overlaps(&b, &a), rows[i].overlap);
	}
}

int main(void)
{
	check_fds_begin();
	written_as_read();
	refused();
	every_address();
	overlaps();
	check_fds_end();
	return 0;
}
