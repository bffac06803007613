/* SPDX-License-Identifier: MIT */
/*
 * null_udp - the practical limit of an echo of datagrams: a loop of recvmmsg(2) and sendmmsg(2)
 *
 * It blocks for the first and takes what there is, so that a call brings as many as have come. Nothing is copied.
 *
 * Fails by: answering from another address than was asked, where the socket is bound to all of them.
 */
#define _GNU_SOURCE
#include "null.h"

#define BATCH 32
#define DATAGRAM_BYTES 2048

int main(int argc, char **argv)
{
	static char bytes[BATCH][DATAGRAM_BYTES];
	static struct sockaddr_in peers[BATCH];
	static struct iovec iov[BATCH];
	static struct mmsghdr headers[BATCH];
	struct null_options options;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	null_options_parse(argc, argv, &options);
	address.sin_port = htons(options.port);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "port %u", options.port);
	for (;;) {
		int n;

		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ bytes[i], DATAGRAM_BYTES };
			headers[i].msg_hdr = (struct msghdr){
				.msg_name = &peers[i], .msg_namelen = sizeof(peers[i]), .msg_iov = &iov[i], .msg_iovlen = 1,
			};
		}
		n = recvmmsg(fd, headers, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			iov[i].iov_len = headers[i].msg_len;
		if (n > 0)
			(void)sendmmsg(fd, headers, (unsigned)n, 0);
	}
}
