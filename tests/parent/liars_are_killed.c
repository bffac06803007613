/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include "base/auto.h"

static void send_ready_as(const struct heritage *h, uint32_t engine)
{
	struct ready_msg msg = { .engine = engine };

	(void)channel_send(h->channel_fd, CHANNEL_READY, &msg, -1);
}

static void send_listener(const struct heritage *h, uint32_t index, int fd)
{
	const struct listener_msg msg = { .index = index };

	(void)channel_send(h->channel_fd, CHANNEL_LISTENER, &msg, fd);
}

static int listen_elsewhere(const struct heritage *h)
{
	struct address address = h->config->listen[0];
	int fd;

	address_set_port(&address, 0);
	fd = address_bind(&address, true);
	if (fd < 0 || listen(fd, 1) < 0)
		_exit(99);
	return fd;
}

static void say_ready_twice(const struct heritage *h)
{
	part_start(h);
	part_ready(h);
}

static void say_ready_without_listener(const struct heritage *h) { part_ready(h); }
static void give_wrong_index(const struct heritage *h) { send_listener(h, 1, STDERR_FILENO); }
static void give_no_socket(const struct heritage *h) { send_listener(h, 0, STDERR_FILENO); }
static void give_other_address(const struct heritage *h) { send_listener(h, 0, listen_elsewhere(h)); }
static void give_channel(const struct heritage *h) { send_listener(h, 0, h->channel_fd); }

static void give_one_that_listens(const struct heritage *h)
{
	int fd = address_bind(&h->config->listen[0], true);

	if (listen(fd, 1) < 0)
		_exit(99);
	send_listener(h, 0, fd);
}

static void give_listener_twice(const struct heritage *h)
{
	int fd;

	part_listen(h, &fd);
	send_listener(h, 0, fd);
	send_listener(h, 0, fd);
}

static void run_on_steam(const struct heritage *h)
{
	int fd;

	part_listen(h, &fd);
	send_ready_as(h, 77);
}

static void speak_nonsense(const struct heritage *h) { (void)!write(h->channel_fd, "nonsense", 8); }

static void drain_twice(const struct heritage *h)
{
	part_leave(h, 0);
	part_leave(h, 0);
}

static void speak_as_parent(const struct heritage *h)
{
	(void)channel_send(h->channel_fd, CHANNEL_ACK, NULL, -1);
}

static void fault_before_ready(const struct heritage *h)
{
	const struct crash_msg fault = { .signal = SIGSEGV };

	(void)channel_send(h->channel_fd, CHANNEL_FAULT, &fault, -1);
}

static void flood(const struct heritage *h)
{
	part_start(h);
	for (;;)
		part_retire(h, "again");
}

static void hang_up(const struct heritage *h)
{
	part_start(h);
	close(h->channel_fd);
}

/* The listener stays in custody from the liar that gives it: those who must have none come before. */
static const struct lie {
	void		(*tell)(const struct heritage *h);
	const char	*line;
} lies[] = {
	{ say_ready_without_listener, "(sent READY before its LISTENERs)" },
	{ give_wrong_index, "(sent a LISTENER that cannot listen on its address)" },
	{ give_no_socket, "(sent a LISTENER that cannot listen on its address)" },
	{ give_channel, "(sent a LISTENER that cannot listen on its address)" },
	{ give_one_that_listens, "(sent a LISTENER that cannot listen on its address)" },
	{ give_other_address, "(sent a LISTENER that cannot listen on its address)" },
	{ give_listener_twice, "(sent a LISTENER that is in custody already)" },
	{ run_on_steam, "(sent READY with an engine that does not exist)" },
	{ say_ready_twice, "(sent READY out of turn)" },
	{ speak_nonsense, "(sent what is no message)" },
	{ speak_as_parent, "(sent what is no message)" },
	{ fault_before_ready, "(sent FAULT out of turn)" },
	{ drain_twice, "(sent DRAINED out of turn)" },
	{ flood, "(flooded its channel)" },
	{ hang_up, "(closed its channel)" },
};

int worker_main(const struct heritage *h)
{
	if (h->slot == 1 && h->generation < ARRAY_LEN(lies)) {
		lies[h->generation].tell(h);
		sleep(20);
	}
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void liars_are_killed(void **state)
{
	play_prepare(&play, 2);
	play.config.options.restart_limit = ARRAY_LEN(lies);
	play.config.options.backoff_min_ms = play.config.options.backoff_max_ms = 2;
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	play_expect_times(&play, "killed by SIGKILL", ARRAY_LEN(lies));
	play_expect_times(&play, "ready after", 4);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	for (unsigned i = 0; i < ARRAY_LEN(lies); i++)
		play_expect(&play, lies[i].line);
	assert_int_equal(play_count(&play, "(sent a LISTENER that cannot listen"), 5);
}

TEST_MAIN(liars_are_killed)
