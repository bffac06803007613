/* SPDX-License-Identifier: MIT */
/* What is JSON reaches a program as it was written, up to the most of a frame; what is not, as a string, or as null. */
#include "check.h"
#include "bridge/board.h"
#include "guest/room.h"

#include <sys/socket.h>
#include <unistd.h>

#define TEXT "{ \"a\": [1e15, 100000000000000000000, \"\\u0000\"] }"

static struct config config;
static int parent_fd, program_fd;
static struct heritage heritage = { .id = 3, .config = &config };
static struct keeper keeper;

static void step(void)
{
	struct pollfd fds[2];

	for (talk_wait(&keeper, &fds[0], &fds[1]); poll(fds, 2, 0) > 0; talk_wait(&keeper, &fds[0], &fds[1]))
		talk_step(&keeper, &fds[0], &fds[1]);
}

static void write_frame(const char *text)
{
	size_t len = strlen(text);
	const char head[4] = { 0, 0, (char)(len >> 8), (char)len };

	check_equal(send(program_fd, head, 4, 0), 4);
	check_equal(send(program_fd, text, len, 0), (ssize_t)len);
	step();
}

/* Return: the next frame's text, or NULL. */
static const char *read_frame(void)
{
	static char text[FRAME_MOST + 1];
	unsigned char head[4];
	size_t len, n = 0;

	step();
	if (recv(program_fd, head, 4, MSG_DONTWAIT) != 4)
		return NULL;
	len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	check(len <= FRAME_MOST);
	while (n < len) {
		ssize_t more = recv(program_fd, text + n, len - n, MSG_DONTWAIT);

		check(more > 0);
		n += (size_t)more;
		step();
	}
	text[len] = '\0';
	return text;
}

/* What the parent passes on, and what the program is told then. */
static const char *pass_on(struct mailbox *parent, const char *text, size_t len)
{
	check(mailbox_send(parent, BROOD_TO_WORKER, 3, text, len, -1) > 0);
	check(!mailbox_flush(parent));
	return read_frame();
}

static void what_is_sent_arrives_as_it_was(struct mailbox *parent)
{
	static char large[FRAME_MOST];
	const char *told;

	told = pass_on(parent, TEXT, strlen(TEXT));
	check(told && strstr(told, "\"message\":" TEXT "}"));
	check_text(strstr(pass_on(parent, "a\"\n", 3), "\"message\":"), "\"message\":\"a\\\"\\n\"}");
	check_text(strstr(pass_on(parent, "", 0), "\"message\":"), "\"message\":\"\"}");
	check_text(strstr(pass_on(parent, "\xff", 1), "\"message\":"), "\"message\":null}");
	memset(large, 'x', sizeof(large));
	large[0] = large[sizeof(large) - 257] = '"';
	told = pass_on(parent, large, sizeof(large) - 256);
	check(told && strlen(told) > sizeof(large) - 256);
	check_text(strstr(pass_on(parent, large, sizeof(large)), "\"message\":"), "\"message\":null}");
}

/* Return: the one letter that the parent got. */
static const char *read_letter(void)
{
	static char packet[PACKET_BYTES_MAX];
	ssize_t n = recv(parent_fd, packet, sizeof(packet), MSG_DONTWAIT);
	size_t at = sizeof(struct envelope);
	uint64_t len;

	check(n > 0 && packet_check(packet, (size_t)n, 0, false));
	return packet_letter(packet, &at, &len);
}

static void large_numbers_are_no_nonsense(void)
{
	write_frame("{\"do\":\"send\",\"to\":{\"slot\":1},\"message\":[9007199254740993]}");
	check_text(read_letter(), "[9007199254740993]");
	write_frame("{\"do\":\"send\",\"to\":{\"slot\":1},\"message\":[100000000000000000000]}");
	check_text(read_letter(), "[1e20]");
	check(keeper.talk.frames.fd >= 0);
	write_frame("{\"do\":\"send\",\"to\":{\"slot\":0.5},\"message\":1}");
	check_equal(keeper.talk.frames.fd, -1);
}

int main(void)
{
	struct mailbox parent;
	struct board *board;
	int ends[2];

	check_fds_begin();
	check_equal(mailbox_pair(ends), 0);
	check_equal(board_create(1, &board), 0);
	parent_fd = ends[0];
	heritage.mail_fd = ends[1];
	mailbox_init(&parent, parent_fd, NULL, NULL);
	keeper = (struct keeper){ .heritage = &heritage, .config = &config, .row = &board->rows[0], .pid = 1,
				  .talk.frames = { .fd = -1, .out_fd = -1 } };
	check_equal(talk_open(&keeper), 0);
	program_fd = dup(keeper.talk.program_fd);
	talk_launched(&keeper);
	check(read_frame());
	write_frame("{\"do\":\"hello\"}");
	what_is_sent_arrives_as_it_was(&parent);
	large_numbers_are_no_nonsense();
	talk_close(&keeper);
	mailbox_finish(&keeper.talk.mail);
	mailbox_finish(&parent);
	close(ends[0]);
	close(ends[1]);
	close(program_fd);
	board_destroy(board);
	check_fds_end();
	return 0;
}
