/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include "bridge/wire.h"

#include <stdlib.h>

#define N_LIVES 120

/* Mostly well-formed, so that it gets past the grammar; then anything; seeded by the generation. */
static void send_something(const struct heritage *h, int listen_fd)
{
	static char payload[CHANNEL_PAYLOAD_MAX];
	unsigned type = (unsigned)rand() % (CHANNEL_ACK + 1);

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(rand() % 3 ? 0 : rand());
	if (rand() % 8 == 0)
		send_raw(h->channel_fd, (uint32_t)rand() % (CHANNEL_N_TYPES + 2), (size_t)rand() % 300,
			 (unsigned)rand() % WIRE_FDS_MAX);
	else if (type != CHANNEL_ACK)
		(void)channel_send(h->channel_fd, type, payload, type == CHANNEL_LISTENER ? listen_fd : -1);
	else
		part_ready(h);
}

static void scribble(const struct heritage *h)
{
	volatile unsigned char *at = (volatile unsigned char *)part_row(h);

	for (size_t i = 0; i < sizeof(struct board_row); i++)
		at[i] = (unsigned char)rand();
	h->board->n_rows = (unsigned)rand();
}

int worker_main(const struct heritage *h)
{
	int fd;

	if (h->slot == 0 || h->generation >= N_LIVES) {
		part_start(h);
		return part_wait_for_drain(h);
	}
	srand(h->generation + 1);
	if (rand() % 4 > 0)
		fd = part_start(h);
	else
		fd = address_bind(&h->config->listen[0], true);
	for (int n = rand() % 20; n > 0; n--)
		send_something(h, fd);
	scribble(h);
	return rand() % 2;
}

static struct play play;

static void fuzzed_channel(void **state)
{
	play_prepare(&play, 2);
	play.config.options.restart_limit = N_LIVES;
	play.config.options.backoff_min_ms = play.config.options.backoff_max_ms = 2;
	play.config.options.start_timeout_ms = 500;
	play_begin(&play);
	play_expect(&play, "worker 0 (pid ");
	usleep(200000);
	while (play_read(&play, 700))
		;
	play_signal(&play, SIGTERM);
	assert_true(play_end(&play, BROOD_EXIT_DRAINED) < 3000);
	assert_int_equal(play_count(&play, "worker 0 (pid "), 3);	/* ready, counters, and left */
	assert_true(play_count(&play, "worker 1 (pid ") > N_LIVES);
}

TEST_MAIN(fuzzed_channel)
