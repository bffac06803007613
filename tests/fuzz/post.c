/* SPDX-License-Identifier: MIT */
/*
 * post - what workers might send each other, through the real parent, without any process
 *
 * The input is a list of steps, each of one of four workers or of the helper: it sends a packet of any bytes, with
 * descriptors, reads, shuts its end, dies; time goes by. Between them the parent does all there is to do. What must
 * hold: no crash, no descriptor lost or kept, whatever reaches anybody is what a parent may send, the parent comes to
 * rest, and when all have died nothing is left in its boxes.
 */
#include "fuzz/parent.h"

#include "message/mailbox.h"
#include "parent/loop.h"
#include "parent/post.h"

#include <sys/epoll.h>

#define N_WORKERS 4
#define N_EVENTS 16
#define N_TURNS_MOST 2000	/* then the parent does not rest */

enum step { SEND, READ, READ_ALL, SHUT, DIE, LATER, EVENT, N_STEPS };

static struct config config = {
	.options = { .size = sizeof(config.options), .workers = N_WORKERS, .restart_limit = 3, .restart_window_ms = 1000 },
};
static struct crew *crew;
static int memory[2] = { -1, -1 };
static int ends[N_WORKERS + 1];		/* the workers' own; the helper's; -1 = it has died */
static _Atomic uint64_t progress[N_WORKERS + 1];

static void add_worker(unsigned i)
{
	struct child *child = &crew->children[crew->n_children++];
	int pair[2];

	*child = (struct child){
		.serial = ++crew->last_serial, .pid = 1, .pid_fd = -1, .channel_fd = -1, .slot = i,
		.phase = CHILD_SERVING, .born_ms = crew->now_ms,
	};
	must(mailbox_pair(pair) == 0);
	ends[i] = dup(pair[1]);
	progress[i] = 0;
	child->box = box_open(crew, pair, child->serial, i, &progress[i]);
	must(child->box && ends[i] >= 0);
	crew->slots[i].incumbent = child;
}

static void add_helper(void)
{
	int pair[2];

	must(mailbox_pair(pair) == 0);
	ends[N_WORKERS] = dup(pair[1]);
	progress[N_WORKERS] = 0;
	crew->post->helper = box_open(crew, pair, 0, 0, &progress[N_WORKERS]);
	must(crew->post->helper && ends[N_WORKERS] >= 0);
}

static struct box *box_of(unsigned who)
{
	return who < N_WORKERS ? crew->slots[who].incumbent->box : crew->post->helper;
}

/* Return: whether there was one. */
static bool read_one(unsigned who)
{
	static char packet[PACKET_BYTES_MAX];
	union {
		char		bytes[CMSG_SPACE(WIRE_FDS_MOST * sizeof(int))];
		struct cmsghdr	align;
	} control;
	struct iovec part = { packet, sizeof(packet) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(ends[who], &header, MSG_DONTWAIT);
	int fds[WIRE_FDS_MOST];
	size_t n_fds = 0;

	if (n <= 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
	}
	must(packet_check(packet, (size_t)n, (unsigned)n_fds, true));
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	return true;
}

/* How many of the letters that are next it has handled, it says; it may say anything. */
static void send_packet(struct steps *s, unsigned who, uint8_t how)
{
	const int fds[4] = { memory[how & 1], memory[how >> 1 & 1], memory[0], memory[1] };
	const uint8_t *bytes;
	size_t n = step_packet(s, &bytes);

	for (unsigned i = how >> 6 ? 40 : 1; i > 0; i--)
		wire_send(ends[who], bytes, n, how >> 2 & 3, fds);
	progress[who] = progress_make(how >> 4 & 3, how & 3);
}

static void die(unsigned who)
{
	close(ends[who]);
	ends[who] = -1;
	post_close(crew, box_of(who));
	must(!box_of(who));
}

/* All there is to do now. */
static void rest(void)
{
	struct epoll_event events[N_EVENTS];
	unsigned n_turns = 0;
	int n;

	while ((n = epoll_wait(crew->epoll_fd, events, N_EVENTS, 0)) > 0) {
		must(++n_turns < N_TURNS_MOST);
		for (int i = 0; i < n; i++)
			on_post(crew, events[i].data.u64 & 0xffff, (uint32_t)(events[i].data.u64 >> 16),
				events[i].events);
	}
}

static void go_on(unsigned ms)
{
	crew->now_ms += ms;
	if (post_next_ms(crew) && crew->now_ms >= post_next_ms(crew))
		post_expire(crew);
}

static void take_step(struct steps *s)
{
	static const struct event_note note = { .type = BROOD_EVENT_ONLINE, .id = 1 };
	uint8_t code = step_byte(s), how = step_byte(s);
	unsigned who = code / N_STEPS % (N_WORKERS + 1);
	enum step step = code % N_STEPS;

	if (ends[who] < 0)
		return;
	switch (step) {
	case SEND:	send_packet(s, who, how); break;
	case READ:	(void)read_one(who); break;
	case READ_ALL:
		while (read_one(who))
			;
		break;
	case SHUT:	shutdown(ends[who], how % 3); break;
	case DIE:	die(who); break;
	case LATER:	go_on(100u * how); break;
	case EVENT:
		if (crew->post->helper)
			(void)post_tell_helper(crew, &note);
		break;
	case N_STEPS:
		break;
	}
}

/* Nothing waits for the dead, nor for those who read nothing for long enough. */
static void end_all(void)
{
	for (unsigned who = 0; who <= N_WORKERS; who++)
		if (ends[who] >= 0)
			die(who);
	rest();
	must(crew->post->n_waiting == 0);
	for (unsigned i = 0; i < crew->post->n_boxes; i++)
		must(!crew->post->boxes[i].used);
}

/* One for all inputs: what it takes is much, and none of it is about messages. */
static void prepare(void)
{
	must(crew_create(&config, &crew) == 0);
	crew->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	memory[0] = wire_memory(PACKET_LETTER_MAX + 1, true);
	memory[1] = wire_memory(1, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps s = { data, size };
	unsigned n_before;

	if (!crew)
		prepare();
	n_before = n_open_fds();
	must(post_create(crew) == 0);
	for (unsigned i = 0; i < N_WORKERS; i++)
		add_worker(i);
	add_helper();
	while (s.left > 0) {
		take_step(&s);
		rest();
	}
	end_all();
	post_destroy(crew);
	crew->n_children = 0;
	crew->last_serial = 0;
	must(n_open_fds() == n_before);
	return 0;
}
