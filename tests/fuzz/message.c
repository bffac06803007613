/* SPDX-License-Identifier: MIT */
/*
 * message - what might come over a mail socket, into a mailbox, and what that sends
 *
 * The input is a list of steps: a packet of any bytes with descriptors of all kinds comes, packets are handled,
 * letters are sent, nobody wants any, the other end reads. What must hold: no crash, no descriptor lost or kept, each
 * letter told lies within its packet, and what the mailbox sends is what anybody may send.
 */
#include "fuzz/wire.h"

#include "message/mailbox.h"

#include <stdlib.h>

#define LARGE_BYTES (PACKET_LETTER_MAX + 1)	/* of the sealed memory */

enum step { PACKET, RECEIVE, SEND, SEND_HANDLE, FLUSH, READ_ALL, UNWANTED, N_STEPS };

static int memory[3] = { -1, -1, -1 };		/* sealed, not sealed, a socket */
static bool is_wanted, answers;
static size_t most;				/* bytes of letters in the packet at hand */
static struct mailbox box;

static void on_message(const struct brood_message *message, void *arg)
{
	static volatile char sum;

	must(message->len <= BROOD_MESSAGE_MAX);
	must(message->len <= PACKET_LETTER_MAX || message->len == LARGE_BYTES);
	must(message->len > PACKET_LETTER_MAX || (most -= letter_span(message->len)) <= PACKET_BYTES_MAX);
	for (size_t i = 0; i < message->len; i += 61)
		sum = (char)(sum + ((const char *)message->data)[i]);
	if (answers)
		(void)mailbox_send(&box, BROOD_TO_WORKER, message->from_id, message->data, message->len, message->fd);
	if (message->fd >= 0)
		close(message->fd);
}

static void on_returned(const struct brood_returned *returned, void *arg)
{
	must(returned->n > 0 && returned->to <= BROOD_TO_OTHERS);
}

static void on_event(const struct event_note *note, void *arg)
{
	static struct event_note read;

	memcpy(&read, note, sizeof(read));
}

static void on_room(void *arg)
{
	(void)mailbox_send(&box, BROOD_TO_ALL, 0, "again", 5, -1);
}

static bool on_wanted(void *arg)
{
	return is_wanted;
}

static const struct mailbox_ops ops = {
	.message = on_message, .returned = on_returned, .event = on_event, .room = on_room, .wanted = on_wanted,
};

/* All that it has sent. */
static void read_all(int fd)
{
	static char packet[PACKET_BYTES_MAX];
	union {
		char		bytes[CMSG_SPACE(WIRE_FDS_MOST * sizeof(int))];
		struct cmsghdr	align;
	} control;
	struct iovec part = { packet, sizeof(packet) };
	ssize_t n;

	for (;;) {
		struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
					 .msg_controllen = sizeof(control) };
		int fds[WIRE_FDS_MOST];
		size_t n_fds = 0;

		n = recvmsg(fd, &header, MSG_DONTWAIT);
		if (n < 0)
			break;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
			n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
		}
		must(packet_check(packet, (size_t)n, (unsigned)n_fds, false));
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
	}
}

static void send_packet(struct steps *s, int fd, uint8_t how)
{
	int fds[4] = { memory[how & 1], memory[how >> 1 & 1], memory[2], memory[0] };
	const uint8_t *bytes;
	size_t n = step_packet(s, &bytes);

	wire_send(fd, bytes, n, how >> 2 & 3, fds);
}

static void send_letter(struct steps *s, uint8_t how, int fd)
{
	static char text[LARGE_BYTES];
	size_t len = how & 0x80 ? LARGE_BYTES : (size_t)step_byte(s) << (how & 7);
	int64_t before = (int64_t)box.last, r;

	r = mailbox_send(&box, (enum brood_to)(how >> 3 & 7), how, text, len, fd);
	must(r < 0 || r == before + 1);
}

static void take_step(struct steps *s, int far_fd)
{
	enum step step = step_byte(s) % N_STEPS;
	uint8_t how = step_byte(s);

	most = PACKET_BYTES_MAX;
	switch (step) {
	case PACKET:		send_packet(s, far_fd, how); break;
	case RECEIVE:		(void)mailbox_receive(&box, 1); break;
	case SEND:		send_letter(s, how, -1); break;
	case SEND_HANDLE:	send_letter(s, how, memory[how & 1]); break;
	case FLUSH:		(void)mailbox_flush(&box); break;
	case READ_ALL:
		read_all(far_fd);
		mailbox_room(&box);
		break;
	case UNWANTED:
		is_wanted = how & 1;
		answers = how & 2;
		break;
	case N_STEPS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps s = { data, size };
	_Atomic uint64_t progress = 0;
	unsigned n_before;
	int ends[2];

	if (memory[0] < 0) {
		memory[0] = wire_memory(LARGE_BYTES, true);
		memory[1] = wire_memory(LARGE_BYTES, false);
		memory[2] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	n_before = n_open_fds();
	must(mailbox_pair(ends) == 0);
	mailbox_init(&box, ends[0], &ops, NULL);
	box.progress = &progress;
	is_wanted = true;
	answers = false;
	while (s.left > 0)
		take_step(&s, ends[1]);
	while (most = PACKET_BYTES_MAX, mailbox_receive(&box, 1) > 0)
		read_all(ends[1]);
	read_all(ends[1]);
	mailbox_finish(&box);
	close(ends[0]);
	close(ends[1]);
	must(n_open_fds() == n_before);
	return 0;
}
