/* SPDX-License-Identifier: MIT */
/*
 * talk - what a program might say on BROOD_CHANNEL_FD, and what others might send it, into its keeper
 *
 * The input is a list of steps: the program writes any bytes or any frame, with descriptors, and reads; a packet or a
 * letter of any bytes comes for it; the parent reads. What must hold: no crash, no descriptor lost or kept, what the
 * program is told are frames of JSON, each descriptor with one that says so, what the parent gets is what anybody may
 * send, and the keeper comes to rest.
 */
#include "fuzz/wire.h"

#include "base/log.h"
#include "bridge/board.h"
#include "guest/room.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define N_TURNS_MOST 5000	/* then the keeper does not rest */

enum step { WRITE, FRAME, READ, PACKET, LETTER, HANDLE, READ_MAIL, TELL, SHUT, N_STEPS };

static int file_fd = -1;
static int program_fd, parent_fd, channel_fds[2];
static struct board_row row;
static struct config config;
static struct heritage heritage = { .id = 3, .config = &config };
static struct keeper keeper;

/* What the program has been told and has not read as frames yet. */
static struct {
	char		*at;
	size_t		 len;
	unsigned	 n_fds, n_handles;
} told;

/* Return: the descriptors that came along, closed; -1 = there was nothing. */
static int receive(int fd, char *bytes, size_t size, size_t *ret_n)
{
	union {
		char		bytes[CMSG_SPACE(WIRE_FDS_MOST * sizeof(int))];
		struct cmsghdr	align;
	} control;
	struct iovec part = { bytes, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT);
	int fds[WIRE_FDS_MOST], n_fds = 0;

	if (n <= 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		n_fds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), (size_t)n_fds * sizeof(int));
	}
	for (int i = 0; i < n_fds; i++)
		close(fds[i]);
	*ret_n = (size_t)n;
	return n_fds;
}

static void read_mail(void)
{
	static char packet[PACKET_BYTES_MAX];
	size_t n;
	int n_fds;

	while ((n_fds = receive(parent_fd, packet, sizeof(packet), &n)) >= 0)
		must(packet_check(packet, n, (unsigned)n_fds, false));
}

static size_t frame_at(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static void take_frames(void)
{
	size_t at = 0;

	while (told.len - at >= 4 && told.len - at - 4 >= frame_at(told.at + at)) {
		size_t len = frame_at(told.at + at);
		json_t *frame = json_loadb(told.at + at + 4, len, JSON_ALLOW_NUL, NULL);

		must(len <= FRAME_MOST && json_is_string(json_object_get(frame, "event")));
		told.n_handles += json_is_true(json_object_get(frame, "handle"));
		json_decref(frame);
		at += 4 + len;
	}
	told.len -= at;
	memmove(told.at, told.at + at, told.len);
	must(told.n_fds >= told.n_handles && told.n_fds <= told.n_handles + 1);
}

static void read_program(void)
{
	size_t n;
	int n_fds;

	for (;;) {
		told.at = realloc(told.at, told.len + 65536);
		must(told.at);
		n_fds = receive(program_fd, told.at + told.len, 65536, &n);
		if (n_fds < 0)
			break;
		told.n_fds += (unsigned)n_fds;
		told.len += n;
		take_frames();
	}
}

/* All there is to do now. */
static void rest(void)
{
	struct pollfd fds[2];
	unsigned n_turns = 0;

	for (;;) {
		talk_wait(&keeper, &fds[0], &fds[1]);
		if (poll(fds, 2, 0) <= 0)
			return;
		talk_step(&keeper, &fds[0], &fds[1]);
		must(++n_turns < N_TURNS_MOST);
	}
}

static void write_bytes(const uint8_t *bytes, size_t n, uint8_t how)
{
	const int fds[] = { file_fd, file_fd, file_fd };

	if (n > 0)
		wire_send(program_fd, bytes, n, how & 3, fds);
}

static void write_frame(const uint8_t *bytes, size_t n, uint8_t how)
{
	uint8_t *frame = malloc(n + 4);

	must(frame);
	frame[0] = frame[1] = 0;
	frame[2] = (uint8_t)(n >> 8);
	frame[3] = (uint8_t)n;
	if (n > 0)
		memcpy(frame + 4, bytes, n);
	write_bytes(frame, n + 4, how);
	free(frame);
}

static void write_letter(const uint8_t *bytes, size_t n, bool has_handle)
{
	struct envelope e = { .kind = PACKET_LETTERS, .n = 1, .from_id = 2, .first = 1,
			      .flags = has_handle ? ENVELOPE_HANDLE : 0 };
	struct letter letter = { n };
	uint8_t *packet = calloc(1, sizeof(e) + letter_span(n));

	must(packet);
	memcpy(packet, &e, sizeof(e));
	memcpy(packet + sizeof(e), &letter, sizeof(letter));
	if (n > 0)
		memcpy(packet + sizeof(e) + sizeof(letter), bytes, n);
	wire_send(parent_fd, packet, sizeof(e) + letter_span(n), has_handle, &file_fd);
	free(packet);
}

static void take_step(struct steps *s)
{
	enum step step = step_byte(s) % N_STEPS;
	uint8_t how = step_byte(s);
	const int fds[] = { file_fd, file_fd, file_fd };
	const uint8_t *bytes = NULL;
	size_t n = step == READ || step > HANDLE ? 0 : step_packet(s, &bytes);

	switch (step) {
	case WRITE:	write_bytes(bytes, n, how); break;
	case FRAME:
		for (unsigned i = how >> 6 ? 40 : 1; i > 0; i--)
			write_frame(bytes, n, how);
		break;
	case READ:	read_program(); break;
	case PACKET:	wire_send(parent_fd, bytes, n, how & 3, fds); break;
	case LETTER:	write_letter(bytes, n, false); break;
	case HANDLE:	write_letter(bytes, n, true); break;
	case READ_MAIL:	read_mail(); break;
	case TELL:	talk_tell(&keeper, how & 1 ? "suicide" : "disconnect"); break;
	case SHUT:	shutdown(program_fd, how % 3); break;
	case N_STEPS:	break;
	}
	rest();
}

static void begin(void)
{
	int ends[2];

	must(mailbox_pair(ends) == 0);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel_fds) == 0);
	parent_fd = ends[0];
	heritage.mail_fd = ends[1];
	heritage.channel_fd = channel_fds[0];
	keeper = (struct keeper){ .heritage = &heritage, .config = &config, .row = &row, .pid = 1 };
	keeper.talk.frames = (struct frames){ .fd = -1, .out_fd = -1 };
	must(talk_open(&keeper) == 0);
	program_fd = dup(keeper.talk.program_fd);
	talk_launched(&keeper);
	told.len = told.n_fds = told.n_handles = 0;
}

static void end(void)
{
	for (unsigned i = 0; i < 8; i++) {
		read_program();
		read_mail();
		rest();
	}
	talk_close(&keeper);
	read_program();
	must(told.n_fds == told.n_handles || told.len > 0);
	mailbox_finish(&keeper.talk.mail);
	close(heritage.mail_fd);
	close(parent_fd);
	close(program_fd);
	close(channel_fds[0]);
	close(channel_fds[1]);
	free(told.at);
	told.at = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps s = { data, size };
	unsigned n_before;

	if (file_fd < 0) {
		log_setup(LOG_TEXT, LOG_ERROR);		/* what a program does is a warning at most */
		file_fd = wire_memory(1, false);
	}
	n_before = n_open_fds();
	begin();
	while (s.left > 0)
		take_step(&s);
	end();
	must(n_open_fds() == n_before);
	return 0;
}
