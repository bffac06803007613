/* SPDX-License-Identifier: MIT */
/* udp_echo - gives datagrams back: brood serve --listen udp::7000 --handler ./udp_echo.so */
#include <brood.h>

void brood_handle_datagram(struct brood_datagram *datagram, const void *data, size_t len)
{
	(void)brood_datagram_reply(datagram, data, len);
}
