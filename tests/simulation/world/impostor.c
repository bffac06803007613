/* SPDX-License-Identifier: MIT */
/* impostor - a process in a worker's place that says what it likes, when it likes, and goes as it likes */
#include "world/kernel.h"

#include "base/address.h"
#include "bridge/channel.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say_anything(int channel_fd)
{
	char bytes[300];
	struct iovec part = { bytes, 1 + chance_below(sizeof(bytes) - 1) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)chance_bits();
	(void)sendmsg(channel_fd, &header, MSG_DONTWAIT);
}

static const unsigned n_fds[] = {
#define N_FDS(name, sender, bytes, n, meaning) [CHANNEL_##name] = n,
	CHANNEL_MESSAGES(N_FDS)
#undef N_FDS
};

/* In the grammar; perhaps out of turn. */
static void say_message(const struct heritage *h)
{
	enum channel_type type = (enum channel_type)chance_below(CHANNEL_N_TYPES);
	struct message m;
	int fd = -1;

	memset(&m, 0, sizeof(m));
	if (type == CHANNEL_READY)
		m.ready.engine = (uint32_t)chance_below(4);
	else if (type == CHANNEL_CRASH)
		m.crash.signal = SIGSEGV;
	if (n_fds[type] > 0)
		fd = address_bind(&h->config->listen[0], true);
	if (n_fds[type] > 0 && fd < 0)
		return;
	(void)channel_send(h->channel_fd, type, m.bytes, fd);
	if (fd >= 0)
		close(fd);
}

static void get_ready(const struct heritage *h)
{
	struct ready_msg ready = { .engine = BROOD_ENGINE_URING };
	struct listener_msg listener = { .index = 0 };
	bool own = h->config->options.model == BROOD_REUSEPORT && h->listen_fd[0] < 0;
	int fd = own ? address_bind(&h->config->listen[0], true) : -1;

	if (fd >= 0) {
		(void)channel_send(h->channel_fd, CHANNEL_LISTENER, &listener, fd);
		close(fd);
	}
	(void)channel_send(h->channel_fd, CHANNEL_READY, &ready, -1);
}

int impostor_main(struct process *p)
{
	const struct heritage *h = p->arg;
	bool deaf = false;

	if (chance_one_in(2))
		get_ready(h);
	for (;;) {
		process_wait(never, NULL, world.now_ms + chance_below(200));
		switch (deaf ? chance_below(2) : chance_below(9)) {
		case 0:
			return chance_one_in(2) ? 0 : (int)chance_below(200);
		case 1:
			process_wait(never, NULL, UINT64_MAX);
			break;
		case 2:
			process_fault(SIGBUS);
		case 3:
			close(h->channel_fd);
			deaf = true;
			break;
		case 4:
			say_anything(h->channel_fd);
			break;
		default:
			for (uint64_t n = 1 + chance_below(4); n > 0; n--)
				say_message(h);
			break;
		}
	}
}
